"""A judgement: references without a finding, and for each rule a design that is wrong in that way and is found out."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings

from fortyfive.design.text import read
from fortyfive.flow import designs, events_loop
from fortyfive.flow.designs import DesignCannotRunError
from fortyfive.judgement import measured
from fortyfive.judgement.findings import FATAL, RULES
from fortyfive.judgement.judge import judge
from fortyfive.scenario.prompts import PROMPTS, Prompt
from tests.flow.drawn_runs import runnable, scenarios
from tests.judgement.reference import REFERENCES
from tests.judgement.wrong import WRONG


@pytest.fixture(scope="module", autouse=True)
def compiled_loop():
    events_loop.loop.compiled()


def judged(text, prompt):
    reading = read(text)
    assert reading.ok, reading.problems
    return judge(reading.design, prompt if isinstance(prompt, Prompt) else PROMPTS[prompt])


def told(judgement):
    return [f"{each.rule}: {each.sentence()}" for each in judgement.findings]


@pytest.mark.parametrize("name", REFERENCES)
def test_a_reference_design_meets_its_prompt_without_a_finding(name):
    prompt, text = REFERENCES[name]
    assert read(text).problems == ()
    judgement = judged(text, prompt)
    assert told(judgement) == []
    assert judgement.meets


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong.name)
def test_a_wrong_design_is_found_out_by_its_rule(wrong):
    judgement = judged(wrong.text, wrong.prompt)
    found = [each for each in judgement.of(wrong.rule) if each.subject == wrong.subject]
    assert found, told(judgement)
    for word in wrong.words:
        assert word in found[0].sentence()
    assert found[0].say.endswith("?") or found[0].rule == "depth too early"
    others = {each.rule for each in judgement.findings if each.fatal} - {wrong.rule}
    assert others <= ({"missing path"} if wrong.rule == "depth too early" else set()), told(judgement)


def test_each_rule_has_a_wrong_design():
    # Nobody stays connected in the prompts there are; its own test is below.
    assert {each.rule for each in WRONG} == set(RULES) - {"connections"}


def test_those_who_stay_connected_need_room():
    prompt = PROMPTS["notifications"]
    crowd = replace(prompt, load=replace(prompt.load, connected=500_000))
    text = REFERENCES["notifications, one pool"][1].replace("client -> gateway", "client -> ws:sockets x4 -> gateway")
    judgement = judged(text, crowd)
    assert [each.subject for each in judgement.of("connections")] == ["ws"]
    assert "500,000 clients stay connected, and there is room for 400,000" in judgement.of("connections")[0].what
    assert not judgement.meets
    assert judged(text.replace("x4 ->", "x4 [connections=130k] ->", 1), crowd).of("connections") == ()


def test_work_that_was_never_taken_in_is_not_said_to_be_late():
    text = REFERENCES["notifications, one pool"][1].replace("x4 [backlog=20]", "x1 [backlog=20, slots=8]")
    assert [each.evidence.count("got an error") for each in judged(text, "notifications").of("promise")] == [1]


def test_of_two_that_do_the_same_only_one_is_too_much():
    text = REFERENCES["notifications, one pool"][1].replace("notify -> kv ", "notify -> kv\n notify -> more:kv ")
    judgement = judged(text, "notifications")
    assert len(judgement.of("over-architecture")) == 1
    assert judgement.meets


@pytest.mark.parametrize("name", PROMPTS)
def test_of_a_first_sketch_little_is_said_and_what_matters_first(name):
    judgement = judged("client -> service", name)
    rules = [each.rule for each in judgement.findings]
    assert rules[0] == "missing path"
    assert set(rules) <= {"missing path", "promise"}
    assert len(rules) <= 6


def test_findings_stand_by_their_weight():
    text = (
        REFERENCES["notifications, one pool"][1].replace("limit=1M, tries=5", "").replace("workers x20", "workers x5")
    )
    judgement = judged(text.replace("[retry=3] ", "").replace("[]", ""), "notifications")
    places = [(each.rule not in FATAL, list(RULES).index(each.rule)) for each in judgement.findings]
    assert places == sorted(places)
    assert {"promise", "no dead letter", "unbounded queue"} <= {each.rule for each in judgement.findings}


def test_a_judgement_is_the_same_each_time():
    prompt, text = REFERENCES["notifications, one pool"]
    text = text.replace("x4", "x2")
    assert told(judged(text, prompt)) == told(judged(text, prompt))


def test_structure_alone_earns_nothing():
    """Each reference with one instance of everything, on slow machines: all the boxes, and no promise kept."""
    for prompt, text in list(REFERENCES.values())[::2]:
        design = read(text).design
        small = replace(
            design,
            components=tuple(
                replace(each, instances=1, slots=1) if each.kind in ("service", "workers") else each
                for each in design.components
            ),
        )
        judgement = judge(small, PROMPTS[prompt])
        assert "promise" in {each.rule for each in judgement.findings}
        assert not judgement.meets


def test_a_run_that_cannot_be_followed_is_a_finding(monkeypatch):
    monkeypatch.setattr(measured, "MOST_EVENTS", 50_000)
    text = "client -> service x100 [slots=1k] ->[fanout=10, retry=20] kv x9 [errors=100%]"
    judgement = judged(text, "notifications")
    cut = judgement.of("promise")
    assert len(cut) == 1
    assert "cut short" in cut[0].what
    assert judgement.trace.cut_short


def test_killing_an_instance_tells_who_answers_less():
    design = read("client -> lb ->[retry=3] a:service x4 [backlog=20] -> kv x2 [replicas=0]").design
    found = designs.losses(design, PROMPTS["url-shortener"].load.times(0.2).lasting(10.0))
    assert [each.component for each in found] == ["kv", "a"]
    assert found[0].worst == min(found[0].shares, key=found[0].shares.get)
    assert found[0].available == found[0].shares[found[0].worst] < 0.9 < found[1].available
    assert (found[0].start_s, found[0].end_s) == (2.0, 7.0)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(runnable(), scenarios())
def test_any_design_that_runs_is_judged_in_sentences(design, scenario):
    prompt = Prompt("any", "Anything", "Design anything.", replace(scenario, troubles=()), usd_a_month=2_000)
    try:
        judgement = judge(design, prompt)
    except DesignCannotRunError as error:
        assert "itself" in str(error)
        return
    for each in judgement.findings:
        assert each.rule in RULES
        assert each.what.endswith(".")
        assert each.evidence.endswith(".")
        assert "nan" not in each.sentence().split()
