import json
import re
from pathlib import Path

import nbformat
import pytest

from fortyfive.authoring.notebooks import (
    AuthoringError,
    Cell,
    clean_outputs,
    execute,
    exercise_cells,
    find_sources,
    solution_cells,
    to_notebook,
    to_text,
)

GOLDEN = sorted((Path(__file__).parent / "golden").iterdir())


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: case.name)
def test_a_source_gives_the_golden_solution_and_exercise(course, case):
    cells = course.cells((case / "in.py").read_text(encoding="utf-8"))
    assert to_text(to_notebook(solution_cells(cells))) == (case / "solution.ipynb").read_text(encoding="utf-8")
    assert to_text(to_notebook(exercise_cells(cells))) == (case / "exercise.ipynb").read_text(encoding="utf-8")


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: case.name)
def test_a_golden_notebook_is_valid_and_its_ids_are_unique(case):
    for name in ("solution.ipynb", "exercise.ipynb"):
        notebook = nbformat.read(case / name, as_version=4)
        nbformat.validate(notebook)
        ids = [cell["id"] for cell in notebook["cells"]]
        assert len(set(ids)) == len(ids)


def test_an_id_depends_on_what_a_cell_says_and_not_on_its_place():
    first, second, title = Cell("code", "x"), Cell("code", "y"), Cell("markdown", "x")
    ids = {cell["source"]: cell["id"] for cell in to_notebook([first, second])["cells"]}
    swapped = {cell["source"]: cell["id"] for cell in to_notebook([second, first])["cells"]}
    assert ids == swapped
    assert to_notebook([title])["cells"][0]["id"] not in ids.values()


def test_an_exercise_has_neither_outputs_nor_counts(course):
    exercise = to_notebook(exercise_cells(course.cells(course.read("solutions/05_fan_out.py"))))
    code = [cell for cell in exercise["cells"] if cell["cell_type"] == "code"]
    assert [(cell["outputs"], cell["execution_count"]) for cell in code] == [([], None), ([], None)]


def test_sources_are_found_lessons_first_and_only_solutions_have_an_exercise(course):
    course.write("lessons/01_the_round.py", "")
    found = [(source.name, source.notebook, source.exercise) for source in find_sources(course.root)]
    assert found == [
        ("lessons/01_the_round.py", "lessons/01_the_round.ipynb", None),
        ("lessons/05_fan_out.py", "lessons/05_fan_out.ipynb", None),
        ("solutions/05_fan_out.py", "solutions/05_fan_out.ipynb", "exercises/05_fan_out.ipynb"),
    ]


TITLE = "# %% [markdown]\n# # A title\n\n"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            "# %%\n# BEGIN SOLUTION\nx = 1\n",
            "line 5: `# BEGIN SOLUTION` begins a block that its cell does not end",
        ),
        (
            "# %%\n# BEGIN SOLUTION\nx = 1\n\n# %%\n# END SOLUTION\n",
            "line 5: `# BEGIN SOLUTION` begins a block that its cell does not end",
        ),
        (
            "# %%\nx = 1\n# END SOLUTION\n",
            "line 6: `# END SOLUTION` ends a block that its cell does not begin",
        ),
        (
            "# %%\n# BEGIN SOLUTION\n# BEGIN SOLUTION\nx = 1\n# END SOLUTION\n",
            "line 6: `# BEGIN SOLUTION` stands inside the block that line 5 begins",
        ),
        (
            "# %%\nx = # BEGIN SOLUTION\n",
            "line 5: a marker is a line of its own in a code cell, and this one is not",
        ),
        (
            "# %%\n#BEGIN SOLUTION\nx = 1\n#END SOLUTION\n",
            "line 5: a marker is a line of its own in a code cell, and this one is not",
        ),
        (
            "# %%\n# BEGIN  SOLUTIONS\nx = 1\n",
            "line 5: a marker is a line of its own in a code cell, and this one is not",
        ),
        (
            "# %% [markdown]\n# # BEGIN SOLUTION\n",
            "line 5: a marker is a line of its own in a code cell, and this one is not",
        ),
        (
            '# %% tags=["solutions"]\nx = 1\n',
            "the cell `x = 1` has the tag 'solutions', which is not one of solution, nbval-ignore-output, nbval-skip, "
            "raises-exception, hide-input, remove-cell, remove-input",
        ),
        (
            "# %% tags=[solution]\nx = 1\n",
            'the cell `x = 1` has {"incorrectly_encoded_metadata": "tags=[solution]"} on its `# %%` line',
        ),
        (
            "# %% solution\nx = 1\n",
            'the cell `x = 1` has {"title": "solution"} on its `# %%` line',
        ),
        (
            '# %% jupyter={"outputs_hidden": true}\nx = 1\n',
            'the cell `x = 1` has {"jupyter": {"outputs_hidden": true}} on its `# %%` line',
        ),
        (
            '# %% tags="solution"\nx = 1\n',
            "cannot be read as py:percent ('solution' is not of type 'array')",
        ),
    ],
)
def test_a_wrong_source_is_named_with_what_is_wrong(course, body, message):
    with pytest.raises(AuthoringError) as error:
        course.cells(TITLE + body)
    first = str(error.value.problems[0])
    assert first.startswith(f"solutions/05_fan_out.py: {message}")
    assert first.endswith("; edit solutions/05_fan_out.py and run `make notebooks`")


@pytest.mark.parametrize("text", ["", "# %%\nx = 1\n", "# %% [markdown]\n# ## Too small a title\n"])
def test_a_source_without_a_title_is_an_error(course, text):
    with pytest.raises(AuthoringError, match="the first cell is not markdown that starts with a title"):
        course.cells(text)


@pytest.mark.parametrize("name", ["fan_out", "5_fan_out", "05_Fan_out", "05-fan-out"])
def test_a_source_with_another_kind_of_name_is_an_error(course, name):
    with pytest.raises(AuthoringError, match=f"the name '{name}' is not two digits"):
        course.cells(TITLE, f"lessons/{name}.py")


@pytest.mark.parametrize("body", ['# %% tags=["solution"]\nx = 1\n', "# %%\n# BEGIN SOLUTION\nx = 1\n# END SOLUTION\n"])
def test_a_lesson_marks_no_solution(course, body):
    with pytest.raises(AuthoringError, match="marks a solution, but a lesson has no exercise to hide it from"):
        course.cells(TITLE + body, "lessons/05_fan_out.py")


def test_everything_wrong_in_a_source_is_told_at_once(course):
    with pytest.raises(AuthoringError) as error:
        course.cells('# %% tags=["a"]\nx = 1\n# END SOLUTION\n')
    assert len(error.value.problems) == 3


def test_outputs_lose_what_depends_on_timing_on_this_machine_or_on_a_kernel():
    view = {"application/vnd.jupyter.widget-view+json": {"model_id": "1"}}
    outputs = [
        {"output_type": "stream", "name": "stderr", "text": "b"},
        {"output_type": "stream", "name": "stdout", "text": "a"},
        {"output_type": "stream", "name": "stdout", "text": "c"},
        {"output_type": "display_data", "data": {**view, "text/plain": "IntSlider()"}, "metadata": {}},
        {"output_type": "display_data", "data": view, "metadata": {}},
        {"output_type": "stream", "name": "stdout", "text": "d"},
        {"output_type": "error", "ename": "KeyError", "evalue": "'k'", "traceback": ["File ~/x.py", "KeyError"]},
    ]
    assert clean_outputs(outputs) == [
        {"output_type": "stream", "name": "stdout", "text": "ac"},
        {"output_type": "stream", "name": "stderr", "text": "b"},
        {"output_type": "display_data", "data": {"text/plain": "IntSlider()"}, "metadata": {}},
        {"output_type": "stream", "name": "stdout", "text": "d"},
        {"output_type": "error", "ename": "KeyError", "evalue": "'k'", "traceback": ["KeyError: 'k'"]},
    ]


def run(course, body, timeout_s=30):
    source = course.source("lessons/05_fan_out.py")
    cells = course.cells(TITLE + body, source.name)
    return execute(to_notebook(solution_cells(cells)), source, timeout_s)


def test_a_notebook_runs_in_its_own_folder_with_a_ledger_of_its_own(course, monkeypatch):
    monkeypatch.setenv("FORTYFIVE_DATA_DIR", "the author's own")
    body = (
        "# %%\nimport os\nos.path.basename(os.getcwd())\n\n"
        "# %%\n'author' in os.environ['FORTYFIVE_DATA_DIR']\n\n"
        "# %%\nimport ipywidgets\nipywidgets.IntSlider(3)\n\n"
        '# %% tags=["raises-exception"]\n1 / 0\n\n'
        "# %%\n\n"
        "# %%\nprint('last')\n"
    )
    notebook = run(course, body)
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == [1, 2, 3, 4, None, 5]
    assert [output.get("data", output) for cell in code for output in cell["outputs"]] == [
        {"text/plain": "'lessons'"},
        {"text/plain": "False"},
        {"text/plain": "IntSlider(value=3)"},
        {
            "output_type": "error",
            "ename": "ZeroDivisionError",
            "evalue": "division by zero",
            "traceback": ["ZeroDivisionError: division by zero"],
        },
        {"output_type": "stream", "name": "stdout", "text": "last\n"},
    ]
    assert sorted(notebook["metadata"]) == ["kernelspec", "language_info"]
    assert "version" not in notebook["metadata"]["language_info"]
    nbformat.validate(nbformat.from_dict(json.loads(to_text(notebook))))


@pytest.mark.parametrize(
    ("code", "timeout_s", "failure"),
    [
        ("def f():\n    raise ValueError('a\\nb')\n\n\nf()", 30, "the cell `def f():` raised ValueError: b"),
        ("import os; os._exit(3)", 30, "the cell `import os; os._exit(3)` ended the kernel"),
        ("while True: pass", 1, "the cell `while True: pass` took longer than 1 s"),
    ],
    ids=["exception", "exit", "endless loop"],
)
def test_the_first_cell_that_fails_stops_the_run_and_is_named(course, code, timeout_s, failure):
    with pytest.raises(AuthoringError) as error:
        run(course, f"# %%\n{code}\n\n# %%\nraise RuntimeError('never reached')\n", timeout_s)
    assert str(error.value) == f"lessons/05_fan_out.py: {failure}; edit lessons/05_fan_out.py and run `make notebooks`"


def test_an_output_that_would_differ_elsewhere_is_an_error(course):
    with pytest.raises(AuthoringError) as error:
        run(course, "# %%\nobject()\n\n# %%\nimport os\nprint(os.getcwd() + '/x')\n")
    address, *paths = [problem.what for problem in error.value.problems]
    assert re.fullmatch(r"the cell `object\(\)` shows a memory address \(at 0x[0-9a-f]+\)", address)
    assert f"the cell `import os` shows a path of this machine ({course.root})" in paths


def test_a_solution_has_another_title_than_its_exercise(course):
    cells = course.cells("# %% [markdown]\n# # Exercise 07: choose\n\n# %%\n# # Exercise\nx = 1\n")
    assert [cell.source for cell in solution_cells(cells)] == ["# Solution 07: choose", "# # Exercise\nx = 1"]
    assert [cell.source for cell in exercise_cells(cells)] == ["# Exercise 07: choose", "# # Exercise\nx = 1"]
