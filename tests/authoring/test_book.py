"""The book builds as one honest whole: figures visible, nothing from the network, every slip an error."""

from __future__ import annotations

import json
import re
import shutil
from importlib.metadata import entry_points
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

from fortyfive import numbers
from fortyfive.authoring import sphinx_ext
from fortyfive.authoring.book import build, explain
from fortyfive.authoring.sphinx_ext import OutputRenderer, page_figure
from fortyfive.widgets import SLIDER_HEIGHT_PX

ROOT = Path(__file__).parents[2]
FIGURE = {
    "data": [{"type": "scatter", "x": [1, 2], "y": [1, 4], "name": "</script><b>push</b>"}],
    "layout": {
        "title": {"text": "Push costs<br>more & more", "subtitle": {"text": "at 2 writes/s"}},
        "meta": {"alt": 'A line that rises from 1 to 4 "writes".'},
        "width": 900,
        "height": 300,
        "margin": {"t": 90, "r": 7},
    },
}


# The figure as data


def test_the_title_becomes_a_caption_and_leaves_the_drawing():
    figure = page_figure(FIGURE)
    assert (figure.title, figure.subtitle) == ("Push costs more & more", "at 2 writes/s")
    assert "<figcaption>Push costs more &amp; more<span>at 2 writes/s</span></figcaption>" in figure.html()
    assert '"title"' not in figure.payload


def test_a_title_that_frames_rewrite_stays_in_the_drawing():
    figure = page_figure(FIGURE | {"frames": [{"name": "2", "layout": {"title": {"text": "later"}}}]})
    assert figure.title == ""
    assert "Push costs" in figure.payload
    assert "later" in figure.payload


@pytest.mark.parametrize(
    ("title", "words"),
    [("Reads win", "Reads win"), ("<b>p99</b> < 5 s, rate > 3", "p99 < 5 s, rate > 3"), ("a &amp; b", "a & b")],
)
def test_a_title_may_be_a_plain_string_and_keeps_its_words(title, words):
    assert page_figure({"layout": {"title": title}}).title == words


def test_a_figure_fills_the_width_of_its_page_and_keeps_its_height():
    figure = page_figure(FIGURE)
    assert '"width"' not in figure.payload
    assert '"autosize":true' in figure.payload
    assert figure.height_px == 300
    assert 'style="height:300px"' in figure.html()


def test_the_space_of_a_title_that_left_is_given_back():
    assert '"margin":{"t":24,"r":7,"b":56,"l":64}' in page_figure(FIGURE).payload


def test_no_label_can_end_the_script_that_carries_the_data():
    assert "<" not in page_figure(FIGURE).payload
    assert "\\u003c/script>" in page_figure(FIGURE).payload


def test_alt_text_is_escaped_and_stands_in_three_places():
    markup = page_figure(FIGURE).html()
    assert markup.count("A line that rises from 1 to 4 &quot;writes&quot;.") == 3
    assert 'role="img" aria-label="A line that rises' in markup
    assert "<noscript>" in markup
    assert "<details>" in markup


@pytest.mark.parametrize("layout", [{}, {"meta": None}, {"meta": ["alt"]}, {"meta": {"alt": 7}}])
def test_alt_text_that_is_missing_or_no_text_is_empty(layout):
    assert page_figure({"layout": layout}).alt == ""


def test_preparing_a_figure_leaves_the_notebook_as_it_was():
    before = repr(FIGURE)
    page_figure(FIGURE)
    assert repr(FIGURE) == before


# Its slider

SLIDER = {
    "active": 1,
    "currentvalue": {"prefix": "threshold (<b>): "},
    "steps": [
        {"method": "animate", "label": text, "args": [[name], {}]} for name, text in (("0", "0"), ("5000", "5,000"))
    ],
}
MOVING = {
    "data": FIGURE["data"],
    "layout": {"sliders": [SLIDER], "height": 500, "meta": {"alt": "a", "table": "<table><tr><td>7</td></tr></table>"}},
    "frames": [{"name": name, "layout": {"meta": {"table": "<table></table>"}}} for name in ("0", "5000")],
}


def test_the_slider_leaves_the_drawing_and_becomes_a_control_of_the_page():
    figure = page_figure(MOVING)
    assert "sliders" not in figure.payload
    assert figure.height_px == 500 - SLIDER_HEIGHT_PX
    assert json.loads(figure.payload)["positions"] == [{"frame": "0", "text": "0"}, {"frame": "5000", "text": "5,000"}]
    markup = figure.html()
    assert '<label>threshold (&lt;b&gt;) <input type="range" min="0" max="1" value="1" aria-valuetext="5,000"' in markup
    assert ">5,000</output>" in markup
    assert markup.index("<input") < markup.index("ff-plot")


def test_the_table_of_a_figure_stands_in_the_page_with_and_without_javascript():
    assert '<div class="ff-table text_html"><table><tr><td>7</td></tr></table></div>' in page_figure(MOVING).html()
    assert "ff-table" not in page_figure(FIGURE).html()


@pytest.mark.parametrize("sliders", [[], [SLIDER, SLIDER], [{"steps": [{"method": "restyle", "label": "1"}]}]])
def test_another_kind_of_slider_stays_in_the_drawing(sliders):
    figure = page_figure({"layout": {"sliders": sliders, "height": 500}})
    assert json.loads(figure.payload)["layout"]["sliders"] == sliders
    assert figure.height_px == 500
    assert "<input" not in figure.html()


# The hooks


def test_the_renderer_is_registered_where_myst_nb_looks():
    found = [point.load() for point in entry_points(group="myst_nb.mime_renderers")]
    assert OutputRenderer in found, "the installed package is older than pyproject.toml: run `make install`"


def test_the_renderer_leaves_other_outputs_alone():
    assert OutputRenderer.handle_mime(None, SimpleNamespace(mime_type="text/html"), False) is None
    assert OutputRenderer.handle_mime(None, SimpleNamespace(mime_type=sphinx_ext.PLOTLY_MIME), True) is None


def test_notebooks_run_again_when_the_library_changed_and_only_then(monkeypatch):
    files = {"book/intro": "intro.md", "lessons/05": "05.ipynb"}
    env = SimpleNamespace(found_docs=set(files), doc2path=files.get)
    monkeypatch.setattr(sphinx_ext, "library_digest", lambda: "one")
    assert sphinx_ext._notebooks_to_run_again(None, env, set(), set(), set()) == ["lessons/05"]
    assert sphinx_ext._notebooks_to_run_again(None, env, set(), set(), set()) == []
    monkeypatch.setattr(sphinx_ext, "library_digest", lambda: "two")
    assert sphinx_ext._notebooks_to_run_again(None, env, set(), set(), set()) == ["lessons/05"]


# What a failed build says


def test_each_problem_is_named_once_with_its_file(tmp_path):
    file = tmp_path.resolve() / "book" / "intro.md"
    line = f"{file}:35: WARNING: 'myst' cross-reference target not found: 'x.md' [myst.xref_missing]"
    said = explain(f"reading\n{line}\n{line}\n[IPKernelApp] WARNING | no matter\n", tmp_path)
    assert said.startswith("The book was not built: 1 problem.\n  book/intro.md:35: 'myst' cross-reference target")
    assert "no matter" not in said


def test_a_build_that_fails_for_another_reason_shows_the_end_of_the_log(tmp_path):
    said = explain("\n".join(f"line {number}" for number in range(50)), tmp_path)
    assert "line 49" in said
    assert "line 29" not in said
    assert "forty doctor" in said


# Whole builds of a small book


def notebook(path: Path, *sources: str, outputs: tuple[dict, ...] = ()) -> None:
    cells = [nbformat.v4.new_markdown_cell("# A page\n\nWords.")]
    cells += [nbformat.v4.new_code_cell(source) for source in sources]
    if outputs:
        cells[-1].outputs = [nbformat.v4.new_output("display_data", data) for data in outputs]
    python = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path.parent.mkdir(exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": python}), path)


@pytest.fixture(scope="module")
def make_course(tmp_path_factory):
    """A function that makes a course of three pages with the real configuration."""

    def make() -> Path:
        root = tmp_path_factory.mktemp("course")
        shutil.copy(ROOT / "_config.yml", root)
        (root / "book").mkdir()
        (root / "book" / "intro.md").write_text(
            "# Intro\n\nA price of $2 and one of $3.\n\n{math}`a^2`\n\n```{fortyfive-facts}\n```\n"
        )
        (root / "book" / "_toc.yml").write_text(
            "format: jb-book\nroot: book/intro\nchapters:\n  - file: lessons/05\n    sections:\n"
            "      - file: exercises/05\n"
        )
        show = "from IPython.display import display\n"
        notebook(
            root / "lessons" / "05.ipynb",
            f"{show}display({{{sphinx_ext.PLOTLY_MIME!r}: {FIGURE!r}}}, raw=True)",
            "import ipywidgets\nipywidgets.IntSlider(description='threshold')",
        )
        notebook(root / "exercises" / "05.ipynb", "raise SystemExit('an exercise was run')")
        return root

    return make


@pytest.fixture(scope="module")
def built(make_course):
    result = build(make_course())
    assert result.ok, result.message
    return result


def page(result, name: str) -> str:
    return (result.index.parent / name).read_text(encoding="utf-8")


def test_a_built_book_says_where_to_open_it(built):
    assert built.index.is_file()
    assert str(built.index) in built.message
    assert "book/intro.html" in built.index.read_text()


def test_a_figure_is_in_the_page_and_brings_plotly_from_the_installed_package(built):
    lesson = page(built, "lessons/05.html")
    assert 'class="ff-plot" role="img"' in lesson
    assert lesson.index("_static/plotly.min.js") < lesson.index("_static/fortyfive-figures.js")
    assert (built.index.parent / "_static" / "plotly.min.js").stat().st_size > 1_000_000


def test_a_page_without_a_figure_does_not_load_plotly(built):
    assert "plotly" not in page(built, "book/intro.html")
    assert "plotly" not in page(built, "exercises/05.html")


def test_no_page_loads_anything_from_elsewhere(built):
    for path in built.index.parent.rglob("*.html"):
        loaded = re.findall(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=\"([^\"]+)\"", path.read_text())
        assert [url for url in loaded if url.startswith(("http:", "https:", "//"))] == []
        assert "unpkg" not in path.read_text()


def test_a_control_is_a_sentence_and_its_state_stays_out(built):
    lesson = page(built, "lessons/05.html")
    assert "A control stands here in JupyterLab." in lesson
    assert "widget-state" not in lesson
    assert "IntSlider(value" not in lesson


def test_a_formula_is_mathml_and_a_price_is_text(built):
    intro = page(built, "book/intro.html")
    assert "<math" in intro
    assert "A price of $2 and one of $3." in intro


def test_every_fact_has_a_row_with_an_address_of_its_own(built):
    intro = page(built, "book/intro.html")
    for fact in numbers.facts():
        assert f'id="{fact.key.replace(".", "-")}"' in intro
        assert fact.read.isoformat() in intro


def test_an_exercise_is_shown_and_not_run(built):
    assert "an exercise was run" in page(built, "exercises/05.html")
    assert "cell_output" not in page(built, "exercises/05.html")


def test_a_failing_cell_fails_the_build_and_is_named(make_course, tmp_path, monkeypatch):
    monkeypatch.setenv("FORTYFIVE_DATA_DIR", str(tmp_path))
    root = make_course()
    attempt = "import os, pathlib\npathlib.Path(os.environ['FORTYFIVE_DATA_DIR'], 'ledger').write_text('attempt')"
    notebook(root / "lessons" / "05.ipynb", f"{attempt}\nfollowers = 0", "1 / followers")
    result = build(root)
    assert not result.ok
    assert result.message.startswith("The book was not built: a cell of lessons/05.ipynb failed.\n  1 / followers\n")
    assert "ZeroDivisionError: division by zero" in result.message
    assert "lessons/05.py" in result.message
    assert "Traceback" not in result.message
    assert list(tmp_path.iterdir()) == [], "a build must not write to the ledger of the person who builds"


def test_a_warning_fails_the_build_the_second_time_too(make_course, tmp_path):
    root = make_course()
    (root / "book" / "_toc.yml").write_text("format: jb-book\nroot: book/intro\nchapters:\n  - file: exercises/05\n")
    (root / "book" / "intro.md").write_text("# Intro\n\nSee [this](nowhere.md).\n")
    without_alt = FIGURE | {"layout": {"title": "No words for it"}}
    notebook(root / "exercises" / "05.ipynb", "figure", outputs=({sphinx_ext.PLOTLY_MIME: without_alt},))
    for _ in range(2):
        result = build(root, output=tmp_path)
        assert not result.ok
        assert "2 problems" in result.message
        assert "book/intro.md:3: 'myst' cross-reference target not found: 'nowhere.md'" in result.message
        assert "exercises/05.ipynb: The figure of cell 2 has no alt text" in result.message
    assert not (root / "_build").exists()
