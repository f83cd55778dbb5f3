"""A sweep as plain data: which points there are, what a row says, and what is refused before anything runs."""

import itertools
import math
import pickle
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fortyfive.judgement import sweep
from fortyfive.judgement.sweep import Point, Row, Setting, Task, cells, groups, measure, points, setting

DESIGN = "client -> lb x2 ->[retry=2] api x3 -> kv\napi -> cache [hit=0.5, coalesce]\n"
PROMPT = "url-shortener"
# So little load that Python needs no compiler.
LITTLE = 0.005


def task(*settings, source=DESIGN, prompt=PROMPT):
    return Task(source, prompt, tuple(map(setting, settings)))


# settings


def test_a_setting_is_read_with_its_values_each_once():
    assert setting(" api . X = 2, 4,2 ,8 ") == Setting("api", "", "x", ("2", "4", "8"))
    assert setting("lb -> api.retry=0,2") == Setting("lb", "api", "retry", ("0", "2"))
    assert setting("api~>cache.only=read+miss") == Setting("api", "cache", "only", ("read+miss",))
    assert setting("lb->api.retry=1").name == "lb->api.retry"


@pytest.mark.parametrize("text", ["", "api", "api.x", "api=2", ".x=2", "api.=2", "a->.x=2", "a.b.x=2", "=", "api.x;2"])
def test_what_is_no_setting_is_a_sentence_with_an_example(text):
    with pytest.raises(ValueError, match=r"is no setting: write component.parameter=value,value as in notify.x=2,4,8"):
        setting(text)


@pytest.mark.parametrize("text", ["api.x=", "api.x= , "])
def test_a_setting_without_a_value_says_what_to_write(text):
    with pytest.raises(ValueError, match=r"has no value: write what to try, as in api\.x=2,4,8"):
        setting(text)


@given(st.text(max_size=40))
def test_any_text_is_a_setting_or_a_sentence(text):
    try:
        read = setting(text)
    except ValueError as error:
        assert str(error).endswith((".", "8."))
    else:
        assert read.values
        assert setting(f"{read.name}={','.join(read.values)}") == read


# points


@given(
    values=st.lists(st.lists(st.integers(1, 50), min_size=1, max_size=3, unique=True), max_size=3),
    times=st.lists(st.sampled_from([0.5, 1.0, 2.0, 5.0]), min_size=1, max_size=2, unique=True),
    seeds=st.integers(1, 4),
)
def test_points_are_all_combinations_in_the_order_of_the_settings_and_seeds_change_fastest(values, times, seeds):
    names = ("lb.x", "api.x", "kv.shards")
    asked = task(*(f"{name}={','.join(map(str, each))}" for name, each in zip(names, values, strict=False)))
    expected = itertools.product(*values, times, range(seeds))
    assert points(asked, times, seeds) == [
        Point(tuple(map(str, settings)), factor, sweep.FIRST_SEED + seed) for *settings, factor, seed in expected
    ]


def test_more_runs_than_the_limit_are_refused_before_any_value_is_looked_at():
    asked = task("api.x=1,2,3", "nobody.x=1,2")
    with pytest.raises(ValueError, match="These are 10,002 runs, and a sweep has 10,000 at most: leave out"):
        points(asked, seeds=1667)
    assert len(points(task("api.x=1,2"), seeds=5000)) == sweep.MOST_RUNS


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (["apo.x=2"], r"no 'apo' in the drawing. Did you mean 'api'\?"),
        (["lb->kv.retry=2"], "no link from 'lb' to 'kv'"),
        (["api.tme=20ms"], r"no parameter 'tme'. Did you mean 'time'\?"),
        (["api.hit=0.5"], "'api' is a service and takes no 'hit'"),
        (["api.time=20"], "'20' in 'time' is not a time such as 20ms"),
        (["api.x=2,many"], "'many' is no number of instances"),
        (["cache.coalesce=yes"], "'cache.coalesce' is on or off, not 'yes'"),
        (["api.at=120"], "'api.at' changes the drawing only"),
        (["api.x=1", "API.X=2"], "'API.x' is set twice"),
    ],
)
def test_a_setting_that_the_design_cannot_take_is_a_sentence_before_anything_runs(settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        points(task(*settings))


@pytest.mark.parametrize("factor", [0.0, -1.0, 1e9, math.nan, math.inf])
def test_a_load_that_cannot_be_multiplied_is_a_sentence(factor):
    with pytest.raises(ValueError, match=r"times the load cannot be run: choose 0\.001 to 1,000 times"):
        points(task(), [factor])


def test_an_unknown_prompt_is_a_sentence_with_the_names():
    with pytest.raises(ValueError, match="Choose one of: notifications, url-shortener, checkout"):
        points(task(prompt="twitter"))


def test_on_and_off_set_a_flag_and_off_leaves_out_any_parameter():
    assert "coalesce" in setting("cache.coalesce=on").applied(DESIGN, "on")
    assert "coalesce" not in setting("cache.coalesce=off").applied(DESIGN, "off")
    assert "retry" not in setting("lb->api.retry=off").applied(DESIGN, "off")
    assert "retry=5" in setting("lb->api.retry=5").applied(DESIGN, "5")


# rows


def test_a_row_is_the_same_again_and_after_a_journey():
    asked = task("api.time=5ms,40ms")
    [fast, slow] = points(asked, [LITTLE])
    row = measure(fast, asked)
    assert row == measure(*pickle.loads(pickle.dumps((fast, asked))))
    assert not row.problem
    assert row.answer_p99_s[0] < measure(slow, asked).answer_p99_s[0]
    assert row != measure(Point(fast.values, fast.times, fast.seed + 1), asked)


@pytest.mark.parametrize(
    ("settings", "times", "problem"),
    [
        (["api.x=5000"], LITTLE, "'api' has 5,000 instances: choose 1 to 1,000"),
        (["cache.hit=1.5"], LITTLE, "'cache': 'hit' is 1.5: choose a value"),
        ([], 1000.0, "80,800,000 requests are asked for"),
    ],
)
def test_what_cannot_run_is_a_row_that_says_why(settings, times, problem):
    asked = task(*settings)
    [point] = points(asked, [times])
    row = measure(point, asked)
    assert problem in row.problem
    assert (row.goodput_per_s, row.lost, row.usd_a_month, row.first, row.meets) == (None, None, None, "", False)


def test_every_row_has_the_same_columns():
    asked = task("api.x=3,5000")
    fine, broken = (cells(measure(point, asked), asked) for point in points(asked, [LITTLE]))
    assert list(fine) == list(broken)
    assert list(fine) == [
        "api.x",
        "times",
        "seed",
        "follow.answer_p99_s",
        "shorten.answer_p99_s",
        "goodput_per_s",
        "lost",
        "usd_a_month",
        "first_full",
        "meets",
        "problem",
    ]
    assert {name for name, value in broken.items() if value is not None} == {"api.x", "times", "seed", "problem"}


def test_a_prompt_that_promises_an_end_has_its_column():
    asked = task(prompt="notifications")
    empty = Row(Point((), 1.0, 45), problem="why")
    assert [name for name in cells(empty, asked) if "p99" in name] == ["notify.answer_p99_s", "notify.done_p99_s"]


# groups


def row_of(values, seed, follow_s, shorten_s, first="", problem=""):
    point = Point(values, 1.0, seed)
    if problem:
        return Row(point, problem=problem)
    return Row(point, "", (follow_s, shorten_s), (None, None), 100.0 + seed, 0.0, 10.0, first, meets=follow_s < 0.1)


def test_a_group_has_the_median_and_the_spread_over_its_seeds_and_counts_what_holds():
    asked = task("api.x=2,3")
    rows = [
        row_of(("2",), 45, 0.09, 0.1, "api"),
        row_of(("3",), 45, 0.05, 0.1),
        row_of(("2",), 46, 0.30, 0.1, "api"),
        row_of(("2",), 47, 0.20, 0.1, "kv"),
        row_of(("3",), 46, 0, 0, problem="why"),
    ]
    two, three = groups(rows, asked)
    assert (two.values, two.ran, two.meets, two.first) == (("2",), 3, 1, (("api", 2), ("kv", 1)))
    assert (two.tight, two.tight_p99_s) == (("follow", "answer"), sweep.Spread(0.20, 0.09, 0.30))
    assert two.goodput_per_s == sweep.Spread(146, 145, 147)
    assert (three.ran, three.meets, three.problem) == (1, 1, "why")


def test_a_group_in_which_nothing_ran_has_no_figures():
    [group] = groups([row_of(("2",), 45, 0, 0, problem="why")], task("api.x=2"))
    assert (group.ran, group.tight, group.tight_p99_s, group.usd_a_month) == (0, None, None, None)


# fingerprint


def test_the_fingerprint_changes_with_the_code_and_the_tables_and_with_nothing_else(tmp_path, monkeypatch):
    package = tmp_path / "fortyfive"
    own = Path(sweep.__file__).parents[1]
    for room in ("judgement", "numbers", "flow"):
        shutil.copytree(own / room, package / room, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(sweep, "__file__", str(package / "judgement" / "sweep.py"))
    monkeypatch.setattr(sweep, "_ROOMS", ("numbers", "flow"))
    before = sweep.fingerprint()
    (package / "flow" / "draws.cache").write_text("what a compiler leaves")
    assert sweep.fingerprint() == before
    prices = package / "numbers" / "prices.toml"
    prices.write_bytes(prices.read_bytes().replace(b"\n", b"\r\n"))  # how git may write it on Windows
    assert sweep.fingerprint() == before
    prices.write_bytes(prices.read_bytes() + b"\n")
    assert sweep.fingerprint() != before
