"""Checks: how an exercise declares them, what they ask of a learner's answer, and how they become a report."""

from __future__ import annotations

import builtins
import os
import threading
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from fortyfive.grading import sandbox, wire
from fortyfive.grading.diagram import Diagram
from fortyfive.grading.report import Failure, Report, Result, Verdict
from fortyfive.grading.source import defined_names, find_stubs, literal_of, part_for
from fortyfive.grading.submission import NOTEBOOK, PAGE, Submission

# A body may return what the check has seen on the way to a pass, such as how many schedules ran clean.
Body = Callable[["Answer"], str | None]
# What runs a learner's code: called and answering as `sandbox.run` does.
Run = Callable[[Submission, str, list[Any], sandbox.Limits], dict[str, Any]]

# Far more than anybody reads; a value that a learner returned may be printed in the middle of it.
MAX_FEEDBACK_CHARS = 20_000
# While the learner's code runs in one group's child, the grader judges another's; more only share the processor.
MAX_GROUPS_AT_ONCE = 3
WHERE_TO_DEFINE = {NOTEBOOK: "run the cell that defines it", PAGE: "define it in its place on this page"}


@dataclass(frozen=True)
class Check:
    """One graded statement: `body` raises Failure where it does not hold of the answer."""

    id: str
    title: str
    body: Body
    points: int
    needs: tuple[str, ...]
    hints: tuple[str, ...]
    takeaway: str
    after: str | None
    limits: sandbox.Limits


@dataclass
class Exercise:
    """The checks of one exercise, in the order in which they were declared."""

    stem: str
    title: str
    checks: list[Check] = field(default_factory=list)
    scenes: dict[str, str] = field(default_factory=dict)
    """For a name whose code runs in a simulated world: that world, as "module:SCENE"."""

    def check(
        self,
        *,
        points: int,
        needs: Sequence[str],
        hints: Sequence[str],
        takeaway: str,
        after: Body | None = None,
        limits: sandbox.Limits = sandbox.DEFAULT_LIMITS,
    ) -> Callable[[Body], Body]:
        """Declare a check: the docstring's first line is what the learner reads beside its verdict.

        `needs` are the learner's names that it judges, `hints` go from a nudge to nearly the answer, `takeaway` is
        printed on a pass, and a check stands back until the one in `after` has passed.
        """

        def declare(body: Body) -> Body:
            self.checks.append(
                Check(
                    id=body.__name__,
                    title=(body.__doc__ or "").strip().splitlines()[0],
                    body=body,
                    points=points,
                    needs=tuple(needs),
                    hints=tuple(hints),
                    takeaway=takeaway,
                    after=after.__name__ if after else None,
                    limits=limits,
                )
            )
            return body

        return declare

    @property
    def names(self) -> tuple[str, ...]:
        """The names that the exercise asks the learner to define, in order."""
        return tuple(dict.fromkeys(name for check in self.checks for name in check.needs))

    def find(self, check_id: str) -> Check:
        """Return the check of that id. Raises KeyError."""
        return {check.id: check for check in self.checks}[check_id]

    def select(self, names: Iterable[str]) -> list[Check]:
        """Return the checks that judge any of `names` (all, where there are none), and those they stand on.

        A check that also needs what the exercise asks for later is left out, unless there is no other.
        """
        wanted = set(names)
        judging = [check for check in self.checks if not wanted or wanted & set(check.needs)]
        order = {name: position for position, name in enumerate(self.names)}
        last = max((order[name] for name in wanted), default=len(order))
        ready = [check for check in judging if all(order[name] <= last for name in check.needs)]
        chosen = {check.id for check in ready or judging}
        for check in reversed(self.checks):
            if check.id in chosen and check.after:
                chosen.add(check.after)
        return [check for check in self.checks if check.id in chosen]


class NotAttemptedError(Exception):
    """The learner has not written this yet; the message says what is missing."""


class RunError(Exception):
    """The learner's code did not come to an end of its own; carries the child's answer."""

    def __init__(self, outcome: dict[str, Any]) -> None:
        super().__init__(outcome["status"])
        self.outcome = outcome


class Answer:
    """A learner's submission as a check sees it: values to read, code to drive in a fresh child process."""

    def __init__(self, submission: Submission, check: Check, run: Run) -> None:
        self.submission = submission
        self.check = check
        self._run = run

    def value(self, name: str) -> Any:
        """Return a plain value that the learner defined. Raises NotAttemptedError, Failure or RunError."""
        try:
            # What a notebook sends is a literal already: no process has to be started to read it.
            value = wire.decode(wire.encode(literal_of(self._part(), name)))
        except (ValueError, wire.TooLargeError):
            values = self.drive("fortyfive.grading.child:read_names", [name])
            if name not in values:
                raise self._missing(name) from None
            value = values[name]
        if value is None:
            raise Failure(
                f"`{name}` is None, which says nothing.",
                help="A function that ends without `return` gives None. Put the value itself on the right of the `=`.",
            )
        return value

    def drive(self, driver: str, *args: object) -> Any:
        """Run `driver`, "module:function", in a fresh child and return what it returns.

        The driver gets a function that runs the learner's text and returns its names, then `args`; it calls the
        learner's code through `child.call`.
        Raises NotAttemptedError where a needed name is untouched, Failure where the world refused a call, RunError
        where the code raised, ran too long or used too much.
        """
        part = replace(self.submission, source=self._part())
        outcome = self._run(part, driver, wire.encode(list(args)), self.check.limits)
        match outcome["status"]:
            case "ok":
                return wire.decode(outcome["value"])
            case "failed":
                raise Failure(outcome["rationale"], help=outcome["help"])
        raise RunError(outcome)

    def _part(self) -> str:
        """Return the part of the learner's text that this check needs. Raises NotAttemptedError or Failure."""
        for name in self.check.needs:
            if name in self.submission.left_behind:
                raise Failure(self.submission.left_behind[name])
        stubs = find_stubs(self.submission.source, self.check.needs)
        for name, stub in stubs.items():
            raise NotAttemptedError(stub) if stub else self._missing(name)
        return part_for(self.submission.source, self.check.needs)

    def _missing(self, name: str) -> NotAttemptedError:
        where = WHERE_TO_DEFINE.get(self.submission.filename, "define it in your file")
        return NotAttemptedError(f"`{name}` is not defined yet: {where}, then check again.")


def grade(exercise: Exercise, submission: Submission, names: Sequence[str] = (), run: Run | None = None) -> Report:
    """Judge a submission by the checks that concern `names` (all, where there are none); raises nothing.

    Checks that do not stand on one another run side by side, in threads: what their bodies share must bear that. Where
    `run` is given, it runs the learner's code instead of `sandbox.run`, and one check is judged after another.
    """
    judged = exercise.select(names)
    groups = _groups(judged)
    results: dict[str, Result] = {}
    stopped = threading.Event()

    def judge_in_order(group: Iterable[Check]) -> None:
        for check in group:
            if stopped.is_set():
                return
            earlier = results.get(check.after) if check.after else None
            results[check.id] = _judge(check, Answer(submission, check, run or sandbox.run), earlier)

    at_once = 1 if run else min(len(groups), MAX_GROUPS_AT_ONCE, os.cpu_count() or 1)
    if at_once <= 1:
        judge_in_order(judged)
    else:
        # Imported here because the verdict on a single task needs no threads.
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(at_once) as pool:
            try:
                for done in [pool.submit(judge_in_order, group) for group in groups]:
                    done.result()
            except BaseException:
                # Whoever interrupts the grader does not wait until the learner's code has come to its end.
                stopped.set()
                sandbox.end_all()
                raise
    return Report(exercise.stem, tuple(results[check.id] for check in judged))


def _groups(checks: Iterable[Check]) -> list[list[Check]]:
    """Return checks that stand on one another as one group, the others together as another; the longest comes first."""
    chains: dict[str, list[Check]] = {}
    for check in checks:
        chain = chains.get(check.after or "", [])
        chain.append(check)
        chains[check.id] = chain
    found = list({id(chain): chain for chain in chains.values()}.values())
    alone = [check for chain in found if len(chain) == 1 for check in chain]
    groups = [*(chain for chain in found if len(chain) > 1), *([alone] if alone else [])]
    return sorted(groups, key=len, reverse=True)


def result(
    check: Check,
    verdict: Verdict,
    rationale: str,
    help: str = "",  # noqa: A002 - as a learner calls it
    diagram: Diagram | None = None,
) -> Result:
    """Return a check's result, with its points where it passed."""
    points = check.points if verdict is Verdict.PASSED else 0
    said = _readable(rationale), _readable(help)
    return Result(check.id, check.title, verdict, points, check.points, *said, diagram)


def _readable(text: str) -> str:
    """Return a text that every terminal and browser can show: of bounded length, control characters written out."""
    if len(text) > MAX_FEEDBACK_CHARS:
        text = f"{text[:MAX_FEEDBACK_CHARS]} ... ({len(text):,} characters)"
    return "".join(
        char if char.isprintable() or char in "\n\t" else char.encode("unicode_escape").decode() for char in text
    )


def _judge(check: Check, answer: Answer, earlier: Result | None) -> Result:
    if earlier and earlier.verdict is not Verdict.PASSED:
        return result(check, Verdict.NOT_ATTEMPTED, f"Waits for: {earlier.title}.")
    try:
        return result(check, *_verdict(check, answer))
    except Exception:  # noqa: BLE001 - a broken check must never look like a wrong learner
        return result(check, Verdict.GRADER_ERROR, *explain_grader_error(traceback.format_exc()))


def _verdict(check: Check, answer: Answer) -> tuple[Verdict, str, str] | tuple[Verdict, str, str, Diagram | None]:
    """Return verdict, rationale and help, and a diagram where there is one."""
    try:
        seen = check.body(answer)
    except Failure as failure:
        return Verdict.FAILED, failure.rationale, failure.help, failure.diagram
    except NotAttemptedError as missing:
        return Verdict.NOT_ATTEMPTED, str(missing), ""
    except RunError as error:
        return _explain(error.outcome, answer)
    return Verdict.PASSED, f"{check.takeaway} {seen}" if seen else check.takeaway, ""


def _explain(outcome: dict[str, Any], answer: Answer) -> tuple[Verdict, str, str]:
    """Return verdict, rationale and help for an answer of the child that is not a value."""
    match outcome["status"]:
        case "raised":
            return (Verdict.RAISED, *_explain_raised(outcome, answer.submission))
        case "timed_out" if "ran" in outcome:
            return (
                Verdict.TIMED_OUT,
                f"Your code held in {outcome['ran']:,} schedules, and then the time was up: {outcome['planned']:,} "
                "were planned, and a pass means all of them.",
                "What does one message cost your code? Look for work that grows with everything seen so far.",
            )
        case "timed_out":
            return (
                Verdict.TIMED_OUT,
                f"Your code was still running after {outcome['limit_s']:g} s, and was ended.",
                "Look for a loop that never reaches its end, or for work that grows with the square of its input.",
            )
        case "over_limit":
            return (Verdict.OVER_LIMIT, *_explain_limit(outcome["limit"], answer.check.limits))
        case "ended":
            how = f"by {outcome['signal']}" if outcome["signal"] else f"with exit code {outcome['code']}"
            return (
                Verdict.RAISED,
                f"Your code's process ended {how} before it had returned anything.",
                "Something ended Python itself: os._exit, a signal, recursion too deep for the stack, or the closing "
                "of a file that Python needs. Return a value instead.",
            )
    return (Verdict.GRADER_ERROR, *explain_grader_error(str(outcome.get("detail", outcome))))


def explain_grader_error(detail: str) -> tuple[str, str]:
    """Return rationale and help for a fault of ours; of `detail`, often a traceback, only the last line is shown."""
    detail = (detail.strip().splitlines() or ["no reason given"])[-1]
    return (
        f"The grader itself failed ({detail}). This is not your mistake, and it counts neither for nor against you.",
        "Run the check again. If it stays, report it with the code of this cell.",
    )


def _explain_raised(outcome: dict[str, Any], submission: Submission) -> tuple[str, str]:
    kind, message, line, text = outcome["type"], outcome["message"], outcome["line"], outcome["text"]
    in_file = submission.filename if submission.filename.endswith(".py") else ""
    place = f"{in_file}, line {line}" if in_file and line else ""
    if outcome["function"]:
        place = f"{place}, in `{outcome['function']}`" if place else f"in `{outcome['function']}`"
    rationale = f"Your code raised {kind}{f': {message}' if message else ''}"
    rationale += f" ({place})" if place else ""
    rationale += f", at: {text}" if text else "."
    left_behind = submission.left_behind.get(outcome["missing_name"])
    shadowed = defined_names(submission.source) & set(dir(builtins)) | set(outcome["replaced"])
    helps = {
        "SystemExit": "A function that is graded returns its answer; it never leaves Python.",
        "RecursionError": "The function calls itself without reaching a case that ends it.",
        "EOFError": "Nobody types while a function is graded: it gets what it needs as arguments, not from `input`.",
        "NameError": left_behind or "Is the name spelled the same everywhere, and is it defined by then?",
    }
    if shadowed and (kind == "TypeError" or outcome["replaced"]):
        names = ", ".join(f"`{name}`" for name in sorted(shadowed)[:5]) + (" and more" if len(shadowed) > 5 else "")
        return rationale, f"You have given another meaning to names that Python itself uses: {names}. Rename yours."
    return rationale, helps.get(kind, "")


def _explain_limit(limit: str, limits: sandbox.Limits) -> tuple[str, str]:
    match limit:
        case "printed":
            return (
                f"Your code printed more than {limits.printed_bytes >> 10:,} KiB, and was ended.",
                "Look for a print inside a loop that never ends.",
            )
        case "memory":
            return (
                f"Your code asked for more memory than the grader gives it ({limits.memory_bytes >> 20:,} MiB).",
                "Keep what a reader needs, not everything there is: can you work through it one item at a time?",
            )
    return (
        "What your code returned is too large, or too deeply nested, to be judged.",
        "Return what was asked for and no more. Does a list or dictionary contain itself?",
    )
