"""The layout, the data, Mermaid and SVG of any design."""

import json
from itertools import combinations
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings

from fortyfive.design.drawing import FAMILIES, as_mermaid, as_plain, as_svg, framed, from_plain, heat, layout
from fortyfive.design.kinds import KINDS
from fortyfive.design.layout import HEIGHT, WIDTH
from fortyfive.design.model import Component, Design, Link
from fortyfive.design.rules import problems
from fortyfive.design.text import read
from tests.design.drawn import designs

TEXT = """client -> gateway -> notify x4 [time=20ms] -> queue -> workers x20 -> apns, fcm
notify ->[only=read] cache ->[only=miss] db:sql "Main store" x3
workers ~> sockets; client -> sockets; workers ->[fanout=2] db
"""


def of(text):
    return read(text).design


def words(svg):
    return [each.text for each in ElementTree.fromstring(svg).iter() if each.tag.endswith("}text")]


def overlap(a, b):
    return abs(a[0] - b[0]) < WIDTH and abs(a[1] - b[1]) < HEIGHT


def test_each_component_stands_right_of_all_that_call_it():
    design = of(TEXT)
    places = layout(design)
    assert list(places) == [each.name for each in design.components]
    assert all(places[each.source][0] < places[each.target][0] for each in design.links)


def test_a_chain_is_level():
    assert len({y for _, y in layout(of("client -> a -> b -> c")).values()}) == 1


def test_components_are_ordered_so_that_few_links_cross():
    places = layout(of("client -> a, b, c; c -> d; b -> e; a -> f"))
    assert places["f"][1] < places["e"][1] < places["d"][1]


def test_a_place_that_is_said_wins_and_others_make_room():
    free = layout(of("client -> a, b"))
    x, y = free["b"]
    places = layout(of(f"client -> a [at={x},{y}], b"))
    assert places["a"] == (x, y)
    assert not overlap(places["a"], places["b"])


@settings(max_examples=40, deadline=None)
@given(designs())
def test_any_design_has_a_layout_in_which_nothing_overlaps_what_was_not_placed(design):
    places = layout(design)
    pinned = {each.name for each in design.components if each.at is not None}
    for a, b in combinations(places, 2):
        assert {a, b} <= pinned or not overlap(places[a], places[b])
    assert all(places[each.name] == each.at for each in design.components if each.at is not None)
    assert layout(design) == places


def test_a_large_tangle_has_a_layout():
    names = [f"n{number}" for number in range(100)]
    links = tuple(Link(a, b) for a, b in list(combinations(names, 2))[:400])
    places = layout(Design(tuple(Component(name, "service") for name in names), links))
    assert not any(overlap(places[a], places[b]) for a, b in combinations(places, 2))


def test_circles_and_loose_ends_have_a_layout():
    design = Design(
        of("a -> b -> c -> a; b -> b; d").components, (*of("a -> b -> c -> a; b -> b").links, Link("a", "?"))
    )
    assert set(layout(design)) == {"a", "b", "c", "d"}
    ElementTree.fromstring(as_svg(design))


@settings(max_examples=40, deadline=None)
@given(designs())
def test_a_design_comes_back_from_its_data(design):
    assert from_plain(json.loads(json.dumps(as_plain(design)))) == design


def test_the_data_holds_what_is_said_and_nothing_else():
    assert as_plain(of('client ~>[only=read] db x2 "store" [time=5ms, replicas=0, at=1,2]')) == {
        "components": [
            {"name": "client", "kind": "client"},
            {
                "name": "db",
                "kind": "sql",
                "instances": 2,
                "label": "store",
                "time_s": 0.005,
                "replicas": 0,
                "at": [1, 2],
            },
        ],
        "links": [{"source": "client", "target": "db", "waits": False, "only": ["read"]}],
    }


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ([], "A design as data has 'components' and 'links', and nothing else."),
        ({"nodes": []}, "A design as data has 'components' and 'links', and nothing else."),
        ({"components": {}}, "'components' of a design is a list."),
        ({"components": [{"name": "a"}]}, "A component of a design has a 'name' and a 'kind', both texts."),
        ({"components": [{"name": "a", "kind": "sql", "size_s": 1}]}, "A component of a design has no 'size_s'."),
        ({"components": [{"name": "a", "kind": "sql", "slots": 1.5}]}, "The 'slots' of a component is not 1.5."),
        ({"components": [{"name": "a", "kind": "sql", "time_s": 1e999}]}, "The 'time_s' of a component is not inf."),
        ({"components": [{"name": "a", "kind": "sql", "at": [1]}]}, "The 'at' of a component is not (1,)."),
        ({"links": [{"source": "a", "target": 4}]}, "A link of a design has a 'source' and a 'target', both texts."),
        ({"links": [{"source": "a", "target": "b", "waits": "no"}]}, "The 'waits' of a link is not 'no'."),
    ],
)
def test_data_that_is_no_design_is_refused_with_a_sentence(data, sentence):
    with pytest.raises(ValueError) as refused:
        from_plain(data)
    assert str(refused.value) == sentence


def test_mermaid_has_each_component_and_link():
    assert as_mermaid(of('client -> api x4 ->["a | b", share=50%] db "Main"; api -> queue -> workers; api ~> s3')) == (
        "flowchart LR\n"
        '    n0(["client"])\n'
        '    n1["api ×4"]\n'
        '    n2[("Main")]\n'
        '    n3[["queue"]]\n'
        '    n4["workers"]\n'
        '    n5[("s3")]\n'
        "    n0 --> n1\n"
        '    n1 -->|"a | b 50 %"| n2\n'
        "    n1 --> n3\n"
        "    n3 -.-> n4\n"
        "    n1 -.-> n5\n"
    )


def test_mermaid_escapes_what_means_something_to_it():
    assert '"#60;script#62; #34;#38;#35;#34;"' in as_mermaid(of('client "<script> \\"&#\\""'))


@settings(max_examples=40, deadline=None)
@given(designs())
def test_the_svg_of_any_design_is_well_formed_and_mermaid_has_a_line_for_each_thing(design):
    root = ElementTree.fromstring(as_svg(design))
    groups = [each for each in root if each.tag.endswith("}g")]
    assert len(groups) == len(design.components) + len(design.links)
    assert len(as_mermaid(design).splitlines()) == 1 + len(groups)


def test_the_svg_of_nothing_is_well_formed():
    assert "nothing drawn yet" in as_svg(Design())
    ElementTree.fromstring(as_svg(Design()))


def test_the_svg_holds_nothing_that_runs():
    label = "<script>alert(1)</script>' onload='x"
    svg = as_svg(
        Design((Component("a", "service", label=label), Component("b", "sql")), (Link("a", "b", label=label),))
    )
    tags = {each.tag.rpartition("}")[2] for each in ElementTree.fromstring(svg).iter()}
    assert tags <= {"svg", "g", "path", "rect", "text", "title", "desc"}
    assert "<script" not in svg
    assert not any(name.startswith("on") for each in ElementTree.fromstring(svg).iter() for name in each.attrib)
    ElementTree.fromstring(as_svg(Design((Component("a", "service", label="\0\ud800"),))))


def test_the_svg_says_what_it_shows_and_takes_the_ink_of_its_page():
    svg = as_svg(of(TEXT))
    root = ElementTree.fromstring(svg)
    assert root.attrib["role"] == "img"
    assert root[0].text.startswith("Design: client, gateway, notify, queue")
    assert "db, relational store, Main store, ×3" in root[1].text
    assert "queue sends to workers; workers calls apns" in root[1].text
    assert "stroke='currentColor'" in svg
    assert "http" not in svg.replace("http://www.w3.org/2000/svg", "")


def test_the_svg_tells_families_waits_and_instances_apart():
    svg = as_svg(of(TEXT))
    assert {"client", "×4", "×20", "Main store", "db", "miss", "×2", "read"} <= set(words(svg))
    assert svg.count("stroke-dasharray") == 2  # out of the queue, and workers ~> sockets
    assert set(FAMILIES) == set(KINDS)


def test_a_run_colours_the_boxes_and_writes_the_numbers():
    svg = as_svg(of("client -> api -> db"), busy={"api": 0.5, "db": 1.04}, queued={"db": 12_345}, first="db")
    assert {"50 % busy", "104 % busy", "12.3 k waiting", "saturates first"} <= set(words(svg))
    assert heat(0.5)[0] in svg
    assert heat(1.04)[0] in svg
    assert len({heat(0.5), heat(0.8), heat(0.95)}) == 3


def test_long_words_are_shortened_in_the_box_and_whole_in_the_title():
    svg = as_svg(of('client -> api "A label that is much too long for it"'))
    assert "A label that is …" in words(svg)
    assert "A label that is much too long for it" in svg


def columns(svg):
    """Where the boxes of services begin, from left to right."""
    return sorted(float(each.attrib["x"]) for each in ElementTree.fromstring(svg).iter() if each.tag.endswith("}rect"))


def test_boxes_stand_as_near_as_the_words_between_them_allow():
    (near, near_end), (far, far_end) = (columns(as_svg(of(text))) for text in ("a -> b", "a ->[only=order+orders] b"))
    assert near_end - near < layout(of("a -> b"))["b"][0] - layout(of("a -> b"))["a"][0] < far_end - far
    assert far_end - far - WIDTH > 6 * len("order+orders")


def test_a_design_whose_boxes_were_placed_is_drawn_as_it_was_placed():
    assert columns(as_svg(of("a [at=0,0] -> b [at=500,0]"))) == [0, 500]


def test_a_narrow_page_scrolls_a_drawing_and_does_not_shrink_it_beyond_reading():
    svg = as_svg(of("client -> a -> b -> c -> d -> e"))
    root = ElementTree.fromstring(framed(svg, "The <design>"))
    assert "overflow-x:auto" in root.attrib["style"]
    assert root.attrib["tabindex"] == "0"
    assert root.attrib["aria-label"] == "The <design>"
    width = float(root[0].attrib["viewBox"].split()[2])
    least = float(root[0].attrib["style"].partition("min-width:")[2].partition("px")[0])
    assert 600 < least < width
    assert 12 * least / width > 7.5  # the smallest letters, in pixels


def test_drawings_of_designs_that_cannot_run_are_drawings():
    design = of("a -> b -> a; x0 [time=-4ms]")
    assert problems(design)
    ElementTree.fromstring(as_svg(design, busy={"a": 3.0, "nobody": 1.0}, first="nobody"))
