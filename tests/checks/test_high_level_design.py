"""Exercise 04 beyond its table: what its texts say of the runs is so, and the numbers hold at their edges."""

import math
from dataclasses import replace
from itertools import pairwise

import pytest

from fortyfive import checks
from fortyfive.checks import high_level_design_changes as changes
from fortyfive.checks import high_level_design_drawings as drawings
from fortyfive.checks import high_level_design_given as given
from fortyfive.checks import high_level_design_numbers as numbers
from fortyfive.checks import high_level_design_predictions as predictions
from fortyfive.checks.answers import solution
from fortyfive.checks.high_level_design_answers import GROWN, NEEDLESS, SHOP, SHORTENER, SKELETON
from fortyfive.design.model import Design
from fortyfive.design.text import read
from fortyfive.flow.designs import run
from fortyfive.grading.exercise import grade
from fortyfive.grading.report import Failure, Verdict
from fortyfive.grading.submission import Submission
from fortyfive.judgement.measured import backlogs

EXERCISE = checks.load("04_high_level_design")


@pytest.mark.parametrize("text", [SKELETON, GROWN, SHORTENER, SHOP])
def test_the_table_changes_the_very_texts_of_the_solution(text):
    assert f'"""{text}"""' in solution("04_high_level_design")


@pytest.mark.parametrize("text", [given.TODAY, given.RICH, given.GROWING, *given.SITUATIONS.values()])
def test_what_is_given_reads_without_a_note(text):
    assert read(text.replace("POLICY", "two")).problems == ()


def test_points_are_those_of_the_plan():
    assert sum(check.points for check in EXERCISE.checks) == 29


# --- drawings


def test_today_s_design_has_the_machines_that_are_given():
    assert drawings.design_of(given.GROWING, "x", given.GROWING).component("db").slots == 6
    with pytest.raises(Failure, match="'db' says its own 'slots'"):
        drawings.design_of(given.GROWING.replace("slots=6", "slots=60"), "x", given.GROWING)


@pytest.mark.parametrize("said", ["time=1ms", "p99=2ms", "slots=99", "errors=0", "usd=0", "hit=1"])
def test_no_machine_is_faster_or_cheaper_by_typing(said):
    with pytest.raises(Failure, match="measured and not chosen"):
        drawings.design_of(f"client -> cache [{said}] -> db", "x")


def test_an_arrow_cannot_be_shorter_by_typing():
    with pytest.raises(Failure, match="'delay'"):
        drawings.design_of("client ->[delay=0ms] shop -> db", "x")


def test_a_cache_that_goes_leaves_the_way_of_its_misses_open():
    design = read("client -> api -> cache; api ->[only=miss] db").design
    left = design.without("cache")
    assert left.link("api", "db").only == ()
    two = read("client -> api -> cache, near:cache; api ->[only=miss] db").design
    assert two.without("cache").link("api", "db").only == ("miss",)


def test_a_queue_that_keeps_up_is_no_backlog_and_one_that_does_not_is():
    prompt = given.prompt_of_growth()
    calm = run(read(GROWN).design, prompt.load)
    assert backlogs(calm) == []
    late = run(read(GROWN.replace("batch=10", "batch=5")).design, prompt.load)
    (found,) = backlogs(late)
    # 20 machines x 16 slots take 5 messages in 50 + 4 x 5 + 50 ms.
    assert late.components["queue"].queued.max() == pytest.approx((20_000 - 320 * 5 / 0.120) * 10, rel=0.1)
    assert found.subject == "queue"


# --- ten times


def test_a_design_without_a_change_is_all_kept():
    boxes, made = changes.differences(given.TODAY)
    assert made == []
    assert boxes["kept"] == {"client", "gateway", "notify", "kv", "queue", "workers", "apns"}
    assert not boxes["changed"] | boxes["added"] | boxes["removed"]


@pytest.mark.parametrize(
    ("old", "new", "box", "what"),
    [
        ("x4", "x5", "notify", "the number of 'notify', from x4 to x5"),
        ("retry=3", "retry=4", "gateway", "retry of gateway -> notify, from 3 to 4"),
        ("limit=1M", "limit=2M", "queue", "limit of 'queue', from 1,000,000 to 2,000,000"),
        ("-> kv", "-> kv:sql", "kv", "the kind of 'kv', from kv to sql"),
        ("-> kv", "~> kv", "notify", "the waiting of notify ~> kv, from on to off"),
    ],
)
def test_a_change_belongs_to_a_box_and_can_be_undone(old, new, box, what):
    boxes, (change,) = changes.differences(given.TODAY.replace(old, new))
    assert boxes["changed"] == {box}
    assert (change.box, change.what) == (box, what)
    assert change.undone == read(given.TODAY).design


def test_looks_are_no_change():
    assert changes.differences(given.TODAY.replace("-> apns", '-> apns "the phones" [at=10,20]'))[1] == []


def test_each_change_of_the_solution_undone_breaks_a_promise():
    _, made = changes.differences(GROWN)
    assert len(made) == 3
    assert all(changes._found(change.undone)[0] for change in made)


def test_the_budget_of_the_growth_asks_for_batches():
    without = GROWN.replace(" [batch=10]", "")
    enough = [number for number in (120, 130, 140) if not _late(without.replace("x20", f"x{number}"))]
    assert enough, "so many workers are in time without batches"
    prompt = given.prompt_of_growth()
    trace = run(read(without.replace("x20", f"x{enough[0]}")).design, prompt.load)
    assert trace.usd_a_month > 1.1 * given.USD_A_MONTH_THEN


def _late(text: str) -> bool:
    trace = run(read(text).design, given.prompt_of_growth().load)
    return bool(backlogs(trace)) or trace.paths["notify"].done_in_promise < 0.99


# --- predictions


def test_the_boxes_that_go_and_stay_are_those_of_the_texts():
    names = {each.name for each in given.drawn(given.RICH).components}
    assert len(names) == 14
    assert set(NEEDLESS) < names
    left = predictions.left_over(list(NEEDLESS))
    assert [each.name for each in left.components] == ["client", "lb", "shorten", "cache", "links"]
    assert isinstance(left, Design)


def test_the_order_of_the_names_does_not_matter():
    assert predictions.left_over(list(NEEDLESS)) == predictions.left_over(tuple(reversed(NEEDLESS)))


def test_the_sum_on_paper_is_what_the_run_shows():
    measured = predictions.breaking_points()
    assert list(measured)[:2] == ["workers", "db"]
    assert measured["workers"] == pytest.approx(2 * 16 / 0.080 / 150, rel=0.03)
    assert measured["db"] == pytest.approx(6 / 0.060 / 50 / 0.2, rel=0.05)


def test_the_run_is_full_there_and_not_before():
    breaks_at = predictions.breaking_points()["workers"]
    before = run(given.drawn(given.GROWING), given.posts(0.85 * breaks_at, 60))
    after = run(given.drawn(given.GROWING), given.posts(1.15 * breaks_at, 60))
    assert not backlogs(before)
    assert backlogs(after)
    assert after.saturated == ("workers",)


def test_every_slip_is_told_from_the_answer_and_from_the_others():
    values = sorted([*predictions.slips().values(), predictions.breaking_points()["workers"]])
    assert all(b / a > 1.15 for a, b in pairwise(values))


def test_the_best_policies_are_clearly_the_best():
    for name, good in {
        "alike": {"round-robin", "least"},
        "uneven": {"least"},
        "one dies": {"random", "round-robin"},
    }.items():
        measured = predictions.policies_in(name)
        worst_good = max(measured[policy] for policy in good)
        assert all(value > 1.25 * worst_good for policy, value in measured.items() if policy not in good), name


def test_the_policies_rank_alike_under_other_dice():
    for name in given.SITUATIONS:
        ranks = set()
        for seed in (1, 2, 3):
            designs = {p: given.drawn(given.SITUATIONS[name].replace("POLICY", p)) for p in ("random", "least")}
            paths = {p: run(each, given.situation(name), seed=seed).paths["ask"] for p, each in designs.items()}
            lost = {p: path.arrived - path.answered for p, path in paths.items()}
            value = lost if name == "one dies" else {p: path.answer_s[2] for p, path in paths.items()}
            ranks.add(min(value, key=lambda policy: value[policy]))
        assert ranks == {"random" if name == "one dies" else "least"}


# --- the sale


def test_no_cache_answers_a_write():
    load = given.prompt_of_sale().load
    calls = {}
    for cache in ("x2", "x6"):
        trace = run(read(SHOP.replace("cache x2", f"cache {cache}")).design, load)
        calls[cache] = trace.components["carts"].calls, trace.components["orders_db"].calls
    assert calls["x2"] == calls["x6"]


def test_the_cache_is_there_for_the_reads_of_the_sale():
    text = SHOP.replace("\ncatalogue ->[optional] cache x2 [size=20k, ttl=60s, coalesce]", "").replace("only=miss", "")
    trace = run(read(text).design, given.prompt_of_sale().load)
    assert "products" in trace.saturated


# --- the two numbers


def test_a_machine_less_would_be_too_busy():
    for rate_per_s, service_s, slots, most_busy in numbers.TIERS:
        count = numbers.instances(rate_per_s, service_s, slots, most_busy)
        assert rate_per_s * service_s / slots / count <= most_busy
        assert count == 1 or rate_per_s * service_s / slots / (count - 1) > most_busy


def test_no_tier_hangs_on_the_last_digit():
    quotients = [rate * time / (slots * busy) for rate, time, slots, busy in numbers.TIERS]
    assert quotients[-1] == 64
    assert all(0.001 < each % 1 < 0.999 for each in quotients[:4])


@pytest.mark.parametrize(("length", "links"), [(5, 2_000), (6, 300_000), (1, 100), (8, 1), (8, 0)])
def test_the_birthday_bound_is_near_the_product_it_stands_for(length, links):
    different = math.prod(1 - taken / 62**length for taken in range(links))
    assert numbers._close(max(0.0, 1 - different), numbers.collision(length, links))


def test_every_slip_has_its_own_numbers():
    for slips, cases in ((numbers._FORGOTTEN, numbers.TIERS), (numbers._MISTAKEN, numbers.CODES)):
        answers = [tuple(round(float(slip(*case)), 12) for case in cases) for slip, _ in slips]
        assert len(set(answers)) == len(answers)


# --- whatever comes


@pytest.mark.parametrize("name", ["skeleton", "design_10x", "shortener", "shop"])
@pytest.mark.parametrize(
    "value",
    [
        "[]",
        "{}",
        "3.0",
        "True",
        "b'client -> shop'",
        "'->' * 9_000",
        "'(' * 90_000",
        "'client -> ' * 30_000",
        "'\\x00'",
    ],
)
def test_a_drawing_of_nonsense_is_answered_with_a_failure(name, value):
    results = grade(EXERCISE, Submission(f"{name} = {value}"), [name]).results
    assert results[0].verdict is Verdict.FAILED
    assert {each.verdict for each in results[1:]} == {Verdict.NOT_ATTEMPTED}


@pytest.mark.parametrize("name", ["changes", "removed", "bottleneck", "breaks_at", "policies"])
@pytest.mark.parametrize(
    "value", ["[]", "{}", "3.0", "True", "float('nan')", "{'alike': []}", "[[]]", "{1: 2}", "'x' * 9"]
)
def test_a_prediction_of_nonsense_is_answered_with_a_failure(name, value):
    source = f"design_10x = {GROWN!r}\n{name} = {value}"
    found = [
        each for each in grade(EXERCISE, Submission(source), [name]).results if name in EXERCISE.find(each.id).needs
    ]
    assert found
    assert not {each.verdict for each in found} & {Verdict.PASSED, Verdict.GRADER_ERROR, Verdict.RAISED}


def test_a_million_instances_are_told_at_once():
    text = SKELETON.replace("x20", "x1000000")
    (first, *_) = grade(EXERCISE, Submission(f"skeleton = {text!r}"), ["skeleton"]).results
    assert first.verdict is Verdict.FAILED
    assert "Line 3" in first.rationale


def test_a_prompt_of_growth_differs_in_load_and_budget_only():
    from fortyfive.scenario.prompts import PROMPTS

    prompt, was = given.prompt_of_growth(), PROMPTS["notifications"]
    assert prompt.load.rate_per_s == given.GROWTH * was.load.rate_per_s
    assert replace(prompt, load=was.load, usd_a_month=was.usd_a_month) == was
