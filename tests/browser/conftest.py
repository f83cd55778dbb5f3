"""What the browser tests share: one Chromium, one book, and pages that remember what went wrong and was asked for."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from fortyfive.authoring.book import Server, build
from tests.browser.lab import running

ROOT = Path(__file__).parents[2]
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

# Text against what lies behind it, by the formula of WCAG 2; returns what misses level AA.
LOW_CONTRAST = """() => {
  const parse = (c) => { const n = c.match(/[\\d.]+/g).map(Number); return n.length < 4 ? [...n, 1] : n; };
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const colour = parse(getComputedStyle(e).backgroundColor);
      if (colour[3] > 0.99) return colour;
    }
    return [255, 255, 255, 1];
  };
  const low = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || element.closest("svg, script, style, noscript")) continue;
    if (!element.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
    const style = getComputedStyle(element);
    const [a, b] = [light(parse(style.color)), light(behind(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const size = parseFloat(style.fontSize), bold = parseInt(style.fontWeight) >= 700;
    const wanted = size >= 24 || (bold && size >= 18.66) ? 3 : 4.5;
    if (ratio < wanted) low.push(`${ratio.toFixed(2)} ${walker.currentNode.textContent.trim().slice(0, 40)}`);
  }
  return low;
}"""


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
def book(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the real book, built once; Pyodide lies where `make book` keeps it."""
    result = build(ROOT, output=tmp_path_factory.mktemp("book"), pyodide_cache=ROOT / "_build" / "npm")
    assert result.ok, result.message
    return result.index.parent


@pytest.fixture(scope="session")
def served(book: Path) -> Iterator[str]:
    """The address of the book behind `forty book --serve`. Ends without a slash."""
    server = Server(book, 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.address
    server.shutdown()
    server.server_close()


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
def lab(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of `forty lab`, started once."""
    with running(tmp_path_factory.mktemp("lab")) as address:
        yield address


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


@pytest.fixture
def low_contrast(page: Page) -> Callable[[], list[str]]:
    """A function that returns the texts of the page that are hard to read now."""
    return lambda: page.evaluate(LOW_CONTRAST)
