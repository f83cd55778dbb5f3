"""A report reads well as text and as HTML, with eyes, without colours, and aloud."""

import re
from html.parser import HTMLParser

import pytest

from fortyfive.grading.render import SIGNS, as_html, as_text, box, headline
from fortyfive.grading.report import Report, Result, Verdict

HOSTILE = "<script>alert('x')</script> & \"quotes\" ' </div></p><img src=x onerror=alert(1)>"


def report_of(*verdicts, rationale="Because.", advice="Look there."):
    return Report("05_fan_out", tuple(result_of(verdict, rationale, advice) for verdict in verdicts))


def result_of(verdict, rationale, advice):
    points = 2 if verdict is Verdict.PASSED else 0
    return Result(f"check_{verdict}", f"Title of {verdict}", verdict, points, 2, rationale, advice)


class Reader(HTMLParser):
    """Gathers the tags, the attributes, and the text that is read aloud."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.aloud, self.unbalanced = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.open.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop()[0] != tag:
            self.unbalanced.append(tag)

    def handle_data(self, data):
        if not any(attrs.get("aria-hidden") == "true" or tag == "style" for tag, attrs in self.open):
            self.aloud.append(data)


def read(html):
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert (reader.open, reader.unbalanced) == ([], [])
    return reader


def test_the_text_says_verdict_points_reason_and_help():
    text = as_text(report_of(Verdict.PASSED, Verdict.FAILED), "Fan-out")
    assert text.splitlines() == [
        "05 Fan-out: 2 of 4 points",
        "✓ passed           2/2  Title of passed",
        "    Because.",
        "    Look there.",
        "✗ failed           0/2  Title of failed",
        "    Because.",
        "    Look there.",
    ]


def test_the_text_keeps_the_lines_of_a_reason_and_has_none_for_nothing():
    report = report_of(Verdict.FAILED, rationale="one\n  two\n\nthree", advice="")
    assert as_text(report, "T").splitlines()[2:] == ["    one", "      two", "    ", "    three"]
    empty = report_of(Verdict.FAILED, rationale="", advice="")
    assert len(as_text(empty, "T").splitlines()) == 2


@pytest.mark.parametrize("verdict", list(Verdict))
def test_every_verdict_is_said_in_words(verdict):
    _, words, _ = SIGNS[verdict]
    report = report_of(verdict)
    assert words in as_text(report, "T")
    aloud = " ".join(read(as_html(report, "T")).aloud)
    assert words in aloud
    assert {"Because.", "Look there.", f"Title of {verdict}"} <= set(read(as_html(report, "T")).aloud)


def test_words_tell_the_verdicts_apart_without_sign_or_colour():
    words = [words for _, words, _ in SIGNS.values()]
    assert len(set(words)) == len(Verdict) == 7


def test_the_html_is_a_labelled_region_with_a_list():
    tags = read(as_html(report_of(*Verdict), "Fan-out")).tags
    assert tags[0][1] == {"class": "ff-report", "role": "region", "aria-label": "05 Fan-out: 2 of 14 points"}
    assert sum(tag == "li" for tag, _ in tags) == 7
    signs = [attrs for tag, attrs in tags if tag == "span" and "aria-hidden" in attrs]
    assert len(signs) == 7


def test_a_learners_text_stays_text():
    report = Report("05_fan_out", (Result("x", HOSTILE, Verdict.FAILED, 0, 2, HOSTILE, HOSTILE),))
    reader = read(as_html(report, HOSTILE))
    assert {tag for tag, _ in reader.tags} == {"div", "style", "p", "ul", "li", "span"}
    assert not any(name.startswith("on") for _, attrs in reader.tags for name in attrs)
    assert "".join(reader.aloud).count(HOSTILE) == 4
    assert reader.tags[0][1]["aria-label"] == f"05 {HOSTILE}: 0 of 2 points"


def test_nothing_is_fetched_and_nothing_runs():
    html = as_html(report_of(*Verdict), "Fan-out")
    assert not re.search(r"https?:|url\(|@import|<script|<link|<img", html)


def test_colours_follow_the_theme_in_light_and_dark():
    html = as_html(report_of(Verdict.PASSED), "Fan-out")
    assert "var(--jp-content-font-color1" in html
    assert "[data-jp-theme-light=false]" in html
    assert "data-theme=dark" in html


def luminance(colour):
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_verdicts_have_the_contrast_that_small_text_needs():
    light, dark = re.findall(r"--ff-ok:(#\w+);--ff-bad:(#\w+);--ff-odd:(#\w+)", as_html(report_of(Verdict.PASSED), "T"))
    for colour in light:
        assert 1.05 / (luminance(colour) + 0.05) > 4.5  # on white
    for colour in dark:
        assert (luminance(colour) + 0.05) / (luminance("#111111") + 0.05) > 4.5


def test_a_headline_and_a_box():
    assert headline(report_of(Verdict.FAILED), "Fan-out") == "05 Fan-out: 0 of 2 points"
    assert read(box("Note", "<p>x</p>")).aloud == ["x"]
