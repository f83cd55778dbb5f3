"""The tables and explorers of topic 04: what they show is what a run says, and theory agrees."""

import math
from dataclasses import replace
from xml.etree import ElementTree

import pandas as pd
import pytest

from fortyfive.flow.designs import run
from fortyfive.flow.events import Constant, Exponential, Lognormal
from fortyfive.judgement.judge import judge
from fortyfive.scenario.prompts import PROMPTS
from fortyfive.widgets import high_level_design as lesson

PROMPT = PROMPTS["notifications"]
FEW = replace(PROMPT, load=PROMPT.load.lasting(4))
SKELETON = "client -> lb -> notify x4 -> tokens:kv; notify -> queue ->[fanout=4] workers x20 -> apns"


def test_a_text_with_problems_says_all_of_them():
    with pytest.raises(ValueError, match="Did you mean") as error:
        lesson.designed("client -> web [tme=2ms] -> db [slts=3]")
    assert len(str(error.value).splitlines()) == 2


def test_a_drawing_is_text_and_picture():
    trace = run(lesson.designed(SKELETON), FEW.load)
    drawing = lesson.Drawing(SKELETON, "The <skeleton>", trace)
    assert repr(drawing).startswith("The <skeleton>: client -> lb, lb -> notify")
    html = drawing._repr_html_()
    assert "The &lt;skeleton&gt;" in html
    svg = html[html.index("<svg") : html.index("</svg>") + 6]
    names = "".join(ElementTree.fromstring(svg).itertext())
    assert all(name in names for name in ("notify", "tokens", "workers", "apns"))


def test_a_ladder_says_what_is_left_to_mend():
    steps = {"direct": "client -> notify x8 -> tokens:kv; notify ->[fanout=4] apns", "queued": SKELETON}
    table = lesson.ladder(steps, FEW)
    assert "synchronous (notify)" in table.loc["direct", "left to mend"]
    assert "synchronous" not in table.loc["queued", "left to mend"]
    assert table.loc["direct", "answer p50 (ms)"] > table.loc["queued", "answer p50 (ms)"]


def test_the_tables_of_findings_and_components_follow_the_judgement_and_the_run():
    judgement = judge(lesson.designed("client -> notify"), FEW)
    assert list(lesson.findings_table(judgement).index) == [each.rule for each in judgement.findings]
    trace = run(lesson.designed(SKELETON), FEW.load)
    table = lesson.components_table(trace)
    assert list(table.index) == ["lb", "notify", "tokens", "queue", "workers", "apns"]
    assert table["calls (1/s)"]["workers"] == pytest.approx(4 * table["calls (1/s)"]["queue"], rel=0.01)


def test_no_finding_is_an_empty_table_with_its_columns():
    judgement = replace(judge(lesson.designed("client -> notify"), FEW), findings=())
    assert list(lesson.findings_table(judgement).columns) == ["what", "evidence"]


def test_the_explorer_of_the_load_names_the_box_that_is_full_first():
    explorer = lesson.explore_load(SKELETON, FEW)
    assert explorer.at(times=1).table["full first"].item() == "nothing"
    heavy = explorer.at(times=2.5)
    assert heavy.table["full first"].item() == "workers"
    assert "Full first: workers" in heavy.alt
    assert heavy.table["answer p50 (ms)"].item() == pytest.approx(
        explorer.at(times=1).table["answer p50 (ms)"], rel=0.1
    )


@pytest.mark.parametrize(
    ("servers", "busy", "expected"),
    # One server waits with chance rho; two with 2 rho^2 / (1 + rho); 10 servers at a load of 8 by Erlang's tables.
    [(1, 0.9, 0.9), (2, 0.5, 1 / 3), (10, 0.8, 0.4092)],
)
def test_erlang_c_is_that_of_the_tables(servers, busy, expected):
    assert lesson.erlang_c(servers, busy) == pytest.approx(expected, abs=5e-5)


def test_the_measured_wait_lies_on_the_curve():
    for servers, busy in ((1, 0.5), (4, 0.8), (64, 0.9)):
        assert lesson.measured_wait(servers, busy) == pytest.approx(lesson.mean_wait(servers, busy), rel=0.08)


def test_the_explorer_of_the_wait_shows_both():
    view = lesson.explore_wait().at(servers=8)
    assert view.table["mean wait, Erlang C"][90] == pytest.approx(lesson.mean_wait(8, 0.9), abs=5e-4)
    assert "8 servers" in view.alt


def test_two_choices_lie_between_dice_and_knowing_all():
    table = lesson.balancing_table({"long tail": Lognormal(0.02, 0.2), "exponential": Exponential(0.02)})
    for row in table.itertuples():
        assert row.random > row.two > row.least > row[-1]
    assert table.columns[-1] == "one queue for all"
    equal = lesson.balancing_table({"equal": Constant(0.02)}).loc["equal"]
    assert equal["round robin"] < equal["two"] < equal["random"]


def test_what_a_dead_instance_costs_follows_the_formula():
    load = PROMPTS["url-shortener"].load.lasting(16)
    table = lesson.dead_instance_table([4, 8], [0, 1], load)
    assert table["0 retries"].to_list() == pytest.approx([25, 12.5], abs=0.8)
    assert table["1 retries"].to_list() == pytest.approx([6.25, 1.56], abs=0.8)
    assert table["(1/n)^2"].to_list() == [6.25, 1.56]


def test_a_long_line_serves_nobody_in_time():
    texts = {"long": "client -> lb -> web x4 [backlog=1000]", "short": "client -> lb -> web x4 [backlog=20]"}
    table = lesson.overload_table(texts, 2_400, [1, 1.5])
    assert table.index.to_list() == [2_400, 3_600]
    assert table["long"][3_600] < 0.1 * table["short"][3_600]
    assert table["long"][2_400] == pytest.approx(table["short"][2_400], rel=0.01)


def test_a_backlog_is_drawn_over_time():
    trace = run(lesson.designed(SKELETON), FEW.load.times(3))
    figure = lesson.over_time(trace, "queue", title="It grows", alt="Two curves.")
    waiting, age = figure.data
    assert max(waiting.y) == max(trace.components["queue"].queued) > 1_000
    assert max(age.y) > 1
    assert figure.layout.meta["alt"] == "Two curves."


def test_collisions_are_those_of_the_birthday_problem():
    table = lesson.collision_table([7], links=1e9)
    assert table["pairs that collide"][7] == round(1e18 / 2 / 62**7) == 141_980
    assert table["codes (10^9)"][7] == 3_522
    assert table["next code is taken (%)"][7] == "0.028"
    expected = 300_000**2 / 2 / 62**5
    assert abs(lesson.measured_collisions(5, 300_000) - expected) < 4 * math.sqrt(expected)


def test_more_shards_leave_a_hot_key_where_it_is():
    viral = replace(PROMPTS["url-shortener"].load.times(3).lasting(3), hottest=0.3)
    texts = {f"{count}": f"client -> lb -> redirect x24 -> links:kv x{count}" for count in (4, 8)}
    table = lesson.hot_key_table(texts, "links", viral)
    assert isinstance(table, pd.DataFrame)
    assert table["busiest shard (%)"].min() > 95
    assert table["shards busy, mean (%)"]["8"] < 0.7 * table["shards busy, mean (%)"]["4"]
