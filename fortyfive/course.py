"""The learner's side of grading: `check`, `replay`, `progress` and `reset`, as a notebook calls them."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from json import dumps, loads
from pathlib import Path
from typing import Any

from fortyfive import checks
from fortyfive.grading import exercise as grader
from fortyfive.grading import render, sandbox, wire
from fortyfive.grading.collect import collect
from fortyfive.grading.diagram import Diagram
from fortyfive.grading.exercise import Answer, Check, Exercise, explain_grader_error, result
from fortyfive.grading.pristine import builtins_restored
from fortyfive.grading.report import Failure, Report, Verdict
from fortyfive.grading.source import first_line, split_lines
from fortyfive.grading.submission import Submission
from fortyfive.ledger import Ledger, LedgerUnavailable
from fortyfive.scenario.faults import read_schedule, tell
from fortyfive.sim.scenes import Schedule
from fortyfive.sim.story import as_diagram

# The learner's code has limits of its own, in seconds; this one ends a grader that hangs.
GRADING_LIMIT_S = 120.0
# What a replay takes: more than anybody can follow in a picture.
MOST_FAULTS, MOST_MESSAGES, MOST_SEED = 20, 200, 1_000_000


def root() -> Path:
    """Return the folder that holds lessons/, exercises/ and solutions/."""
    return Path(__file__).resolve().parent.parent


class Shown:
    """What a call shows: plain text in a terminal, HTML in a notebook."""

    def __init__(self, text: str, html: str = "") -> None:
        self.text = text
        self.html = html or render.box("Note", f"<p style='margin-left:0'>{escape(text)}</p>")

    def with_note(self, note: str) -> Shown:
        """Return the same with a sentence below it, if there is one to say."""
        return Shown(f"{self.text}\n{note}", self.html + Shown(note).html) if note else self

    def hint(self) -> Shown:
        """Show the same again: where nothing was graded there is nothing to hint at."""
        return self

    def solution(self) -> Shown:
        """Show the same again, like `hint`."""
        return self

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return self.html


class Graded(Shown):
    """A report on display; `.hint()` and `.solution()` go on from its first check that has not passed."""

    def __init__(self, exercise: Exercise, report: Report, ledger: Ledger, notes: Sequence[str] = ()) -> None:
        shown = Shown(render.as_text(report, exercise.title), render.as_html(report, exercise.title))
        shown = shown.with_note("\n".join(notes))
        super().__init__(shown.text, shown.html)
        self.exercise = exercise
        self.report = report
        self._ledger = ledger
        self._hints_without_ledger = 0

    def _next(self) -> Check | None:
        """Return the check to go on with: the first that was tried in vain, else the first that was not tried."""
        still_open = [item for item in self.report.results if item.verdict is not Verdict.PASSED]
        tried = [item for item in still_open if item.attempted]
        return self.exercise.find((tried or still_open)[0].id) if still_open else None

    def hint(self) -> Shown:
        """Show the next hint for the first check that has not passed; each call says a little more."""
        return _safely(lambda _: self._hint())

    def _hint(self) -> Shown:
        check = self._next()
        if check is None:
            return Shown("Everything here has passed: no hint needed.")
        try:
            number = self._ledger.take_hint(self.report.stem, check.id)
        except LedgerUnavailable:
            self._hints_without_ledger += 1
            number = self._hints_without_ledger
        count = len(check.hints)
        number = min(number, count)
        more = "" if number < count else " That was the last one: after an attempt, `.solution()` shows how we did it."
        return Shown(f"{check.title}\nHint {number} of {count}: {check.hints[number - 1]}{more}")

    def solution(self) -> Shown:
        """Show our solution of the first check that has not passed (or of all of it), after at least one attempt."""
        return _safely(lambda _: self._solution())

    def _solution(self) -> Shown:
        check = self._next()
        names = check.needs if check else self.exercise.names
        if check and not self._has_attempted(check):
            return Shown(f"{check.title}\nTry it once first: the solution is shown after your first attempt.")
        path = root() / "solutions" / f"{self.report.stem}.py"
        try:
            source = path.read_text(encoding="utf-8")
        except OSError:
            return Shown(f"The solutions are not here: {path.name} belongs in the course's folder solutions/.")
        text = _definitions(source, names)
        where = f"From solutions/{self.report.stem}.ipynb, which also says why:"
        return Shown(
            f"{where}\n\n{text}",
            render.box("Solution", f"<p style='margin-left:0'>{where}</p><pre><code>{escape(text)}</code></pre>"),
        )

    def _has_attempted(self, check: Check) -> bool:
        if any(item.id == check.id and item.attempted for item in self.report.results):
            return True
        try:
            return self._ledger.attempted(self.report.stem, check.id)
        except LedgerUnavailable:
            return False


def _definitions(source: str, names: Sequence[str]) -> str:
    """Return the parts of a solution's source that define `names`, without the build's markers."""
    lines = split_lines(source)
    found: list[str] = []
    for statement in ast.parse(source).body:
        match statement:
            case (
                ast.FunctionDef(name=name)
                | ast.AsyncFunctionDef(name=name)
                | ast.ClassDef(name=name)
                | ast.Assign(targets=[ast.Name(id=name)])
            ) if name in names:
                part = lines[first_line(statement) - 1 : statement.end_lineno]
                found.append("\n".join(line for line in part if "SOLUTION" not in line))
    return "\n\n".join(found)


def grade(exercise: Exercise, submission: Submission, names: Sequence[str] = ()) -> Report:
    """Grade in a clean process of its own, so that nothing a notebook has changed reaches the grader.

    Raises nothing: a grader that fails or hangs gives `grader_error` for each check.
    """
    request = {"stem": exercise.stem, "submission": submission.to_json(), "names": list(names)}
    judged = exercise.select(names)
    try:
        process = subprocess.run(
            sandbox.python("-m", "fortyfive.checks"),
            input=dumps(request),
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=sandbox.clean_environment(tempfile.gettempdir()),
            timeout=GRADING_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        detail = f"it did not answer within {GRADING_LIMIT_S:g} s"
    except OSError as error:
        detail = f"its process could not be started: {error}"
    else:
        try:
            report = Report.from_json(loads(process.stdout))
            if [item.id for item in report.results] == [item.id for item in judged]:
                return report
            detail = "its report is about other checks"
        except (ValueError, KeyError, TypeError, RecursionError):
            detail = process.stderr or f"it ended with exit code {process.returncode}"
    said = explain_grader_error(detail)
    return Report(exercise.stem, tuple(result(item, Verdict.GRADER_ERROR, *said) for item in judged))


def record(ledger: Ledger, report: Report, seconds: float) -> list[str]:
    """Write a report to the ledger; returns what the learner should be told about the ledger, if anything."""
    try:
        ledger.record(report, seconds=seconds)
    except LedgerUnavailable as error:
        return [str(error)]
    except Exception as error:  # noqa: BLE001 - a notebook may have broken what the ledger needs; the grade stands
        return [f"The grade stands, but it was not recorded ({type(error).__name__}: {error})."]
    return [ledger.notice] if ledger.notice else []


def _safely(act: Callable[[Sequence[str]], Shown]) -> Shown:
    """Return what `act` shows, or why it could not, whatever a notebook has done to Python: its kernel must live on.

    `act` gets the names of the built-ins that the learner has replaced.
    """
    with builtins_restored() as replaced:
        try:
            return act(replaced)
        except (checks.UnknownExerciseError, LedgerUnavailable) as error:
            return Shown(str(error))
        except KeyboardInterrupt:
            return Shown("This was interrupted, and nothing was recorded. Run the cell again.")
        except BaseException as error:  # noqa: BLE001 - an object of the notebook may raise SystemExit too
            text = wire.safe_text(str, error)
            return Shown(
                f"This could not be done in this notebook ({type(error).__name__}: {text}). Your work is safe. "
                "If a cell has changed one of Python's own modules, restart the kernel (Kernel > Restart Kernel) "
                "and run the cells again."
            )


def check(topic: str | int, *names: str, namespace: Mapping[str, Any] | None = None) -> Shown:
    """Grade an exercise, or only the tasks that define `names`, by what this notebook defines right now.

    `check("05")` grades all of it, `check("05", "threshold")` one task. The result has `.hint()` and `.solution()`.
    `namespace` replaces the caller's own names.
    """
    found: Mapping[str, Any] = sys._getframe(1).f_globals if namespace is None else namespace
    return _safely(lambda replaced: _check(topic, names, found, replaced))


def _check(topic: str | int, names: Sequence[str], namespace: Mapping[str, Any], replaced: Sequence[str]) -> Shown:
    exercise = checks.load(checks.find_stem(topic))
    if unknown := [name for name in names if name not in exercise.names]:
        asked = ", ".join(f'"{name}"' for name in exercise.names)
        return Shown(f"Exercise {exercise.stem} has no {unknown[0]!r}. It asks for: {asked}.")
    started_s = time.monotonic()
    report = grade(exercise, collect(namespace, exercise.names), names)
    ledger = Ledger()
    notes = record(ledger, report, time.monotonic() - started_s)
    return Graded(exercise, report, ledger, [*_about_builtins(replaced), *notes])


def _about_builtins(replaced: Sequence[str]) -> list[str]:
    if not replaced:
        return []
    return [
        f"This notebook has replaced built-in names of Python ({', '.join(replaced)}). They did not affect your grade, "
        "but they can break other cells: restart the kernel to get them back."
    ]


def replay(
    topic: str | int,
    name: str,
    *,
    seed: int = 0,
    messages: int = 1,
    faults: Sequence[Sequence[Any]] = (),
    namespace: Mapping[str, Any] | None = None,
) -> Shown:
    """Carry out one schedule of faults with this notebook's code, draw what happened, and say what holds.

    `seed` decides how long each request takes. `faults` is a list such as `[("crash", "m1", 1, 2)]`. Nothing of it is
    recorded.
    """
    found: Mapping[str, Any] = sys._getframe(1).f_globals if namespace is None else namespace
    return _safely(lambda _: _replay(topic, name, {"seed": seed, "messages": messages, "faults": faults}, found))


def _replay(topic: str | int, name: str, asked: Mapping[str, Any], namespace: Mapping[str, Any]) -> Shown:
    exercise = checks.load(checks.find_stem(topic))
    if not isinstance(name, str) or name not in exercise.scenes:
        there = ", ".join(f'"{one}"' for one in exercise.scenes) or "none of its tasks"
        return Shown(f"Exercise {exercise.stem} has nothing to replay for {name!r}. It replays: {there}.")
    schedule, wrong = _schedule(**asked)
    if schedule is None:
        return Shown(wrong)
    drawn: list[Diagram] = []

    def carry_out(answer: Answer) -> None:
        outcome = answer.drive("fortyfive.sim.hunt:drive_replay", exercise.scenes[name], schedule.plain())
        drawn.append(as_diagram(outcome["history"], f"{name}: {_told(schedule)}"))
        if outcome["unlike"]:
            raise Failure(
                f"`{name}` did two different things under one and the same schedule. This is the first of them.",
                help="Does it use `random`, the clock, or something that outlives the call?",
                diagram=drawn[0],
            )
        if outcome["said"]:
            raise Failure(f"`{outcome['invariant']}` is broken: {outcome['said']}", diagram=drawn[0])

    task = next((check for check in exercise.checks if name in check.needs), None)
    needs = task.needs if task else (name,)
    limits = task.limits if task else sandbox.DEFAULT_LIMITS
    single = Check("replay", name, carry_out, 0, needs, (), "Everything that is promised here holds.", None, limits)
    submission = collect(namespace, needs) if task or name in namespace else _ours(exercise.scenes[name], name)
    (item,) = grader.grade(Exercise(exercise.stem, exercise.title, [single]), submission).results
    item = replace(item, diagram=drawn[0] if drawn else None)
    heading = f"Replay of `{name}`: {_told(schedule)}"
    return Shown(render.replay_as_text(heading, item), render.replay_as_html(heading, item))


def _schedule(seed: object, messages: object, faults: object) -> tuple[Schedule | None, str]:
    """Return the schedule that a learner asked for, or None and what is wrong with it."""
    if type(seed) is not int or not 0 <= seed <= MOST_SEED:
        return (
            None,
            f"`seed` is {wire.safe_text(repr, seed, 200)}, and it should be a whole number, 0 to {MOST_SEED:,}.",
        )
    if type(messages) is not int or not 1 <= messages <= MOST_MESSAGES:
        found = wire.safe_text(repr, messages, 200)
        return None, f"`messages` is {found}, and it should be a whole number, 1 to {MOST_MESSAGES}."
    read, wrong = read_schedule(faults, MOST_FAULTS)
    return (None, wrong) if wrong else (Schedule(seed, messages, tuple(read)), "")


def _told(schedule: Schedule) -> str:
    count = "1 message" if schedule.messages == 1 else f"{schedule.messages} messages"
    return "; ".join([f"{count}, seed {schedule.seed}", *map(tell, schedule.faults)])


def _ours(scene: str, name: str) -> Submission:
    """Return the code of a colleague, which the notebook shows and does not define."""
    module = importlib.import_module(scene.partition(":")[0])
    return Submission(module.CODE[name])


@dataclass(frozen=True)
class Standing:
    """How a learner stands in one exercise; `last_attempt` is text, in UTC."""

    title: str
    points: int
    max_points: int
    attempts: int
    last_attempt: str


def standings(ledger: Ledger) -> list[Standing]:
    """Return one standing for each exercise of the course. Raises LedgerUnavailable."""
    recorded = {item.stem: item for item in ledger.summary()}
    found = []
    for stem in checks.STEMS:
        exercise = checks.load(stem)
        item = recorded.get(stem)
        found.append(
            Standing(
                title=f"{stem[:2]} {exercise.title}",
                points=item.points if item else 0,
                max_points=sum(check.points for check in exercise.checks),
                attempts=item.attempts if item else 0,
                last_attempt=f"{item.last_attempt_utc:%Y-%m-%d %H:%M} UTC" if item else "not yet",
            )
        )
    return found


def progress() -> Shown:
    """Show the learner's points, attempts and last attempt for each exercise of the course."""
    return _safely(lambda _: _progress())


def _progress() -> Shown:
    ledger = Ledger()
    return _dashboard(standings(ledger), ledger.notice)


def _dashboard(rows: Sequence[Standing], notice: str) -> Shown:
    heading = f"Your progress: {sum(row.points for row in rows)} of {sum(row.max_points for row in rows)} points"
    text = [heading, f"{'exercise':<24} {'points':>9} {'attempts':>9}  last attempt"]
    body = ""
    for row in rows:
        points = f"{row.points} of {row.max_points}"
        text.append(f"{row.title:<24} {points:>9} {row.attempts:>9}  {row.last_attempt}")
        bar = f"<meter min='0' max='{row.max_points}' value='{row.points}' aria-label='{points} points'></meter>"
        cells = "".join(f"<td>{cell}</td>" for cell in (bar, points, row.attempts, row.last_attempt))
        body += f"<tr><th scope='row'>{escape(row.title)}</th>{cells}</tr>"
    columns = ("Exercise", "Done", "Points", "Attempts", "Last attempt")
    head = "".join(f"<th scope='col'>{column}</th>" for column in columns)
    table = f"<table><caption>{heading}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    shown = Shown("\n".join(text), render.box("Progress", table))
    return shown.with_note(notice)


def reset(topic: str | int | None = None) -> Shown:
    """Set aside what is recorded of one exercise, or of all: its points, attempts and hints start again."""
    return _safely(lambda _: _reset(topic))


def _reset(topic: str | int | None) -> Shown:
    stem = None if topic is None else checks.find_stem(topic)
    count = Ledger().reset(stem)
    what = stem or "all exercises"
    return Shown(f"Set aside {count} recorded attempt{'' if count == 1 else 's'} of {what}. Your code is unchanged.")
