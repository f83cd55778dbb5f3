"""What a run and its judgement come to as plain data: for machines, and for a chart over time."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fortyfive.design.drawing import as_plain as drawing_as_plain
from fortyfive.flow.designs import PathRun, Trace
from fortyfive.judgement.judge import Judgement


def as_plain(judgement: Judgement) -> dict[str, Any]:
    """Return a judgement as JSON data with the same keys in the same order each time; what has no value is None.

    Times are in seconds, shares of 1, rates a second. `operations`, `components` and `bills` go by name; `over_time`
    has one entry for each bucket of `bucket_s`.
    """
    trace, prompt = judgement.trace, judgement.prompt
    return {
        "prompt": prompt.name,
        "seed": trace.seed,
        "meets": judgement.meets,
        "goodput_per_s": _number(trace.goodput_per_s),
        "usd_a_month": round(trace.usd_a_month, 2),
        "budget_usd_a_month": prompt.usd_a_month,
        "saturated": list(trace.saturated),
        "cut_short": trace.cut_short,
        "reached_s": _number(trace.reached_s),
        "operations": {name: _operation(path) for name, path in trace.paths.items()},
        "components": {each.name: _component(trace, each.name) for each in trace.design.components},
        "bills": {
            name: [{"what": line.what, "unit": line.unit, "usd": round(line.usd, 2)} for line in bill.lines]
            for name, bill in trace.bills.items()
        },
        "findings": [
            {
                "rule": each.rule,
                "subject": each.subject,
                "fatal": each.fatal,
                "what": each.what,
                "evidence": each.evidence,
                "say": each.say,
            }
            for each in judgement.findings
        ],
        "over_time": over_time(trace),
        "design": drawing_as_plain(trace.design),
    }


def over_time(trace: Trace) -> dict[str, Any]:
    """Return, for each bucket of a run, the good answers in time a second, and how many wait in the longest queue.

    An answer counts where it came back. `longest` names the component with the longest queue of the whole run, or is
    "" where nobody ever waited.
    """
    engine, seconds = trace.engine, trace.bucket_s
    good = np.zeros(engine.buckets, dtype=np.int64)
    numbers = trace.plan.operation_of(engine.client)
    for number, operation in enumerate(trace.scenario.operations):
        in_time = (engine.answered_ns >= 0) & (engine.answered_ns - engine.at_ns <= operation.answer_p99_s * 1e9)
        back_ns = engine.answered_ns[(numbers == number) & in_time]
        bucket = np.minimum(back_ns * engine.buckets // engine.span_ns, engine.buckets - 1)
        good += np.bincount(bucket, minlength=engine.buckets)
    most = {name: int(each.queued.max(initial=0)) for name, each in trace.components.items()}
    longest = max(most, key=lambda name: most[name], default="")
    if not most.get(longest):
        longest = ""
    return {
        "bucket_s": _number(seconds),
        "load_ends_s": trace.scenario.span_s,
        "goodput_per_s": [_number(each / seconds) for each in good.tolist()],
        "longest": longest,
        "queued": trace.components[longest].queued.tolist() if longest else [0] * engine.buckets,
    }


def waiting_at_the_end(trace: Trace, name: str) -> int:
    """Return how many requests or messages wait at a component when the load ends."""
    queued = trace.components[name].queued
    last = math.ceil(trace.scenario.span_s / trace.bucket_s - 1e-9) - 1
    return int(queued[min(max(last, 0), queued.size - 1)])


def _operation(path: PathRun) -> dict[str, Any]:
    promised = path.operation
    quantiles = ("p50", "p95", "p99")
    return {
        "arrived": path.arrived,
        "answered": path.answered,
        "rejected": path.rejected,
        "timed_out": path.timed_out,
        "failed": path.failed,
        "done": path.done,
        "dead": path.dead,
        "available": _number(path.available),
        "in_promise": _number(path.in_promise),
        "done_in_promise": _number(path.done_in_promise),
        "answer_s": dict(zip(quantiles, map(_number, path.answer_s), strict=True)),
        "done_s": dict(zip(quantiles, map(_number, path.done_s), strict=True)),
        "promised_answer_p99_s": promised.answer_p99_s,
        "promised_done_p99_s": promised.done_p99_s,
    }


def _component(trace: Trace, name: str) -> dict[str, Any]:
    component, ran = trace.design.component(name), trace.components[name]
    return {
        "kind": component.kind,
        "machines": component.machines,
        "calls": ran.calls,
        "calls_per_s": _number(ran.calls / trace.scenario.span_s),
        "utilisation": _number(ran.utilisation),
        "waiting": waiting_at_the_end(trace, name),
        "full_at_s": None if ran.full_at_s is None else _number(ran.full_at_s),
        "usd_a_month": round(trace.bills[name].usd, 2),
    }


def _number(value: float) -> float | None:
    """Return a number to the billionth, which is a nanosecond; None for what is none."""
    return round(value, 9) if math.isfinite(value) else None
