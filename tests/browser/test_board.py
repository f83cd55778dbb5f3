"""The drawing board in JupyterLab, in a real browser: drawn with the mouse, and with the keyboard alone."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.lab import execute, open_course, run_all, shown

pytestmark = pytest.mark.browser

SKELETON = "client -> api x2 -> sqs -> workers -> apns"


def open_board(page, lab, name, heading):
    open_course(page, lab, f"/lab/tree/lessons/{name}", heading)
    run_all(page)
    return shown(page).locator(".ffb")


def text_of(board):
    return board.get_by_label("The design as text")


def node(board, name):
    return board.locator(f".react-flow__node[data-id='{name}']")


def add(board, title):
    board.get_by_role("group", name="Add a component").get_by_role("button", name=title, exact=True).click()


def drag(page, start, end):
    """Drag from the middle of a box to a place, as a hand does: not in one jump."""
    page.mouse.move(start["x"] + start["width"] / 2, start["y"] + start["height"] / 2)
    page.mouse.down()
    page.mouse.move(*end, steps=8)
    page.mouse.up()


def stacks_where_it_is_narrow(page, board):
    palette, text, canvas, panel = (board.locator(f".ffb-{part}") for part in ("palette", "text", "canvas", "panel"))
    assert is_right_of(palette, text)
    assert is_right_of(panel, canvas)
    page.set_viewport_size({"width": 700, "height": 1000})
    expect(board.locator(".ffb-grid")).to_have_css("grid-template-columns", re.compile(r"^[\d.]+px$"))
    assert not is_right_of(palette, text)
    assert board.evaluate("each => each.scrollWidth <= each.clientWidth")


def is_right_of(one, other):
    box = other.bounding_box()
    return one.bounding_box()["x"] >= box["x"] + box["width"]


def follows_the_theme(page, board):
    drawing = board.locator(".react-flow")
    light = drawing.evaluate("each => getComputedStyle(each).backgroundColor")
    execute(page, "apputils:change-theme", {"theme": "JupyterLab Dark"})
    expect(drawing).not_to_have_css("background-color", light)
    execute(page, "apputils:change-theme", {"theme": "JupyterLab Light"})
    expect(drawing).to_have_css("background-color", light)


def middle(box):
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_with_the_mouse_a_learner_draws_connects_tunes_moves_deletes_and_undoes(lab, page, heard):
    page.set_viewport_size({"width": 1600, "height": 1000})
    board = open_board(page, lab, "blank.ipynb", "A blank board")
    text = text_of(board)
    add(board, "client")
    add(board, "service")
    expect(node(board, "service")).to_be_visible()
    board.locator(".ffb-canvas").scroll_into_view_if_needed()

    start, end = node(board, "client").locator(".source"), node(board, "service").locator(".target")
    expect(start).to_be_in_viewport()
    page.wait_for_timeout(100)  # the drawing fits itself to its frame in the next animation frame
    drag(page, start.bounding_box(), middle(end.bounding_box()))
    expect(text).to_have_value(re.compile(r"client -> service"))
    expect(board.locator(".react-flow__edge")).to_have_count(1)

    node(board, "service").click()
    panel = board.get_by_role("group", name="What is selected")
    expect(panel.get_by_role("heading")).to_have_text("service: service")
    expect(panel.get_by_label("time")).to_have_attribute("placeholder", "20ms")
    panel.get_by_label("instances").fill("4")
    panel.get_by_label("instances").press("Enter")
    expect(text).to_have_value(re.compile("service x4"))
    expect(node(board, "service")).to_contain_text("×4")
    panel.get_by_label("instances").press("ArrowUp")
    expect(text).to_have_value(re.compile("service x5"))
    panel.get_by_label("name").fill("orders")
    panel.get_by_label("name").press("Enter")
    expect(panel.get_by_role("heading")).to_have_text("orders: service")
    panel.get_by_label("time").fill("soon")
    panel.get_by_label("time").press("Enter")
    expect(board.get_by_role("status")).to_contain_text("a time such as 20ms")

    place = node(board, "orders").bounding_box()
    drag(page, place, (place["x"] + 120, place["y"] + 90))
    expect(text).to_have_value(re.compile(r"orders.*\[at=\d+,\d+\]"))
    board.get_by_role("button", name="Arrange").click()
    expect(text).not_to_have_value(re.compile("at="))

    board.get_by_role("group", name="Add a component").get_by_role("button", name="queue", exact=True).drag_to(
        board.locator(".react-flow__pane"), target_position={"x": 300, "y": 300}
    )
    expect(text).to_have_value(re.compile(r"queue \[at=\d+,\d+\]"))

    drawn = text.input_value()
    node(board, "orders").click()
    page.keyboard.press("Delete")
    expect(node(board, "orders")).to_have_count(0)
    expect(board.locator(".react-flow__edge")).to_have_count(0)
    page.keyboard.press("Control+z")
    expect(text).to_have_value(drawn)
    expect(node(board, "orders")).to_be_visible()
    board.get_by_role("button", name="Redo").click()
    expect(node(board, "orders")).to_have_count(0)
    stacks_where_it_is_narrow(page, board)
    follows_the_theme(page, board)
    assert heard.errors == []
    assert heard.outside() == []


def test_with_the_keyboard_alone_a_learner_types_runs_reads_the_verdict_and_keeps_it(lab, page, heard):
    board = open_board(page, lab, "board.ipynb", "A board")
    text, status = text_of(board), board.get_by_role("status")
    text.focus()
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.type("client -> api [tiem=2ms]")
    problems = board.locator(".ffb-problems")
    expect(problems).to_contain_text("line 1, column 16")
    expect(problems).to_contain_text("Did you mean 'time'?")
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.type(SKELETON)
    expect(node(board, "apns")).to_be_attached()
    expect(problems).not_to_contain_text("Problem")

    page.keyboard.press("Tab")
    expect(board.get_by_role("button", name="Run", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(status).to_have_text(re.compile(r"^The first to saturate is workers, after [\d.]+ s\.$"))
    table = board.get_by_role("table", name="The run")
    expect(table).to_contain_text("first to saturate")
    findings = board.locator(".ffb-findings")
    expect(findings).to_contain_text("missing path: 'notify' reaches no relational store or key-value store")
    expect(node(board, "workers")).to_contain_text("saturates first")
    expect(node(board, "workers")).to_contain_text("busy")
    expect(board.get_by_role("table", name="At ").locator("tr", has_text="sqs")).to_contain_text(re.compile("[1-9]"))

    # A change runs again by itself.
    text.focus()
    page.keyboard.press("ControlOrMeta+End")
    page.keyboard.type("\nworkers x40", delay=5)
    expect(status).to_contain_text("Nothing saturates")
    expect(findings).to_have_text("Press Run to have it judged as it is now.")
    expect(node(board, "workers")).not_to_contain_text("saturates first")
    expect(board.locator(".ffb-stale")).to_have_count(0)

    slider = board.get_by_role("slider", name="time")
    slider.focus()
    page.keyboard.press("End")
    last = slider.get_attribute("aria-valuetext")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")  # on Play
    expect(board.get_by_role("button", name="Pause")).to_be_visible()
    expect(slider).not_to_have_attribute("aria-valuetext", last)
    page.keyboard.press("Enter")
    expect(board.get_by_role("button", name="Play")).to_be_visible()

    kept = text.input_value()
    page.evaluate(
        "() => { window.restarted = false;"
        " jupyterapp.commands.execute('notebook:restart-kernel').finally(() => { window.restarted = true; }); }"
    )
    page.get_by_role("button", name="Confirm Kernel Restart").click()
    page.wait_for_function("window.restarted")
    text.focus()
    page.keyboard.type(" ")
    expect(status).to_contain_text("Run this cell again.")
    run_all(page)
    expect(board.get_by_role("status")).to_contain_text("designs/skeleton.txt")
    expect(text).to_have_value(kept)
    assert heard.errors == []
    assert heard.outside() == []
