"""The course in JupyterLab, in a real browser: a learner opens it, fails, passes, and finds it in the ledger."""

import re

import pytest
from playwright.sync_api import expect

from fortyfive import checks
from fortyfive.checks.fan_out import exercise
from fortyfive.flow.fan_out import cost, exercise_workload, follower_graph
from tests.browser.lab import code_cell, execute, open_course, run_all, shown

pytestmark = pytest.mark.browser

ALL_POINTS = sum(check.points for stem in checks.STEMS for check in checks.load(stem).checks)


def verdicts(cells):
    return [text.strip("✓✗·! ") for text in cells.locator(".ff-report .ff-tag").all_text_contents()]


def wait_until_fitted(page, wider_than=0):
    """Wait until the explorer's figure is in sight and as wide as its place; return that width in pixels."""
    plot = shown(page).locator(".ff-explorer .js-plotly-plot")
    plot.scroll_into_view_if_needed()
    page.wait_for_function(
        "([plot, least]) => { const width = plot.clientWidth;"
        " return width > least && plot.querySelector('.main-svg').clientWidth === width; }",
        arg=[plot.element_handle(), wider_than],
    )
    return plot.bounding_box()["width"]


def last_y_is(page, y):
    """Wait until the figure's data, in the browser, end at `y`."""
    page.wait_for_function(
        "y => document.querySelector('.ff-explorer .js-plotly-plot')?.data?.[0].y?.at(-1) === y", arg=y
    )


def write_and_check(page, editor, text):
    """Replace a cell's text, run it, and run the check below it, as a learner would: by keyboard."""
    editor.click()
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.type(text)
    page.keyboard.press("Shift+Enter")
    page.keyboard.press("Shift+Enter")


def test_a_learner_opens_the_course_fails_passes_and_finds_it_in_the_ledger(lab, page, heard):
    open_course(page, lab, "/", "Start here")
    expect(page).to_have_url(re.compile(r"/lab/tree/lessons/00_start\.ipynb"))

    shown(page).get_by_role("link", name="exercise 05").click()
    expect(shown(page).get_by_role("heading", name="Exercise 05")).to_be_visible()
    run_all(page)
    prompts = shown(page).locator(".jp-CodeCell .jp-InputPrompt").all_text_contents()
    assert all(re.fullmatch(r"\[\d+\]:", prompt) for prompt in prompts), prompts
    assert shown(page).locator("[data-mime-type='application/vnd.jupyter.stderr']").all_inner_texts() == []
    assert shown(page).locator("[data-mime-type='application/vnd.jupyter.error']").count() == 0
    assert set(verdicts(shown(page))) == {"not attempted"}
    assert len(verdicts(shown(page).locator(".jp-CodeCell").last)) == len(exercise.checks)

    wait_until_fitted(page)
    slider = shown(page).get_by_role("slider", name="threshold (followers)")
    table = shown(page).locator(".ff-explorer table")
    expect(table).to_contain_text("10,000")
    slider.focus()
    page.keyboard.press("ArrowLeft")
    expect(slider).to_have_attribute("aria-valuetext", "5,000")
    expect(table).to_contain_text("5,000")
    expect(table).to_contain_text(f"{cost(follower_graph(), exercise_workload(), 5_000).slowest_delivery_s:.2f}")

    report = code_cell(page, 'check("05", "threshold")').locator(".ff-report")
    editor = code_cell(page, "threshold = ...").locator(".cm-content").element_handle()
    write_and_check(page, editor, "threshold = 10_000")
    expect(report).to_contain_text("the promise is 10 s")
    assert verdicts(code_cell(page, 'check("05", "threshold")')) == ["failed"]
    write_and_check(page, editor, "threshold = 5_000")
    passed = exercise.find("threshold_keeps_promises")
    expect(report).to_contain_text(passed.takeaway)
    assert verdicts(code_cell(page, 'check("05", "threshold")')) == ["passed"]

    page.evaluate("() => { jupyterapp.commands.execute('notebook:restart-kernel'); }")
    page.get_by_role("button", name="Confirm Kernel Restart").click()
    execute(page, "docmanager:open", {"path": "lessons/00_start.ipynb"})
    run_all(page)
    progress = code_cell(page, "progress()").locator(".ff-report")
    points = f"{passed.points} of {sum(check.points for check in exercise.checks)}"
    expect(progress).to_contain_text(f"Your progress: {passed.points} of {ALL_POINTS} points")
    row = progress.locator("tr", has_text="05 Fan-out").locator("td").all_text_contents()
    assert row[1:3] == [points, "2"]

    assert heard.errors == []
    assert heard.outside() == []


def test_a_live_explorer_obeys_keys_and_mouse_and_says_what_it_cannot_draw(lab, page, heard):
    open_course(page, lab, "/lab/tree/lessons/explorer.ipynb", "An explorer")
    run_all(page)
    wait_until_fitted(page)
    slope = shown(page).get_by_role("slider", name="slope (1/s)")
    table = shown(page).locator(".ff-explorer tbody")
    status = shown(page).locator(".ff-explorer").get_by_role("status")
    last_y_is(page, 3)

    slope.focus()
    page.keyboard.press("ArrowRight")
    last_y_is(page, 4)
    expect(slope).to_have_attribute("aria-valuetext", "4")
    expect(table.locator("td").first).to_have_text("4")
    expect(status).to_have_text("The figure and the table show slope (1/s) 4, end (s) 1.")
    expect(shown(page).get_by_role("img", name="A line of slope 4")).to_be_visible()
    page.keyboard.press("End")
    last_y_is(page, 20)
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    last_y_is(page, 180)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # on Reset
    last_y_is(page, 3)
    expect(slope).to_have_attribute("aria-valuetext", "3")

    rail = slope.bounding_box()
    page.mouse.click(rail["x"] + rail["width"] - 2, rail["y"] + rail["height"] / 2)
    last_y_is(page, 20)
    expect(table.locator("td").first).to_have_text("20")
    shown(page).get_by_role("button", name="Reset").click()
    last_y_is(page, 3)

    slope.fill("12")
    expect(status).to_contain_text(
        "Not drawn: A slope of 13 brings bad luck: take another. The figure and the table st"
    )
    expect(table.locator("td").first).to_have_text("3")
    last_y_is(page, 3)

    before = int(table.locator("td").last.text_content())
    slope.evaluate(
        "slider => { for (slider.value = 0; slider.valueAsNumber < 10; slider.stepUp())"
        " slider.dispatchEvent(new Event('input')); }"
    )
    last_y_is(page, 10)
    # The failed move was computed too; of the ten in a row only the first and the last were.
    expect(table.locator("td").last).to_have_text(str(before + 3))
    assert heard.errors == []
    assert heard.outside() == []


def test_a_live_figure_fits_a_narrow_cell_and_follows_the_theme(lab, page, heard):
    page.set_viewport_size({"width": 800, "height": 900})
    open_course(page, lab, "/lab/tree/lessons/explorer.ipynb", "An explorer")
    execute(page, "apputils:change-theme", {"theme": "JupyterLab Dark"})
    run_all(page)
    narrow = wait_until_fitted(page)
    page.evaluate("jupyterapp.shell.collapseLeft()")
    wait_until_fitted(page, wider_than=narrow + 100)
    ink_is = "ink => getComputedStyle(document.querySelector('.ff-explorer .gtitle')).fill === ink"
    page.wait_for_function(ink_is, arg="rgb(255, 255, 255)")
    execute(page, "apputils:change-theme", {"theme": "JupyterLab Light"})
    page.wait_for_function(ink_is, arg="rgba(0, 0, 0, 0.87)")
    assert heard.errors == []
    assert heard.outside() == []
