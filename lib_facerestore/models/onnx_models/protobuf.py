"""Reads protobuf messages field by field within their bounds; copies nothing but short texts. Knows nothing of ONNX.

Source of the format: Protocol Buffers documentation, "Encoding".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

# Graphs of face networks have 20,000 to 100,000 fields. A file made of nothing but fields would take minutes otherwise.
_MOST_FIELDS = 400_000
_LONGEST_TEXT_BYTES = 4096
_LONGEST_VARINT_BYTES = 10
_VARINT, _FIXED_64, _BYTES, _FIXED_32 = 0, 1, 2, 5


class Malformed(Exception):
    """These bytes are no message of the expected form. The text is the reason, without capital letter and full stop."""


class Budget:
    """How many fields may still be read of one file."""

    def __init__(self, fields: int = _MOST_FIELDS) -> None:
        self._left = fields

    def spend(self) -> None:
        """One field is read. Raises: Malformed beyond the limit."""
        self._left -= 1
        if self._left < 0:
            raise Malformed(f"it has more than {_MOST_FIELDS:,} fields")


class Message:
    """A message, or the bytes of a field, as a part of a buffer that is not copied."""

    __slots__ = ("_budget", "_data", "_end", "_start")

    def __init__(self, data: bytes | memoryview, start: int, end: int, budget: Budget) -> None:
        self._data, self._start, self._end, self._budget = data, start, end, budget

    @classmethod
    def whole(cls, data: bytes | memoryview) -> Message:
        """The message that fills a buffer."""
        return cls(data, 0, len(data), Budget())

    def __len__(self) -> int:
        """The number of its bytes."""
        return self._end - self._start

    def fields(self) -> Iterator[tuple[int, Value]]:
        """Number and value of each field, in their order: an integer from 0 to 2^64 − 1, or a part of the buffer.

        Raises: Malformed.
        """
        at = self._start
        while at < self._end:
            self._budget.spend()
            tag, at = self._varint(at)
            number, form = tag >> 3, tag & 7
            if number == 0:
                raise Malformed("a field has the number 0")
            if tag >= 1 << 32:  # a reader that drops the upper bits would see another field
                raise Malformed("a field has a number beyond 29 bits")
            if form == _VARINT:
                value, at = self._varint(at)
                yield number, value
                continue
            if form == _BYTES:
                length, at = self._varint(at)
            elif form in (_FIXED_64, _FIXED_32):
                length = 8 if form == _FIXED_64 else 4
            else:
                raise Malformed(f"a field has the unknown form {form}")
            if length > self._end - at:
                raise Malformed(f"a field claims {length:,} bytes where {self._end - at:,} are left")
            part = Message(self._data, at, at + length, self._budget)
            yield number, part if form == _BYTES else int.from_bytes(part.raw(), "little")
            at += length

    def numbers(self) -> Iterator[int]:
        """The integers that are packed in it. Raises: Malformed."""
        at = self._start
        while at < self._end:
            self._budget.spend()
            value, at = self._varint(at)
            yield value

    def text(self) -> str:
        """It as UTF-8. Raises: Malformed where it is none, or too long for a name."""
        if len(self) > _LONGEST_TEXT_BYTES:
            raise Malformed(f"a name has {len(self):,} bytes")
        try:
            return self.raw().decode("utf-8")
        except UnicodeDecodeError as error:
            raise Malformed("a name is no UTF-8") from error

    def raw(self) -> bytes:
        """A copy of its bytes."""
        return bytes(self._data[self._start : self._end])

    def _varint(self, at: int) -> tuple[int, int]:
        """An integer in base 128, and the place behind it. Raises: Malformed."""
        value = 0
        for index in range(_LONGEST_VARINT_BYTES):
            if at >= self._end:
                raise Malformed("it ends in the middle of a number")
            byte = self._data[at]
            at += 1
            value |= (byte & 0x7F) << (7 * index)
            if byte < 0x80:
                if value >= 1 << 64:
                    raise Malformed("a number has more than 64 bits")
                return value, at
        raise Malformed("a number has more than 10 bytes")


Value: TypeAlias = "int | Message"


def signed(value: int) -> int:
    """The int64 that a varint stands for."""
    return value - (1 << 64) if value >= 1 << 63 else value
