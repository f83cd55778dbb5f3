"""A captioned table is rounded by its maker, and written here: thousands, one number of decimals a column."""

import pandas as pd

from fortyfive.widgets.table import Captioned

TABLE = pd.DataFrame(
    {"count": [50_000, 7], "share": [0.0, 14.19], "said": ["a <b>", "c"], "mixed": pd.Series([500, 99.5], dtype=object)}
).set_index(pd.Index([1_000, 20], name="size"))


def test_the_text_has_caption_and_numbers():
    lines = repr(Captioned(TABLE, "What came out")).splitlines()
    assert lines[0] == "What came out"
    assert [line.split() for line in lines[-2:]] == [
        ["1,000", "50,000", "0.00", "a", "<b>", "500"],
        ["20", "7", "14.19", "c", "99.5"],
    ]


def test_the_html_has_a_caption_and_escapes():
    html = Captioned(TABLE, "a < b")._repr_html_()
    assert html.split(">", 1)[1].startswith("<caption>a &lt; b</caption>")
    assert "a &lt;b&gt;" in html
    assert html == Captioned(TABLE, "a < b")._repr_html_()
