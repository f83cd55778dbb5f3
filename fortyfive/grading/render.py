"""A report for people: the same content as plain text and as HTML, in one place."""

from __future__ import annotations

import re
from html import escape

from fortyfive.grading.diagram import Diagram
from fortyfive.grading.report import Report, Result, Verdict

# A sign, and the words for it: neither colour nor sign alone carries the meaning.
SIGNS = {
    Verdict.PASSED: ("✓", "passed", "ok"),
    Verdict.FAILED: ("✗", "failed", "bad"),
    Verdict.NOT_ATTEMPTED: ("·", "not attempted", "idle"),
    Verdict.RAISED: ("✗", "your code raised", "bad"),
    Verdict.TIMED_OUT: ("✗", "timed out", "bad"),
    Verdict.OVER_LIMIT: ("✗", "over a limit", "bad"),
    Verdict.GRADER_ERROR: ("!", "grader error", "odd"),
}

# The colours come from whichever of JupyterLab and the book shows the report, and so follow its theme.
# JupyterLab's own rules for lists and tables are more specific than these, hence !important.
STYLE = """
.ff-report{--ff-text:var(--jp-content-font-color1,var(--pst-color-text-base,CanvasText));
--ff-quiet:var(--jp-content-font-color2,var(--pst-color-text-muted,GrayText));
--ff-line:var(--jp-border-color2,var(--pst-color-border,#8888));
--ff-ok:#00734f;--ff-bad:#a83f00;--ff-odd:#6b3fa0;
color:var(--ff-text);max-width:46rem;font-size:.95em;line-height:1.45}
html[data-theme=dark] .ff-report,body[data-jp-theme-light=false] .ff-report{
--ff-ok:#3fc79a;--ff-bad:#ff9a5c;--ff-odd:#c9a6ff}
.ff-report .ff-sum{font-weight:600;margin:.2em 0 .4em}
.ff-report ul{list-style:none!important;margin:0!important;padding:0!important}
.ff-report li{border-top:1px solid var(--ff-line);padding:.45em 0;margin:0}
.ff-report .ff-head{display:flex;gap:.6em;align-items:baseline;flex-wrap:wrap}
.ff-report .ff-title{flex:1 1 16rem}
.ff-report .ff-tag{white-space:nowrap;font-weight:600}
.ff-report .ff-points{white-space:nowrap;color:var(--ff-quiet)}
.ff-report .ff-ok{color:var(--ff-ok)}.ff-report .ff-bad{color:var(--ff-bad)}.ff-report .ff-odd{color:var(--ff-odd)}
.ff-report .ff-idle{color:var(--ff-quiet)}
.ff-report p{margin:.25em 0 .1em 1.5em;white-space:pre-wrap;overflow-wrap:anywhere}
.ff-report p.ff-help{color:var(--ff-quiet)}
.ff-report table{border-collapse:collapse;margin:0}
.ff-report caption{font-weight:600;text-align:left;padding:.2em 0;color:var(--ff-text)}
.ff-report th,.ff-report td{text-align:left!important;padding:.3em .8em .3em 0;
border-top:1px solid var(--ff-line);font-weight:400}
.ff-report pre{margin:.4em 0;white-space:pre-wrap;overflow-wrap:anywhere}
.ff-report .ff-scroll{overflow-x:auto;margin:.4em 0}.ff-report .ff-diagram{min-width:34rem}
.ff-report details pre{white-space:pre;overflow-x:auto}
""".replace("\n", "")


def headline(report: Report, title: str) -> str:
    """Return the one line that sums a report up."""
    return f"{report.stem[:2]} {title}: {report.points} of {report.max_points} points"


def as_text(report: Report, title: str) -> str:
    """Return the report as plain text, without a line for what is empty."""
    lines = [headline(report, title)]
    for result in report.results:
        sign, words, _ = SIGNS[result.verdict]
        lines.append(f"{sign} {words:<16} {result.points}/{result.max_points}  {result.title}")
        for part in (result.rationale, result.help):
            lines += [f"    {line}" for line in part.splitlines()]
        if result.diagram:
            lines += [f"    {line}" for line in result.diagram.as_text().splitlines()]
    return "\n".join(lines)


def as_html(report: Report, title: str) -> str:
    """Return the report as one self-contained HTML element: a labelled list, readable without its colours."""
    heading = escape(headline(report, title))
    items = "".join(_item(result) for result in report.results)
    return box(heading, f"<p class='ff-sum'>{heading}</p><ul>{items}</ul>")


def replay_as_text(heading: str, result: Result) -> str:
    """Return what became of one schedule as plain text: the verdict, the words, the steps."""
    sign, words, _ = SIGNS[result.verdict]
    parts = [heading, f"{sign} {words}", result.rationale, result.help]
    steps = ["", result.diagram.as_text()] if result.diagram else []
    return "\n".join([*filter(None, parts), *steps])


def replay_as_html(heading: str, result: Result) -> str:
    """Return what became of one schedule as one self-contained HTML element."""
    sign, words, css = SIGNS[result.verdict]
    return box(
        escape(heading),
        f"<p class='ff-sum' style='margin-left:0'>{_inline(heading)}</p>"
        f"<p style='margin-left:0'><span class='ff-tag ff-{css}'><span aria-hidden='true'>{sign}</span> {words}</span>"
        f"{': ' if result.rationale else ''}{_inline(result.rationale)}</p>"
        + (f"<p class='ff-help' style='margin-left:0'>{_inline(result.help)}</p>" if result.help else "")
        + (picture(result.diagram) if result.diagram else ""),
    )


def _item(result: Result) -> str:
    sign, words, css = SIGNS[result.verdict]
    return (
        "<li><div class='ff-head'>"
        f"<span class='ff-tag ff-{css}'><span aria-hidden='true'>{sign}</span> {words}</span>"
        f"<span class='ff-title'>{_inline(result.title)}</span>"
        f"<span class='ff-points'>{result.points} of {result.max_points}</span></div>"
        + (f"<p>{_inline(result.rationale)}</p>" if result.rationale else "")
        + (f"<p class='ff-help'>{_inline(result.help)}</p>" if result.help else "")
        + (picture(result.diagram) if result.diagram else "")
        + "</li>"
    )


def picture(diagram: Diagram) -> str:
    """Return a diagram as HTML: drawn, and below it, folded, the same in words."""
    # A phone scrolls the drawing sideways, by finger or by key; it is not read at half its size.
    frame = f"class='ff-scroll' tabindex='0' role='group' aria-label='{escape(diagram.title)}'"
    return (
        f"<div {frame}>{diagram.as_svg()}</div>"
        f"<details><summary>The same in words</summary><pre>{escape(diagram.as_text())}</pre></details>"
    )


def _inline(text: str) -> str:
    """Return text as HTML, with what stands between backticks set as code."""
    return re.sub(r"`([^`\n]+)`", r"<code>\1</code>", escape(text))


def box(label: str, content: str) -> str:
    """Return HTML content in the frame that all our own output shares; `label` is escaped already."""
    return f"<div class='ff-report' role='region' aria-label='{label}'><style>{STYLE}</style>{content}</div>"
