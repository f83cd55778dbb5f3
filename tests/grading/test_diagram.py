"""A sequence diagram is read as text, seen as a drawing, and travels as plain data; what it shows is never markup."""

import json
import re
from xml.etree import ElementTree

import pytest

from fortyfive.grading.diagram import DIES, EVENT, KINDS, LOST, NOTE, Diagram, Line
from fortyfive.grading.exercise import Exercise, grade
from fortyfive.grading.render import as_html, as_text, picture, replay_as_html, replay_as_text
from fortyfive.grading.report import Failure, Report, Result, Verdict
from fortyfive.grading.submission import Submission
from tests.grading.test_render import HOSTILE, read

SVG = "{http://www.w3.org/2000/svg}"
DIAGRAM = Diagram(
    "m1 is lost",
    ("queue", "worker 1", "push"),
    (
        Line(0.05, "queue", "worker 1", "deliver m1 (delivery 1)"),
        Line(0.15, "worker 1", "push", "send 'a': lost, no answer", LOST),
        Line(0.15, "worker 1", "worker 1", "dies", DIES),
        Line(0.2, "", "", "… 1,344 more …", NOTE),
        Line(1_230.5, "queue", "queue", "m1 is visible again", EVENT),
    ),
)


def svg_of(diagram):
    return ElementTree.fromstring(diagram.as_svg())


def result_with(diagram, rationale="Because."):
    return Result("a", "Title", Verdict.FAILED, 0, 2, rationale, "Look.", diagram)


def test_the_text_is_a_table_of_times_ways_and_words():
    assert DIAGRAM.as_text().splitlines() == [
        "m1 is lost",
        "    0.050 s  queue    -> worker 1  deliver m1 (delivery 1)",
        "    0.150 s  worker 1 -> push      send 'a': lost, no answer",
        "    0.150 s  worker 1              dies",
        "                                   … 1,344 more …",
        "1,230.500 s  queue                 m1 is visible again",
    ]


def test_it_travels_as_plain_data():
    assert Diagram.from_json(json.loads(json.dumps(DIAGRAM.to_json()))) == DIAGRAM


@pytest.mark.parametrize("data", [{}, {"title": "x", "lanes": [], "lines": [{"when": 1}]}, {"title": "x", "lanes": 5}])
def test_what_is_no_diagram_is_refused(data):
    with pytest.raises((KeyError, TypeError)):
        Diagram.from_json(data)


def test_the_drawing_names_itself_and_says_every_word():
    svg = svg_of(DIAGRAM)
    assert svg.get("role") == "img"
    assert svg.find(f"{SVG}title").text == DIAGRAM.title
    assert svg.find(f"{SVG}desc").text.startswith("Sequence diagram: 5 steps between queue, worker 1, push.")
    texts = [text.text for text in svg.iter(f"{SVG}text")]
    assert {*DIAGRAM.lanes, *(line.words for line in DIAGRAM.lines), "0.050 s", "1,230.500 s"} <= set(texts)


def test_what_got_no_answer_is_dashed_and_a_death_is_crossed_out():
    kinds = {
        "stroke-dasharray": (LOST,),
        "stroke='#d0602f'": (LOST, DIES),
        "<circle": (EVENT,),
    }
    for mark, with_it in kinds.items():
        for kind in set(KINDS) - {NOTE}:
            other = "b" if kind in ("call", LOST) else "a"
            drawn = Diagram("t", ("a", "b"), (Line(0, "a", other, "w", kind),)).as_svg()
            assert (mark in drawn) == (kind in with_it), (mark, kind)


def test_an_arrow_points_to_whom_it_goes():
    def head(source, target):
        drawn = Diagram("t", ("a", "b"), (Line(0, source, target, "w"),)).as_svg()
        return re.search(r"M(\d+) (\d+)H(\d+)M(\d+) ", drawn).groups()

    start, _, end, barb = head("a", "b")
    assert int(start) < int(barb) < int(end)
    start, _, end, barb = head("b", "a")
    assert int(start) > int(barb) > int(end)


def test_the_drawing_takes_its_colours_from_the_text_and_its_width_from_the_frame():
    svg = svg_of(DIAGRAM)
    assert svg.get("stroke") == "currentColor"
    assert "width:100%" in svg.get("style")
    assert svg.get("width") is None
    assert {text.get("fill") for text in svg.iter(f"{SVG}text")} == {"currentColor"}
    assert not [element for element in svg.iter() if element.tag.endswith("script") or element.get("id")]


@pytest.mark.parametrize("words", ["w" * 200, "short", "w" * 40])
@pytest.mark.parametrize("way", [("a", "b"), ("b", "a"), ("c", "c"), ("a", "a"), ("c", "b")])
def test_no_words_leave_the_drawing(words, way):
    kind = EVENT if way[0] == way[1] else "call"
    svg = svg_of(Diagram("t", ("a", "b", "c", "d", "e"), (Line(0, *way, words, kind),)))
    width = float(svg.get("viewBox").split()[2])
    for text in svg.iter(f"{SVG}text"):
        half = len(text.text) * 6.6 / 2
        if text.text.startswith(("w", "s")):
            assert float(text.get("x")) - half >= 0
            assert float(text.get("x")) + half <= width


def test_an_empty_diagram_is_a_title():
    empty = Diagram("nothing happened", (), ())
    assert empty.as_text() == "nothing happened"
    assert svg_of(empty).find(f"{SVG}title").text == "nothing happened"


def test_nothing_in_it_is_markup():
    hostile = Diagram(HOSTILE, (HOSTILE, "b"), (Line(0, HOSTILE, "b", HOSTILE),))
    tags = read(picture(hostile)).tags
    allowed = {"div", "svg", "title", "desc", "path", "text", "details", "summary", "pre"}
    assert {tag for tag, _ in tags} <= allowed
    assert not [name for _, attributes in tags for name in attributes if name.startswith("on")]
    assert svg_of(hostile).find(f"{SVG}title").text == HOSTILE
    assert "<script" not in replay_as_html(HOSTILE, result_with(hostile, HOSTILE))


# --- in a report


def test_a_failure_s_diagram_reaches_the_report_its_text_and_its_page():
    exercise = Exercise("05_fan_out", title="Fan-out")

    @exercise.check(points=2, needs=[], hints=["h"], takeaway="t")
    def draws(_):
        """It is drawn"""
        raise Failure("It broke.", help="Look.", diagram=DIAGRAM)

    report = grade(exercise, Submission(""))
    assert report.results[0].diagram == DIAGRAM
    assert Report.from_json(json.loads(json.dumps(report.to_json()))) == report
    assert "    1,230.500 s  queue                 m1 is visible again" in as_text(report, "Fan-out").splitlines()
    html = as_html(report, "Fan-out")
    assert DIAGRAM.as_svg() in html
    assert "<summary>The same in words</summary>" in html
    read(html)


def test_a_report_without_a_diagram_reads_as_before():
    data = {"id": "a", "title": "t", "verdict": "passed", "points": 1, "max_points": 1}
    report = Report.from_json({"stem": "05", "checks": [data]})
    assert report.results[0].diagram is None
    assert "<svg" not in as_html(report, "t")


def test_a_replay_has_its_verdict_its_words_and_its_drawing():
    text = replay_as_text("Replay of `f`: 1 message", result_with(DIAGRAM))
    assert text.splitlines()[:4] == ["Replay of `f`: 1 message", "✗ failed", "Because.", "Look."]
    assert text.endswith(DIAGRAM.as_text())
    html = replay_as_html("Replay of `f`: 1 message", result_with(DIAGRAM))
    assert "<code>f</code>" in html
    assert DIAGRAM.as_svg() in html
    read(html)
