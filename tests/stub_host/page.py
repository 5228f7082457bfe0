"""A host's page in headless Chromium, as a person uses it. Knows the ids of both gradios' pages, nothing of ours."""

from __future__ import annotations

import atexit
import functools
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from playwright.sync_api import Browser, Page, Request, WebSocket, sync_playwright

from stub_host.process import Host

LIMIT_MS = 60_000
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# Hosts' pages tell their scripts of a change 200 ms after the last one.
QUIET_MS = 300
# Resolves once nothing in the document has changed for that long.
QUIET = """quiet_ms => new Promise(done => {
    const finish = () => { observer.disconnect(); done(); };
    let timer = setTimeout(finish, quiet_ms);
    const observer = new MutationObserver(() => { clearTimeout(timer); timer = setTimeout(finish, quiet_ms); });
    observer.observe(document, {subtree: true, childList: true, attributes: true, characterData: true});
})"""
# gradio 4 keeps one request of this path open as long as the page is.
ENDLESS_PATH = "/heartbeat"
# gradio 4's stream of results. It ends late or never after an event that failed, and now and then after others: waited
# for once, and no longer than this, when nothing else is under way and the page stands still.
STREAM_PATH, STREAM_LIMIT_S = "/queue/data", 5.0


@dataclass
class Watched:
    """What a page's console said, and the requests and sockets that are under way."""

    errors: list[str] = field(default_factory=list)
    under_way: set[Request | WebSocket] = field(default_factory=set)

    def begun(self, one: Request | WebSocket) -> None:
        """Remember a request or socket until it ends."""
        if ENDLESS_PATH not in one.url:
            self.under_way.add(one)

    def ended(self, one: Request | WebSocket) -> None:
        """Forget it."""
        self.under_way.discard(one)


_watched: WeakKeyDictionary[Page, Watched] = WeakKeyDictionary()


@contextmanager
def opened(host: Host, size_wh: tuple[int, int] = (1400, 1700), theme: str = "light") -> Iterator[Page]:
    """A host's page, ready, in a browser that has stored nothing; `errors_of` it collects what its console says."""
    context = _browser().new_context(viewport={"width": size_wh[0], "height": size_wh[1]})
    try:
        page = context.new_page()
        page.set_default_timeout(LIMIT_MS)
        _watch(page)
        load(page, host, theme)
        yield page
    finally:
        context.close()


@functools.cache
def _browser() -> Browser:
    """One browser for all pages that this process opens; it ends with the process."""
    playwright = sync_playwright().start()
    atexit.register(playwright.stop)
    return playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"])


def _watch(page: Page) -> None:
    watched = _watched[page] = Watched()
    page.on("pageerror", lambda error: watched.errors.append(f"{error.message}\n{error.stack}"))
    page.on("request", watched.begun)
    page.on("requestfinished", watched.ended)
    page.on("requestfailed", watched.ended)
    page.on("websocket", watched.begun)
    page.on("websocket", lambda socket: socket.on("close", watched.ended))
    # What the page before had under way is nobody's any more.
    page.on("domcontentloaded", lambda _: watched.under_way.clear())


def errors_of(page: Page) -> list[str]:
    """Messages and stacks of the exceptions that nothing on the page caught."""
    return _watched[page].errors


def chromium() -> str:
    """The installed Chromium; a test that needs it fails where there is none."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        raise RuntimeError(f"None of {', '.join(BROWSERS)} is on the PATH. Run: apt-get install chromium")
    return found


def load(page: Page, host: Host, theme: str = "light") -> None:
    """Open the page, or open it anew."""
    page.goto(f"{host.address}/?__theme={theme}", wait_until="domcontentloaded")
    wait_until_ready(page)


def wait_until_ready(page: Page) -> None:
    """Until the page's scripts have run."""
    page.wait_for_selector("#txt2img_generate", state="visible")
    page.wait_for_function("() => !!document.querySelector('#txt2img_generate') && typeof updateInput === 'function'")
    settle(page)


def settle(page: Page) -> None:
    """Until the page has done what it was told: no request is under way, and nothing on it has changed for a moment.

    Raises: TimeoutError with the requests that are still under way.
    """
    started = time.monotonic()
    under_way = _watched[page].under_way
    page.evaluate(QUIET, QUIET_MS)
    while under_way:
        waited_s = time.monotonic() - started
        if waited_s > LIMIT_MS / 1000:
            raise TimeoutError(f"Still under way: {', '.join(sorted(one.url for one in under_way))}.")
        if waited_s > STREAM_LIMIT_S and all(STREAM_PATH in one.url for one in under_way):
            under_way.clear()
            return
        page.evaluate(QUIET, QUIET_MS)


def open_tab(page: Page, title: str) -> None:
    """Open a main tab; hosts write their titles in different cases."""
    page.evaluate(
        """title => [...document.querySelectorAll('#tabs > .tab-nav > button, #tabs button[role=tab]')]
            .find(button => button.textContent.trim().toLowerCase() === title.toLowerCase()).click()""",
        title,
    )
    settle(page)


def fill(page: Page, selector: str, value: object) -> None:
    """Write into the text or number box inside an element, and leave it."""
    box = page.locator(f"{selector} textarea, {selector} input[type=number], {selector} input[type=text]").first
    box.fill(str(value))
    box.press("Tab")


def choose(page: Page, selector: str, option: str) -> None:
    """Choose from a dropdown by typing the option's whole name."""
    box = page.locator(f"{selector} input").first
    box.click()
    box.fill(option)
    settle(page)
    box.press("Enter")
    box.press("Tab")
    settle(page)


def tick(page: Page, accordion_id: str) -> None:
    """Tick the box in an accordion's title and open it; drawn by the host, so both clicks are a person's."""
    accordion = page.locator(f"#{accordion_id}")
    box = accordion.locator(".input-accordion-checkbox").first
    if not box.is_checked():
        box.click()
    inner = accordion.locator(".label-wrap").first
    if "open" not in (inner.get_attribute("class") or ""):
        inner.click()
    settle(page)


def is_ticked(page: Page, accordion_id: str) -> bool:
    """Whether the box that a person sees is ticked, and the hidden one that the host reads agrees."""
    seen = page.locator(f"#{accordion_id} .input-accordion-checkbox").first.is_checked()
    read = page.locator(f"#{accordion_id}-checkbox input").first.is_checked()
    assert seen == read
    return seen


def text(page: Page, selector: str) -> str:
    """What an element shows; gradio 3 gives some ids to two nested elements."""
    return page.locator(selector).first.inner_text()


def generate(page: Page, tab: str = "txt2img", until: str = "Face restore") -> str:
    """Press Generate and wait for the text below the gallery."""
    page.locator(f"#{tab}_generate").click()
    page.wait_for_function(
        "([id, until]) => (document.querySelector(id)?.innerText || '').includes(until)",
        arg=[f"#html_log_{tab}", until],
        timeout=LIMIT_MS,
    )
    # A host ends its own bar at its next poll, and with it the stop buttons of whatever was begun meanwhile.
    page.wait_for_selector(f"#{tab}_interrupt", state="hidden")
    settle(page)
    return text(page, f"#html_log_{tab}")


def open_settings(page: Page, section: str, title: str) -> None:
    """Open a section of the Settings: a tab on real hosts, an accordion on the stub."""
    open_tab(page, "Settings")
    page.evaluate(
        """([section, title]) => (document.querySelector(`#settings_${section} > .label-wrap`)
            || [...document.querySelectorAll('#settings button')].find(found => found.textContent.trim() === title)
        ).click()""",
        [section, title],
    )
    settle(page)


def reload_ui(page: Page, host: Host) -> None:
    """Press Reload UI in the Settings and wait until the host has started again and the page with it."""
    starts = host.starts()
    open_tab(page, "Settings")
    page.evaluate("window.isFromBeforeReload = true")
    page.locator("#settings_restart_gradio").click()
    host.wait_for_start(starts + 1)
    # The page asks the server until it answers, and goes there again by itself.
    page.wait_for_function("() => !window.isFromBeforeReload && document.readyState === 'complete'")
    wait_until_ready(page)
