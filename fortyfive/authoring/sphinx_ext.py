"""The book's Sphinx extension: figures, formulas, widgets and facts as plain pages that ask the network for nothing."""

from __future__ import annotations

import hashlib
import html
import json
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from myst_nb.core.render import MimeData, NbElementRenderer
from myst_nb.sphinx_ import NbMetadataCollector
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective

from fortyfive import numbers
from fortyfive.authoring import in_page
from fortyfive.design.kinds import COMPONENT_PARAMETERS, KINDS, LINK_PARAMETERS, Parameter
from fortyfive.numbers.prices import prices
from fortyfive.widgets import PLOTLY_MIME, SLIDER_HEIGHT_PX, WIDGET_MIME

STATIC = Path(__file__).parent / "book_static"
DEFAULT_HEIGHT_PX = 420
# Title and legend stand above the plot, outside plotly's own margins, so these hold tick labels and axis titles only.
MARGIN_PX = {"t": 24, "r": 16, "b": 56, "l": 64}

# How well a fact is known, in the words of the page that shows it.
KNOWN = {"read": "at the source", "computed": "computed here"}


@dataclass(frozen=True)
class PageSlider:
    """A slider over the frames of a figure: its label, the texts of its positions, and which of them is shown."""

    label: str
    texts: list[str]
    active: int

    def html(self) -> str:
        """The slider as a form's own control, which obeys keys and fingers and speaks to screen readers."""
        now = html.escape(self.texts[self.active])
        return (
            f'<div class="ff-slider"><label>{html.escape(self.label)} <input type="range" min="0" '
            f'max="{len(self.texts) - 1}" value="{self.active}" aria-valuetext="{now}" autocomplete="off"></label>'
            f'<output aria-hidden="true" style="min-width:{max(map(len, self.texts))}ch">{now}</output></div>'
        )


@dataclass(frozen=True)
class PageFigure:
    """A plotly figure as a page needs it: the words as HTML text, the rest as JSON for plotly.js."""

    title: str
    subtitle: str
    alt: str
    height_px: int
    payload: str
    slider: PageSlider | None = None
    table: str = ""

    def html(self) -> str:
        """The figure as HTML: caption, slider, the box plotly draws into, its data, what to read without JavaScript."""
        alt = html.escape(self.alt)
        table = f'<div class="ff-table text_html">{self.table}</div>' if self.table else ""
        caption = f"<figcaption>{_lines(self.title, self.subtitle)}</figcaption>" if self.title else ""
        return (
            f'<figure class="ff-figure">{caption}{self.slider.html() if self.slider else ""}'
            f'<div class="ff-plot" role="img" aria-label="{alt}" style="height:{self.height_px}px"></div>'
            f'<script type="application/json">{self.payload}</script>'
            f"{table}"
            f'<noscript><p class="ff-no-script">This figure is drawn by JavaScript. It shows: {alt}</p></noscript>'
            f"<details><summary>Describe this figure</summary><p>{alt}</p></details></figure>"
        )


def page_figure(figure: Mapping[str, Any]) -> PageFigure:
    """Prepare the JSON of a plotly figure for a page of any width, in light and in dark.

    The title leaves the drawing, where it could not wrap on a phone, and becomes the caption. A figure whose frames
    rewrite the title keeps it. The slider over its frames leaves the drawing too, because plotly's obeys no key. The
    alt text is `layout.meta.alt`, empty when the author gave none; `layout.meta.table` is HTML to stand below.
    """
    layout = json.loads(json.dumps(figure.get("layout", {})))
    frames = list(figure.get("frames", []))
    title: dict[str, Any] = {}
    if not any("title" in frame.get("layout", {}) for frame in frames):
        title = layout.pop("title", {})
    title = {"text": title} if isinstance(title, str) else title
    meta = layout.get("meta")
    words = meta if isinstance(meta, dict) else {}
    alt, table = (text if isinstance(text := words.get(key), str) else "" for key in ("alt", "table"))
    height_px = int(layout.pop("height", DEFAULT_HEIGHT_PX))
    slider, names = _take_slider(layout)
    if slider:
        height_px -= SLIDER_HEIGHT_PX
    layout.pop("width", None)
    layout["autosize"] = True
    layout["margin"] = MARGIN_PX | layout.get("margin", {}) | ({"t": MARGIN_PX["t"]} if title else {})
    # Without this a finger on the plot zooms instead of scrolling the page.
    layout.setdefault("dragmode", False)
    content: dict[str, Any] = {"data": figure.get("data", []), "layout": layout, "frames": frames}
    if slider:
        content["positions"] = [{"frame": name, "text": text} for name, text in zip(names, slider.texts, strict=True)]
    payload = json.dumps(content, separators=(",", ":"))
    return PageFigure(
        title=_plain(title.get("text", "")),
        subtitle=_plain(title.get("subtitle", {}).get("text", "")),
        alt=alt,
        height_px=height_px,
        slider=slider,
        table=table,
        # No "<" means that neither "</script>" nor "<!--" in a label can end the script element.
        payload=payload.replace("<", "\\u003c"),
    )


def _take_slider(layout: dict[str, Any]) -> tuple[PageSlider | None, list[str]]:
    """Take the one slider that moves over frames out of the layout; return it, and the frames of its positions."""
    sliders = layout.get("sliders", [])
    if len(sliders) != 1 or any(step.get("method") != "animate" for step in sliders[0]["steps"]):
        return None, []
    (slider,) = layout.pop("sliders")
    label = slider.get("currentvalue", {}).get("prefix", "").rstrip(": ")
    texts = [step["label"] for step in slider["steps"]]
    return PageSlider(label, texts, slider.get("active", 0)), [step["args"][0][0] for step in slider["steps"]]


def _plain(markup: str) -> str:
    """The words of a plotly label: `<br>` becomes a space, the other tags that plotly knows go."""
    words = re.sub(r"</?(?:a|b|em|i|s|span|sub|sup|u)\b[^>]*>", "", re.sub(r"<br\s*/?>", " ", markup))
    return html.unescape(words).strip()


def _lines(title: str, subtitle: str) -> str:
    second = f"<span>{html.escape(subtitle)}</span>" if subtitle else ""
    return html.escape(title) + second


class OutputRenderer:
    """Renders the outputs myst-nb would drop or would load from a CDN (entry point group `myst_nb.mime_renderers`)."""

    # Lower comes first. A control is the last resort before its bare repr.
    mime_priority_overrides: ClassVar[Sequence[tuple[str, str, int | None]]] = [
        ("*", PLOTLY_MIME, 1),
        ("*", WIDGET_MIME, 95),
    ]

    @staticmethod
    def handle_mime(renderer: NbElementRenderer, data: MimeData, inline: bool) -> list[nodes.Element] | None:
        """Nodes for a plotly figure or a live control, None for everything else."""
        if inline:
            return None
        if data.mime_type == PLOTLY_MIME:
            return [_figure_node(renderer, data)]
        if data.mime_type == WIDGET_MIME:
            text = "A control stands here in JupyterLab. The published page shows what does not need a kernel."
            return [nodes.paragraph(text=text, classes=["ff-control"])]
        return None


def _figure_node(renderer: NbElementRenderer, data: MimeData) -> nodes.Element:
    figure = page_figure(data.content)
    if not figure.alt:
        renderer.logger.warning(
            f"The figure of cell {(data.cell_index or 0) + 1} has no alt text, so who cannot see it gets nothing. "
            'Describe it: figure.update_layout(meta={"alt": "..."}).',
            subtype="figure_alt",
            line=data.line,
        )
    renderer.add_js_file("plotly", "plotly.min.js", {"loading_method": "defer"})
    renderer.add_js_file("fortyfive_figures", "fortyfive-figures.js", {"loading_method": "defer"})
    return nodes.raw(text=figure.html(), format="html", classes=["output"])


def _add_static_files(app: Sphinx, config: Config) -> None:
    """Add our own files, and plotly.min.js as pip installed it, to the book's static files."""
    config.html_static_path += [str(STATIC), str(resources.files("plotly") / "package_data" / "plotly.min.js")]
    # Without an icon every browser asks the server for /favicon.ico and reports that it is not there.
    config.html_favicon = str(STATIC / "favicon.svg")


def _drop_widget_state(app: Sphinx, doctree: nodes.document) -> None:
    """Keep the state of live controls, megabytes per notebook, out of the page: nothing there could run it."""
    scripts = NbMetadataCollector.get_js_files(app.env, app.env.docname)
    for key in [key for key in scripts if key.startswith("ipywidgets")]:
        del scripts[key]


def _page(env: BuildEnvironment, name: str) -> in_page.Page | None:
    """Return the tasks of a page that can be graded in it; None where there are none, or no Pyodide to grade them."""
    source = Path(env.doc2path(name))
    is_exercise = source.parent.name == "exercises" and source.suffix == ".ipynb"
    return in_page.read_page(source) if is_exercise and os.environ.get(in_page.VARIABLE) else None


def _offer_grading(app: Sphinx, doctree: nodes.document) -> None:
    """Mark the tasks that can be graded in the page, and the cells to edit; the page's script makes buttons of that."""
    page = _page(app.env, app.env.docname)
    if page is None:
        return
    found = {cell["cell_index"]: cell for cell in doctree.findall(nodes.container) if "cell_index" in cell}
    for task in page.tasks:
        for number in task.edited:
            found[number]["ids"].append(f"ff-cell-{number}")
        cell = found[task.cell]
        marker = page.marker(task, Path(os.environ[in_page.VARIABLE]))
        cell.parent.insert(cell.parent.index(cell) + 1, nodes.raw(text=marker, format="html"))
    NbMetadataCollector.add_js_file(
        app.env, app.env.docname, "fortyfive_in_page", "fortyfive-in-page.js", {"loading_method": "defer"}
    )


def _pages_to_read_again(
    app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]
) -> list[str]:
    """The exercises whose pages would load something else than when they were read."""
    pages = {name: _page(env, name) for name in env.found_docs}
    before = getattr(env, "fortyfive_pages", {})
    now = {name: page.version() + os.environ[in_page.VARIABLE] for name, page in pages.items() if page}
    env.fortyfive_pages = now  # type: ignore[attr-defined]
    return [name for name in now.keys() | before.keys() if name in pages and now.get(name) != before.get(name)]


def _write_what_pages_load(app: Sphinx, error: Exception | None) -> None:
    """Put Pyodide and our sources beside the pages, and not among the static files, which every page would load."""
    folder = Path(app.outdir) / "in_page"
    shutil.rmtree(folder, ignore_errors=True)
    pages = [page for name in sorted(app.env.found_docs) if (page := _page(app.env, name))]
    if pages and not error:
        in_page.write_files(folder, Path(os.environ[in_page.VARIABLE]), pages)


def _notebooks_to_run_again(
    app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]
) -> list[str]:
    """All notebooks, when the library they import is not the one they last ran with."""
    before = getattr(env, "fortyfive_library", None)
    env.fortyfive_library = library_digest()  # type: ignore[attr-defined]
    if before == env.fortyfive_library:  # type: ignore[attr-defined]
        return []
    return [name for name in env.found_docs if env.doc2path(name).endswith(".ipynb")]


def library_digest() -> str:
    """A fingerprint of every source and data file of the package."""
    package = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*")):
        if path.suffix in {".py", ".toml"}:
            digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


class FactsTable(SphinxDirective):
    """`{fortyfive-facts}`: every dated fact as one row, so that the page cannot drift from what the lessons use."""

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        for table in ("facts.toml", "prices.toml"):
            self.env.note_dependency(str(Path(numbers.__file__).with_name(table)))
        head = nodes.thead("", _row("Fact", "Value", "Source", "Read on", "Known"))
        listed = sorted((*numbers.facts(), *prices()), key=lambda fact: fact.key)
        body = nodes.tbody("", *(_fact_row(fact) for fact in listed))
        return [_table((32, 17, 25, 13, 13), head, body)]


class KindsTable(SphinxDirective):
    """`{fortyfive-kinds}`: every kind of component of a design, with its words and what it does unless it says more."""

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        head = nodes.thead("", _row("Word", "Is a", "Also", "Time", "At once", "It"))
        rows = [
            _row(
                kind.word,
                kind.title,
                ", ".join(kind.aliases) or "–",
                f"{1_000 * kind.time_s:g} ms" if kind.time_s else "–",
                "all" if kind.slots is None else str(kind.slots),
                kind.what,
            )
            for kind in KINDS.values()
        ]
        return [_table((10, 15, 25, 10, 10, 30), head, nodes.tbody("", *rows))]


class ParametersTable(SphinxDirective):
    """`{fortyfive-parameters}`: every parameter of a component or a link of a design, and who takes it."""

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        head = nodes.thead("", _row("Parameter", "Means", "Of"))
        rows = [_row(each.word, each.what, _takers(each)) for each in COMPONENT_PARAMETERS]
        rows += [_row(each.word, each.what, "an arrow") for each in LINK_PARAMETERS]
        return [_table((15, 50, 35), head, nodes.tbody("", *rows))]


def _takers(parameter: Parameter) -> str:
    takers = [kind.word for kind in KINDS.values() if parameter.word in kind.parameters]
    return "everything" if len(takers) == len(KINDS) else ", ".join(takers)


def _table(widths: Sequence[int], head: nodes.thead, body: nodes.tbody) -> nodes.table:
    columns = [nodes.colspec(colwidth=width) for width in widths]
    return nodes.table("", nodes.tgroup("", *columns, head, body, cols=len(columns)), classes=["ff-facts"])


def _fact_row(fact: numbers.Fact) -> nodes.row:
    value = f"{fact.value:,.0f}" if fact.value.is_integer() else f"{fact.value:,g}"
    known = KNOWN.get(fact.known, fact.known)
    row = _row(fact.what, f"{value} {fact.unit}".strip(), fact.source, fact.read.isoformat(), known)
    # The key is what a lesson writes in fact("..."), and the address of the row.
    row[0] += nodes.paragraph("", "", nodes.literal(text=fact.key))
    row["ids"] = [nodes.make_id(fact.key)]
    return row


def _row(*cells: str) -> nodes.row:
    return nodes.row("", *(nodes.entry("", nodes.paragraph(text=text)) for text in cells))


def _visit_formula(translator: Any, node: nodes.Element) -> None:
    translator.body.append(tex2mathml(node.astext(), as_block=isinstance(node, nodes.math_block)))
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, Any]:
    """Register everything above with Sphinx."""
    app.add_html_math_renderer("mathml", (_visit_formula, None), (_visit_formula, None))
    app.add_css_file("fortyfive.css", priority=900)
    app.add_js_file("fortyfive-search.js")
    app.add_directive("fortyfive-facts", FactsTable)
    app.add_directive("fortyfive-kinds", KindsTable)
    app.add_directive("fortyfive-parameters", ParametersTable)
    app.connect("config-inited", _add_static_files)
    app.connect("doctree-read", _drop_widget_state)
    app.connect("doctree-read", _offer_grading)
    app.connect("env-get-outdated", _notebooks_to_run_again)
    app.connect("env-get-outdated", _pages_to_read_again)
    app.connect("build-finished", _write_what_pages_load)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
