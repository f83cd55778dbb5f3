"""The systems that fail in topic 09, failure modes, with their tables and explorers."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from fortyfive.flow.events import (
    Backoff,
    Breaker,
    Call,
    Client,
    Constant,
    Degraded,
    EventRun,
    Exponential,
    Lognormal,
    Outage,
    Queue,
    Retry,
    RetryBudget,
    Station,
    Surge,
    System,
    simulate,
)
from fortyfive.flow.events_model import Jitter
from fortyfive.scenario.faults import Fault
from fortyfive.sim.scenes import Scene, Schedule
from fortyfive.widgets import theme
from fortyfive.widgets.explorer import Explorer, Slider, View

NEVER = "never"

# --- a service that hangs for a moment

RATE_PER_S, SERVERS, SERVICE_S = 80.0, 10, 0.1
CAPACITY_PER_S = SERVERS / SERVICE_S
HANGS_AT_S, SPAN_S = 60, 300
OUTAGES_S = (0.25, 0.5, 0.75, 1, 1.5, 2, 5, 10, 30)
USUAL_BACKOFF = Backoff(0.1, 1.0)

DEFENCES: Mapping[str, Mapping[str, Any]] = {
    "none": {},
    "retries wait longer": {"backoff": Backoff(1.0, 20.0)},
    "no jitter": {"backoff": Backoff(0.1, 1.0, "none")},
    "a time-out of 5 s": {"timeout_s": 5.0},
    "twice the servers": {"servers": 2 * SERVERS},
    "drop who gave up": {"drops_abandoned": True},
    "at most 200 wait": {"buffer": 200},
    "at most 50 wait": {"buffer": 50},
    "nobody waits over 0.5 s": {"shed_after_s": 0.5},
    "newest first": {"lifo": True},
    "a breaker": {"breaker": Breaker(0.5, window=20, cool_down_s=5, probes=3)},
    "no retries": {"tries": 1},
    "a retry budget of 10 %": {"budget": RetryBudget(per_try=0.1)},
}


@functools.lru_cache(maxsize=128)
def hang(
    outage_s: float,
    *,
    rate_per_s: float = RATE_PER_S,
    tries: int = 3,
    timeout_s: float = 1.0,
    backoff: Backoff = USUAL_BACKOFF,
    budget: RetryBudget | None = None,
    breaker: Breaker | None = None,
    servers: int = SERVERS,
    quiet: Surge | None = None,
    span_s: int = SPAN_S,
    seed: int = 45,
    **station: Any,
) -> EventRun:
    """Return five minutes of a service that hangs for `outage_s` after the first; `station` changes its station.

    In the time of `quiet` fewer requests come.
    """
    retry = Retry(tries, backoff, budget) if tries > 1 else None
    system = System(
        (Client("users", rate_per_s, surges=(quiet,) if quiet else ()),),
        (Station("service", servers, Exponential(SERVICE_S), **station),),
        (Call("users", "service", timeout_s, retry, breaker),),
        (Outage("service", HANGS_AT_S, HANGS_AT_S + outage_s, hangs=True),),
    )
    return simulate(system, span_s=span_s, buckets=span_s, seed=seed)


def back_after_s(run: EventRun, up_s: float, *, window_s: int = 20, share: float = 0.97) -> int | None:
    """Return how long after `up_s` requests are answered again: of those of the next `window_s`, a `share`."""
    good = np.bincount((run.at_ns[run.answered_ns >= 0] // 10**9).astype(int), minlength=round(run.span_ns / 1e9))
    came = np.bincount((run.at_ns // 10**9).astype(int), minlength=good.size)
    first = math.ceil(up_s)
    for second in range(first, good.size - window_s):
        window = slice(second, second + window_s)
        if good[window].sum() >= share * came[window].sum():
            return second - first
    return None


def hang_row(run: EventRun, outage_s: float) -> dict[str, Any]:
    """Return what became of a service that hung: how it stands in its last minute, and when it was back."""
    service = run.stations["service"]
    last = slice(-60, None)
    back = back_after_s(run, HANGS_AT_S + outage_s)
    return {
        "back after (s)": NEVER if back is None else back,
        "good, last minute (%)": round(100 * run.goodput[last].sum() / run.offered[last].sum()),
        "calls (1/s)": round(service.calls[last].mean()),
        "finished (1/s)": round(service.finished[last].mean()),
        "of them for nobody (%)": round(100 * service.wasted[last].sum() / service.finished[last].sum()),
        "waiting at the end": int(service.queued[-1]),
    }


def before_and_after(run: EventRun) -> pd.DataFrame:
    """Return what the service and its callers see in the minute before the hang, and in the last one."""
    service = run.stations["service"]
    rows = {}
    for name, minute in (("before", slice(0, HANGS_AT_S)), ("in the last minute", slice(-60, None))):
        rows[name] = {
            "requests (1/s)": round(run.offered[minute].mean()),
            "calls (1/s)": round(service.calls[minute].mean()),
            "busy, of 10": round(float(service.busy[minute].mean()), 1),
            "finished (1/s)": round(service.finished[minute].mean()),
            "for nobody (1/s)": round(service.wasted[minute].mean()),
            "good answers (1/s)": round(run.goodput[minute].mean()),
        }
    return pd.DataFrame(rows)


def outage_table(outages_s: Sequence[float], *, seeds: int = 10, **changes: Any) -> pd.DataFrame:
    """Return one row an outage: of so many runs, each with dice of its own, how many were down long after."""
    rows = []
    for outage_s in outages_s:
        runs = [hang(outage_s, span_s=150, seed=seed, **changes) for seed in range(seeds)]
        down = sum(back_after_s(run, HANGS_AT_S + outage_s) is None for run in runs)
        waits_s = outage_s * changes.get("rate_per_s", RATE_PER_S) / CAPACITY_PER_S
        rows.append({"hangs for (s)": outage_s, "the last one waits (s)": round(waits_s, 2), f"down, of {seeds}": down})
    return pd.DataFrame(rows).set_index("hangs for (s)")


def recoveries_s(outage_s: float, *, seeds: int, **changes: Any) -> list[int]:
    """Return in seconds, sorted, how long after a hang each run was back; a run that did not come back has none."""
    runs = [hang(outage_s, seed=seed, **changes) for seed in range(seeds)]
    back = [back_after_s(run, HANGS_AT_S + outage_s) for run in runs]
    return sorted(after for after in back if after is not None)


def rate_table(rates_per_s: Sequence[float], *, outage_s: float = 10, tries: int = 3, seeds: int = 6) -> pd.DataFrame:
    """Return one row a load: what it becomes while every try times out, and how many runs come back, and when."""
    rows = []
    for rate in rates_per_s:
        back = recoveries_s(outage_s, rate_per_s=rate, tries=tries, seeds=seeds)
        rows.append(
            {
                "load (1/s)": rate,
                f"all of it {tries} times (1/s)": round(tries * rate),
                f"back, of {seeds}": len(back),
                "after, median (s)": round(float(np.median(back))) if back else NEVER,
            }
        )
    return pd.DataFrame(rows).set_index("load (1/s)")


def recovery_table(worst_loads_per_s: Mapping[str, float], *, outage_s: float = 10, seeds: int = 10) -> pd.DataFrame:
    """Return one row a slow cure of `DEFENCES`: when ten runs were back, and when the sum says so.

    The mapping holds for each cure the calls a second while nobody is answered. The sum is a conservation law: what
    came in the hang shrinks by capacity minus calls, until what is left waits less than the time-out of 1 s.
    """
    rows = []
    for name, calls_per_s in worst_loads_per_s.items():
        back = recoveries_s(outage_s, seeds=seeds, **DEFENCES[name])
        left = outage_s * RATE_PER_S - CAPACITY_PER_S
        rows.append(
            {
                "defence": name,
                "the sum (s)": round(left / (CAPACITY_PER_S - calls_per_s)),
                f"the first of {seeds} (s)": back[0],
                "median (s)": round(float(np.median(back))),
                "the last (s)": back[-1],
            }
        )
    return pd.DataFrame(rows).set_index("defence")


def defence_table(names: Iterable[str] = tuple(DEFENCES), *, outage_s: float = 10) -> pd.DataFrame:
    """Return one row a defence of `DEFENCES`: what became of the same hang."""
    rows = []
    for name in names:
        run = hang(outage_s, **DEFENCES[name])
        row = hang_row(run, outage_s)
        columns = ("back after (s)", "good, last minute (%)", "calls (1/s)", "waiting at the end")
        kept = {key: row[key] for key in columns}
        rows.append({"defence": name} | kept | {"answered of all (%)": round(100 * run.served / run.arrived)})
    return pd.DataFrame(rows).set_index("defence")


def quiet_table(seconds: Sequence[int], *, share: float = 0.1, from_s: int = 150) -> pd.DataFrame:
    """Return one row a time of quiet: whether a service that hung for 10 s comes back where most are turned away."""
    waiting = int(hang(10).stations["service"].queued[from_s - 1])
    rows = []
    for quiet_s in seconds:
        run = hang(10, quiet=Surge(from_s, from_s + quiet_s, share), span_s=from_s + 300)
        # While nobody is answered in time, those who are let in try three times.
        left = max(0.0, waiting - quiet_s * (CAPACITY_PER_S - 3 * share * RATE_PER_S))
        last = slice(-60, None)
        rows.append(
            {
                "10 % let in for (s)": quiet_s,
                "waiting before": waiting,
                "left, expected": round(left),
                "left": int(run.stations["service"].queued[from_s + quiet_s - 1]),
                "good, last minute (%)": round(100 * run.goodput[last].sum() / run.offered[last].sum()),
            }
        )
    return pd.DataFrame(rows).set_index("10 % let in for (s)")


def explore_hang(*, main: str = "outage_s", start_s: float = 10) -> Explorer:
    """Return an explorer of the hang: answers and calls over five minutes. `main` moves in the published page too."""
    names = list(DEFENCES)

    def run(outage_s: float, rate_per_s: float, tries: int, defence: int) -> EventRun:
        # A defence that says how often to try has the last word.
        changes: dict[str, Any] = {"tries": tries, **DEFENCES[names[defence]]}
        return hang(outage_s, rate_per_s=rate_per_s, **changes)

    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.1)
    seconds = np.arange(1, SPAN_S, 2)
    for row, (name, colour) in enumerate((("answered in time", theme.BLUE), ("calls", theme.ORANGE)), start=1):
        line = {"color": colour, "width": 2}
        figure.add_scatter(x=seconds, name=name, mode="lines", line=line, row=row, col=1, showlegend=False)
    figure.update_yaxes(title="good (1/s)", range=[0, 140], row=1, col=1)
    figure.update_yaxes(title="calls (1/s)", rangemode="tozero", row=2, col=1)
    dashed = {"dash": "dash", "color": theme.GREY}
    note = {"text": "capacity", "xanchor": "left"}
    figure.add_hline(y=CAPACITY_PER_S, line=dashed, annotation=note, annotation_position="top left", row=2, col=1)
    figure.update_xaxes(range=[30, SPAN_S], row=1, col=1)
    figure.update_xaxes(title="time (s); it hangs from second 60 on", row=2, col=1)
    titles = {"defence": "A short queue cures at once,<br>fewer tries slowly, and longer waits never"}
    title = titles.get(main, "The hang is over.<br>The load that it made is not")
    theme.style(figure, title=title, alt="", height_px=460)

    def view(outage_s: float, rate_per_s: float, tries: int, defence: int) -> View:
        result = run(outage_s, rate_per_s, tries, defence)
        row = hang_row(result, outage_s)
        back = row["back after (s)"]
        found = "It does not come back" if back == NEVER else f"It is back {back} s after the hang"
        return View(
            table=pd.DataFrame([{"hangs for (s)": outage_s} | row]).set_index("hangs for (s)"),
            data=[
                {"y": each.reshape(-1, 2).mean(axis=1)} for each in (result.goodput, result.stations["service"].calls)
            ],
            alt=(
                f"Two curves over five minutes of a service that hangs for {outage_s:g} s from second {HANGS_AT_S} on, "
                f"at {rate_per_s:g} requests a second, with the defence: {names[defence]}. {found}: in the last "
                f"minute {row['good, last minute (%)']} % of the requests get an answer in time, and "
                f"{row['calls (1/s)']} calls a second come in, where {CAPACITY_PER_S:g} are its capacity."
            ),
        )

    sliders = [
        Slider("outage_s", "hangs for (s)", OUTAGES_S, start_s),
        Slider("defence", "defence", range(len(names)), 0, write=lambda place: names[int(place)]),
        Slider("rate_per_s", "requests (1/s)", (20, 30, 40, 50, 60, 70, 80, 90), 80),
        Slider("tries", "tries of a request", (1, 2, 3, 4, 5), 3),
    ]
    return Explorer(figure, sliders, view, main=main, caption="The last minute")


# --- time-outs


def timeout_table(quantiles: Sequence[float], *, rate_per_s: float = RATE_PER_S) -> pd.DataFrame:
    """Return one row a time-out, set at a quantile of the usual service time, of which half take 0.05 s.

    False time-outs are those of calls that would have been answered. A caller whose call hangs is held for the whole
    time-out, so Little's law says how many are.
    """
    service = Lognormal(mean_s=0.085, p99_s=0.5)
    times_s = service.quantiles_s((np.arange(100_000, dtype=np.float64) + 0.5) / 100_000)
    rows = []
    for quantile in quantiles:
        timeout_s = float(service.quantiles_s(np.array([quantile]))[0])
        slow = float((2 * times_s > timeout_s).mean())
        rows.append(
            {
                "quantile": f"p{100 * quantile:g}",
                "time-out (s)": round(timeout_s, 2),
                "false time-outs (%)": round(100 * (1 - quantile), 2),
                "when all is twice as slow (%)": round(100 * slow, 2),
                "callers held by a hang": round(rate_per_s * timeout_s),
            }
        )
    return pd.DataFrame(rows).set_index("quantile")


# --- ten thousand devices

DEVICES, DOWN_S, DEVICES_CAPACITY_PER_S = 10_000, 1.0, 2_000
JITTERS: tuple[Jitter, ...] = ("none", "equal", "full")
_HERD_SPAN_S = 60


@functools.lru_cache(maxsize=32)
def herd(jitter: Jitter, *, cap_s: float = 8, devices: int = DEVICES) -> EventRun:
    """Return a minute of devices that connect within 0.2 s to a service that is down for its first second."""
    at_ns = np.arange(devices) * (200_000_000 // devices)
    system = System(
        (Client("devices", at_ns=at_ns),),
        (Station("gateway", 20, Exponential(0.01), buffer=200),),
        (Call("devices", "gateway", retry=Retry(None, Backoff(1.0, cap_s, jitter))),),
        (Outage("gateway", 0, DOWN_S),),
    )
    return simulate(system, span_s=_HERD_SPAN_S, buckets=10 * _HERD_SPAN_S)


def herd_row(run: EventRun) -> dict[str, Any]:
    """Return how hard the devices came back, and when the last of them was connected."""
    calls = run.stations["gateway"].calls
    done_s = (np.flatnonzero(run.goodput).max() + 1) / 10 if run.served == run.arrived else None
    return {
        "peak once it is up (calls/s)": int(round(10 * calls[int(10 * DOWN_S) :].max(), -3)),
        "calls a device": round(float(calls.sum() / run.arrived), 1),
        "connected after a minute (%)": round(100 * run.served / run.arrived),
        "the last one (s)": NEVER if done_s is None else f"{done_s:.0f}",
    }


def herd_table(caps_s: Sequence[float] = (8,), jitters: Sequence[Jitter] = JITTERS) -> pd.DataFrame:
    """Return one row a jitter and cap: what becomes of ten thousand devices."""
    rows = [
        {"jitter": jitter, "cap (s)": cap_s} | herd_row(herd(jitter, cap_s=cap_s))
        for jitter in jitters
        for cap_s in caps_s
    ]
    return pd.DataFrame(rows).set_index("jitter")


def explore_herd() -> Explorer:
    """Return an explorer of jitter: how many calls a second the devices make, over twenty seconds."""
    shown = 200
    figure = go.Figure()
    # A logarithmic axis has no 0: what is not there has no bar.
    figure.add_bar(x=(np.arange(shown) + 0.5) / 10, marker={"color": theme.ORANGE}, name="calls")
    figure.add_hline(y=DEVICES_CAPACITY_PER_S, line={"dash": "dash", "color": theme.GREY})
    place = {"x": 1, "xref": "x domain", "xanchor": "right", "y": math.log10(DEVICES_CAPACITY_PER_S)}
    figure.add_annotation(text="capacity", showarrow=False, yanchor="bottom", **place)
    figure.update_yaxes(type="log", title="calls (1/s)", range=[1, 5.2], dtick=1)
    figure.update_xaxes(title="time (s); it is down for the first", range=[0, 20])
    theme.style(
        figure,
        title="Without jitter all come back at once,<br>with it each comes at a time of its own",
        alt="",
        height_px=400,
    )

    def view(jitter: int, cap_s: float, devices: int) -> View:
        result = herd(JITTERS[jitter], cap_s=cap_s, devices=devices)
        row = herd_row(result)
        last = row["the last one (s)"]
        end = "some never connect" if last == NEVER else f"the last one connects after {last} s"
        return View(
            table=pd.DataFrame([{"jitter": JITTERS[int(jitter)]} | row]).set_index("jitter"),
            data=[{"y": 10.0 * result.stations["gateway"].calls[:shown]}],
            alt=(
                f"Bars over twenty seconds, on a logarithmic axis: the calls a second of {devices:,} devices, with "
                f"jitter {JITTERS[int(jitter)]} and waits of at most {cap_s:g} s. Once the service is up they reach "
                f"{row['peak once it is up (calls/s)']:,} calls a second, where {DEVICES_CAPACITY_PER_S:,} are its "
                f"capacity. A device makes {row['calls a device']:g} calls, and {end}."
            ),
        )

    sliders = [
        Slider("jitter", "jitter", range(3), 0, write=lambda place: JITTERS[int(place)]),
        Slider("cap_s", "longest wait (s)", (1, 2, 4, 8, 16, 32), 8),
        Slider("devices", "devices", (1_000, 2_000, 5_000, 10_000, 20_000), DEVICES),
    ]
    return Explorer(figure, sliders, view, caption="A minute of it")


# --- layers that all try again

DEAD, HALF, ONE_IN_TEN = 1.0, 0.5, 0.1


def calls_at_the_bottom(
    layers: int,
    *,
    errors: float = DEAD,
    tries: int = 3,
    budget: RetryBudget | None = None,
    only: int | None = None,
    rate_per_s: float = 20,
) -> float:
    """Return how often the last of `layers` services is called for each request, where a share of its answers fails.

    Every layer tries `tries` times, or, with `only`, the layer of that number alone, counted from 0 at the top.
    """
    names = [f"layer {number}" for number in range(1, layers + 1)]
    retry = Retry(tries, Backoff(base_s=0.0), budget)
    last = names[-1]
    stations = [Station(name, 1_000_000, Constant(1e-6), errors=errors * (name == last)) for name in names]
    links = [
        Call(source, target, retry=retry if only in (None, number) else None)
        for number, (source, target) in enumerate(zip(["users", *names], names, strict=False))
    ]
    run = simulate(System((Client("users", rate_per_s),), tuple(stations), tuple(links)), span_s=30)
    return float(run.stations[last].calls.sum() / run.arrived)


def expected_at_the_bottom(layers: int, errors: float, tries: int = 3) -> float:
    """Return the same from the geometric sum: a layer that is failed with chance q makes 1 + q + q² ... calls."""
    calls, fails = 1.0, errors
    for _ in range(layers):
        calls *= sum(fails**number for number in range(tries))
        fails = fails**tries
    return calls


def amplification_table(most_layers: int = 5) -> pd.DataFrame:
    """Return one row a depth: calls at the bottom for each request, with a dead leaf and with a bad one."""
    budget = RetryBudget(per_try=0.1)
    rows = [
        {
            "layers that retry": layers,
            "dead, 3 tries each": round(calls_at_the_bottom(layers), 1),
            "3^n": 3**layers,
            "dead, 10 % budget": round(calls_at_the_bottom(layers, budget=budget, rate_per_s=400), 2),
            "1.1^n": round(1.1**layers, 2),
            "half fail, 3 tries": round(calls_at_the_bottom(layers, errors=HALF, rate_per_s=400), 2),
            "sum": round(expected_at_the_bottom(layers, HALF), 2),
        }
        for layers in range(1, most_layers + 1)
    ]
    return pd.DataFrame(rows).set_index("layers that retry")


# --- down, or only slow

GUARD = Breaker(0.5, window=20, cool_down_s=5, probes=3)
SIDE_CALLS: Mapping[str, Mapping[str, Any]] = {
    "down, refuses at once": {"down": True},
    "slow, no time-out": {},
    "slow, time-out of 1 s": {"timeout_s": 1.0},
    "slow, time-out of 0.3 s": {"timeout_s": 0.3},
    "slow, bulkhead of 20 calls": {"bulkhead": 20},
    "slow, breaker, no time-out": {"breaker": GUARD},
    "slow, breaker and time-out of 0.3 s": {"breaker": GUARD, "timeout_s": 0.3},
    "the same, but the page needs the answer": {"breaker": GUARD, "timeout_s": 0.3, "optional": False},
}


def side_call(*, down: bool = False, optional: bool = True, **link: Any) -> EventRun:
    """Return four minutes of a page with a side call that takes 2 s instead of 0.05 s in the second and third of them.

    A hundred pages a second, 50 servers, 0.02 s of work of their own each; whoever waits for over 2 s gives up.
    """
    trouble = Outage("side", 60, 180) if down else Degraded("side", 60, 180, slower=40.0)
    system = System(
        (Client("users", 100.0),),
        (Station("page", 50, Constant(0.02)), Station("side", 1_000, Exponential(0.05))),
        (Call("users", "page", timeout_s=2.0), Call("page", "side", optional=optional, **link)),
        (trouble,),
    )
    return simulate(system, span_s=240, buckets=240)


def side_call_table() -> pd.DataFrame:
    """Return one row for each of `SIDE_CALLS`: what becomes of the pages in the bad time."""
    rows = []
    for name, changes in SIDE_CALLS.items():
        run = side_call(**changes)
        bad = (run.at_ns >= 90e9) & (run.at_ns < 170e9)
        good = bad & (run.answered_ns >= 0)
        took_s = (run.answered_ns[good] - run.at_ns[good]) / 1e9
        seconds = slice(90, 170)
        rows.append(
            {
                "the side call": name,
                "pages answered (%)": round(100 * good.sum() / bad.sum()),
                "p99 (s)": f"{np.quantile(took_s, 0.99):.2f}" if good.sum() > 0.01 * bad.sum() else "-",
                "servers held, of 50": round(float(run.stations["page"].busy[seconds].mean())),
                "calls to it (1/s)": round(float(run.stations["side"].calls[seconds].mean())),
            }
        )
    return pd.DataFrame(rows).set_index("the side call")


# --- what a breaker counts


def window_trips(share: float, *, window: int = 20, failures: float = 0.5) -> float:
    """Return the chance that of `window` calls a share of `failures` or more fails, each with chance `share`."""
    least = math.ceil(failures * window)
    return sum(math.comb(window, n) * share**n * (1 - share) ** (window - n) for n in range(least, window + 1))


def dead_token_table(shares_percent: Sequence[float] = (1, 5, 10, 20, 30, 40)) -> pd.DataFrame:
    """Return one row a share of dead tokens: what a breaker that counts a 410 as a failure refuses, in ten minutes."""
    rows = []
    for percent in shares_percent:
        system = System(
            (Client("pushes", 50.0),),
            (Station("provider", 1_000, Exponential(0.05), errors=percent / 100),),
            (Call("pushes", "provider", breaker=GUARD),),
        )
        link = simulate(system, span_s=600).links["pushes -> provider"]
        rows.append(
            {
                "dead tokens (%)": percent,
                "a window trips (%)": round(100 * window_trips(percent / 100), 2),
                "pushes refused (%)": round(100 * link.refused.sum() / link.attempts.sum()),
            }
        )
    return pd.DataFrame(rows).set_index("dead tokens (%)")


# --- three times the load

SHEDDING: Mapping[str, Mapping[str, Any]] = {
    "oldest first, no limit": {},
    "at most 200 wait": {"buffer": 200},
    "at most 50 wait": {"buffer": 50},
    "nobody waits over 0.5 s": {"shed_after_s": 0.5},
    "newest first": {"lifo": True},
}


def overloaded(rate_per_s: float = 300, *, critical: bool = False, **station: Any) -> EventRun:
    """Return two minutes of the same service under `rate_per_s`, without retries; its callers wait for 1 s.

    With `critical`, one request in ten is, and stands in front of the others.
    """
    shares = {"critical": 0.1, "others": 0.9}
    clients = tuple(
        Client(name, rate_per_s * share, priority=place) for place, (name, share) in enumerate(shares.items())
    )
    if not critical:
        clients = (Client("users", rate_per_s),)
    links = tuple(Call(client.name, "service", timeout_s=1.0) for client in clients)
    system = System(clients, (Station("service", SERVERS, Exponential(SERVICE_S), **station),), links)
    return simulate(system, span_s=120, buckets=120)


def shedding_table() -> pd.DataFrame:
    """Return one row for each of `SHEDDING`: good answers in the second minute, without and with critical requests."""
    rows = []
    for name, changes in SHEDDING.items():
        little, much, both = overloaded(110, **changes), overloaded(**changes), overloaded(critical=True, **changes)
        later = both.at_ns >= 60e9
        critical = later & (both.client == 0)
        answered = (both.answered_ns >= 0)[critical].mean()
        good = (much.at_ns >= 60e9) & (much.answered_ns >= 0)
        took_s = (much.answered_ns - much.at_ns)[good] / 1e9
        rows.append(
            {
                "the queue": name,
                "good at 110/s (1/s)": round(float(little.goodput[60:].mean())),
                "good at 300/s (1/s)": round(float(much.goodput[60:].mean())),
                "p50 of them (s)": f"{np.quantile(took_s, 0.5):.2f}" if took_s.size else "-",
                "critical first: good (%)": round(100 * float(answered)),
            }
        )
    return pd.DataFrame(rows).set_index("the queue")


# --- twenty minutes without the provider

EVENTS_PER_S, PROVIDER_SLOTS, PROVIDER_S = 20.0, 6, 0.1
PROVIDER_PER_S = PROVIDER_SLOTS / PROVIDER_S
DOWN_AT_S, LONG_SPAN_S, LONG_BUCKET_S = 300, 3_000, 10
NO_LIMIT = 1_000
WORKERS = (3, 5, 10, 20, 30, 40, 50, 60, 80, 100)

DRAINS: Mapping[str, Mapping[str, Any]] = {
    "100 workers": {"workers": 100},
    "... and dead letters after 5 receives": {"workers": 100, "max_receives": 5},
    "... and a breaker": {"workers": 100, "breaker": GUARD},
    "... and 30 starts a second": {"workers": 100, "starts_per_s": 30.0},
    "... and 50 starts a second": {"workers": 100, "starts_per_s": 50.0},
    "... and a bulkhead of 20 calls": {"workers": 100, "bulkhead": 20},
    "... and a time-out of 1.7 s": {"workers": 100, "timeout_s": 1.7},
    "... and a time-out of 2 s": {"workers": 100, "timeout_s": 2.0},
    "30 workers": {"workers": 30},
    "30 workers and a breaker": {"workers": 30, "breaker": GUARD},
    "30 workers, it hangs": {"workers": 30, "hangs": True},
    "30 workers, it hangs, and a breaker": {"workers": 30, "hangs": True, "breaker": GUARD},
}


@functools.lru_cache(maxsize=32)
def long_outage(
    outage_min: float = 20,
    *,
    workers: int,
    timeout_s: float = 1.0,
    starts_per_s: float | None = None,
    bulkhead: int | None = None,
    breaker: Breaker | None = None,
    max_receives: int | None = None,
    codes_first: bool | None = None,
    hangs: bool = False,
) -> EventRun:
    """Return fifty minutes of notifications whose provider is down for `outage_min`, from minute five on.

    The provider refuses at once while it is down; with `hangs` it takes calls in and starts none. A failed message
    comes back after 1 s, doubled each time, at most 120 s, with full jitter. Unless `codes_first` is None, one message
    in ten is a one-time code, which goes first, or not.
    """
    clients: tuple[Client, ...] = (Client("news", EVENTS_PER_S),)
    if codes_first is not None:
        clients = (Client("codes", 0.1 * EVENTS_PER_S), Client("news", 0.9 * EVENTS_PER_S, priority=int(codes_first)))
    again = Backoff(1.0, 120.0)
    queues = [Queue(each.name, "workers", max_receives=max_receives, backoff=again) for each in clients]
    system = System(
        clients,
        (
            Station("workers", workers, Constant(0.01), starts_per_s=starts_per_s),
            Station("provider", PROVIDER_SLOTS, Exponential(PROVIDER_S)),
        ),
        (*queues, Call("workers", "provider", timeout_s, breaker=breaker, bulkhead=bulkhead)),
        (Outage("provider", DOWN_AT_S, DOWN_AT_S + 60 * outage_min, hangs),),
    )
    return simulate(system, span_s=LONG_SPAN_S, buckets=LONG_SPAN_S // LONG_BUCKET_S)


def backlog(run: EventRun) -> NDArray[np.int64]:
    """Return how many messages had come and were not yet acknowledged at the end of each bucket; dead ones count."""
    waiting: NDArray[np.int64] = np.cumsum(run.offered) - np.cumsum(run.settled)
    return waiting


def oldest_age_s(run: EventRun, at_s: float) -> float:
    """Return the age of the oldest message that was not yet acknowledged at `at_s`; 0 where there is none."""
    come = run.at_ns <= at_s * 1e9
    left = come & ((run.settled_ns < 0) | (run.settled_ns > at_s * 1e9))
    return float(at_s - run.at_ns[left].min() / 1e9) if left.any() else 0.0


def drain_row(run: EventRun, outage_min: float = 20) -> dict[str, Any]:
    """Return what became of the backlog after the outage: the minutes until it was gone, and what is left."""
    up = round((DOWN_AT_S + 60 * outage_min) / LONG_BUCKET_S)
    waiting, provider = backlog(run), run.stations["provider"]
    gone = np.flatnonzero(waiting[up:] < 100)
    left_min = (LONG_SPAN_S / 60) - DOWN_AT_S / 60 - outage_min
    # What shrinks at the end is only late, though it may have grown for long after the outage.
    late = f"over {left_min:g}" if waiting[-1] < 0.9 * waiting[up - 1 :].max() else NEVER
    # What is dead waits no more, and was not sent either.
    late = "-" if run.dead else late
    after = f"{(gone[0] + 1) * LONG_BUCKET_S / 60:.0f}" if gone.size else late
    down = slice(DOWN_AT_S // LONG_BUCKET_S, up)
    finished = int(provider.finished[up:].sum())
    return {
        "drained after (min)": after,
        "waiting after 50 min": int(waiting[-1]) - run.dead,
        "dead": run.dead,
        "calls while it is down": int(provider.calls[down].sum()),
        "work for nobody (%)": round(100 * int(provider.wasted[up:].sum()) / max(1, finished)),
    }


def drain_table(names: Iterable[str] = tuple(DRAINS)) -> pd.DataFrame:
    """Return one row for each of `DRAINS`: what became of the backlog of twenty minutes."""
    rows = [{"": name} | drain_row(long_outage(**DRAINS[name])) for name in names]
    return pd.DataFrame(rows).set_index("")


def workers_table(counts: Sequence[int] = WORKERS) -> pd.DataFrame:
    """Return one row a number of workers: how long a call takes when all of them call, and when the backlog is gone."""
    rows = []
    for count in counts:
        row = drain_row(long_outage(workers=count))
        kept = ("drained after (min)", "work for nobody (%)")
        # Little's law: so many in the provider, divided by how many leave it in a second.
        at_once_s = {"workers": count, "a call takes (s)": round(max(count / PROVIDER_PER_S, PROVIDER_S), 2)}
        rows.append(at_once_s | {name: row[name] for name in kept})
    return pd.DataFrame(rows).set_index("workers")


def backlog_table(run: EventRun, minutes: Sequence[float]) -> pd.DataFrame:
    """Return one row a moment: what three dashboards show of the queue."""
    waiting, visible = backlog(run), run.stations["workers"].queued
    rows = []
    for minute in minutes:
        bucket = round(60 * minute / LONG_BUCKET_S) - 1
        rows.append(
            {
                "minute": minute,
                "not yet sent": int(waiting[bucket]),
                "visible in the queue": int(visible[bucket]),
                "the oldest (s)": round(oldest_age_s(run, 60 * minute)),
            }
        )
    return pd.DataFrame(rows).set_index("minute")


def codes_table() -> pd.DataFrame:
    """Return how long what comes in the ten minutes after the outage takes, in one line and with a line of its own."""
    rows = []
    for name, first in (("one line for all", False), ("codes first", True)):
        run = long_outage(workers=30, codes_first=first)
        up_ns = (DOWN_AT_S + 1_200) * 10**9
        after = (run.at_ns >= up_ns) & (run.at_ns < up_ns + 600 * 10**9) & (run.settled_ns >= 0)
        row: dict[str, Any] = {"": name}
        for number, kind in enumerate(("code", "news")):
            took_s = (run.settled_ns - run.at_ns)[after & (run.client == number)] / 1e9
            row |= {f"{kind}, p50 (s)": round(float(np.quantile(took_s, 0.5)), 1)}
            row |= {f"{kind}, p99 (s)": round(float(np.quantile(took_s, 0.99)), 1)}
        rows.append(row)
    return pd.DataFrame(rows).set_index("")


def explore_drain(*, start: int = 100) -> Explorer:
    """Return an explorer of the workers behind a provider that comes back: the backlog, and what the provider does."""

    def run(workers: int, outage_min: float, timeout_s: float, starts_per_s: float) -> EventRun:
        # What stands as usual is left out: then these are the runs of the tables, and they are done once.
        changes = {"outage_min": outage_min, "timeout_s": timeout_s, "starts_per_s": starts_per_s}
        usual = {"outage_min": 20, "timeout_s": 1, "starts_per_s": NO_LIMIT}
        return long_outage(workers=workers, **{key: value for key, value in changes.items() if value != usual[key]})

    buckets = LONG_SPAN_S // LONG_BUCKET_S
    minutes = (np.arange(buckets) + 0.5) * LONG_BUCKET_S / 60
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.16)
    figure.add_scatter(
        x=minutes,
        name="backlog",
        mode="lines",
        line={"color": theme.ORANGE, "width": 2.5},
        row=1,
        col=1,
        showlegend=False,
    )
    for name, colour, dash in (("sent (1/s)", theme.BLUE, "solid"), ("for nobody (1/s)", theme.RED, "dot")):
        line = {"color": colour, "dash": dash, "width": 2}
        figure.add_scatter(x=minutes, name=name, mode="lines", line=line, row=2, col=1)
    figure.update_yaxes(title="not yet sent", rangemode="tozero", tickformat="~s", row=1, col=1)
    figure.update_yaxes(title="provider (1/s)", range=[0, 75], row=2, col=1)
    figure.update_xaxes(title="time (min); down from minute 5 on", row=2, col=1)
    theme.style(
        figure,
        title="Few workers drain the backlog.<br>Many keep the provider busy for nobody",
        alt="",
        height_px=480,
    )

    def view(workers: int, outage_min: float, timeout_s: float, starts_per_s: float) -> View:
        result = run(workers, outage_min, timeout_s, starts_per_s)
        row, waiting = drain_row(result, outage_min), backlog(result)
        kept = ("drained after (min)", "waiting after 50 min", "work for nobody (%)")
        after = row["drained after (min)"]
        end = "is never gone" if after == NEVER else f"is gone after {after} minutes of a working provider"
        table = {"workers": workers} | {name: row[name] for name in kept}
        return View(
            table=pd.DataFrame([table]).set_index("workers"),
            data=[
                {"y": waiting},
                {"y": result.settled / LONG_BUCKET_S},
                {"y": result.stations["provider"].wasted / LONG_BUCKET_S},
            ],
            alt=(
                f"Curves over fifty minutes, with {workers} workers and a provider that is down for {outage_min:g} "
                f"minutes from minute five on. The backlog rises to {waiting.max():,} messages and {end}. Afterwards "
                f"{row['work for nobody (%)']} % of what the provider does is for a worker that has given up."
            ),
        )

    sliders = [
        Slider("workers", "workers", WORKERS, start),
        Slider("outage_min", "provider down for (min)", (1, 2, 5, 10, 20), 20),
        Slider("timeout_s", "time-out of a call (s)", (0.5, 1, 1.5, 2, 5), 1),
        Slider(
            "starts_per_s",
            "starts of all workers (1/s)",
            (30, 40, 50, 60, 80, NO_LIMIT),
            NO_LIMIT,
            write=lambda rate: "no limit" if rate == NO_LIMIT else f"{rate:g}",
        ),
    ]
    return Explorer(figure, sliders, view, caption="After the outage")


# --- batches

BATCHES = (1, 10, 30, 100)


def batch_table(deaths_percent: float = 1.0, batches: Sequence[int] = BATCHES) -> pd.DataFrame:
    """Return one row a size of batch: 30,000 messages, each of which kills its worker with the same small chance.

    The batch is acknowledged at its end, so a death brings all of it back. A delivery of a batch of n messages succeeds
    with chance (1 - p)^n, and the number of deliveries is geometric.
    """
    messages = 30_000
    rows = []
    for batch in batches:
        dies = 1 - (1 - deaths_percent / 100) ** batch
        station = Station("workers", 20, Constant(0.05), batch=batch, batch_item_s=0.05, crashes=dies, restart_s=10.0)
        client = Client("sender", at_ns=np.zeros(messages, dtype=np.int64))
        run = simulate(System((client,), (station,), (Queue("sender", "workers"),)), span_s=7_200)
        rows.append(
            {
                "batch": batch,
                "batches that die (%)": round(100 * dies),
                "deliveries a message": round(float(run.links["sender -> workers"].attempts.sum() / messages), 2),
                "expected": round(1 / (1 - dies), 2),
                "all done (min)": round(float(run.settled_ns.max()) / 60e9),
            }
        )
    return pd.DataFrame(rows).set_index("batch")


def batch_outcomes(
    consumers: Mapping[str, Callable[..., Any]], faults: Sequence[Fault], *, messages: int = 100, batch: int = 10
) -> pd.DataFrame:
    """Return one row a consumer `(messages, queue, push)`: what became of 100 messages in batches of ten.

    What was delivered five times without an acknowledgement is dead.
    """
    rows = []
    for name, consumer in consumers.items():
        scene = Scene(name, ("queue", "push"), (), batch=batch, gap_s=0, max_receives=5)
        run = scene.run(Schedule(0, messages, tuple(faults)), lambda name=name, consumer=consumer: {name: consumer})  # type: ignore[misc]
        shown = [text for _, _, _, text in run.push.sent]
        rows.append(
            {
                "": name,
                "shown": len(set(shown)),
                "shown again": len(shown) - len(set(shown)),
                "refused calls": len(run.push.refused),
                "dead letters": len(run.queue.dead),
            }
        )
    return pd.DataFrame(rows).set_index("")
