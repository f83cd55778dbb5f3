"""Random designs: what can be drawn and written, wrong or not."""

from hypothesis import strategies as st

from fortyfive.design.kinds import COMPONENT_PARAMETERS, KINDS, LINK_PARAMETERS
from fortyfive.design.model import Component, Design, Link

NAMES = ("client", "api", "orders", "db", "s3", "Cache", "a-b", "q_1", "ü", "x", "fcm", "4")
LABELS = st.sampled_from(("", "a label", 'say "x" \\ -> # [y], é', "' ;", "  ", "<script>"))


def values(parameter):
    low, high = parameter.low, parameter.high
    match parameter.unit:
        case "flag":
            return st.just(True)
        case "word":
            return st.sampled_from(parameter.choices)
        case "words":
            words = st.lists(st.sampled_from(("read", "write", "miss", "post-it")), min_size=1, max_size=3, unique=True)
            return words.map(tuple)
        case "place":
            return st.tuples(st.integers(0, 20_000), st.integers(0, 20_000))
        case "count":
            return st.integers(int(low), int(high)) | st.sampled_from((int(low), int(high)))
        case _:
            round_ones = st.sampled_from((0.02, 0.5, 1.0, 2.5, 30.0, 0.9)).filter(lambda value: low <= value <= high)
            return st.floats(low, high) | round_ones


def settings_of(parameters):
    some = st.lists(st.sampled_from(parameters), max_size=4, unique=True)
    return some.flatmap(lambda chosen: st.fixed_dictionaries({each.field: values(each) for each in chosen}))


def components(name):
    parameters = {
        kind: [each for each in COMPONENT_PARAMETERS if each.word in KINDS[kind].parameters] for kind in KINDS
    }
    plain = st.sampled_from(sorted(KINDS)).flatmap(
        lambda kind: st.builds(
            lambda label, instances, settings: Component(name, kind, instances, label, **settings),
            LABELS,
            st.none() | st.integers(1, 1_000),
            settings_of(parameters[kind]),
        )
    )
    return plain | st.sampled_from(sorted(KINDS)).map(lambda kind: Component(name, kind))


def links(ends):
    plain = settings_of(LINK_PARAMETERS).flatmap(
        lambda settings: st.builds(
            lambda waits, label: Link(*ends, waits, label, **settings),
            st.booleans(),
            LABELS,
        )
    )
    return st.builds(lambda waits: Link(*ends, waits), st.booleans()) | st.just(Link(*ends)) | plain


@st.composite
def designs(draw):
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=7, unique=True))
    pairs = [(a, b) for a in names for b in names]
    chosen = draw(st.lists(st.sampled_from(pairs), max_size=10, unique=True))
    if draw(st.booleans()):
        chosen.sort(key=lambda pair: (names.index(pair[0]), names.index(pair[1])))
    return Design(
        tuple(draw(components(name)) for name in names),
        tuple(draw(links(ends)) for ends in chosen),
    )
