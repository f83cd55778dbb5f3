"""The prompts as data: loads that can be multiplied, and names that can be found."""

import pytest

from fortyfive.design.kinds import KINDS
from fortyfive.scenario.prompts import PROMPTS, Operation, Scenario, find_prompt

LOAD = Scenario((Operation("look", "", 100.0), Operation("change", "", 10.0, writes=True)), span_s=5.0)


def test_a_load_is_multiplied_reads_and_writes_apart():
    assert LOAD.rate_per_s == 110.0
    assert [each.rate_per_s for each in LOAD.times(3).operations] == [300.0, 30.0]
    assert [each.rate_per_s for each in LOAD.times(2, writes=10).operations] == [200.0, 100.0]
    assert LOAD.times(reads=0.0, writes=1.0).rate_per_s == 10.0
    assert LOAD.lasting(7.0).span_s == 7.0
    assert LOAD.times(1) == LOAD


def test_a_load_can_be_a_key_of_a_table():
    assert len({each.load for each in PROMPTS.values()} | {PROMPTS["checkout"].load}) == len(PROMPTS)


@pytest.mark.parametrize("name", ["url-shortener", " URL Shortener ", "url_shortener"])
def test_a_prompt_is_found_by_its_name_however_it_is_typed(name):
    assert find_prompt(name) is PROMPTS["url-shortener"]


@pytest.mark.parametrize("name", ["", "chat", None, 7])
def test_an_unknown_prompt_is_a_sentence_with_those_there_are(name):
    with pytest.raises(LookupError, match="Choose one of: notifications, url-shortener, checkout"):
        find_prompt(name)


@pytest.mark.parametrize("name", PROMPTS)
def test_a_prompt_asks_for_what_can_be_drawn_and_run(name):
    prompt = PROMPTS[name]
    assert prompt.name == name
    names = [each.name for each in prompt.load.operations]
    assert len(set(names)) == len(names)
    # Words that mean something else behind `only=`.
    assert not {"read", "write", "miss"} & set(names)
    for operation in prompt.load.operations:
        assert operation.rate_per_s > 0
        assert operation.answer_p99_s < prompt.load.patience_s
        assert all(word in KINDS for words in operation.needs for word in words)
        assert all(word in KINDS for word in operation.not_waiting_for)
        assert operation.copies == 1 or operation.not_waiting_for
    assert 0 < prompt.load.average <= 1
    assert prompt.overload > 1
    assert prompt.usd_a_month > 0
