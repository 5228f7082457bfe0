"""A host's page in headless Chromium, as a person uses it. Knows the ids of both gradios' pages, nothing of ours."""

from __future__ import annotations

import shutil
from contextlib import contextmanager

from playwright.sync_api import sync_playwright

LIMIT_MS = 60_000
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def opened(host, size_wh=(1400, 1700), theme="light"):
    """A host's page, ready; `page.errors` collects what its console says."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": size_wh[0], "height": size_wh[1]})
        page.set_default_timeout(LIMIT_MS)
        page.errors = []
        page.on("pageerror", lambda error: page.errors.append(f"{error.message}\n{error.stack}"))
        load(page, host, theme)
        yield page
        browser.close()


def chromium():
    """The installed Chromium; a test that needs it fails where there is none."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        raise RuntimeError(f"None of {', '.join(BROWSERS)} is on the PATH. Run: apt-get install chromium")
    return found


def load(page, host, theme="light"):
    """Open the page, or open it anew."""
    page.goto(f"{host.address}/?__theme={theme}", wait_until="domcontentloaded")
    wait_until_ready(page)


def wait_until_ready(page):
    """Until the page's scripts have run."""
    page.wait_for_selector("#txt2img_generate", state="visible")
    page.wait_for_function("() => !!document.querySelector('#txt2img_generate') && typeof updateInput === 'function'")
    page.wait_for_timeout(1500)


def open_tab(page, title):
    """Open a main tab; hosts write their titles in different cases."""
    page.evaluate(
        """title => [...document.querySelectorAll('#tabs > .tab-nav > button, #tabs button[role=tab]')]
            .find(button => button.textContent.trim().toLowerCase() === title.toLowerCase()).click()""",
        title,
    )
    page.wait_for_timeout(700)


def fill(page, selector, value):
    """Write into the text or number box inside an element, and leave it."""
    box = page.locator(f"{selector} textarea, {selector} input[type=number], {selector} input[type=text]").first
    box.fill(str(value))
    box.press("Tab")


def choose(page, selector, option):
    """Choose from a dropdown by typing the option's whole name."""
    box = page.locator(f"{selector} input").first
    box.click()
    box.fill(option)
    page.wait_for_timeout(300)
    box.press("Enter")
    box.press("Tab")
    page.wait_for_timeout(500)


def tick(page, accordion_id):
    """Tick the box in an accordion's title and open it; drawn by the host, so both clicks are a person's."""
    accordion = page.locator(f"#{accordion_id}")
    box = accordion.locator(".input-accordion-checkbox").first
    if not box.is_checked():
        box.click()
    inner = accordion.locator(".label-wrap").first
    if "open" not in (inner.get_attribute("class") or ""):
        inner.click()
    page.wait_for_timeout(500)


def is_ticked(page, accordion_id):
    """Whether the box that a person sees is ticked, and the hidden one that the host reads agrees."""
    seen = page.locator(f"#{accordion_id} .input-accordion-checkbox").first.is_checked()
    read = page.locator(f"#{accordion_id}-checkbox input").first.is_checked()
    assert seen == read
    return seen


def text(page, selector):
    """What an element shows; gradio 3 gives some ids to two nested elements."""
    return page.locator(selector).first.inner_text()


def generate(page, tab="txt2img", until="Face restore"):
    """Press Generate and wait for the text below the gallery."""
    page.locator(f"#{tab}_generate").click()
    page.wait_for_function(
        "([id, until]) => (document.querySelector(id)?.innerText || '').includes(until)",
        arg=[f"#html_log_{tab}", until],
        timeout=LIMIT_MS,
    )
    page.wait_for_timeout(800)
    return text(page, f"#html_log_{tab}")


def open_settings(page, section, title):
    """Open a section of the Settings: a tab on real hosts, an accordion on the stub."""
    open_tab(page, "Settings")
    page.evaluate(
        """([section, title]) => (document.querySelector(`#settings_${section} > .label-wrap`)
            || [...document.querySelectorAll('#settings button')].find(found => found.textContent.trim() === title)
        ).click()""",
        [section, title],
    )
    page.wait_for_timeout(700)


def reload_ui(page, host):
    """Press Reload UI in the Settings and wait until the host has started again and the page with it."""
    starts = host.starts()
    open_tab(page, "Settings")
    page.evaluate("window.isFromBeforeReload = true")
    page.locator("#settings_restart_gradio").click()
    host.wait_for_start(starts + 1)
    # The page asks the server until it answers, and goes there again by itself.
    page.wait_for_function("() => !window.isFromBeforeReload && document.readyState === 'complete'")
    wait_until_ready(page)
