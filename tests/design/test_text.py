"""The text form: what it says, where it is wrong, and the way back from a design."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fortyfive.design.kinds import COMPONENT_PARAMETERS, KINDS, LINK_PARAMETERS, WORDS
from fortyfive.design.model import MOST_COMPONENTS, MOST_LINKS, Component, Design, Link
from fortyfive.design.text import MOST_CHARS, read, write
from fortyfive.design.values import read_value, write_value
from tests.design.drawn import designs, values


def design(text):
    reading = read(text)
    assert reading.ok, reading.problems
    return reading.design


def said(text):
    return [str(problem) for problem in read(text).problems]


def test_a_chain_as_it_is_typed_on_a_call():
    found = design(
        "client -> gateway -> notify x4 [time=20ms] -> queue [limit=1M, tries=5] -> workers x20 -> apns, fcm"
    )
    assert found == Design(
        (
            Component("client", "client"),
            Component("gateway", "gateway"),
            Component("notify", "service", 4, time_s=0.02),
            Component("queue", "queue", limit=1_000_000, tries=5),
            Component("workers", "workers", 20),
            Component("apns", "push"),
            Component("fcm", "push"),
        ),
        (
            Link("client", "gateway"),
            Link("gateway", "notify"),
            Link("notify", "queue"),
            Link("queue", "workers"),
            Link("workers", "apns"),
            Link("workers", "fcm"),
        ),
    )


@pytest.mark.parametrize("word", sorted(WORDS))
def test_a_bare_word_for_a_kind_is_of_that_kind(word):
    assert read(word).design.components == (Component(word, WORDS[word]),)


def test_any_other_word_is_a_service_unless_its_type_is_said():
    assert [each.kind for each in read("shop; orders:sql; files : S3; db:kv").design.components] == [
        "service",
        "sql",
        "blob",
        "kv",
    ]


def test_a_name_is_one_component_whatever_its_case_and_the_first_spelling_stays():
    found = design('client -> Orders x2; orders [time=5ms] -> db; ORDERS "the shop" [slots=4]; db:kv')
    assert found.component("Orders") == Component("Orders", "service", 2, "the shop", time_s=0.005, slots=4)
    assert found.component("db").kind == "kv"
    assert [each.name for each in found.links] == ["client -> Orders", "Orders -> db"]


@pytest.mark.parametrize("arrow", ["->", "-->", "=>", "→", "–>", "—>"])
def test_an_arrow_that_waits_has_many_spellings(arrow):
    assert design(f"client{arrow}api").links == (Link("client", "api"),)


@pytest.mark.parametrize("arrow", ["~>", "~~>", "⇝"])
def test_an_arrow_that_goes_on_has_too(arrow):
    assert design(f"client {arrow} api").links == (Link("client", "api", waits=False),)


def test_links_have_parameters_and_a_label():
    found = design('client ->[timeout=2s, retry=2, breaker, "ask first", only=read+miss, share=90%] api')
    link = Link("client", "api", True, "ask first", None, 0.9, ("read", "miss"), 2.0, 2, breaker=True)
    assert found.links == (link,)


def test_several_sources_and_targets_make_every_link_in_order():
    names = [each.name for each in read("client -> a, b -> c, d").design.links]
    assert names == ["client -> a", "client -> b", "a -> c", "a -> d", "b -> c", "b -> d"]


def test_a_statement_goes_on_behind_and_before_an_arrow_and_behind_a_comma():
    one = design("client -> api -> db, cache, search")
    assert design("client -> # who\n\n  api\n # why\n -> db,\n cache,\r\n search") == one
    assert design("client -> api; api -> db\napi->cache;;\r api->search # -> no") == one


@pytest.mark.parametrize(
    ("typed", "instances"), [("x4", 4), ("×4", 4), ("× 4", 4), ("X1_000", 1000), ('"a label" x3', 3), ("[] x2 []", 2)]
)
def test_instances_stand_behind_the_name_in_any_order(typed, instances):
    assert design(f"client -> api {typed}").component("api").instances == instances


TYPED = {
    "time": {
        "20ms": 0.02,
        "5s": 5.0,
        "2m": 120.0,
        "1h": 3600.0,
        "100us": 1e-4,
        "1.5 ms": 0.0015,
        ".5s": 0.5,
        "1d": 86400,
    },
    "limit": {"30k": 30_000, "1M": 1_000_000, "2.5k": 2_500, "1_000": 1_000, "1e3": 1_000, "1G": 10**9},
    "rate": {"500/s": 500.0, "30k/s": 30_000.0, "600/min": 10.0, "2k": 2000.0},
    "hit": {"90%": 0.9, "0.9": 0.9, "12.5 %": 0.125},
    "usd": {"20": 20.0, "USD 20": 20.0, "$1.5k": 1500.0, "20 USD": 20.0},
    "at": {"120,80": (120, 80), "1 , 2": (1, 2)},
    "only": {"read": ("read",), "read + miss": ("read", "miss")},
    "policy": {"least": "least", "Round-Robin": "round-robin"},
}


@pytest.mark.parametrize(("word", "typed"), [(word, typed) for word, each in TYPED.items() for typed in each])
def test_values_are_read_with_their_units(word, typed):
    parameter = next(each for each in (*COMPONENT_PARAMETERS, *LINK_PARAMETERS) if each.word == word)
    assert read_value(parameter, typed) == TYPED[word][typed]


@pytest.mark.parametrize(
    ("word", "value", "written"),
    [
        ("time", 0.02, "20ms"),
        ("time", 60.0, "1m"),
        ("time", 2, "2s"),
        ("time", 1e-6, "1us"),
        ("limit", 1_000_000, "1M"),
        ("limit", 1_500, "1500"),
        ("hit", 0.9, "90%"),
        ("hit", 0.123456789, "12.3456789%"),
        ("rate", 500.0, "500/s"),
        ("usd", 20.0, "20"),
        ("time", 1 / 3, "0.3333333333333333s"),
        ("errors", 1e-300, "1e-300"),
    ],
)
def test_values_are_written_short(word, value, written):
    parameter = next(each for each in COMPONENT_PARAMETERS if each.word == word)
    assert write_value(parameter, value) == written
    assert read_value(parameter, written) == value


@pytest.mark.parametrize("value", [float("inf"), float("nan"), True])
def test_what_cannot_be_typed_cannot_be_written(value):
    with pytest.raises(ValueError, match=r"'time' is .*: only a finite number can be written\."):
        write_value(COMPONENT_PARAMETERS[0], value)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_every_value_within_its_bounds_reads_back_exactly(data):
    parameter = data.draw(st.sampled_from((*COMPONENT_PARAMETERS, *LINK_PARAMETERS)))
    value = data.draw(values(parameter))
    assert read_value(parameter, write_value(parameter, value)) == value


@settings(max_examples=50, deadline=None)
@given(designs())
def test_a_design_is_read_as_it_was_written(drawn):
    text = write(drawn)
    assert read(text).design == drawn
    assert write(read(text).design) == text


def test_a_design_is_written_as_chains_with_each_thing_said_once():
    text = (
        "client -> gateway -> notify x4 [time=20ms] -> queue [limit=1M, tries=5] -> workers x20 -> apns, fcm\n"
        'notify ->[timeout=2s, retry=2, "ask"] db:sql "Main, \\"old\\" store" x2 [at=120,80]\n'
    )
    assert write(read(text).design) == text.replace("db:sql", "db")


def test_components_out_of_the_order_of_the_links_are_named_first():
    drawn = Design((Component("b", "service"), Component("a", "service")), (Link("a", "b"),))
    assert write(drawn) == "b\na -> b\n"


def test_sources_and_targets_that_share_an_arrow_are_joined():
    text = "client ~> a, b, c -> d, e -> f\nx, y ->[retry=1] client\n"
    assert write(read(text).design) == text


def test_a_long_chain_is_broken_before_an_arrow():
    text = write(read(" -> ".join(f"service-{number}" for number in range(20))).design)
    assert all(len(line) <= 100 for line in text.splitlines())
    assert all(line.startswith("  -> ") for line in text.splitlines()[1:])


def test_a_link_into_the_air_cannot_be_written():
    with pytest.raises(ValueError, match=r"'a -> b' cannot be written: there is no 'b'\."):
        write(Design((Component("a", "service"),), (Link("a", "b"),)))


WRONG = {
    "client -> api\nclient -> queue [limit=5, instnaces=2] -> workers": (
        "Line 2, column 27: 'instnaces' is no parameter of a queue. The number of instances is written behind the "
        "name, as in x4. A queue takes: time, limit, tries, visibility, rate, usd, at."
    ),
    "client -> gateway [tiem=2ms]": "Line 1, column 20: 'tiem' is no parameter of an API gateway. Did you mean 'time'?",
    "client -> db [limit=5, hti=9%]": "Line 1, column 24: 'hti' is no parameter of a relational store. It is one of",
    "client ->[tmeout=2s] api": "Line 1, column 11: 'tmeout' is no parameter of a link. Did you mean 'timeout'? A",
    "client -> x:chace": "Line 1, column 13: 'chace' is no kind of component. Did you mean 'cache'?",
    "client -> svc [policy=leas]": "Line 1, column 16: 'leas' is no policy. Did you mean 'least'? There are: random,",
    "client -> svc [time=20]": "Line 1, column 16: '20' in 'time' is not a time such as 20ms, 5s or 2m. It has no unit",
    "client -> svc [slots=2.5]": "Line 1, column 16: '2.5' in 'slots' is not a whole number such as 4, 30k or 1M. It",
    "client -> svc [slots=1m]": "A million is written with a capital M.",
    "client -> svc [time=2ms slots=4]": "Parameters are separated by commas.",
    "client -> svc [slots=10,000]": "Line 1, column 25: '000' is no parameter of a service. Within a number there",
    "client -> svc [time]": "Line 1, column 16: 'time' needs a value: write a time such as 20ms, 5s or 2m.",
    "client -> cache [coalesce=yes]": "Line 1, column 18: 'coalesce' is on or off: write it without a value.",
    "client -> svc [at=5]": "Line 1, column 16: '5' is no place: write two whole numbers such as at=120,80.",
    "client ->[only=+] svc": "Line 1, column 11: '+' in 'only' is not a list of words: write only=read or",
    "client svc": "Line 1, column 8: Between 'client' and 'svc' an arrow is missing: -> or ~>, or a comma.",
    "client -> svc x-3": "Line 1, column 15: 'x-3' is no number of instances: write x and a whole number, as in x4.",
    "client -> svc ->": "Line 1, column 15: Behind '->' a component is missing: write its name.",
    "-> svc": "Line 1, column 1: Before '->' a component is missing: write its name.",
    "client -> a,, b": "Line 1, column 12: Behind ',' a component is missing: write its name.",
    "svc <- client": "Line 1, column 5: '<-': arrows go from the caller to what it calls. Write -> and swap",
    "client - > svc": "Line 1, column 8: '-' is no arrow: write -> or ~>, without a space in it.",
    "client -> svc ??": "Line 1, column 15: '??' means nothing here. A line reads: client -> service x4 [time=20ms]",
    "[time=2ms] svc": "Line 1, column 1: [time=2ms] stands alone: write it behind the component that it is about.",
    "client -> svc [time=2ms\nsvc": "Line 1, column 15: This bracket is not closed on its line: write ] where it ends.",
    'client -> svc "a': 'Line 1, column 15: This quotation mark is not closed on its line: write " where it ends.',
    "client -> e:": "Line 1, column 12: Behind ':' the type is missing, as in orders:sql.",
    "client -> a x2; A x3": "Line 1, column 19: 'a' has x2 and x3: say it once.",
    "client -> a [time=1ms]\na [time=2ms]": "Line 2, column 4: 'a' has time=1ms and time=2ms: say it once.",
    "client -> a; client ~> a": "Line 1, column 21: 'client -> a' is drawn with -> and with ~>: decide for one.",
    "client -> a:sql; a:kv": "Line 1, column 19: 'a' is both sql and kv: decide for one.",
    "client ->[retry=1] a; client ->[retry=2] a": "Line 1, column 33: 'client -> a' has retry=1 and retry=2: say it",
}


@pytest.mark.parametrize("text", WRONG)
def test_what_cannot_be_read_is_said_with_its_place(text):
    assert WRONG[text] in "\n".join(said(text))
    assert not read(text).ok


def test_what_can_be_read_is_read_all_the_same():
    assert [each.name for each in read("client -> api ?? -> db\ncache [").design.components] == [
        "client",
        "api",
        "db",
        "cache",
    ]


def test_the_parameters_of_an_arrow_do_not_end_a_line():
    assert design('client ->[retry=2, "ask"]\n api').links == (Link("client", "api", label="ask", retry=2),)
    assert read("client -> a,\n[time=2ms]").problems[0].fatal


def test_saying_the_same_twice_is_no_contradiction():
    assert read("client -> a x2 [time=5ms]; a x2 [time=0.005s]; client -> a").ok


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_counted_at_each_kind_of_end(end):
    assert said(end.join(("# é", "client -> api", "  ??")))[0].startswith("Line 3, column 3:")


def test_a_problem_of_the_design_stands_where_its_subject_does():
    reading = read("client -> api\napi x0 -> db\ndb [replicas=900]")
    assert [(each.subject, each.word, each.line, each.column) for each in reading.problems] == [
        ("api", "x", 2, 5),
        ("db", "replicas", 3, 5),
    ]


def test_spans_name_the_places_in_the_text():
    text = "client -> Api x2 [time=5ms]\n\napi ->[retry=2] db"
    reading = read(text)
    assert [text[each.start : each.end] for each in reading.mentions["Api"]] == ["Api x2 [time=5ms]", "api"]
    assert [text[each.start : each.end] for each in reading.arrows["Api", "db"]] == ["->[retry=2]"]
    span = reading.settings["Api -> db", "retry"]
    assert text[span.start : span.end] == "retry=2"


def test_many_problems_are_cut_off_and_counted():
    found = read("client -> a;" + "??;" * 100).problems
    assert len(found) == 21
    assert found[-1].message == "And 80 more."
    assert found[-1].fatal
    assert read("??;" * 5_000).problems[-1].message == "And at least 980 more."


def test_a_text_that_is_too_long_is_not_read():
    reading = read("client -> api\n" * (MOST_CHARS // 10))
    assert reading.design == Design()
    assert "The text has 140,000 characters, and a design has 100,000 at most" in reading.problems[0].message


@pytest.mark.parametrize("text", ["", " \n ", "# nothing", ";;\n;"])
def test_a_text_without_a_component_says_how_to_begin(text):
    assert said(text) == [
        "Line 1, column 1: Nothing is drawn: begin with who calls and what is called, as in client -> service -> db."
    ]


def test_what_is_no_text_is_a_type_error():
    with pytest.raises(TypeError, match=r"A design is drawn as a text such as .*, not NoneType\."):
        read(None)


def test_more_than_a_design_may_hold_is_refused_without_all_of_it_being_drawn():
    many = ", ".join(f"n{number}" for number in range(5_000))
    reading = read(f"client -> {many} -> {many}")
    assert len(reading.design.components) == MOST_COMPONENTS + 1
    assert len(reading.design.links) <= MOST_LINKS + 1
    assert "There are more than 100 components" in reading.problems[0].message


@pytest.mark.parametrize("piece", ["[", '"', "“", "a-", "a->", "'[\n", "-"])
def test_a_long_text_of_anything_is_read(piece):
    assert not read((piece * MOST_CHARS)[:MOST_CHARS]).ok


ALPHABET = st.sampled_from(
    [
        *"abx4 \n\r\t,;:#[]\"'=->~→×\\<.%\0\ud800é",
        "->",
        "~>",
        "client",
        "db",
        "[time=",
        "20ms",
        ' "',
        "x3",
        "at=1,2",
        "only=",
    ]
)


@settings(max_examples=120, deadline=None)
@given(st.lists(ALPHABET, max_size=40).map("".join) | st.text(max_size=60))
def test_any_text_is_read_and_what_was_read_can_be_written(text):
    reading = read(text)
    for problem in reading.problems:
        assert problem.line >= 1 or problem.message.startswith("And ")
    if reading.ok:
        assert read(write(reading.design)).design == reading.design


@settings(max_examples=50, deadline=None)
@given(designs(), st.data())
def test_a_mutated_text_is_read(drawn, data):
    text = write(drawn)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        text = text[:at] + data.draw(ALPHABET) + text[at + data.draw(st.integers(0, 5)) :]
    reading = read(text)
    assert set(reading.mentions) == {each.name for each in reading.design.components}
    assert set(reading.arrows) == {(each.source, each.target) for each in reading.design.links}


def test_every_kind_can_be_drawn_by_its_title_word():
    text = "client -> " + ", ".join(kind for kind in KINDS if kind != "client")
    assert read(text).ok
