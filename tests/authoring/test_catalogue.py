import json

import pytest

from fortyfive.authoring.catalogue import problems

LESSON = "lessons/05_fan_out.ipynb"
SOLUTION = "solutions/05_fan_out.ipynb"
EXERCISE = "exercises/05_fan_out.ipynb"
WIDGET_MIME = "application/vnd.jupyter.widget-view+json"


@pytest.fixture
def built(course):
    course.pretend_to_build()
    assert problems(course.root) == []
    return course


def edit(course, name, change):
    """Change the JSON of a notebook, and save it as the build would."""
    notebook = json.loads(course.read(name))
    change(notebook)
    course.write(name, json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True) + "\n")


def complaints(course):
    return [str(problem) for problem in problems(course.root)]


def assert_named(course, name, what):
    """Assert that there is one problem, and that it names the derived file, what is wrong and the file to edit."""
    source = name.replace("exercises/", "solutions/").replace(".ipynb", ".py")
    assert complaints(course) == [f"{name}: {what}; edit {source} and run `make notebooks`"]


def test_a_built_course_has_no_problem_and_is_not_touched(built):
    before = {path: path.stat().st_mtime_ns for path in built.root.rglob("*")}
    assert problems(built.root) == []
    assert {path: path.stat().st_mtime_ns for path in built.root.rglob("*")} == before


def test_checkpoints_are_nobodys_concern(built):
    (built.root / "lessons" / ".ipynb_checkpoints").mkdir()
    assert problems(built.root) == []


def test_an_edited_source_names_each_notebook_that_it_leaves_behind(built):
    built.write("solutions/05_fan_out.py", built.read("solutions/05_fan_out.py").replace("def double", "def twice"))
    remedy = "edit solutions/05_fan_out.py and run `make notebooks`"
    assert complaints(built) == [
        f"{SOLUTION}: the cell `def double(x):` differs from its source (id, source); {remedy}",
        f"{EXERCISE}: the cell `def double(x):` differs from its source (id, source); {remedy}",
    ]


def test_an_edited_answer_leaves_the_exercise_as_it_is(built):
    built.write("solutions/05_fan_out.py", built.read("solutions/05_fan_out.py").replace("x * 2", "x + x"))
    assert_named(built, SOLUTION, "the cell `def double(x):` differs from its source (id, source)")


def test_a_broken_source_is_told_instead_of_its_notebooks(built):
    built.write("solutions/05_fan_out.py", built.read("solutions/05_fan_out.py").replace("# END SOLUTION\n", "", 1))
    assert [problem.file for problem in problems(built.root)] == ["solutions/05_fan_out.py"]


@pytest.mark.parametrize("name", [LESSON, SOLUTION, EXERCISE])
def test_a_cell_edited_in_a_notebook_names_the_source_to_edit(built, name):
    edit(built, name, lambda notebook: notebook["cells"][1].update(source=["mine"]))
    assert_named(built, name, "the cell `mine` differs from its source (source)")


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda cell: cell.update(cell_type="raw"), "differs from its source (cell_type)"),
        (lambda cell: cell.update(id="0" * 16), "differs from its source (id)"),
        (lambda cell: cell.update(metadata={"tags": ["nbval-skip"]}), "differs from its source (metadata)"),
    ],
    ids=["type", "id", "tags"],
)
def test_type_id_and_tags_of_a_cell_are_compared(built, change, what):
    edit(built, EXERCISE, lambda notebook: change(notebook["cells"][0]))
    assert_named(built, EXERCISE, f"the cell `# An exercise` {what}")


@pytest.mark.parametrize("name", [LESSON, SOLUTION, EXERCISE])
def test_a_cell_too_many_and_a_cell_too_few_are_found(built, name):
    count = len(json.loads(built.read(name))["cells"])
    title = {"cell_type": "markdown", "id": "a", "metadata": {}, "source": ["more"]}
    edit(built, name, lambda notebook: notebook["cells"].append(title))
    assert_named(built, name, f"has {count + 1} cells, and its source gives {count}")
    edit(built, name, lambda notebook: notebook.update(cells=notebook["cells"][:-2]))
    assert_named(built, name, f"has {count - 1} cells, and its source gives {count}")


def test_cells_in_another_order_are_found(built):
    edit(built, EXERCISE, lambda notebook: notebook["cells"].append(notebook["cells"].pop(1)))
    assert_named(built, EXERCISE, "the cell `rate_per_s: float = ...` differs from its source (id, source)")


@pytest.mark.parametrize("name", [LESSON, SOLUTION, EXERCISE])
def test_a_missing_notebook_names_its_source(built, name):
    (built.root / name).unlink()
    source = name.replace("exercises/", "solutions/").replace(".ipynb", ".py")
    assert complaints(built) == [f"{name}: is missing; run `make notebooks`, which writes it from {source}"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{", "is not JSON"),
        ("[]", "is not a notebook of format 4.5"),
        ('{"cells": [1], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}', "is not a notebook of format 4.5"),
        ('{"cells": [], "metadata": [], "nbformat": 4, "nbformat_minor": 5}', "is not a notebook of format 4.5"),
    ],
)
@pytest.mark.parametrize("name", [LESSON, EXERCISE])
def test_a_damaged_notebook_names_its_source(built, name, text, what):
    built.write(name, text)
    assert [(problem.file, problem.what) for problem in problems(built.root)] == [(name, what)]


@pytest.mark.parametrize("name", [LESSON, SOLUTION, EXERCISE])
def test_a_notebook_saved_in_another_way_is_found(built, name):
    built.write(name, built.read(name) + "\n")
    assert_named(built, name, "was saved by something other than the build")


@pytest.mark.parametrize("name", [LESSON, EXERCISE])
def test_other_metadata_is_found(built, name):
    edit(built, name, lambda notebook: notebook["metadata"]["language_info"].update(version="3.11.7"))
    assert_named(built, name, "has metadata that the build does not write")


@pytest.mark.parametrize("name", [LESSON, EXERCISE])
def test_widget_state_is_found(built, name):
    edit(built, name, lambda notebook: notebook["metadata"].update(widgets={"state": {}}))
    assert_named(built, name, "carries the state of its widgets")


def test_an_exercise_that_was_run_is_found(built):
    edit(built, EXERCISE, lambda notebook: notebook["cells"][1].update(execution_count=1))
    assert_named(built, EXERCISE, "the cell `def double(x):` differs from its source (execution_count)")


@pytest.mark.parametrize(("name", "first"), [(LESSON, 'print("one")'), (SOLUTION, "def double(x):")])
def test_a_cell_that_was_never_run_is_found(built, name, first):
    edit(built, name, lambda notebook: notebook["cells"][1].update(execution_count=None))
    assert_named(built, name, f"the cell `{first}` was never run")
    edit(built, name, lambda notebook: notebook["cells"][2].update(execution_count=None))
    assert_named(built, name, f"the cell `{first}` was never run, nor was another")


@pytest.mark.parametrize("count", [2, 3, 7])
def test_cells_run_out_of_order_twice_or_with_others_between_are_found(built, count):
    edit(built, LESSON, lambda notebook: notebook["cells"][1].update(execution_count=count))
    assert_named(built, LESSON, "was not run once from top to bottom")


def test_an_empty_code_cell_need_not_have_run(course):
    course.write("lessons/05_fan_out.py", course.read("lessons/05_fan_out.py") + "\n# %%\n\n# %%\n3\n")
    course.pretend_to_build()
    assert problems(course.root) == []


def output(**fields):
    return lambda notebook: notebook["cells"][1].update(outputs=[fields])


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (output(output_type="error", ename="KeyError", evalue="'k'", traceback=[]), "ended with KeyError: 'k'"),
        (
            output(output_type="display_data", metadata={}, data={WIDGET_MIME: {"model_id": "1"}}),
            "holds the view of a widget, which needs a kernel",
        ),
        (
            output(output_type="display_data", metadata={}, data={"text/plain": ["<object at 0x7f04503314>"]}),
            "shows a memory address (at 0x7f04503314)",
        ),
    ],
    ids=["error", "widget view", "address"],
)
def test_an_output_that_cannot_stay_is_found(built, change, what):
    edit(built, LESSON, change)
    assert_named(built, LESSON, f'the cell `print("one")` {what}')


def test_an_error_that_its_cell_announces_may_stay(course):
    text = course.read("lessons/05_fan_out.py").replace("# %%\nprint", '# %% tags=["raises-exception"]\nprint')
    course.write("lessons/05_fan_out.py", text)
    course.pretend_to_build()
    edit(course, LESSON, output(output_type="error", ename="KeyError", evalue="'k'", traceback=[]))
    assert problems(course.root) == []


@pytest.mark.parametrize("name", [LESSON, SOLUTION, EXERCISE])
def test_a_marker_left_in_a_notebook_is_found(built, name):
    edit(built, name, lambda notebook: notebook["cells"][1]["source"].append("\n    # END SOLUTION"))
    assert any("still has a solution marker" in complaint for complaint in complaints(built))


def test_a_cell_of_the_solution_left_in_the_exercise_is_found(built):
    answer = json.loads(built.read(SOLUTION))["cells"][-1]
    edit(built, EXERCISE, lambda notebook: notebook["cells"].append(answer))
    remedy = "edit solutions/05_fan_out.py and run `make notebooks`"
    assert f"{EXERCISE}: the cell `double(rate_per_s)` is tagged `solution`; {remedy}" in complaints(built)


def test_a_solution_without_a_lesson_is_found(built):
    for name in (LESSON, "lessons/05_fan_out.py"):
        (built.root / name).unlink()
    assert complaints(built) == [
        "solutions/05_fan_out.py: has no lesson; write lessons/05_fan_out.py, or give the two the same name"
    ]


def test_a_lesson_needs_no_exercise(built):
    for name in (SOLUTION, EXERCISE, "solutions/05_fan_out.py"):
        (built.root / name).unlink()
    assert problems(built.root) == []


def test_notebooks_whose_source_has_gone_are_found(built):
    (built.root / "solutions/05_fan_out.py").unlink()
    assert complaints(built) == [f"{name}: has no source; remove it" for name in (EXERCISE, SOLUTION)]


@pytest.mark.parametrize(
    "name", ["lessons/notes.md", "exercises/05_fan_out.py", "solutions/data.csv", "exercises/.DS_Store"]
)
def test_a_stray_file_is_found(built, name):
    built.write(name, "")
    assert complaints(built) == [f"{name}: does not belong here; remove it"]


def test_a_source_with_another_kind_of_name_is_found(built):
    built.write("lessons/Fan_out.py", "# %% [markdown]\n# # A title\n")
    assert [problem.file for problem in problems(built.root)] == ["lessons/Fan_out.py"]


def test_a_folder_without_a_course_does_not_pass(tmp_path):
    assert [problem.what for problem in problems(tmp_path)] == ["has no source in lessons/ or solutions/"]


def test_every_problem_is_told_at_once(built):
    built.write("lessons/notes.md", "")
    (built.root / EXERCISE).unlink()
    edit(built, LESSON, lambda notebook: notebook["cells"][1].update(source=["mine"], execution_count=None))
    assert [problem.file for problem in problems(built.root)] == ["lessons/notes.md", LESSON, LESSON, EXERCISE]
