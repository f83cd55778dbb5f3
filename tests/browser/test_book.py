"""The book in a real browser: every page, from disk and from a server, in both themes, on a phone and on a desk."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

LESSON = "lessons/05_fan_out.html"
PHONE = {"width": 400, "height": 800}
DESK = {"width": 1280, "height": 900}


@pytest.fixture(scope="session", params=["file", "http"])
def address(request: pytest.FixtureRequest, book: Path) -> str:
    """Where the book is: on disk, or behind a web server. Ends without a slash."""
    return book.as_uri() if request.param == "file" else request.getfixturevalue("served")


def pages(book: Path) -> list[str]:
    return sorted(path.relative_to(book).as_posix() for path in book.rglob("*.html") if "_static" not in path.parts)


def settled(page) -> None:
    """Wait until every figure of the page is drawn."""
    page.wait_for_function("[...document.querySelectorAll('.ff-plot')].every(box => box.querySelector('.main-svg'))")


def test_every_page_opens_whole_in_both_themes_and_widths(book, address, page, heard, low_contrast):
    for name in pages(book):
        for theme, size in (("light", PHONE), ("dark", DESK), ("light", DESK), ("dark", PHONE)):
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            page.set_viewport_size(size)
            # The last two need no second load: the page follows the system's theme and the window's width.
            if (theme, size) == ("light", PHONE):
                page.goto(f"{address}/{name}")
                page.wait_for_load_state("load")
            page.wait_for_function("theme => document.documentElement.dataset.theme === theme", arg=theme)
            settled(page)
            where = f"{name}, {theme}, {size['width']} px"
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{where} scrolls sideways"
            assert low_contrast() == [], where
        assert heard.errors == [], name
        assert heard.outside() == [], name


def test_the_lesson_draws_its_figures_and_says_what_they_show(address, page):
    page.goto(f"{address}/{LESSON}")
    settled(page)
    boxes = page.locator(".ff-plot")
    assert boxes.count() >= 1
    for index in range(boxes.count()):
        box = boxes.nth(index)
        assert box.locator("svg.main-svg").first.is_visible()
        assert box.get_attribute("role") == "img"
        assert len(box.get_attribute("aria-label")) > 40


def test_a_figure_follows_the_theme_and_fits_a_phone(book, page):
    ink_is = "ink => [...document.querySelectorAll('.ytick text')].some(tick => getComputedStyle(tick).fill === ink)"
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(PHONE)
    page.goto(f"{book.as_uri()}/{LESSON}")
    settled(page)
    page.wait_for_function(ink_is, arg="rgb(34, 40, 50)")
    assert page.locator(".ff-plot svg.main-svg").first.bounding_box()["width"] <= PHONE["width"]
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(ink_is, arg="rgb(206, 214, 221)")


def test_the_slider_of_a_figure_obeys_keys_and_mouse_and_speaks(book, page, heard):
    figure_is_not = """before => {
      const { data, layout } = document.querySelector('.ff-figure:has(.ff-slider) .ff-plot');
      const now = JSON.stringify([data, layout.shapes]);
      return now !== before && now;
    }"""
    page.goto(f"{book.as_uri()}/{LESSON}")
    settled(page)
    figure = page.locator(".ff-figure:has(.ff-slider)").first
    slider, table, plot = figure.get_by_role("slider"), figure.locator("table"), figure.locator(".ff-plot")
    assert len(slider.evaluate("slider => slider.labels[0].textContent.trim()")) > 3
    last = int(slider.get_attribute("max"))
    states = [page.wait_for_function(figure_is_not, arg="").json_value()]

    def moved(place):
        """Wait until all that the figure shows has changed; return its table."""
        states.append(page.wait_for_function(figure_is_not, arg=states[-1]).json_value())
        expect(slider).to_have_js_property("valueAsNumber", place)
        expect(slider).to_have_attribute("aria-valuetext", figure.locator("output").text_content())
        expect(plot).to_have_attribute("aria-label", figure.locator("details p").text_content())
        return table.inner_text()

    slider.focus()
    page.keyboard.press("Home")
    first = moved(0)
    page.keyboard.press("ArrowRight")
    assert moved(1) != first
    page.keyboard.press("ArrowLeft")
    assert moved(0) == first
    assert states[-1] == states[1], "the way back leads to the same figure"
    slider.scroll_into_view_if_needed()
    rail = slider.bounding_box()
    page.mouse.click(rail["x"] + rail["width"] - 2, rail["y"] + rail["height"] / 2)
    assert moved(last) != first
    assert heard.errors == []
    assert heard.outside() == []


def test_the_search_finds_a_page_of_the_book(address, page, heard):
    page.goto(f"{address}/search.html?q=threshold")
    page.wait_for_selector("#search-results ul.search li a")
    hrefs = page.locator("#search-results ul.search li a").evaluate_all("links => links.map(link => link.href)")
    assert any(LESSON in href for href in hrefs)
    page.wait_for_load_state("networkidle")
    assert heard.errors == []


def test_without_javascript_the_words_and_the_descriptions_remain(book, browser):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{book.as_uri()}/{LESSON}")
    assert page.locator("article h1").is_visible()
    note = page.locator(".ff-no-script").first
    assert note.is_visible()
    assert page.locator(".ff-plot").first.get_attribute("aria-label") in note.text_content()
    assert page.locator(".ff-slider").first.is_hidden()
    assert page.locator(".ff-figure table").first.is_visible()
    context.close()


def test_the_first_tab_stop_skips_to_the_text(book, page, low_contrast):
    page.goto(f"{book.as_uri()}/{LESSON}")
    page.keyboard.press("Tab")
    page.wait_for_function("document.activeElement.textContent === 'Skip to main content'")
    page.wait_for_function("document.activeElement.getBoundingClientRect().top >= 0")
    assert low_contrast() == []
    page.keyboard.press("Enter")
    # The browser tells of a jump inside a page a moment after the key; reading the address at once is a race.
    page.wait_for_function("location.hash === '#main-content'")


def test_next_leads_through_the_whole_book_in_order(book, page):
    page.goto(f"{book.as_uri()}/index.html")
    page.wait_for_selector("article h1")
    linked = page.locator("nav.bd-docs-nav a.internal").evaluate_all("links => links.map(link => link.pathname)")
    read = [page.evaluate("location.pathname")]
    while (following := page.locator("a.right-next")).count():
        page.goto(following.evaluate("link => link.href"), wait_until="domcontentloaded")
        read.append(page.evaluate("location.pathname"))
    assert len(read) == len(linked) == len(set(read))
    assert [Path(path).name for path in read[:3]] == ["intro.html", "how_to_use.html", "rubric.html"]
    steps = [path.split("/")[-2] for path in read if path.endswith("05_fan_out.html")]
    assert steps == ["lessons", "exercises", "solutions"]
