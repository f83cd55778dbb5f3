"""What exercise 06 shows is what it judges, and its numbers are those of its texts."""

import ast

import pytest

from fortyfive import course
from fortyfive.checks import delivery_semantics as exercise_06
from fortyfive.checks import delivery_semantics_memory as memory
from fortyfive.checks import delivery_semantics_review as review
from fortyfive.checks.delivery_semantics_jobs import JOB_TIMES_S
from fortyfive.grading.exercise import grade
from fortyfive.grading.submission import Submission
from fortyfive.sim import hunt

SOURCE = (course.root() / "solutions" / "06_delivery_semantics.py").read_text()


@pytest.mark.parametrize("name", review.CODE)
def test_the_notebook_shows_the_code_that_is_judged(name):
    shown = next(
        node for node in ast.parse(SOURCE).body if isinstance(node, ast.AsyncFunctionDef) and node.name == name
    )
    assert ast.get_source_segment(SOURCE, shown) == review.CODE[name].strip()


@pytest.mark.parametrize("name", exercise_06.exercise.scenes)
def test_every_scene_is_there_and_calls_the_function_of_its_name(name):
    assert hunt.scene_of(exercise_06.exercise.scenes[name]).function == name


def test_a_pass_says_how_many_schedules_held():
    (item,) = grade(exercise_06.exercise, Submission(SOURCE), ["deliver"]).results
    assert "It held in all 1," in item.rationale


def test_a_failure_is_drawn_and_can_be_replayed():
    wrong = "async def deliver(message, queue, push):\n    await queue.ack(message)\n"
    (item,) = grade(exercise_06.exercise, Submission(wrong), ["deliver"]).results
    assert 'replay("06", "deliver", seed=0, messages=1, faults=[])' in item.rationale
    assert [line.words for line in item.diagram.lines][-1] == "ack m1"


def test_work_that_grows_with_everything_seen_is_cut_short_with_the_count(monkeypatch):
    slow = (
        "async def deliver(message, queue, push):\n"
        "    sum(range(200_000))\n"
        "    await push.send(message.device, message.text)\n"
        "    await queue.ack(message)\n"
    )
    (item,) = grade(exercise_06.exercise, Submission(slow), ["deliver"]).results
    assert item.verdict == "timed_out"
    assert "were planned, and a pass means all of them" in item.rationale


def test_the_time_out_that_the_hint_names_is_the_smallest_that_will_do():
    shortest = sorted(JOB_TIMES_S)[-2]
    assert shortest == exercise_06.SHORTEST_S < exercise_06.BACK_S
    assert sum(time > shortest for time in JOB_TIMES_S) == 1
    assert len(JOB_TIMES_S) == 1_000


def test_a_job_fits_its_visibility_part_by_part_and_not_as_a_whole():
    from fortyfive.checks import delivery_semantics_scenes as scenes

    assert 2 * scenes.PART_S < scenes.JOB_VISIBILITY_S < scenes.JOB_PARTS * scenes.PART_S


def test_the_stories_of_the_memory_meet_inside_at_and_after_the_window():
    gaps = {"inside": 0, "at": 0, "after": 0}
    for seed in range(memory.SEQUENCES):
        window_s, calls = memory.story(seed)
        let_through = {}
        for (key, now_s), first in zip(calls, memory.truth(window_s, calls), strict=True):
            if key in let_through:
                gap_s = now_s - let_through[key]
                gaps["inside" if gap_s < window_s else "at" if gap_s == window_s else "after"] += 1
            if first:
                let_through[key] = now_s
    assert min(gaps.values()) > 50
