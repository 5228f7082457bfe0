"""A WebSocket client in a few lines, so that browser tests need no package. Text messages only, no extensions."""

from __future__ import annotations

import base64
import os
import socket
import struct
from urllib.parse import urlparse

_TEXT, _CLOSE, _PING, _PONG = 0x1, 0x8, 0x9, 0xA


class WebSocket:
    """One connection to a ws:// address on this machine."""

    def __init__(self, address: str, timeout: float = 60.0) -> None:
        parts = urlparse(address)
        self._socket = socket.create_connection((parts.hostname, parts.port), timeout=timeout)
        self._read = self._socket.makefile("rb")
        key = base64.b64encode(os.urandom(16)).decode()
        head = (
            f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        self._socket.sendall(head.encode())
        status = self._read.readline()
        if b" 101 " not in status:
            raise ConnectionError(f"No WebSocket at {address}: {status!r}")
        while self._read.readline() != b"\r\n":
            pass

    def send(self, text: str) -> None:
        """One text message."""
        self._send(_TEXT, text.encode())

    def receive(self) -> str:
        """The next text message; answers pings meanwhile."""
        message = b""
        while True:
            first, second = self._read.read(2)
            length = second & 0x7F
            if length == 126:
                (length,) = struct.unpack(">H", self._read.read(2))
            elif length == 127:
                (length,) = struct.unpack(">Q", self._read.read(8))
            payload, opcode = self._read.read(length), first & 0xF
            if opcode == _PING:
                self._send(_PONG, payload)
            elif opcode == _CLOSE:
                raise ConnectionError("The browser closed the connection.")
            elif opcode != _PONG:
                message += payload
                if first & 0x80:
                    return message.decode()

    def close(self) -> None:
        """End without a farewell."""
        self._socket.close()

    def _send(self, opcode: int, payload: bytes) -> None:
        mask = os.urandom(4)
        length = len(payload)
        if length < 126:
            head = struct.pack(">BB", 0x80 | opcode, 0x80 | length)
        elif length < 2**16:
            head = struct.pack(">BBH", 0x80 | opcode, 0x80 | 126, length)
        else:
            head = struct.pack(">BBQ", 0x80 | opcode, 0x80 | 127, length)
        whole = (mask * (length // 4 + 1))[:length]
        masked = (int.from_bytes(payload, "big") ^ int.from_bytes(whole, "big")).to_bytes(length, "big")
        self._socket.sendall(head + mask + masked)
