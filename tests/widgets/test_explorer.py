"""An explorer without a browser: what it publishes, what its sliders move, what it says, and the same twice."""

import json
import threading

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from fortyfive.flow import compiled
from fortyfive.widgets import PLOTLY_MIME, WIDGET_MIME, theme
from fortyfive.widgets import explorer as explorer_room
from fortyfive.widgets.explorer import Explorer, Slider, View, written

X = np.arange(4)
CALLS = []


@pytest.fixture(autouse=True)
def compiler_at_rest(monkeypatch):
    """Other tests have imported kernels, which are nothing to the views of these."""
    monkeypatch.setattr(compiled, "ready", lambda: True)


def view(workers, load):
    """Two traces, of which one moves, and a title that names the load."""
    CALLS.append((workers, load))
    if workers == 3:
        raise ValueError("Three workers are one too few.")
    if workers == 4:
        raise MemoryError("Four workers need 9 GB, and 2 GB are free: take 2.")
    if workers == 5:
        raise ZeroDivisionError("a slip of the author")
    y = load * X / workers + 1 / 3
    y[1] = np.nan
    return View(
        table=pd.DataFrame({"waits (s)": [round(float(y[3]), 2)]}, index=[f"{workers} workers"]),
        data=[{"y": y}, {"y": X * 1_000_000_000_000}],
        layout={"title.text": f"At {load} 1/s"},
        alt=f"{workers} workers",
    )


def make(positions=(1, 2, 3, 4, 6), sliders=None, **options):
    figure = go.Figure().add_scatter(x=X).add_scatter(x=X)
    theme.style(figure, title="t", alt="a", height_px=300)
    CALLS.clear()
    given = sliders or [Slider("workers", "workers", positions, 1), Slider("load", "load (1/s)", (0.5, 1, 1_000), 1)]
    return Explorer(figure, given, view, **options)


def live(explorer):
    """The controls, as the page sees them, and the figure of the live widget."""
    return explorer.widget().children


def sent(figure):
    """Note every message to the browser about a figure."""
    messages = []
    figure.observe(lambda change: change["new"] and messages.append(change["new"]), "_py2js_update")
    return messages


def move(explorer, *values):
    """Move all sliders as the page does: by the indexes of their positions."""
    controls = live(explorer)[0]
    controls.at = [
        list(slider.positions).index(value) for slider, value in zip(explorer.sliders.values(), values, strict=True)
    ]
    return controls.answer


# The plain twin


def test_at_is_the_view_and_a_slider_that_is_not_named_stands_at_its_start():
    explorer = make()
    pd.testing.assert_frame_equal(explorer.at(workers=2).table, view(2, 1).table)
    assert explorer.at(load=1_000).layout == {"title.text": "At 1000 1/s"}
    assert explorer.at(workers=np.int64(2)).alt == "2 workers"


@pytest.mark.parametrize("value", [7, 1.5, "1", float("nan"), float("inf"), None, True, [1], np.array([1, 2])])
def test_a_value_that_is_no_position_is_refused_with_the_positions(value):
    with pytest.raises(ValueError, match=r"workers cannot be .*: the slider has the positions 1, 2, 3, 4, 6\."):
        make().at(workers=value)


def test_a_slider_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(ValueError, match=r"There is no slider 'worker': there is workers, load\."):
        make().at(worker=1)


def test_a_long_slider_is_named_by_its_ends():
    with pytest.raises(ValueError, match=r"positions 0, 1, 2, \.\.\., 98, 99\."):
        Slider("n", "n", range(100), 100)


@pytest.mark.parametrize("positions", [[], [1, 1], [2, 1], [1, float("nan")], ["1"], [False, True]])
def test_positions_that_do_not_rise_are_refused(positions):
    with pytest.raises(ValueError, match="slider 'n'"):
        Slider("n", "n", positions, 1)


def test_sliders_that_do_not_fit_are_refused():
    slider = Slider("workers", "workers", (1, 2), 1)
    for sliders in ([], [slider, slider]):
        with pytest.raises(ValueError, match="at least one slider, each with a name of its own"):
            Explorer(go.Figure(), sliders, view)
    with pytest.raises(ValueError, match="no slider 'x' to be the main one"):
        make(main="x")
    with pytest.raises(ValueError, match="changes 2 traces, and the figure has 0"):
        Explorer(go.Figure(), slider, lambda workers: view(workers, 1))


def test_numbers_are_written_as_people_read_them():
    assert [written(value) for value in (5_000, 0.25, 1e6, np.int64(1_000))] == ["5,000", "0.25", "1,000,000", "1,000"]


# The live widget


def test_a_move_sends_the_array_as_it_is_in_one_message_with_only_what_changed():
    explorer = make()
    figure = live(explorer)[1]
    messages = sent(figure)
    answer = move(explorer, 2, 1)
    ((message),) = messages
    assert list(message["style_data"]) == ["y"]
    assert message["style_traces"] == [0]
    assert isinstance(message["style_data"]["y"][0], np.ndarray)
    assert message["style_data"]["y"][0].dtype == np.float64
    assert not message["layout_data"]
    np.testing.assert_array_equal(figure.data[0].y, view(2, 1).data[0]["y"])
    assert figure.data[1].y.dtype == np.float64, "of 64-bit integers plotly would make a list"
    assert answer["status"] == "The figure and the table show workers 2, load (1/s) 1."
    assert answer["alt"] == "2 workers"
    assert "<th>2 workers</th>" in answer["table"]
    assert "<td>1.83</td>" in answer["table"]
    assert explorer.values == {"workers": 2, "load": 1}


def test_a_move_that_changes_nothing_in_the_figure_sends_nothing():
    explorer = Explorer(
        go.Figure().add_scatter(x=X),
        Slider("n", "n", (1, 2), 1),
        lambda n: View(pd.DataFrame({"n": [n]}), [{"y": np.array([1, np.nan, 2])}]),
    )
    messages = sent(live(explorer)[1])
    assert "<td>2</td>" in move(explorer, 2)["table"]
    assert messages == []


@pytest.mark.parametrize(
    ("workers", "words"),
    [
        (3, "Not drawn: Three workers are one too few. The figure and the table still show workers 2, load (1/s) 1."),
        (4, "Not drawn: Four workers need 9 GB, and 2 GB are free: take 2. The figure"),
        (5, "Not drawn: the function behind the sliders failed with ZeroDivisionError('a slip of the author'). The"),
    ],
)
def test_what_a_view_raises_is_a_sentence_and_the_figure_stays(workers, words, capsys):
    explorer = make(positions=(1, 2, 3, 4, 5))
    before = move(explorer, 2, 1)
    y = live(explorer)[1].data[0].y
    answer = move(explorer, workers, 1)
    assert answer["status"].startswith(words)
    assert answer["failed"]
    assert answer["table"] == before["table"]
    np.testing.assert_array_equal(live(explorer)[1].data[0].y, y)
    assert capsys.readouterr() == ("", "")
    assert not move(explorer, 1, 1)["failed"], "and the next move is drawn"


def test_places_that_no_slider_has_are_a_sentence_too():
    controls = live(make())[0]
    for places in ([99, 0], [0], ["x", 0], [None, None]):
        controls.at = places
        assert controls.answer["status"].startswith("Not drawn: ")


def test_the_page_gets_what_it_needs_to_draw_the_controls():
    controls = live(make())[0]
    assert controls.sliders == [
        {"label": "workers", "texts": ["1", "2", "3", "4", "6"]},
        {"label": "load (1/s)", "texts": ["0.5", "1", "1,000"]},
    ]
    assert controls.start == controls.at == controls.answer["at"] == [0, 1]
    assert controls.answer["status"] == ""


# The compiler


def test_the_explorer_says_that_the_engine_compiles_until_it_is_ready(monkeypatch):
    may_end = threading.Event()

    def warm_up():
        thread = threading.Thread(target=may_end.wait)
        thread.start()
        return thread

    monkeypatch.setattr(compiled, "ready", lambda: False)
    monkeypatch.setattr(compiled, "warm_up", warm_up)
    explorer = make()
    said = threading.Event()
    controls = live(explorer)[0]
    controls.observe(lambda _: said.set(), "answer")
    assert controls.answer["status"] == explorer_room.COMPILING
    may_end.set()
    assert said.wait(20)
    assert controls.answer["status"] == explorer_room.READY
    assert controls.answer["at"] == [0, 1]


def test_a_move_while_the_engine_compiles_is_not_forgotten_when_it_is_ready(monkeypatch):
    may_end = threading.Event()
    compiler = threading.Thread(target=may_end.wait)
    compiler.start()
    monkeypatch.setattr(compiled, "ready", lambda: False)
    monkeypatch.setattr(compiled, "warm_up", lambda: compiler)
    explorer = make()
    answer = move(explorer, 2, 1)
    may_end.set()
    explorer._tell_when_ready(live(explorer)[0], compiler)
    assert live(explorer)[0].answer == answer


def test_what_is_stored_does_not_tell_whether_the_engine_was_compiled(monkeypatch):
    def stored():
        bundle = make()._repr_mimebundle_()
        return {key: value for key, value in bundle.items() if key != WIDGET_MIME}

    warm = stored()
    over = threading.Thread(target=lambda: None)
    over.start()
    monkeypatch.setattr(compiled, "ready", lambda: False)
    monkeypatch.setattr(compiled, "warm_up", lambda: over)
    assert json.dumps(stored()) == json.dumps(warm)


# The published page


def published(explorer):
    return explorer._repr_mimebundle_()[PLOTLY_MIME]


def test_a_frame_holds_what_differs_from_frame_to_frame_and_nothing_else():
    figure = published(make())
    assert [frame["name"] for frame in figure["frames"]] == ["1", "2", "6"], "3 and 4 cannot be drawn"
    for frame, workers in zip(figure["frames"], (1, 2, 6), strict=True):
        assert set(frame) == {"name", "data", "traces", "layout"}
        assert frame["traces"] == [0]
        assert set(frame["data"][0]) == {"y"}
        assert set(frame["layout"]) == {"meta"}, "the title is the same at every position of the main slider"
        assert frame["layout"]["meta"]["alt"] == f"{workers} workers"
        assert f"<th>{workers} workers</th>" in frame["layout"]["meta"]["table"]


def test_numbers_are_stored_as_plain_lists_with_four_digits_and_empty_buckets_as_null():
    figure = published(make())
    assert figure["frames"][0]["data"] == [{"y": [0.3333, None, 2.333, 3.333]}]
    assert figure["data"][0]["y"] == [0.3333, None, 2.333, 3.333]
    assert figure["data"][0]["x"] == [0, 1, 2, 3]
    assert figure["data"][1]["y"] == [0, 10**12, 2 * 10**12, 3 * 10**12]
    json.dumps(figure, allow_nan=False)


def test_the_main_slider_is_the_one_that_is_named_and_the_others_stand_at_their_start():
    figure = published(make(main="load"))
    assert [frame["name"] for frame in figure["frames"]] == ["0.5", "1", "1000"]
    assert {workers for workers, _ in CALLS} == {1}
    assert [frame["layout"]["title"]["text"] for frame in figure["frames"]] == ["At 0.5 1/s", "At 1 1/s", "At 1000 1/s"]
    (slider,) = figure["layout"]["sliders"]
    assert [step["label"] for step in slider["steps"]] == ["0.5", "1", "1,000"]
    assert slider["active"] == 1
    assert slider["currentvalue"]["prefix"] == "load (1/s): "


def test_a_slip_of_the_author_is_no_frame_that_is_left_out():
    with pytest.raises(ZeroDivisionError):
        published(make(positions=(1, 5)))


def test_a_page_gets_a_slider_over_the_frames_and_stands_where_the_live_slider_stands():
    explorer = make()
    move(explorer, 2, 1_000)
    figure = published(explorer)
    (slider,) = figure["layout"]["sliders"]
    assert [step["args"][0] for step in slider["steps"]] == [[frame["name"]] for frame in figure["frames"]]
    assert figure["frames"][slider["active"]]["name"] == "2"
    assert figure["layout"]["meta"]["alt"] == "2 workers"
    assert figure["data"][0]["y"][3] == 1.833, "the other slider at its start"
    assert repr(explorer).startswith("Explorer: workers = 2; load (1/s) = 1,000\n")


def test_where_only_the_other_sliders_make_a_position_possible_the_page_starts_at_the_start():
    def picky(a, b):
        if a != b:
            raise ValueError("a and b must be equal")
        return View(pd.DataFrame({"a": [a]}))

    explorer = Explorer(go.Figure(), [Slider("a", "a", (0, 1), 0), Slider("b", "b", (0, 1), 0)], picky)
    explorer.values = {"a": 1, "b": 1}
    assert [frame["name"] for frame in published(explorer)["frames"]] == ["0"]


def test_the_same_explorer_is_published_in_the_same_bytes():
    assert json.dumps(published(make())) == json.dumps(published(make()))
