"""A sweep: one design run for all combinations of settings, loads and seeds, a row for each, by plain functions."""

from __future__ import annotations

import hashlib
import itertools
import math
import re
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fortyfive.design.edit import set_component, set_link
from fortyfive.design.kinds import COMPONENT_PARAMETERS, LINK_PARAMETERS, Parameter
from fortyfive.design.text import read
from fortyfive.flow.designs import DesignCannotRunError, Trace, run
from fortyfive.judgement.measured import promises
from fortyfive.scenario.prompts import Prompt, find_prompt

MOST_RUNS = 10_000
FIRST_SEED = 45
# The load may be multiplied by so much; how many requests one run bears, the run says.
LEAST_TIMES, MOST_TIMES = 0.001, 1_000.0
_PARTS = re.compile(r"\s*(?P<start>[^.=>~]+?)\s*(?:[-~]>\s*(?P<end>[^.=>~]+?)\s*)?\.\s*(?P<word>[^.=\s]+)\s*")
# What the numbers of a row depend on.
_ROOMS = ("scenario", "grading", "sim", "units", "numbers", "design", "flow", "judgement")


@dataclass(frozen=True)
class Setting:
    """A parameter of a component, or of the link to `end`, and the values to try, as they are typed."""

    start: str
    end: str
    word: str
    values: tuple[str, ...]

    @property
    def name(self) -> str:
        """The setting as it is typed, without its values."""
        return f"{self.start}->{self.end}.{self.word}" if self.end else f"{self.start}.{self.word}"

    def applied(self, source: str, value: str) -> str:
        """Return the text of a design with one of the values. Raises ValueError with a sentence."""
        flag = self._unit() == "flag"
        said = value.casefold()
        if flag and said not in ("on", "off"):
            raise ValueError(f"'{self.name}' is on or off, not '{value}'.")
        typed = None if said == "off" else "" if flag else value
        if self.end:
            return set_link(source, self.start, self.end, self.word, typed)
        return set_component(source, self.start, self.word, typed)

    def _unit(self) -> str:
        known: Iterable[Parameter] = LINK_PARAMETERS if self.end else COMPONENT_PARAMETERS
        return next((each.unit for each in known if each.word == self.word), "")


@dataclass(frozen=True)
class Task:
    """What all runs of a sweep share: the text of the design, the name of the prompt, and the settings."""

    source: str
    prompt: str
    settings: tuple[Setting, ...] = ()


@dataclass(frozen=True)
class Point:
    """One run of a sweep: a value for each setting of its task, how many times the load, and the seed."""

    values: tuple[str, ...]
    times: float
    seed: int


@dataclass(frozen=True)
class Row:
    """What one run came to; with a `problem` it did not run, and the rest is empty.

    `answer_p99_s` and `done_p99_s` have one entry for each operation of the prompt (None: nothing was answered or
    done). `lost` is the share of requests without a good answer, `first` the component that was full first, or "", and
    `meets` says whether every promise about latency and loss held.
    """

    point: Point
    problem: str = ""
    answer_p99_s: tuple[float | None, ...] = ()
    done_p99_s: tuple[float | None, ...] = ()
    goodput_per_s: float | None = None
    lost: float | None = None
    usd_a_month: float | None = None
    first: str = ""
    meets: bool = False


def setting(text: str) -> Setting:
    """Read a setting such as `notify.x=2,4,8`, `cache.coalesce=on,off` or `notify->apns.retry=0,2`.

    Raises ValueError with a sentence.
    """
    name, equals, values = text.partition("=")
    found = _PARTS.fullmatch(name)
    if not found or not equals:
        raise ValueError(
            f"'{text}' is no setting: write component.parameter=value,value as in notify.x=2,4,8, or "
            "from->to.parameter=value,value for a link."
        )
    tried = tuple(dict.fromkeys(each.strip() for each in values.split(",") if each.strip()))
    if not tried:
        raise ValueError(f"'{text}' has no value: write what to try, as in {name.strip()}=2,4,8.")
    return Setting(found["start"], found["end"] or "", found["word"].casefold(), tried)


def points(task: Task, times: Sequence[float] = (1.0,), seeds: int = 1) -> list[Point]:
    """Return every combination of the values of the settings, the loads and the seeds, the seeds changing fastest.

    Raises ValueError with a sentence for an unknown prompt, a setting that the design cannot take, a value that cannot
    be read, and for more than MOST_RUNS runs. That a value is out of its bounds, the row of its run will say.
    """
    try:
        find_prompt(task.prompt)
    except LookupError as error:
        raise ValueError(str(error)) from None
    if not times or seeds < 1:
        raise ValueError("A sweep needs a load and a seed at least.")
    for factor in times:
        require_times(factor)
    runs = math.prod(len(each.values) for each in task.settings) * len(times) * seeds
    if runs > MOST_RUNS:
        raise ValueError(f"These are {runs:,} runs, and a sweep has {MOST_RUNS:,} at most: leave out values or seeds.")
    seen: set[str] = set()
    for each in task.settings:
        if each.word in ("at", "label"):
            raise ValueError(f"'{each.name}' changes the drawing only, and nothing in a run.")
        if each.name.casefold() in seen:
            raise ValueError(f"'{each.name}' is set twice: write all its values behind one =.")
        seen.add(each.name.casefold())
        for value in each.values:
            each.applied(task.source, value)
    grid = itertools.product(*(each.values for each in task.settings))
    return [
        Point(values, factor, seed)
        for values in grid
        for factor in times
        for seed in range(FIRST_SEED, FIRST_SEED + seeds)
    ]


def require_times(factor: float) -> None:
    """Raise ValueError with a sentence where the load cannot be multiplied by this."""
    if not LEAST_TIMES <= factor <= MOST_TIMES:
        raise ValueError(f"{factor:g} times the load cannot be run: choose {LEAST_TIMES:g} to {MOST_TIMES:,.0f} times.")


def measure(point: Point, task: Task) -> Row:
    """Run one point; the same point and task give the same row in any process. What cannot run is a row too."""
    source, prompt = task.source, find_prompt(task.prompt)
    try:
        for each, value in zip(task.settings, point.values, strict=True):
            source = each.applied(source, value)
    except ValueError as error:
        return Row(point, problem=str(error))
    reading = read(source)
    fatal = [each.message for each in reading.problems if each.fatal]
    if fatal:
        return Row(point, problem=fatal[0])
    loaded = replace(prompt, load=prompt.load.times(point.times))
    try:
        trace = run(reading.design, loaded.load, seed=point.seed)
    except DesignCannotRunError as error:
        return Row(point, problem=str(error))
    return _row(point, loaded, trace)


def _row(point: Point, prompt: Prompt, trace: Trace) -> Row:
    if trace.cut_short:
        return Row(point, problem=f"The run was cut short at {trace.reached_s:.1f} s: it has too many events.")
    paths = trace.paths.values()
    return Row(
        point,
        answer_p99_s=tuple(_seconds(each.answer_s[2]) for each in paths),
        done_p99_s=tuple(_seconds(each.done_s[2]) for each in paths),
        goodput_per_s=round(trace.goodput_per_s, 3),
        lost=round(1 - trace.available, 6),
        usd_a_month=round(trace.usd_a_month, 2),
        first=trace.saturated[0] if trace.saturated else "",
        meets=not any(each.rule == "promise" for each in promises(trace, prompt)),
    )


def _seconds(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 9)


def cells(row: Row, task: Task) -> dict[str, Any]:
    """Return a row as columns, the same ones for each row of a sweep; None where there is no value.

    Times are in seconds. `done_p99_s` is there for operations that are promised to be done in some time.
    """
    operations = find_prompt(task.prompt).load.operations
    answers = row.answer_p99_s or (None,) * len(operations)
    dones = row.done_p99_s or (None,) * len(operations)
    columns: dict[str, Any] = {each.name: value for each, value in zip(task.settings, row.point.values, strict=True)}
    columns |= {"times": row.point.times, "seed": row.point.seed}
    for operation, answer, done in zip(operations, answers, dones, strict=True):
        columns[f"{operation.name}.answer_p99_s"] = answer
        if operation.done_p99_s is not None:
            columns[f"{operation.name}.done_p99_s"] = done
    return columns | {
        "goodput_per_s": row.goodput_per_s,
        "lost": row.lost,
        "usd_a_month": row.usd_a_month,
        "first_full": row.first or None,
        "meets": None if row.problem else row.meets,
        "problem": row.problem or None,
    }


@dataclass(frozen=True)
class Spread:
    """The median of a number over the seeds, the least and the greatest."""

    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Group:
    """What the runs of one combination came to, over the seeds.

    `tight` is the promise that is nearest to being broken, or broken the most: an operation, and "answer" or "done";
    `tight_p99_s` is its p99 in seconds. Spreads are None where no run has the number. `meets` of the `ran` runs kept
    every promise, `first` counts which component was full first ("": none), `problem` says why a run did not happen.
    """

    values: tuple[str, ...]
    times: float
    tight: tuple[str, str] | None
    tight_p99_s: Spread | None
    goodput_per_s: Spread | None
    lost: Spread | None
    usd_a_month: Spread | None
    first: tuple[tuple[str, int], ...]
    meets: int
    ran: int
    problem: str


def groups(rows: Iterable[Row], task: Task) -> list[Group]:
    """Return the rows by combination of settings and load, in the order in which these come first."""
    by: dict[tuple[tuple[str, ...], float], list[Row]] = {}
    for row in rows:
        by.setdefault((row.point.values, row.point.times), []).append(row)
    prompt = find_prompt(task.prompt)
    return [_group(values, times, together, prompt) for (values, times), together in by.items()]


def _group(values: tuple[str, ...], times: float, rows: Sequence[Row], prompt: Prompt) -> Group:
    ran = [row for row in rows if not row.problem]
    tight = _tight(ran, prompt)
    firsts = [row.first for row in ran]
    return Group(
        values=values,
        times=times,
        tight=tight[0] if tight else None,
        tight_p99_s=tight[1] if tight else None,
        goodput_per_s=_spread(row.goodput_per_s for row in ran),
        lost=_spread(row.lost for row in ran),
        usd_a_month=_spread(row.usd_a_month for row in ran),
        first=tuple((name, firsts.count(name)) for name in sorted(set(firsts), key=lambda name: -firsts.count(name))),
        meets=sum(row.meets for row in ran),
        ran=len(ran),
        problem=next((row.problem for row in rows if row.problem), ""),
    )


def _tight(rows: Sequence[Row], prompt: Prompt) -> tuple[tuple[str, str], Spread] | None:
    found: list[tuple[float, tuple[str, str], Spread]] = []
    for number, operation in enumerate(prompt.load.operations):
        answer = _spread(row.answer_p99_s[number] for row in rows)
        done = _spread(row.done_p99_s[number] for row in rows)
        if answer:
            found.append((answer.median / operation.answer_p99_s, (operation.name, "answer"), answer))
        if done and operation.done_p99_s is not None:
            found.append((done.median / operation.done_p99_s, (operation.name, "done"), done))
    if not found:
        return None
    _, name, spread = max(found, key=lambda each: each[0])
    return name, spread


def _spread(values: Iterable[float | None]) -> Spread | None:
    known = [each for each in values if each is not None]
    return Spread(statistics.median(known), min(known), max(known)) if known else None


def fingerprint() -> str:
    """Return a digest of the code and the tables that a row depends on: equal ones give equal rows."""
    package, digest = Path(__file__).parents[1], hashlib.sha256()
    for room in _ROOMS:
        folder = package / room
        files = sorted(folder.rglob("*")) if folder.is_dir() else [folder.with_suffix(".py")]
        for file in files:
            if file.suffix in (".py", ".toml"):
                digest.update(f"{file.relative_to(package).as_posix()}\0".encode())
                digest.update(file.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()
