"""Random designs that can run, of all kinds of components, and small loads for them."""

from hypothesis import strategies as st

from fortyfive.design.kinds import BALANCING, KINDS
from fortyfive.design.model import Component, Design, Link
from fortyfive.scenario.prompts import Loss, Operation, Scenario, Slowdown

_SETTINGS = {
    "time": ("time_s", st.sampled_from((0.001, 0.01, 0.2))),
    "slots": ("slots", st.integers(1, 4)),
    "backlog": ("backlog", st.integers(0, 5)),
    "errors": ("errors", st.sampled_from((0.1, 1.0))),
    "rate": ("rate_per_s", st.sampled_from((5.0, 60.0))),
    "hit": ("hit", st.sampled_from((0.0, 0.5, 1.0))),
    "size": ("size", st.integers(1, 40)),
    "ttl": ("ttl_s", st.sampled_from((0.05, 1.0))),
    "coalesce": ("coalesce", st.just(True)),
    "batch": ("batch", st.integers(1, 5)),
    "replicas": ("replicas", st.integers(0, 3)),
    "shards": ("shards", st.integers(1, 3)),
    "standby": ("standby", st.just(True)),
    "failover": ("failover_s", st.sampled_from((0.0, 0.3))),
    "partitions": ("partitions", st.integers(1, 6)),
    "limit": ("limit", st.integers(1, 20)),
    "tries": ("tries", st.integers(1, 3)),
    "visibility": ("visibility_s", st.sampled_from((0.05, 1.0))),
    "policy": ("policy", st.sampled_from(BALANCING)),
}
_LINK = {
    "fanout": st.integers(1, 3),
    "only": st.sampled_from((("read",), ("write",), ("look",), ("read", "change"))),
    "timeout_s": st.sampled_from((0.05, 0.5)),
    "retry": st.integers(1, 2),
    "breaker": st.just(True),
    "optional": st.just(True),
    "together": st.just(True),
    "delay_s": st.just(0.02),
}


@st.composite
def runnable(draw):
    """Draw a design without a fatal problem, whose links lead from earlier components to later ones."""
    kinds = draw(st.lists(st.sampled_from([each for each in KINDS if each != "client"]), min_size=1, max_size=6))
    components = [Component("c", "client")]
    for number, kind in enumerate(kinds):
        words = [word for word in KINDS[kind].parameters if word in _SETTINGS]
        chosen = draw(st.lists(st.sampled_from(words), unique=True, max_size=3)) if words else []
        settings = {_SETTINGS[word][0]: draw(_SETTINGS[word][1]) for word in chosen}
        components.append(Component(f"{kind}{number}", kind, draw(st.none() | st.integers(1, 4)), **settings))
    links = [Link("c", components[1].name)]
    for at, target in enumerate(components[2:], start=2):
        sources = draw(st.lists(st.sampled_from(components[1:at]), min_size=1, max_size=2, unique=True))
        for source in sources:
            words = draw(st.lists(st.sampled_from(sorted(_LINK)), unique=True, max_size=2))
            settings = {word: draw(_LINK[word]) for word in words}
            links.append(Link(source.name, target.name, draw(st.booleans()), **settings))
    for cache in [each for each in components if each.kind == "cache"]:
        _ask_behind(links, cache.name, draw(st.booleans()))
    return Design(tuple(components), tuple(links))


def _ask_behind(links, cache, only_misses):
    """Let one who asks a cache go on to what it asks next only for misses."""
    for ask in [each for each in links if each.target == cache]:
        later = [each for each in links[links.index(ask) + 1 :] if each.source == ask.source]
        if later and only_misses:
            place = links.index(later[0])
            links[place] = Link(later[0].source, later[0].target, later[0].waits, only=("miss",))


@st.composite
def scenarios(draw):
    """Draw a second or two of reads and writes, and what goes wrong meanwhile."""
    names = st.sampled_from(("service", "workers", "sql", "cache", "push", "kv0", "stream1"))
    losses = st.builds(Loss, names, st.just(0.2), st.just(0.9))
    slow = st.builds(Slowdown, names, st.just(1.0), st.just(1.5), slower=st.just(5.0), errors=st.just(0.3))
    return Scenario(
        (
            Operation("look", "somebody looks", draw(st.sampled_from((0.0, 40.0)))),
            Operation("change", "somebody changes it", 30.0, writes=True, done_p99_s=2.0),
        ),
        span_s=2.0,
        keys=draw(st.sampled_from((1, 100))),
        hottest=draw(st.sampled_from((0.0, 0.4))),
        poison=draw(st.sampled_from((0.0, 0.1))),
        patience_s=1.0,
        troubles=tuple(draw(st.lists(losses, max_size=1)) + draw(st.lists(slow, max_size=1))),
    )
