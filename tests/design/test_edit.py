"""An edit of the text changes the design by exactly what was asked, and leaves comments where they were."""

import re
from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fortyfive.design import edit
from fortyfive.design.kinds import COMPONENT_PARAMETERS, KINDS, LINK_PARAMETERS
from fortyfive.design.model import Component, Design, Link
from fortyfive.design.text import read
from fortyfive.design.values import write_value
from fortyfive.design.writing import write
from tests.design.drawn import NAMES, designs, values

TEXT = """# the first draft
client -> gateway -> notify x4 [time=20ms] -> queue [limit=1M, tries=5] -> workers x20 -> apns, fcm  # both
notify ->[timeout=2s, retry=2] db:sql "Main" x2  # the store
"""


@st.composite
def texts(draw):
    """A text of a random design, as it is written and as people write: several statements a line, comments within."""
    design = draw(designs())
    text = write(design)
    if draw(st.booleans()):
        comment = draw(st.sampled_from((" # why -> not\n  -> ", " ->\n # a [note]\n", "\n\n->", " ->\n")))
        text = re.sub(r" -> ", lambda _: comment, text)
    if draw(st.booleans()):
        text = "# about\n" + text.replace("\n", " # end\n")
    if draw(st.booleans()) and "#" not in text:
        text = re.sub(r"\n(?! *[-~=]>)", " ; ", text)
    if draw(st.booleans()):
        text = text.rstrip("\n")
    reading = read(text)
    assume(reading.design == design)
    return text, design


def comments(text):
    return sorted(re.findall(r"# (?:why|a \[note|about|end)", text))


@settings(max_examples=60, deadline=None)
@given(texts(), st.data())
def test_each_edit_changes_the_design_by_exactly_that(given_text, data):
    text, design = given_text
    done, expected = data.draw(st.sampled_from(EDITS))(text, design, data)
    assert read(done).design == expected
    assert comments(done) == comments(text)


def add(text, design, data):
    free = [name for name in (*NAMES, "new", "redis") if name not in {each.name for each in design.components}]
    name, kind = data.draw(st.sampled_from(free)), data.draw(st.sampled_from(sorted(KINDS)))
    return edit.add(text, kind, name), replace(design, components=(*design.components, Component(name, kind)))


def connect(text, design, data):
    names = [each.name for each in design.components]
    known = {(each.source, each.target) for each in design.links}
    free = [(a, b) for a in names for b in names if (a, b) not in known]
    assume(free)
    ends, waits = data.draw(st.sampled_from(free)), data.draw(st.booleans())
    return edit.connect(text, *ends, waits=waits), replace(design, links=(*design.links, Link(*ends, waits)))


def disconnect(text, design, data):
    assume(design.links)
    link = data.draw(st.sampled_from(design.links))
    left = tuple(each for each in design.links if each != link)
    return edit.disconnect(text, link.source, link.target), replace(design, links=left)


def remove(text, design, data):
    name = data.draw(st.sampled_from(design.components)).name
    return edit.remove(text, name), Design(
        tuple(each for each in design.components if each.name != name),
        tuple(each for each in design.links if name not in (each.source, each.target)),
    )


def rename(text, design, data):
    taken = {each.name for each in design.components}
    old = data.draw(st.sampled_from(design.components)).name
    new = data.draw(st.sampled_from([name for name in (*NAMES, "new", "redis", old.upper()) if name not in taken]))
    assume(new.casefold() not in {name.casefold() for name in taken if name != old})
    ends = {old: new}
    return edit.rename(text, old, new), Design(
        tuple(replace(each, name=ends.get(each.name, each.name)) for each in design.components),
        tuple(
            replace(each, source=ends.get(each.source, each.source), target=ends.get(each.target, each.target))
            for each in design.links
        ),
    )


def set_component(text, design, data):
    component = data.draw(st.sampled_from(design.components))
    words = ["x", "label", *KINDS[component.kind].parameters]
    word = data.draw(st.sampled_from(words))
    off = data.draw(st.booleans())
    if word == "x":
        field, value = "instances", data.draw(st.integers(1, 1_000))
        typed = str(value)
    elif word == "label":
        field, value = "label", data.draw(st.sampled_from(("new", 'a "b" \\ ]')))
        typed = value
    else:
        parameter = next(each for each in COMPONENT_PARAMETERS if each.word == word)
        field, value = parameter.field, data.draw(values(parameter))
        typed = write_value(parameter, value)
    without = getattr(Component("", ""), field)
    changed = replace(component, **{field: without if off else value})
    components = tuple(changed if each is component else each for each in design.components)
    done = edit.set_component(text, component.name, word, None if off else typed)
    return done, replace(design, components=components)


def set_link(text, design, data):
    assume(design.links)
    link = data.draw(st.sampled_from(design.links))
    parameter = data.draw(st.sampled_from((*LINK_PARAMETERS, None, "waits")))
    off = parameter != "waits" and data.draw(st.booleans())
    if parameter is None:
        word, field, value = "label", "label", 'a "b" \\ ]'
        typed = value
    elif parameter == "waits":
        word, field, value = "waits", "waits", data.draw(st.booleans())
        typed = "yes" if value else "no"
    else:
        word, field, value = parameter.word, parameter.field, data.draw(values(parameter))
        typed = write_value(parameter, value)
    changed = replace(link, **{field: getattr(Link("", ""), field) if off else value})
    links = tuple(changed if each is link else each for each in design.links)
    return edit.set_link(text, link.source, link.target, word, None if off else typed), replace(design, links=links)


def move(text, design, data):
    component = data.draw(st.sampled_from(design.components))
    at = data.draw(st.integers(0, 20_000)), data.draw(st.integers(0, 20_000))
    components = tuple(replace(each, at=at) if each is component else each for each in design.components)
    return edit.move(text, component.name, *at), replace(design, components=components)


EDITS = (add, connect, disconnect, remove, rename, set_component, set_link, move)


def test_comments_and_everything_else_stay_as_they_are():
    assert edit.set_component(TEXT, "queue", "limit", "2k") == TEXT.replace("limit=1M", "limit=2k")
    assert edit.set_component(TEXT, "queue", "limit", None) == TEXT.replace("limit=1M, ", "")
    assert edit.set_component(TEXT, "notify", "time", None) == TEXT.replace(" [time=20ms]", "")
    assert edit.set_component(TEXT, "gateway", "time", "3ms") == TEXT.replace("gateway", "gateway [time=3ms]")
    assert edit.set_component(TEXT, "DB", "x", "3") == TEXT.replace('" x2', '" x3')
    assert edit.set_component(TEXT, "db", "label", None) == TEXT.replace(' "Main"', "")
    assert edit.set_link(TEXT, "notify", "db", "retry", "3") == TEXT.replace("retry=2", "retry=3")
    assert edit.set_link(TEXT, "notify", "db", "waits", "no") == TEXT.replace("->[timeout", "~>[timeout")
    assert edit.set_link(TEXT, "client", "gateway", "breaker", "") == TEXT.replace("client ->", "client ->[breaker]")
    assert edit.move(TEXT, "db", 12.4, -3) == TEXT.replace('" x2', '" x2 [at=12,0]')
    assert edit.rename(TEXT, "apns", "apple") == TEXT.replace("apns", "apple:push")
    assert edit.rename(TEXT, "notify", "sender") == TEXT.replace("notify", "sender")
    assert edit.add(TEXT, "redis") == TEXT + "redis\n"
    assert edit.connect(TEXT, "notify", "fcm", waits=False) == TEXT + "notify ~> fcm\n"


def test_a_new_link_goes_on_where_the_text_ends():
    assert edit.connect("client -> a # x\nb", "b", "client") == "client -> a # x\nb -> client"
    assert edit.connect("client -> a\nc\nclient -> b", "client", "c") == "client -> a\nc\nclient -> b, c"


def test_what_is_taken_out_of_a_chain_leaves_the_rest_in_place():
    assert edit.disconnect(TEXT, "queue", "workers") == TEXT.replace(" -> workers", "\nworkers")
    assert edit.disconnect(TEXT, "workers", "fcm") == TEXT.replace(", fcm", "\nfcm")
    assert edit.remove(TEXT, "queue") == TEXT.replace(" -> queue [limit=1M, tries=5] -> workers", "\nworkers")
    assert edit.remove("# a\nclient -> a\n\nb\n", "b") == "# a\nclient -> a\n\n"


def test_what_is_said_in_several_places_is_changed_in_all():
    text = (
        "client -> a x2 [time=5ms, slots=3]\na x2 [time=5ms] -> b\nclient ->[retry=1] a; client ->[retry=1, breaker] a"
    )
    component = read(edit.set_component(text, "a", "time", "7ms")).design.component("a")
    assert component == Component("a", "service", 2, time_s=0.007, slots=3)
    assert read(edit.set_component(text, "a", "x", None)).design.component("a").instances is None
    link = read(edit.set_link(text, "client", "a", "retry", None)).design.link("client", "a")
    assert link == Link("client", "a", breaker=True)
    assert not read(edit.disconnect(text, "client", "a")).design.links_from("client")


def test_a_free_name_is_found():
    text = edit.add(edit.add(edit.add("client -> service", "service"), "redis"), "Redis")
    assert text == "client -> service\nservice2\nredis\nredis2:cache\n"


def test_an_unfinished_text_can_be_edited():
    assert edit.add("client ->", "service", "shop") == "client ->\n; shop\n"
    assert read(edit.add("client ->", "sql", "db")).design.links == ()
    assert read(edit.connect("client -> \n a ??\nb,", "client", "b")).design.links[-1] == Link("client", "b")
    assert read(edit.remove("client -> a [tmie=3ms] ?? -> b", "a")).design.components[0].name == "client"


REFUSED = {
    "There is no 'nobody' in the drawing.": lambda: edit.remove(TEXT, "nobody"),
    "There is no 'notfy' in the drawing. Did you mean 'notify'?": lambda: edit.connect(TEXT, "notfy", "db"),
    "'client' and 'gateway' are linked already.": lambda: edit.connect(TEXT, "client", "Gateway"),
    "There is no link from 'db' to 'client'.": lambda: edit.disconnect(TEXT, "db", "client"),
    "The name 'DB' is taken: choose another.": lambda: edit.add(TEXT, "sql", "DB"),
    "The name 'db' is taken: choose another.": lambda: edit.rename(TEXT, "client", "db"),
    "'a b' is no name: use letters, digits, _ and - between them": lambda: edit.rename(TEXT, "db", "a b"),
    "'x4' is no name: use letters, digits, _ and - between them": lambda: edit.add(TEXT, "sql", "x4"),
    "'cach' is no kind of component. Did you mean 'cache'?": lambda: edit.add(TEXT, "cach"),
    "There is no parameter 'tmie'. Did you mean 'time'?": lambda: edit.set_component(TEXT, "db", "tmie", "3ms"),
    "'db' is a relational store and takes no 'hit':": lambda: edit.set_component(TEXT, "db", "hit", "9%"),
    "'soon' in 'time' is not a time such as 20ms, 5s or 2m.": lambda: edit.set_component(TEXT, "db", "time", "soon"),
    "'many' is no number of instances: write a whole number.": lambda: edit.set_component(TEXT, "db", "x", "many"),
    "A label is one line of 200 characters at most": lambda: edit.set_component(TEXT, "db", "label", "a\nb"),
    "'waits' is yes for a link that waits": lambda: edit.set_link(TEXT, "client", "gateway", "waits", None),
    "A place is two numbers, across and down.": lambda: edit.move(TEXT, "db", float("nan"), 0),
    "The text is longer than 100,000 characters": lambda: edit.add("#" * 100_001, "sql"),
    "The text would be longer than 100,000 characters": lambda: edit.add("#" * 100_000, "sql"),
    "A design has 100 components at most": lambda: edit.add(", ".join(f"n{each}" for each in range(100)), "sql"),
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_what_makes_no_sense_is_refused_with_a_sentence(sentence):
    with pytest.raises(ValueError) as refused:
        REFUSED[sentence]()
    assert str(refused.value).startswith(sentence)


def test_a_circle_may_be_drawn():
    reading = read(edit.connect("client -> a -> b", "b", "a"))
    assert reading.problems[0].message.startswith("A request would go round for ever: a -> b -> a.")
