"""Every check has right answers that pass, and misconceptions that fail with the feedback meant for them."""

import importlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fortyfive import checks
from fortyfive.grading.exercise import grade
from fortyfive.grading.report import Verdict
from fortyfive.grading.submission import Submission

EXERCISES = {stem: checks.load(stem) for stem in checks.STEMS}
TABLES = {stem: importlib.import_module(f"fortyfive.checks.{stem[3:]}_answers") for stem in checks.STEMS}
RIGHT = [pytest.param(stem, right, id=f"{stem}: {right.name}") for stem in TABLES for right in TABLES[stem].RIGHT]
WRONG = [pytest.param(stem, wrong, id=f"{stem}: {wrong.name}") for stem in TABLES for wrong in TABLES[stem].WRONG]


@pytest.mark.parametrize(("stem", "right"), RIGHT)
def test_a_right_answer_earns_full_marks_and_take_aways(stem, right):
    report = grade(EXERCISES[stem], Submission(right.source))
    for item in report.results:
        assert item.verdict is Verdict.PASSED, f"{item.id}: {item.rationale}"
        assert item.rationale.startswith(EXERCISES[stem].find(item.id).takeaway)
    assert report.points == report.max_points > 0


def judge(stem, wrong):
    """What the check says to a right answer with one thing changed."""
    exercise = EXERCISES[stem]
    source = f"{TABLES[stem].RIGHT[0].source}\n\n{wrong.change}\n"
    results = grade(exercise, Submission(source), exercise.find(wrong.check).needs).results
    return next(item for item in results if item.id == wrong.check)


@pytest.fixture(scope="session")
def judged(request):
    """The verdicts on all wrong answers of this run, side by side: most of the time goes into starting processes."""
    # Other tables of wrong things are in the session too.
    own = [item for item in request.session.items if item.path == Path(__file__) and hasattr(item, "callspec")]
    every = [item.callspec.params for item in own]
    wanted = {id(params["wrong"]): params for params in every if "wrong" in params}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(wanted, pool.map(lambda params: judge(**params), wanted.values()), strict=True))


@pytest.mark.parametrize(("stem", "wrong"), WRONG)
def test_a_misconception_fails_with_its_own_feedback(stem, wrong, judged):
    found = judged[id(wrong)]
    assert (found.verdict, found.points) == (Verdict(wrong.verdict), 0), found.rationale
    assert wrong.says in f"{found.rationale}\n{found.help}", found


@pytest.mark.parametrize("stem", checks.STEMS)
def test_every_check_has_hints_a_take_away_and_named_wrong_answers(stem):
    exercise = EXERCISES[stem]
    assert len(TABLES[stem].RIGHT) >= 2
    for check in exercise.checks:
        assert len(check.hints) >= 2, check.id
        assert check.takeaway.endswith("."), check.id
        assert not check.title.endswith("."), check.id
        assert sum(wrong.check == check.id for wrong in TABLES[stem].WRONG) >= 2, check.id
    ids = [check.id for check in exercise.checks]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("stem", checks.STEMS)
@pytest.mark.parametrize("source", ["", "import math\n", "'''keywords: push pull hybrid threshold'''\n", "...\n"])
def test_nothing_is_not_an_attempt(stem, source):
    report = grade(EXERCISES[stem], Submission(source))
    assert {item.verdict for item in report.results} == {Verdict.NOT_ATTEMPTED}
    assert report.points == 0


@pytest.mark.parametrize("stem", checks.STEMS)
def test_the_same_wrong_answer_gets_the_same_words_twice(stem):
    wrong = TABLES[stem].WRONG[len(TABLES[stem].WRONG) // 2]
    source = f"{TABLES[stem].RIGHT[0].source}\n\n{wrong.change}\n"
    assert grade(EXERCISES[stem], Submission(source)) == grade(EXERCISES[stem], Submission(source))


def test_a_topic_is_found_by_number_name_or_path():
    for topic in ("05", "5", 5, "fan_out", "05_fan_out", "solutions/05_fan_out.py", " 05_FAN_OUT "):
        assert checks.find_stem(topic) == "05_fan_out"


@pytest.mark.parametrize("topic", ["", "99", "fan", None, "../../etc/passwd", "05_fan_ou"])
def test_an_unknown_topic_is_answered_with_those_there_are(topic):
    with pytest.raises(checks.UnknownExerciseError, match="There are: 04_high_level_design"):
        checks.find_stem(topic)


def test_the_window_of_the_threshold_is_what_its_take_away_says():
    from fortyfive.checks.fan_out import P99_LOOKUPS, SLOWEST_DELIVERY_S
    from fortyfive.flow.fan_out import cost, exercise_workload, follower_graph

    graph, workload = follower_graph(), exercise_workload()
    edges = {int(count) + step for count in graph.followers[graph.followers > 2_000] for step in (-1, 0)}
    costs = [cost(graph, workload, threshold) for threshold in sorted(edges)]
    good = [c.threshold for c in costs if c.slowest_delivery_s <= SLOWEST_DELIVERY_S and c.p99_lookups <= P99_LOOKUPS]
    assert f"{min(good):,} to {max(good):,}" in EXERCISES["05_fan_out"].find("threshold_keeps_promises").takeaway
