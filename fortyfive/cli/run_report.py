"""What `forty run` prints: tables by operation and by component, a chart over time, the bill, findings, the verdict."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from fortyfive.cli import chart
from fortyfive.design import drawing as drawings
from fortyfive.design.model import Design
from fortyfive.flow.designs import ComponentRun, Trace, milliseconds
from fortyfive.flow.designs_system import slots_of
from fortyfive.judgement import report
from fortyfive.judgement.findings import Finding
from fortyfive.judgement.judge import Judgement

CHART_WIDTH, CHART_HEIGHT = 60, 3
_NARROW = 72
NONE = "–"


def show(judged: Judgement, times: float, console: Console | None = None) -> None:
    """Print a judgement for people; no colour is needed to understand it."""
    console = console or Console(highlight=False)
    trace = judged.trace
    load = "" if times == 1 else f", {times:g}× the load"
    console.print(
        f"{judged.prompt.title}: {trace.scenario.rate_per_s:,.0f} requests/s for {trace.scenario.span_s:g} s{load}, "
        f"seed {trace.seed}\n",
        soft_wrap=True,
        markup=False,
    )
    console.print(_operations(trace))
    console.print()
    console.print(_components(trace, narrow=console.width < _NARROW))
    console.print()
    for line in _over_time(trace, console.width):
        console.print(line, markup=False, soft_wrap=True)
    for paragraph in (_bill(judged), *_findings(judged), verdict(judged)):
        # No wrapping of ours: a terminal wraps by itself, and in a pipe a sentence stays one line.
        console.print(f"\n{paragraph}", markup=False, soft_wrap=True)


def table(*columns: tuple[str, Literal["left", "right"]]) -> Table:
    """Return an empty, plain table; on a narrow terminal a cell takes two lines, and loses nothing."""
    made = Table(box=None, pad_edge=False, collapse_padding=True, header_style="none")
    for name, justify in columns:
        made.add_column(name, justify=justify, overflow="fold")
    return made


def _operations(trace: Trace) -> Table:
    made = table(
        ("operation", "left"),
        *((each, "right") for each in ("p50", "p95", "p99", "promised", "in time", "answered")),
    )
    for name, path in trace.paths.items():
        asked = path.operation
        made.add_row(
            Text(name),
            *map(milliseconds, path.answer_s),
            milliseconds(asked.answer_p99_s),
            f"{path.in_promise:.1%}",
            f"{path.available:.2%}",
        )
        if asked.done_p99_s is not None:
            made.add_row(
                Text("  until done"),
                *map(milliseconds, path.done_s),
                milliseconds(asked.done_p99_s),
                f"{path.done_in_promise:.1%}",
                f"{path.done / max(path.arrived, 1):.2%}",
            )
    return made


def _components(trace: Trace, *, narrow: bool) -> Table:
    made = table(
        ("component", "left"),
        ("kind", "left"),
        ("machines", "right"),
        ("calls/s", "right"),
        ("busy", "right"),
        *(() if narrow else (("", "left"),)),  # the bar beside the number
        ("waiting", "right"),
        ("full after", "right"),
    )
    for component in trace.design.components:
        ran = trace.components[component.name]
        limited = component.kind != "client" and slots_of(component) is not None
        made.add_row(
            Text(component.name),
            component.kind,
            NONE if component.kind == "client" else f"{component.machines:,}",
            f"{ran.calls / trace.scenario.span_s:,.0f}",
            f"{ran.utilisation:.0%}" if limited else NONE,
            *(() if narrow else (chart.gauge(ran.utilisation, 8) if limited else "",)),
            f"{report.waiting_at_the_end(trace, component.name):,}",
            _full(ran),
        )
    return made


def _full(ran: ComponentRun) -> str:
    return NONE if ran.full_at_s is None else f"{ran.full_at_s:.1f} s"


def _over_time(trace: Trace, width: int) -> Iterator[str]:
    series = report.over_time(trace)
    last_s = series["bucket_s"] * len(series["queued"])
    yield f"Good answers in time, a second (the load ends at {trace.scenario.span_s:g} s)"
    yield from _chart(series["goodput_per_s"], statistics.fmean, width, last_s)
    if not series["longest"]:
        yield "Nothing ever waited."
        return
    yield f"Waiting at '{series['longest']}', the longest queue"
    yield from _chart(series["queued"], max, width, last_s)


def _chart(
    values: Sequence[float], merge: Callable[[Sequence[float]], float], width: int, last_s: float
) -> Iterator[str]:
    gutter = len(f"{max(values):,.0f}")
    merged = chart.columns(values, max(min(CHART_WIDTH, width - gutter - 2), 1), merge)
    lines = chart.bars(merged, CHART_HEIGHT)
    labels = [f"{max(merged):,.0f}", *[""] * (CHART_HEIGHT - 2), "0"]
    for label, line in zip(labels, lines, strict=True):
        yield f"{label:>{gutter}} {line}".rstrip()
    end = f"{last_s:g} s"
    yield f"{'':>{gutter}} 0 s{end:>{max(len(merged) - 3, len(end) + 1)}}"


def _bill(judged: Judgement) -> str:
    trace, most = judged.trace, judged.prompt.usd_a_month
    dear = sorted(
        (name for name in trace.bills if trace.bills[name].usd >= 0.5), key=lambda name: -trace.bills[name].usd
    )
    parts = ", ".join(f"{name} {trace.bills[name].usd:,.0f}" for name in dear)
    return (
        f"A month costs USD {trace.usd_a_month:,.0f} at the average load, and may cost USD {most:,.0f}"
        f"{': ' + parts if parts else ''}."
    )


def _findings(judged: Judgement) -> Iterator[str]:
    wrong = [each for each in judged.findings if each.fatal]
    asked = [each for each in judged.findings if not each.fatal]
    for heading, found in (("What is wrong", wrong), ("What an interviewer would push on", asked)):
        if found:
            yield "\n\n".join([f"{heading} ({len(found)})", *map(_finding, found)])


def _finding(finding: Finding) -> str:
    return f"{finding.rule}: {finding.what}\n  Evidence: {finding.evidence}\n  Interviewer: {finding.say}"


def verdict(judged: Judgement) -> str:
    """Return the last line: whether the design does what was asked."""
    rules = ", ".join(dict.fromkeys(each.rule for each in judged.findings if each.fatal))
    if rules:
        return f"✗ It does not do what was asked: {rules}."
    rest = len(judged.findings)
    pushed = f" An interviewer would still push on {rest} point{'s' * (rest > 1)}." if rest else ""
    return f"✓ It does what was asked.{pushed}"


def drawing(trace: Trace) -> str:
    """Return the drawing as SVG, coloured by how busy each component was, with what waits when the load ends."""
    return drawings.as_svg(
        trace.design,
        busy={name: each.utilisation for name, each in trace.components.items()},
        queued={name: report.waiting_at_the_end(trace, name) for name in trace.components},
        first=trace.saturated[0] if trace.saturated else None,
    )


def mermaid(design: Design) -> str:
    """Return the drawing as Mermaid's text."""
    return drawings.as_mermaid(design)
