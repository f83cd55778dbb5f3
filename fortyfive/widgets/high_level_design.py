"""The tables, pictures and explorers of topic 04, high-level design."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from html import escape
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from fortyfive.design.drawing import as_svg, framed
from fortyfive.design.model import Design
from fortyfive.design.text import read
from fortyfive.flow import draws, queue
from fortyfive.flow.designs import Trace, answered_between, run
from fortyfive.flow.events import Call, Client, EventRun, Service, Station, System, simulate
from fortyfive.judgement.judge import Judgement, judge
from fortyfive.scenario.prompts import Loss, Operation, Prompt, Scenario
from fortyfive.widgets import theme
from fortyfive.widgets.explorer import Explorer, Slider, View

POLICIES = ("random", "round_robin", "two", "least")
LOADS = (0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.6, 1.75, 2, 2.5, 3, 4)
SERVERS = (1, 2, 4, 8, 16, 32, 64, 128)
_BUSY = np.array([0.1, 0.3, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98])


def designed(text: str) -> Design:
    """Return the design that a text draws. Raises ValueError with all of its problems."""
    reading = read(text)
    if not reading.ok:
        raise ValueError("\n".join(each.message for each in reading.problems if each.fatal))
    return reading.design


class Drawing:
    """A design, drawn; after a run with each component's share of the time at work."""

    def __init__(self, design: Design | str, title: str, trace: Trace | None = None) -> None:
        self.design = designed(design) if isinstance(design, str) else design
        self.title = title
        components = {} if trace is None else trace.components
        self._busy = {name: each.utilisation for name, each in components.items() if each.utilisation}
        self._first = trace.saturated[0] if trace is not None and trace.saturated else None

    def __repr__(self) -> str:
        return f"{self.title}: {', '.join(link.name for link in self.design.links)}"

    def _repr_html_(self) -> str:
        svg = as_svg(self.design, busy=self._busy or None, first=self._first)
        return f"<p><strong>{escape(self.title)}</strong></p>{framed(svg, self.title)}"


def path_row(trace: Trace) -> dict[str, Any]:
    """Return what the requests of a run met, of the first operation."""
    path = next(iter(trace.paths.values()))
    row = {
        "answer p50 (ms)": _rounded(1e3 * path.answer_s[0]),
        "answer p99 (ms)": _rounded(1e3 * path.answer_s[2]),
        "answered in time (%)": round(100 * path.in_promise, 1),
    }
    if path.operation.done_p99_s is not None:
        row["done p99 (s)"] = round(path.done_s[2], 2)
    return row | {"USD a month": round(trace.usd_a_month)}


def ladder(steps: Mapping[str, str], prompt: Prompt) -> pd.DataFrame:
    """Return one row a design: what its requests meet, what it costs, and what a judge still holds against it."""
    rows = []
    for name, text in steps.items():
        judgement = judge(designed(text), prompt)
        left = dict.fromkeys(f"{each.rule} ({each.subject})" for each in judgement.findings)
        rows.append({"step": name, **path_row(judgement.trace), "left to mend": ", ".join(left) or "nothing"})
    return pd.DataFrame(rows).set_index("step")


def findings_table(judgement: Judgement) -> pd.DataFrame:
    """Return one row a finding: the rule, what is wrong, and what was measured."""
    rows = [{"rule": each.rule, "what": each.what, "evidence": each.evidence} for each in judgement.findings]
    return pd.DataFrame(rows, columns=["rule", "what", "evidence"]).set_index("rule")


def components_table(trace: Trace) -> pd.DataFrame:
    """Return one row a component: what it did, and what it costs."""
    rows = [
        {
            "component": name,
            "calls (1/s)": round(each.calls / trace.scenario.span_s),
            "busy (%)": round(100 * each.utilisation),
            "waiting at the end": int(each.queued[-1]),
            "full after (s)": "never" if each.full_at_s is None else f"{each.full_at_s:.1f}",
            "USD a month": round(trace.bills[name].usd),
        }
        for name, each in trace.components.items()
        if trace.design.component(name).kind != "client"
    ]
    return pd.DataFrame(rows).set_index("component")


def explore_load(text: str, prompt: Prompt, *, start: float = 1) -> Explorer:
    """Return an explorer of the load: how busy each component of a design is, and what the requests meet."""
    design = designed(text)

    @functools.lru_cache(maxsize=32)
    def at_load(times: float) -> Trace:
        return run(design, prompt.load.times(times))

    limited = [name for name, each in at_load(start).components.items() if each.utilisation]
    figure = go.Figure()
    figure.add_bar(x=limited, name="busy", marker={"color": theme.BLUE}, showlegend=False)
    figure.add_hline(y=100, line={"dash": "dash", "color": theme.GREY})
    figure.update_yaxes(title="busy (% of its slots)", range=[0, 110])
    theme.style(figure, title="One box is full long before the others", alt="", height_px=360)

    def view(times: float) -> View:
        trace = at_load(times)
        busy = np.array([100 * trace.components[name].utilisation for name in limited])
        row = {"times the load": times, **path_row(trace)}
        row["full first"] = trace.saturated[0] if trace.saturated else "nothing"
        shown = ", ".join(f"{name} {each:.0f} %" for name, each in zip(limited, busy, strict=True))
        return View(
            table=pd.DataFrame([row]).set_index("times the load"),
            data=[{"y": busy}],
            alt=f"Bars at {times:g} times the load: how busy each component is. {shown}. "
            f"Full first: {row['full first']}.",
        )

    return Explorer(figure, Slider("times", "times the load", LOADS, start), view, caption="At this load")


def erlang_c(servers: int, busy: float) -> float:
    """Return the chance that a request has to wait in M/M/c (A. K. Erlang, 1917), for a share `busy` below 1."""
    load = servers * busy
    # 1 / B grows from server to server: Erlang's B by its recursion, which does not overflow.
    blocked = 1.0
    for number in range(1, servers + 1):
        blocked = load * blocked / (number + load * blocked)
    return blocked / (1 - busy * (1 - blocked))


def mean_wait(servers: int, busy: float) -> float:
    """Return the mean wait in M/M/c, in service times."""
    return erlang_c(servers, busy) / (servers * (1 - busy))


@functools.lru_cache(maxsize=128)
def measured_wait(servers: int, busy: float, requests: int = 200_000, seed: int = 45) -> float:
    """Return the mean wait of a run with exponential times, in service times."""
    index = np.arange(requests)
    arrival = np.cumsum(draws.exponential_ns(seed, 1, index, 1e6 / (servers * busy)))
    service = draws.exponential_ns(seed, 2, index, 1e6)
    finish = queue.ggc(arrival, service, servers)
    return float((finish - arrival - service).mean() / 1e6)


def explore_wait(*, start: int = 1) -> Explorer:
    """Return an explorer of the hockey stick: the mean wait over the share of time at work, for so many servers."""
    fine = np.linspace(0.02, 0.985, 120)
    figure = go.Figure()
    line = {"color": theme.BLUE, "width": 2.5}
    figure.add_scatter(x=100 * fine, name="Erlang C", mode="lines", line=line)
    figure.add_scatter(x=100 * _BUSY, name="measured", mode="markers", marker={"color": theme.RED, "size": 9})
    figure.update_xaxes(title="servers busy (%)", range=[0, 100])
    figure.update_yaxes(title="mean wait (service times)", range=[0, 10])
    theme.style(figure, title="The more servers share a queue,<br>the later the stick bends", alt="", height_px=380)

    def view(servers: int) -> View:
        theory = np.array([mean_wait(servers, busy) for busy in fine.tolist()])
        seen = np.array([measured_wait(servers, busy) for busy in _BUSY.tolist()])
        marks = [0.5, 0.7, 0.8, 0.9, 0.95]
        table = pd.DataFrame(
            {
                "mean wait, Erlang C": [round(mean_wait(servers, busy), 3) for busy in marks],
                "measured": [round(measured_wait(servers, busy), 3) for busy in marks],
            },
            index=pd.Index([round(100 * busy) for busy in marks], name="servers busy (%)"),
        )
        return View(
            table=table,
            data=[{"y": theory}, {"y": seen}],
            alt=f"The mean wait over the share of time that {servers} servers are busy, as a curve by Erlang's formula "
            f"and as measured points: at 90 % it is {mean_wait(servers, 0.9):.2f} service times.",
        )

    slider = Slider("servers", "servers behind one queue", SERVERS, start)
    return Explorer(figure, slider, view, caption="Mean wait, in service times")


def balanced(
    policy: str, service: Service, *, busy: float, instances: int = 16, slots: int = 1, span_s: float = 60.0
) -> EventRun:
    """Return a minute of instances with a queue each, whose calls a balancer spreads by a policy."""
    mean_s = float(service.quantiles_s((np.arange(4_000) + 0.5) / 4_000).mean())
    system = System(
        (Client("clients", busy * instances * slots / mean_s),),
        (Station("instances", slots, service, instances=instances),),
        (Call("clients", "instances", balance=policy),),  # type: ignore[arg-type]
    )
    return simulate(system, span_s=span_s, buckets=60)


def balancing_table(services: Mapping[str, Service], *, busy: float = 0.9, servers: int = 16) -> pd.DataFrame:
    """Return the p99 of the time to an answer, in ms: one row a distribution of service times, one column a policy.

    Beside the policies stands what one queue in front of as many servers would do.
    """
    rows = {}
    for name, service in services.items():
        runs = {
            policy.replace("_", " "): balanced(policy, service, busy=busy, instances=servers) for policy in POLICIES
        }
        runs["one queue for all"] = balanced("random", service, busy=busy, instances=1, slots=servers)
        rows[name] = {column: round(1e3 * each.quantiles_s[2]) for column, each in runs.items()}
    return pd.DataFrame(rows).T.rename_axis("service times")


def dead_instance_table(counts: Sequence[int], retries: Sequence[int], load: Scenario) -> pd.DataFrame:
    """Return the share of requests, in %, that fail in the 3 s in which nobody knows that one instance is dead."""
    columns: dict[str, list[float]] = {}
    for tries in retries:
        columns[f"{tries} retries"] = [_failing(count, tries, load) for count in counts]
        columns[f"(1/n)^{tries + 1}"] = [round(100 * (1 / count) ** (tries + 1), 2) for count in counts]
    return pd.DataFrame(columns, index=pd.Index(counts, name="instances"))


def _failing(count: int, tries: int, load: Scenario) -> float:
    link = f"->[retry={tries}]" if tries else "->"
    design = designed(f"client -> lb {link} web x{count} [time=10ms, slots=32]")
    start_s = load.span_s / 4
    trace = run(design, replace(load, troubles=(Loss("web", start_s, 3 * start_s),)))
    return round(100 * (1 - next(iter(answered_between(trace, start_s, start_s + 3).values()))), 2)


def overload_table(texts: Mapping[str, str], rate_per_s: float, factors: Sequence[float]) -> pd.DataFrame:
    """Return the good answers within 200 ms, a second: one row a factor of the load, one column a design."""
    load = Scenario((Operation("ask", "somebody asks", rate_per_s, answer_p99_s=0.2),), span_s=30)
    columns = {
        name: [round(run(designed(text), load.times(factor)).goodput_per_s) for factor in factors]
        for name, text in texts.items()
    }
    offered = [round(factor * rate_per_s) for factor in factors]
    return pd.DataFrame(columns, index=pd.Index(offered, name="requests (1/s)"))


def over_time(trace: Trace, name: str, *, title: str, alt: str) -> go.Figure:
    """Return how much waits for a component over time, and how old the oldest of it is."""
    component = trace.components[name]
    at_s = (np.arange(len(component.queued)) + 1) * trace.bucket_s
    figure = go.Figure()
    figure.add_scatter(x=at_s, y=component.queued.astype(float), name="waiting", line={"color": theme.ORANGE})
    age = {"color": theme.RED, "dash": "dash"}
    figure.add_scatter(x=at_s, y=component.oldest_s, name="age of the oldest (s)", yaxis="y2", line=age)
    figure.update_layout(yaxis2={"overlaying": "y", "side": "right", "title": "age (s)", "rangemode": "tozero"})
    figure.update_xaxes(title="time (s)")
    figure.update_yaxes(title="messages waiting", rangemode="tozero", selector={"anchor": "x"})
    theme.style(figure, title=title, alt=alt, height_px=340)
    figure.update_layout(margin={"r": 60})
    return figure


def collision_table(lengths: Sequence[int], links: float) -> pd.DataFrame:
    """Return what random codes of base62 do: their number, the chance that the next one is taken, and all collisions.

    With n codes taken of N, the next is taken with chance n / N; about n * n / 2N pairs of n codes are the same (the
    birthday problem).
    """
    spaces = [62**length for length in lengths]
    return pd.DataFrame(
        {
            "codes (10^9)": [round(space / 1e9) for space in spaces],
            "next code is taken (%)": [f"{100 * links / space:.2g}" for space in spaces],
            "pairs that collide": [round(links * links / 2 / space) for space in spaces],
        },
        index=pd.Index(lengths, name="characters"),
    )


def measured_collisions(length: int, links: int, seed: int = 45) -> int:
    """Return how many of so many random codes had been drawn before."""
    codes = draws.bits(seed, 3, np.arange(links)) % np.uint64(62**length)
    return int(links - np.unique(codes).size)


def hot_key_table(texts: Mapping[str, str], store: str, load: Scenario) -> pd.DataFrame:
    """Return how busy the shards of a store are: one row a design, the mean beside the busiest."""
    rows = {}
    for name, text in texts.items():
        design = designed(text)
        trace = run(design, load)
        component = design.component(store)
        shards = trace.engine.stations[store]
        loaded = round(load.span_s / trace.bucket_s)
        slots = component.type.slots or 1
        rows[name] = {
            "shards busy, mean (%)": round(100 * shards.busy[:loaded].mean() / slots / component.parts),
            "busiest shard (%)": round(100 * shards.busiest[:loaded].mean() / slots),
            **path_row(trace),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("design")


def _rounded(value: float) -> float:
    return math.nan if math.isnan(value) else round(value)
