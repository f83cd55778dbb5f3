"""Exercise 05 beyond its table: honest defences pass, and what its texts say of the runs and the review is so."""

import pytest

from fortyfive import checks, course
from fortyfive.checks import fan_out_review as review
from fortyfive.checks import fan_out_ten_x as ten_x
from fortyfive.checks.answers import solution
from fortyfive.checks.fan_out_answers import DEFENDED, FILTER_AT_READ, OTHER_PULL_AND_PUSH
from fortyfive.checks.fan_out_defence import judge
from fortyfive.checks.fan_out_timelines import CROSSED, DELETED
from fortyfive.flow.fan_out import cost, exercise_workload, follower_graph
from fortyfive.grading import sandbox
from fortyfive.grading.exercise import grade
from fortyfive.grading.report import Failure
from fortyfive.grading.submission import Submission
from fortyfive.scenario.fan_out import random_story
from fortyfive.sim.fan_out import HYBRID, drive, first_wrong_read

EXERCISE = checks.load("05_fan_out")


def model(threshold):
    return cost(follower_graph(), exercise_workload(), threshold)


# --- the defence

HONEST = {
    5_000: [
        DEFENDED,
        "We draw the line at 5,000 followers because 500 deliveries/s can finish such a post within 9.6 s. The read "
        "pays 7 lookups at p99. I would not go to 10,000: there the last follower waits 19 s.",
        "I chose 5,000. At this line the last follower of the largest pushed account waits 9.6 s, and the p99 of "
        "lookups is 7. Pulling everything above 2,000 followers instead would raise the p99 read to 11 lookups.",
        "No account with more than 5,000 followers is pushed, so nobody waits longer than 9.6 s for a pushed post. "
        "The price is a p99 read of 7 lookups. At 20 K followers we would need 38 s.",
        "My threshold is 5K. We promised 10 s, and its slowest delivery needs 9,600 ms; 99 reads in 100 look up at "
        "most 7 lists. Going to 10K followers breaks the promise. There it's 18.9 s.",
    ],
    4_321: [
        "I'd push up to about 4,300 followers, because the slowest delivery is then 8.6 s and that leaves headroom. "
        "The p99 read needs 8 lookups, as many as we allow. At 3,000 followers it would be 9 lookups, and at 8,000 "
        "the slowest delivery would take 15 s.",
    ],
}


@pytest.mark.parametrize(("threshold", "text"), [(line, text) for line, texts in HONEST.items() for text in texts])
def test_an_honest_defence_passes(threshold, text):
    judge(text, threshold, model)


@pytest.mark.parametrize("text", HONEST[5_000])
@pytest.mark.parametrize("threshold", [3_700, 4_200])
def test_a_defence_of_another_threshold_does_not(text, threshold):
    with pytest.raises(Failure, match="never says so"):
        judge(text, threshold, model)


def test_each_judgement_quotes_the_learner_or_says_that_there_is_nothing_to_quote():
    sentences = DEFENDED.split(". ")
    for missing in range(len(sentences)):
        text = ". ".join(sentences[:missing] + sentences[missing + 1 :])
        with pytest.raises(Failure) as found:
            judge(text, 5_000, model)
        assert any(quote in found.value.rationale for quote in sentences), found.value.rationale


@pytest.mark.parametrize(
    "text", ["9" * 1_400, "5,000 " * 200, ". " * 700, "\x00\u202e 5,000 s" * 9, "(" * 1_000, "a, " * 400]
)
def test_garbage_is_answered_with_a_failure(text):
    with pytest.raises(Failure):
        judge(text, 5_000, model)


# --- ten times the traffic


def passes(workers, threshold):
    try:
        ten_x.judge({"workers": workers, "threshold": threshold})
    except Failure:
        return False
    return True


def test_the_window_at_ten_times_the_traffic_is_what_the_texts_say():
    assert [passes(18, line) for line in (3_618, 5_000, 10_000)] == [False, False, False]
    assert [passes(19, line) for line in (3_618, 5_000, 10_000)] == [True, False, False]
    assert [passes(20, line) for line in (3_617, 3_618, 5_000, 10_000)] == [False, True, True, False]
    assert not passes(21, 5_000)
    needed = ten_x.GROWTH * model(5_000).writes_per_s / ten_x.COPIES_PER_S
    takeaway = EXERCISE.find("design_survives_10x").takeaway
    assert f"{needed:.1f} workers" in takeaway
    assert f"{100 * (1 - needed / 20):.0f} % of headroom" in takeaway
    # A clear miss, and a clear hit: neither hangs on the last digit.
    assert max(run["p99_s"] for run in ten_x.try_design(19, 5_000)) > 1.3 * ten_x.P99_S
    assert max(run["p99_s"] for run in ten_x.try_design(20, 5_000)) < 0.8 * ten_x.P99_S


def test_the_recordings_are_the_tenfold_load():
    recorded = ten_x._posts(1)
    rate = recorded.at_ns.size / ten_x.SPAN_S
    assert rate == pytest.approx(ten_x.GROWTH * exercise_workload().posts_per_s, rel=0.05)
    assert exercise_workload().deliveries_per_s == 5 * ten_x.COPIES_PER_S


# --- the review


def test_the_notebook_shows_the_very_code_that_is_run():
    shown = "\n".join(f"# {line}".rstrip() for line in review.CODE.splitlines())
    assert f"# ```python\n{shown}\n# ```" in solution("05_fan_out")


def test_the_colleague_s_code_is_right_as_long_as_nobody_comes_back():
    stories = [random_story(seed, ["publish", "unfollow", "delete"]) for seed in range(30)]
    for story, played in zip(stories, drive(review.load, stories, HYBRID), strict=True):
        assert first_wrong_read(story, played["reads"]) is None
    assert any(
        first_wrong_read(s, p["reads"])
        for s, p in zip(DELETED.stories, drive(review.load, DELETED.stories, HYBRID), strict=True)
    )


def test_the_numbers_of_the_review_are_the_notebook_s():
    text = solution("05_fan_out")
    for said in (f"{review.WORKERS} workers at {review.COPIES_PER_S:,} copies/s", "8 M followers"):
        assert said in text
    assert f"follows {review.PULLED_LISTS} pulled accounts" in text
    assert review.LARGEST_FOLLOWERS == 8_000_000
    assert f"{100 * review.SLOW_READS:.1f}" == "39.5"


# --- the coding tasks


def test_every_written_crossing_story_makes_sense_and_ends_in_a_read():
    from fortyfive.scenario.fan_out import sensible

    for story in CROSSED.written:
        assert sensible(story) == list(story)
        assert story[-1][0] == "read"


def test_a_budget_is_judged_without_running_the_code_again(monkeypatch):
    runs = []
    run = sandbox.run
    monkeypatch.setattr(sandbox, "run", lambda *args: runs.append(args[1]) or run(*args))
    source = f"# {id(runs)}\n{OTHER_PULL_AND_PUSH}{FILTER_AT_READ}"
    report = grade(EXERCISE, Submission(source), ["push_read", "crossed"])
    assert {item.id: item.verdict.value for item in report.results}["crossings_stay_in_budget"] == "passed"
    # One run each: pull, push, posts, follows, deletes, crossings.
    assert runs == ["fortyfive.sim.fan_out:drive"] * 6


def test_a_failing_story_costs_three_runs(monkeypatch):
    runs = []
    run = sandbox.run
    monkeypatch.setattr(sandbox, "run", lambda *args: runs.append(args[1].partition(":")[2]) or run(*args))
    source = f"# {id(runs)}\ndef pull_read(reader, limit, store):\n    return []\n"
    (item,) = grade(EXERCISE, Submission(source), ["pull_read"]).results
    assert item.verdict.value == "failed"
    assert runs == ["drive", "smallest", "replay"]


def test_the_points_are_what_the_course_counts_on():
    assert sum(check.points for check in EXERCISE.checks) == 26
    assert len(EXERCISE.checks) == 17
    assert all(len(check.hints) == 3 for check in EXERCISE.checks)
    assert "Nine parts, seventeen checks" in (course.root() / "solutions" / "05_fan_out.py").read_text(encoding="utf-8")
