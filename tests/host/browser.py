"""Headless Chromium through its DevTools port: open a page, run JavaScript in it, wait, give files, take pictures."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from websocket import WebSocket

NAMES = ("chromium", "chromium-browser", "google-chrome")


def executable() -> str | None:
    """The path of an installed Chromium, None without one."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


class Browser:
    """One page. Use as a context manager."""

    def __init__(self, width: int = 1280, height: int = 1400) -> None:
        self._folder = tempfile.mkdtemp(prefix="stub-browser-")
        self._process = subprocess.Popen(
            [executable(), "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run"]
            + ["--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"]
            + ["--remote-debugging-port=0", f"--user-data-dir={self._folder}", f"--window-size={width},{height}"]
            + ["--remote-allow-origins=*", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._number = 0
        self.console: list[str] = []
        self._socket = WebSocket(self._page())
        for domain in ("Page", "Runtime", "DOM", "Log"):
            self.call(f"{domain}.enable")

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *exc: object) -> None:
        self._socket.close()
        self._process.terminate()
        self._process.wait(20)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _page(self) -> str:
        port_file = Path(self._folder) / "DevToolsActivePort"
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if port_file.exists() and port_file.read_text().strip():
                port = port_file.read_text().split()[0]
                pages = json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/json"))
                found = [page["webSocketDebuggerUrl"] for page in pages if page["type"] == "page"]
                if found:
                    return found[0]
            time.sleep(0.1)
        raise TimeoutError("Chromium did not open its DevTools port in 60 s.")

    def call(self, method: str, **params: Any) -> dict:
        """One DevTools command and its result; console messages on the way are kept."""
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": params}))
        while True:
            message = json.loads(self._socket.receive())
            if message.get("id") == self._number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return message["result"]
            if message.get("method") == "Runtime.exceptionThrown":
                self.console.append(str(message["params"]["exceptionDetails"])[:2000])
            elif message.get("method") == "Runtime.consoleAPICalled" and message["params"]["type"] == "error":
                self.console.append(str([one.get("value", one) for one in message["params"]["args"]])[:2000])

    def open(self, address: str) -> None:
        """Go to an address; does not wait for what scripts build."""
        self.call("Page.navigate", url=address)

    def run(self, script: str) -> Any:
        """The value of an expression in the page; promises are awaited. Raises RuntimeError for an exception."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{script[:200]}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def wait(self, script: str, seconds: float = 20) -> Any:
        """Ask every 0.1 s until the expression is true. Raises TimeoutError."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                value = self.run(script)
            except RuntimeError:
                value = None
            if value:
                return value
            time.sleep(0.1)
        raise TimeoutError(f"Not true within {seconds} s: {script}")

    def click(self, selector: str) -> None:
        """Click the first element of a CSS selector, once it is there."""
        found = f"document.querySelector({json.dumps(selector)})"
        self.wait(f"!!{found}")
        self.run(f"{found}.click()")

    def give_file(self, selector: str, path: Path | str) -> None:
        """Choose a file for the first file input inside a selector."""
        self.wait(f"!!document.querySelector({json.dumps(selector)})")
        root = self.call("DOM.getDocument", depth=0)["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", nodeId=node, files=[str(path)])

    def picture(self, path: Path | str) -> None:
        """The whole window as PNG."""
        Path(path).write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))
