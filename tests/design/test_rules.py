"""Each thing that can be wrong with a design, and the sentence for it."""

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings

from fortyfive.design.model import Component, Design, Link
from fortyfive.design.rules import Problem, cuts, problems, reached
from fortyfive.design.text import read
from tests.design.drawn import designs

FINE = Design((Component("client", "client"), Component("api", "service")), (Link("client", "api"),))


def with_api(**changes):
    return replace(FINE, components=(FINE.components[0], replace(FINE.components[1], **changes)))


def with_link(*more, **changes):
    return replace(FINE, links=(replace(FINE.links[0], **changes), *more))


def of(text):
    return read(text).design


def only(design):
    """The one problem that a design has."""
    found = problems(design)
    assert len(found) == 1, found
    return found[0]


def test_a_small_sound_design_has_no_problem():
    assert problems(FINE) == ()


FATAL = {
    "nothing": (Design(), "", "Nothing is drawn: begin with who calls and what is called, as in client -> service"),
    "no client": (of("a -> b"), "", "There is no client, so nothing is ever asked: begin with who calls"),
    "client alone": (
        of("client -> a; user"),
        "user",
        "'user' leads nowhere: draw what the client calls, as in user ->",
    ),
    "circle": (
        of("client -> x -> a -> b -> c -> a; c -> d"),
        "c -> a",
        "A request would go round for ever: a -> b -> c -> a. An answer goes back along the arrows by itself: leave",
    ),
    "circle of one": (of("client -> a -> a"), "a -> a", "A request would go round for ever: a -> a. An answer"),
    "two in a circle": (of("client -> a -> b -> a"), "b -> a", "A request would go round for ever: a -> b -> a."),
    "call to a client": (
        of("client -> a -> mobile"),
        "a -> mobile",
        "'a -> mobile' leads to a client, which takes no calls: its answer comes back along the arrows. To push to "
        "clients, let them keep a connection: client -> sockets.",
    ),
    "into the air": (
        with_link(Link("api", "db")),
        "api -> db",
        "'api -> db' ends in the air: there is no 'db'. Draw it, or leave out the link.",
    ),
    "names alike": (
        Design((*FINE.components, Component("API", "service")), (*FINE.links, Link("client", "API"))),
        "API",
        "Two components are called 'API': names are compared without case. Rename one.",
    ),
    "unknown kind": (
        with_api(kind="sevice"),
        "api",
        "'api' is a 'sevice', which is no kind of component. Did you mean 'ser",
    ),
    "name of a number": (
        of("client -> x4"),
        "x4",
        "'x4' is a number of instances: write it behind a name, as in api x4.",
    ),
    "long name": (
        of(f"client -> {'a' * 61}"),
        "a" * 61,
        f"The name '{'a' * 39}…' is longer than 60 characters: shorten it",
    ),
    "name of signs": (
        Design((Component("a b", "client"), FINE.components[1]), (Link("a b", "api"),)),
        "a b",
        "'a b' cannot be typed as a name: use letters and digits, with _ or - between them.",
    ),
    "long label": (with_api(label="a" * 201), "api", "The label of 'api' cannot be drawn: write one line of 200"),
    "label with a control": (
        with_api(label="a\nb"),
        "api",
        "The label of 'api' cannot be drawn: write one line of 200",
    ),
    "label of a link": (with_link(label="\0"), "client -> api", "The label of 'client -> api' cannot be drawn"),
    "a million": (
        of("client -> a x1_000_000"),
        "a",
        "'a' has 1,000,000 instances: choose 1 to 1,000. One at least has to",
    ),
    "none": (of("client -> a x0"), "a", "'a' has 0 instances: choose 1 to 1,000."),
    "half an instance": (with_api(instances=1.5), "api", "'api' has 1.5 instances: choose a whole number."),
    "far too many": (with_api(instances=10**400), "api", "'api' has far too many instances: choose 1 to 1,000."),
    "another kind's": (
        of("client -> a [hit=90%]"),
        "a",
        "'a' is a service and takes no 'hit': it would change nothing. It takes: time, p99, slots,",
    ),
    "negative": (of("client -> a [slots=-1]"), "a", "'a': 'slots' is -1: choose a value from 1 to 100k."),
    "zero": (of("client -> a [slots=0]"), "a", "'a': 'slots' is 0: choose a value from 1 to 100k."),
    "no time": (of("client -> a [time=0s]"), "a", "'a': 'time' is 0s: choose a value from 1us to 1m."),
    "a share of 90": (of("client -> a [errors=90]"), "a", "choose a value from 0 to 1. Or is it 90%?"),
    "without end": (
        with_api(time_s=math.inf),
        "api",
        "'api': 'time' is beyond all bounds: choose a value from 1us to 1m.",
    ),
    "not a number": (with_api(time_s=math.nan), "api", "'api': 'time' is beyond all bounds: choose a value from"),
    "huge": (with_api(slots=10**400), "api", "'api': 'slots' is beyond all bounds: choose a value from 1 to 100k."),
    "a text": (with_api(slots="4"), "api", "'api': 'slots' is '4': choose a whole number."),
    "a fraction": (with_api(slots=4.0), "api", "'api': 'slots' is 4.0: choose a whole number."),
    "yes for a number": (with_api(time_s=True), "api", "'api': 'time' is True: choose a number."),
    "off the board": (of("client -> a [at=0,20001]"), "a", "'a': 'at' is 20,001: choose a value from 0 to 20,000."),
    "half a place": (with_api(at=(1,)), "api", "'api': 'at' is (1,): choose a whole number."),
    "an unknown policy": (
        with_api(policy="best"),
        "api",
        "'api': 'policy' is 'best': write random, round-robin, least, two.",
    ),
    "a flag of 1": (with_link(breaker=1), "client -> api", "'client -> api': 'breaker' is on or off, not 1."),
    "kinds said twice": (
        with_link(only=("read", "read")),
        "client -> api",
        "'client -> api': 'only' names each kind of request once: write only=read or only=read+miss.",
    ),
    "a link's bounds": (
        of("client ->[retry=21] a"),
        "client -> a",
        "'client -> a': 'retry' is 21: choose a value from 0 to 20.",
    ),
    "p99 below the mean": (
        of("client -> a [time=20ms, p99=19ms]"),
        "a",
        "'a' has p99=19ms at a mean time of 20ms: no such",
    ),
    "p99 of the default time": (
        of("client -> a [p99=1s]"),
        "a",
        "'a' has p99=1s at a mean time of 20ms: no such times are",
    ),
    "shares": (
        of("client -> a; a ->[share=70%] b; a ->[share=50%] c; a -> d"),
        "a -> c",
        "The shares of the links of 'a' are 120 % together. A request takes one of these ways, so choose 100 % or",
    ),
    "replicas": (
        of("client -> kv [shards=600]"),
        "kv",
        "'kv' has 1,200 replicas, 2 for each part: 1,000 are the most.",
    ),
    "components": (
        Design(tuple(Component(f"n{number}", "service") for number in range(101))),
        "",
        "There are more than 100 components: nobody reads such a drawing. Draw one system of it.",
    ),
    "links": (replace(FINE, links=FINE.links * 401), "", "There are more than 400 links: nobody reads such a drawing."),
}


@pytest.mark.parametrize("name", FATAL)
def test_what_stops_a_run_is_said(name):
    design, subject, sentence = FATAL[name]
    problem = only(design)
    assert sentence in problem.message
    assert (problem.subject, problem.fatal) == (subject, True)


def test_a_link_that_is_there_twice_is_said_for_each():
    found = problems(with_link(Link("client", "api")))
    assert [each.message for each in found] == [
        "'client -> api' is there twice: one link leads from one component to another. Write fanout=2 for two calls."
    ] * 2


def test_the_bounds_of_the_p99_are_those_of_the_lognormal_distribution():
    assert problems(with_api(time_s=0.02, p99_s=0.02)) == ()
    assert problems(with_api(time_s=0.02, p99_s=0.02 * 14.9)) == ()
    assert only(with_api(time_s=0.02, p99_s=0.02 * 14.91)).word == "p99"


NOTES = {
    "alone": ("client -> a; b", "b", "No request of a client comes to 'b'. Draw what calls it, or leave it out."),
    "pulled": (
        "client -> queue; workers -> queue; queue -> other:workers",
        "workers",
        "No request of a client comes to 'workers'. Arrows go the way the messages go: queue -> workers.",
    ),
    "unread": (
        "client -> q:queue",
        "q",
        "Nobody takes messages from 'q': they pile up. Draw who works through them: q ->",
    ),
    "unread stream": ("client -> kafka", "kafka", "Nobody takes messages from 'kafka'"),
    "a store by name": (
        "client -> orders_db",
        "orders_db",
        "'orders_db' is a service here. If you mean a relational store, write orders_db:sql.",
    ),
    "a cache by name": ("client -> user-cache", "user-cache", "If you mean a cache, write user-cache:cache."),
    "a numbered one": ("client -> redis2", "redis2", "If you mean a cache, write redis2:cache."),
    "nothing missed": (
        "client -> a; a ->[only=miss] db; a -> cache",
        "a -> db",
        "'a -> db' has only=miss, but 'a' is no cache and asks none before: nothing can miss. Draw its link to the",
    ),
    "hit and size": (
        "client -> cache [hit=9%, size=5]",
        "cache",
        "'cache' has a hit ratio and a size: the hit ratio counts",
    ),
    "copies twice": (
        "client -> db x3 [replicas=5]",
        "db",
        "'db' is x3, but its shards and replicas make 6 machines, and these count. Leave out one of the two.",
    ),
    "shards twice": ("client -> kv x3 [shards=5]", "kv", "'kv' is x3 and has shards=5, which counts."),
}


@pytest.mark.parametrize("name", NOTES)
def test_what_is_likely_a_slip_is_noted_and_stops_nothing(name):
    text, subject, sentence = NOTES[name]
    reading = read(text)
    assert reading.ok
    problem = only(reading.design)
    assert (problem.subject, problem.fatal) == (subject, False)
    assert sentence in problem.message
    assert [each.message for each in reading.problems] == [problem.message]


@pytest.mark.parametrize(
    "text",
    [
        "client -> orders_db:service",
        "client -> orders-api, web-app, cache-warmer, service2",
        "client -> cache ->[only=miss] db",
        "client -> a -> cache; a ->[only=miss] db",
        "client -> db x3 [replicas=2]",
        "client -> kv x6 [replicas=2]",
        "client -> a; a ->[share=70%] b; a ->[share=30%] c",
        "client -> queue -> workers -> apns",
        "client -> a [errors=0, backlog=0]",
    ],
)
def test_what_is_meant_is_not_noted(text):
    assert read(text).problems == ()


def test_notes_wait_until_the_text_can_be_read():
    assert [each.fatal for each in read("client -> a; b; ??").problems] == [True]


def test_a_problem_is_a_sentence_with_its_place():
    assert str(Problem("No.", line=2, column=3)) == "Line 2, column 3: No."
    assert str(Problem("No.")) == "No."


def test_reached_is_what_requests_can_come_to():
    assert reached(of("client -> a -> b; c -> b; user -> d")) == {"client", "a", "b", "user", "d"}
    assert reached(of("a -> b")) == set()


def test_cuts_are_what_every_path_goes_through():
    design = of("client -> lb -> a, b -> cache; cache -> db; a, b -> queue -> workers -> push; b -> db")
    assert cuts(design, "client", "push") == ("lb", "queue", "workers")
    assert cuts(design, "client", "db") == ("lb",)
    assert cuts(design, "client", "lb") == ()
    assert cuts(design, "db", "client") == ()
    assert cuts(of("client -> a -> b -> a"), "client", "b") == ("a",)
    with pytest.raises(KeyError, match="no 'nobody'"):
        cuts(design, "client", "nobody")


@settings(max_examples=40, deadline=None)
@given(designs())
def test_without_a_cut_no_path_is_left_and_without_another_one_is(design):
    names = [each.name for each in design.components]
    source, target = names[0], names[-1]
    graph = design.graph()
    for name in names[1:-1]:
        left = graph.copy()
        left.remove_node(name)
        before, after = reaches(graph, source, target), reaches(left, source, target)
        assert (name in cuts(design, source, target)) == (before and not after)


def reaches(graph, source, target):
    found, walk = {source}, [source]
    while walk:
        for name in graph[walk.pop()]:
            if name not in found:
                found.add(name)
                walk.append(name)
    return target in found


@settings(max_examples=40, deadline=None)
@given(designs())
def test_the_problems_of_any_design_are_sentences_about_something_in_it(design):
    subjects = {"", *(each.name for each in design.components), *(each.name for each in design.links)}
    for problem in problems(design):
        assert problem.subject in subjects
        assert problem.message.endswith(".") or "?" in problem.message
