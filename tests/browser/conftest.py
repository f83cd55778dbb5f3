"""What the browser tests share: one real Chromium, and pages that remember what went wrong and what was asked for."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
HOW_TO_INSTALL = (
    f"No browser found (looked for {', '.join(NAMES)} on the PATH), so what a learner sees is not tested. "
    "On Debian and Ubuntu: sudo apt install chromium. Elsewhere install Chromium or Google Chrome."
)
LAUNCH_ARGS = [
    "--no-sandbox",  # CI runs as root, where Chromium's sandbox refuses to start
    "--disable-gpu",  # the machine has none; probing for one costs seconds
    # The rest keeps Chromium itself off the network: every request that is left is the page's own doing.
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass
class Heard:
    """What a page said and asked for: console errors and uncaught ones, and the URL of every request."""

    errors: list[str] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)

    def outside(self) -> list[str]:
        """The requests that left this machine."""
        local = ("file:", "data:", "blob:", "about:", "http://127.0.0.1:", "ws://127.0.0.1:")
        return [url for url in self.urls if not url.startswith(local)]


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of an installed Chromium. Without one a test is skipped, and in CI it fails."""
    for name in NAMES:
        if path := shutil.which(name):
            return path
    if os.environ.get("CI"):
        pytest.fail(HOW_TO_INSTALL)
    pytest.skip(HOW_TO_INSTALL)


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, headless=True, args=LAUNCH_ARGS)
        yield browser
        browser.close()


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def page(browser: Browser, heard: Heard) -> Iterator[Page]:
    """A page in a profile of its own; `heard` fills up as it works."""
    context = browser.new_context()
    page = context.new_page()
    page.on("console", lambda message: heard.errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: heard.errors.append(str(error)))
    page.on("request", lambda request: heard.urls.append(request.url))
    page.on("websocket", lambda socket: heard.urls.append(socket.url))
    yield page
    context.close()
