"""A board does what a message asks, keeps every step, survives nonsense and a dead kernel, and shows what a run did."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fortyfive.design import drawing
from fortyfive.design.kinds import KINDS
from fortyfive.design.text import MOST_CHARS, read
from fortyfive.flow import designs
from fortyfive.judgement.judge import judge
from fortyfive.scenario.prompts import PROMPTS
from fortyfive.widgets import WIDGET_MIME, sheet
from fortyfive.widgets.board import AGAIN, NOTHING, Board, draw, shown_first, verdict
from fortyfive.widgets.sheet import MOST_STEPS, Sheet

SKELETON = "client -> api x2 -> db  # begin here\n"
LOAD = PROMPTS["notifications"].load.lasting(2)


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path / "designs"


def send(board, **message):
    board.receive(message)
    return board


def after(text, **message):
    return read(Sheet(text).after(message).text).design


# Edits


def test_a_component_is_added_by_its_kind_under_a_free_name():
    design = after(SKELETON, op="add", kind="sql")
    assert [each.kind for each in design.components] == ["client", "service", "sql", "sql"]
    assert len({each.name for each in design.components}) == 4


def test_a_component_that_was_dragged_in_stands_where_it_was_dropped():
    new = after(SKELETON, op="add", kind="queue", at=[300, 40.4]).components[-1]
    assert (new.kind, new.at) == ("queue", (300, 40))


def test_links_come_and_go():
    linked = (
        Sheet(SKELETON)
        .after({"op": "add", "kind": "cache"})
        .after({"op": "connect", "source": "api", "target": "cache"})
    )
    assert [each.name for each in read(linked.text).design.links][-1] == "api -> cache"
    apart = linked.after({"op": "remove", "links": [["api", "cache"]]})
    assert [each.name for each in read(apart.text).design.links] == ["client -> api", "api -> db"]


def test_an_arrow_is_turned_into_one_that_does_not_wait():
    link = after(SKELETON, op="link", source="api", target="db", word="waits", value="no").link("api", "db")
    assert not link.waits


def test_what_is_selected_is_removed_in_one_step():
    removed = Sheet(SKELETON).after({"op": "remove", "names": ["db"], "links": [["api", "db"], ["client", "api"]]})
    design = read(removed.text).design
    assert [each.name for each in design.components] == ["client", "api"]
    assert design.links == ()
    assert removed.undone().text == SKELETON


@pytest.mark.parametrize(
    ("word", "value", "field", "expected"),
    [
        ("x", "7", "instances", 7),
        ("x", None, "instances", None),
        ("time", "30ms", "time_s", 0.03),
        ("label", "the front door", "label", "the front door"),
    ],
)
def test_a_parameter_of_a_component_is_set_and_taken_back(word, value, field, expected):
    changed = after(SKELETON, op="component", name="api", word=word, value=value).component("api")
    assert getattr(changed, field) == expected


def test_a_flag_is_set_by_an_empty_value():
    text = "client -> cache -> db"
    assert after(text, op="component", name="cache", word="coalesce", value="").component("cache").coalesce


def test_a_parameter_of_a_link_is_set():
    link = after(SKELETON, op="link", source="api", target="db", word="timeout", value="2s").link("api", "db")
    assert link.timeout_s == 2


def test_a_new_name_holds_everywhere():
    design = after(SKELETON, op="rename", old="api", new="front")
    assert [each.name for each in design.links] == ["client -> front", "front -> db"]


def test_places_are_written_and_forgotten():
    moved = Sheet(SKELETON).after({"op": "move", "places": {"db": [400, 60], "api": [200.0, -5]}})
    assert read(moved.text).design.component("db").at == (400, 60)
    assert read(moved.text).design.component("api").at == (200, 0)
    arranged = read(moved.after({"op": "arrange"}).text).design
    assert arranged == read(SKELETON).design


def test_edits_keep_the_comments():
    text = Sheet(SKELETON).after({"op": "component", "name": "db", "word": "slots", "value": "4"}).text
    assert "# begin here" in text


# History


def test_undo_and_redo_go_through_every_step():
    board = Board(SKELETON)
    texts = [board.text, *(send(board, op="add", kind=kind).text for kind in ("cache", "queue"))]
    assert [send(board, op="undo").text for _ in range(2)] == [texts[1], texts[0]]
    assert not board.state["undo"]
    assert [send(board, op="redo").text for _ in range(2)] == [texts[1], texts[2]]
    assert not board.state["redo"]


def test_an_edit_after_undo_begins_another_future():
    board = send(send(Board(SKELETON), op="add", kind="cache"), op="undo")
    assert not send(board, op="add", kind="queue").state["redo"]


def test_what_is_typed_in_one_go_is_undone_in_one_step():
    board = Board(SKELETON)
    for typed in ("client -> a", "client -> ap", "client -> app2"):
        send(board, op="text", text=typed, burst="1")
    send(board, op="text", text="client -> app2 -> db", burst="2")
    assert send(board, op="undo").text == "client -> app2"
    assert send(board, op="undo").text == SKELETON


def test_the_oldest_step_is_forgotten_when_there_are_too_many():
    now = Sheet("0")
    for number in range(1, MOST_STEPS + 5):
        now = now.edited(str(number))
    assert len(now.past) == MOST_STEPS
    assert now.past[0] == "4"


def test_an_edit_that_changes_nothing_is_no_step():
    assert not send(Board(SKELETON), op="text", text=SKELETON).state["undo"]


# Nonsense


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (None, "takes a message with an 'op', not None"),
        (["op"], "takes a message with an 'op'"),
        ({}, "does not know None: it knows text, add,"),
        ({"op": ["add"]}, "does not know"),
        ({"op": "add"}, "needs a word in 'kind'"),
        ({"op": "add", "kind": "qeue"}, "Did you mean 'queue'?"),
        ({"op": "add", "kind": "sql", "at": [1, "2"]}, "A place is two numbers"),
        ({"op": "connect", "source": "api"}, "needs a word in 'target'"),
        ({"op": "connect", "source": "api", "target": "db"}, "linked already"),
        ({"op": "remove", "names": ["nobody"]}, "There is no 'nobody'"),
        ({"op": "remove", "names": "db"}, "needs a list in 'names'"),
        ({"op": "remove", "links": [["api"]]}, "two ends"),
        ({"op": "rename", "old": "api", "new": "db"}, "is taken"),
        ({"op": "component", "name": "api", "word": "time", "value": "soon"}, "time such as 20ms"),
        ({"op": "component", "name": "api", "word": "time", "value": 20}, "A value is a text"),
        ({"op": "component", "name": "api", "word": "hit", "value": "90%"}, "takes no 'hit'"),
        ({"op": "link", "source": "api", "target": "db", "word": "hit", "value": "1"}, "no parameter 'hit'"),
        ({"op": "move", "places": [["db", 1, 2]]}, "says in 'places'"),
        ({"op": "move", "places": {"db": [float("nan"), 1]}}, "two numbers"),
        ({"op": "text", "text": None}, "The text of a design is a text"),
        ({"op": "undo"}, "nothing to undo"),
        ({"op": "redo"}, "nothing to redo"),
        ({"op": "run"}, "no load to run"),
    ],
    ids=repr,
)
def test_nonsense_is_answered_with_a_sentence_and_changes_nothing(message, said):
    board = Board(SKELETON)
    board.receive(message)
    assert board.failed
    assert said in board.state["status"]
    assert board.text == SKELETON


JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["db", "api", "time"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
KEYS = ("name", "names", "links", "places", "word", "value", "source", "target", "kind", "at", "old", "new", "text")


@given(op=st.sampled_from([*sheet.OPS, "undo", "redo"]), values=st.dictionaries(st.sampled_from(KEYS), JUNK))
def test_no_message_ends_in_a_traceback_or_a_defect(op, values):
    board = Board(SKELETON)
    board.receive({"op": op, **values})
    assert "defect" not in board.status
    assert board.state["text"] == board.text


def test_a_huge_text_is_refused_and_the_one_before_it_stays():
    board = send(Board(SKELETON), op="text", text="a -> b\n" * MOST_CHARS)
    assert "100,000 at most" in board.status
    assert board.text == SKELETON


def test_a_source_that_is_no_text_is_told_so():
    with pytest.raises(TypeError, match="drawn as a text"):
        Board(None)


# What is shown


def test_the_state_is_plain_data_with_a_place_for_every_component():
    board = Board("client -> api [time=20ms] ->[fanout=3, only=read] db\napi ~> queue")
    state = json.loads(json.dumps(board.state))
    assert [node["name"] for node in state["nodes"]] == ["client", "api", "db", "queue"]
    places = drawing.layout(board.design)
    assert {node["name"]: tuple(node["at"]) for node in state["nodes"]} == places
    api = state["nodes"][1]
    assert api["values"] == {"time": "20ms"}
    assert "time" in api["takes"]
    assert "at" not in api["takes"]
    assert [(link["words"], link["waits"]) for link in state["links"]][1:] == [("×3 · only read", True), ("", False)]


def test_a_text_that_does_not_read_says_where_and_shows_what_could_be_read():
    board = send(Board(), op="text", text="client -> api\nclient -> db [tiem=2ms]")
    (problem,) = board.state["problems"]
    assert (problem["line"], problem["fatal"]) == (2, True)
    assert "Did you mean 'time'" in problem["words"]
    assert {"client", "api", "db"} == {node["name"] for node in board.state["nodes"]}


def test_the_palette_offers_every_kind_once_and_every_parameter_it_takes():
    offered = sheet.offer()
    words = [kind["word"] for group in offered["groups"] for kind in group["kinds"]]
    assert sorted(words) == sorted(KINDS)
    takes = {word for kind in KINDS.values() for word in kind.parameters if word != "at"}
    assert takes <= offered["component"].keys()
    json.dumps(offered)


def test_defaults_are_read_as_they_are_written():
    for node in Board("\n".join(f"a-{kind}:{kind}" for kind in KINDS)).state["nodes"]:
        for word, value in node["defaults"].items():
            assert word in node["takes"]
            design = after(f"x:{node['kind']}", op="component", name="x", word=word, value=value)
            assert word in design.components[0].tuned


def test_a_message_through_the_widget_is_answered_with_its_number():
    board = Board(SKELETON)
    widget = board.widget()
    widget._handle_custom_msg({"op": "add", "kind": "queue", "id": 41}, [])
    assert widget.state["seen"] == 41
    assert widget.state["text"] == board.text != SKELETON
    assert board.widget() is widget


def test_without_a_kernel_a_board_is_its_drawing():
    bundle = Board(SKELETON)._repr_mimebundle_()
    assert bundle["text/html"] == drawing.framed(drawing.as_svg(read(SKELETON).design), "The design")
    assert SKELETON in bundle["text/plain"]
    assert WIDGET_MIME in bundle


# Runs


def test_run_returns_the_trace_and_shows_its_frames():
    board = draw("client -> api x2 -> sqs -> workers x2 -> apns", scenario=LOAD)
    trace = board.run()
    assert trace == board.trace or trace is board.trace
    assert board.result["components"] == designs.frames(trace)["components"]
    assert board.status == verdict(designs.frames(trace))
    json.dumps(board.result, allow_nan=False)
    assert "workers" in board.status
    assert board.as_svg() != drawing.as_svg(board.design)


def test_a_result_says_which_design_it_is_of():
    board = send(draw("client -> api -> db", scenario=LOAD), op="run")
    assert board.result["of"] == board.state["design"]
    send(board, op="component", name="api", word="x", value="3")
    assert board.result["of"] != board.state["design"]
    send(board, op="run")
    assert board.result["of"] == board.state["design"]
    assert board.result["again"]


def test_moving_and_labelling_need_no_new_run():
    board = send(draw("client -> api -> db", scenario=LOAD), op="run")
    before, said = board.result, board.status
    send(board, op="move", places={"api": [10, 10]})
    send(board, op="component", name="api", word="label", value="ours")
    assert board.state["design"] == before["of"]
    assert board.status == said
    assert send(board, op="run").result is before


def test_a_design_that_cannot_run_says_why_and_keeps_the_last_result():
    board = send(draw("client -> api -> db", scenario=LOAD), op="run")
    result = board.result
    send(board, op="text", text="client -> api -> db [tiem=3ms]")
    send(board, op="run")
    assert board.failed
    assert board.status.startswith("Not run. Line 1, column")
    assert board.state["refused"] == board.state["design"]
    assert board.result is result
    with pytest.raises(ValueError, match="Not run"):
        board.run()


def test_a_defect_behind_run_is_a_sentence(monkeypatch):
    monkeypatch.setattr(designs, "run", lambda *_: 1 / 0)
    board = send(draw("client -> api", scenario=LOAD), op="run")
    assert "defect of the board" in board.status


def frames(busy, first="", first_at_s=0.0):
    quiet = [0.0] * len(busy)
    parts = {"api": {"busy": quiet, "queued": quiet, "failing": quiet}}
    parts["db"] = {"busy": busy, "queued": quiet, "failing": quiet}
    return {"at_s": [1.0 * n for n in range(len(busy))], "components": parts, "first": first, "first_at_s": first_at_s}


def test_a_run_is_first_shown_where_something_saturates_or_else_at_its_busiest():
    assert shown_first(frames([0.2, 0.9, 0.99, 0.5], "db", 2.0)) == 2
    assert shown_first(frames([0.2, 0.9, 0.4])) == 1


def test_the_verdict_names_the_first_to_saturate_or_the_busiest():
    assert verdict(frames([1.0], "db", 12.5)) == "The first to saturate is db, after 12.5 s."
    assert verdict(frames([0.2, 0.87])) == "Nothing saturates. The busiest is db, at 87%."


def test_the_board_and_the_static_drawing_take_the_same_colours():
    ramp = send(draw("client -> api", scenario=LOAD), op="run").result["ramp"]
    for busy in range(0, 130):
        *_, (_, colour, opacity) = (step for step in ramp if busy / 100 >= step[0])
        assert (colour, opacity) == drawing.heat(busy / 100)


# Files


def test_each_edit_is_in_the_file_at_once_and_a_new_board_goes_on_from_it(own_folder):
    board = draw(SKELETON, save_as="a.txt")
    assert not own_folder.exists()
    send(board, op="add", kind="cache")
    assert (own_folder / "a.txt").read_text() == board.text
    again = draw(SKELETON, save_as="a.txt")
    assert again.text == board.text
    assert "designs/a.txt" in again.status
    assert send(again, op="undo").text == SKELETON
    assert (own_folder / "a.txt").read_text() == SKELETON
    assert [path.name for path in own_folder.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("data", [b"\xff\xfe client", b"a\0b", b"x" * (MOST_CHARS + 1)], ids=["bytes", "nul", "huge"])
def test_a_damaged_file_is_kept_aside(own_folder, data):
    own_folder.mkdir()
    (own_folder / "a.txt").write_bytes(data)
    board = draw(SKELETON, save_as="a.txt")
    assert board.text == SKELETON
    assert "kept as designs/a.kept-1.txt" in board.status
    assert (own_folder / "a.kept-1.txt").read_bytes() == data


def test_what_somebody_else_wrote_is_kept_aside_before_it_is_written_over(own_folder):
    board = send(draw(SKELETON, save_as="a.txt"), op="add", kind="cache")
    (own_folder / "a.txt").write_text("client -> theirs")
    send(board, op="add", kind="queue")
    assert (own_folder / "a.txt").read_text() == board.text
    assert (own_folder / "a.kept-1.txt").read_text() == "client -> theirs"
    assert "written by something else" in board.status


def test_a_folder_that_cannot_be_written_is_a_sentence(own_folder):
    own_folder.write_text("a file where the folder should be")
    board = send(draw(SKELETON, save_as="a.txt"), op="add", kind="cache")
    assert board.status.startswith("Not saved:")
    assert "cache" in board.text


@pytest.mark.parametrize("name", ["../a.txt", "a", "", ".txt", "a/b.txt", "CON:.txt", 5], ids=repr)
def test_a_name_that_is_no_plain_file_name_is_refused(name):
    with pytest.raises(ValueError, match="plain file name"):
        draw(SKELETON, save_as=name)


def test_the_text_is_unix_text_whatever_the_file_has(own_folder):
    own_folder.mkdir()
    (own_folder / "a.txt").write_bytes(b"client -> api\r\n")
    assert draw(save_as="a.txt").text == "client -> api\n"


# With a prompt


def test_run_on_a_board_with_a_prompt_lists_what_a_judge_finds():
    prompt = replace(PROMPTS["notifications"], load=LOAD)
    board = send(draw("client -> api -> db", prompt=prompt), op="run")
    rules = [finding.partition(":")[0] for finding in board.result["findings"]]
    assert rules == [finding.rule for finding in judge(board.design, prompt).findings]
    assert "missing path" in rules


def test_after_an_edit_it_runs_by_itself_and_is_judged_when_run_is_pressed():
    board = send(draw("client -> api -> db", prompt=replace(PROMPTS["notifications"], load=LOAD)), op="run")
    send(board, op="component", name="api", word="x", value="3")
    assert send(board, op="run", again=True).result["findings"] == [AGAIN]
    assert "missing path" in send(board, op="run").result["findings"][0]


def test_a_design_without_findings_says_so():
    text = """
        client -> lb ->[retry=3] notify x4 -> tokens:kv
        notify -> queue [limit=1M, tries=5] ->[fanout=4] workers x20 -> apns
    """
    board = send(draw(text, prompt=PROMPTS["notifications"]), op="run")
    assert board.result["findings"] == [NOTHING]
