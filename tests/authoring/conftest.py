"""A small course on disk, for tests of what builds and checks the notebooks."""

from pathlib import Path

import pytest

from fortyfive.authoring.notebooks import exercise_cells, find_sources, read_cells, solution_cells, to_notebook, to_text

LESSON = """\
# %% [markdown]
# # A lesson

# %%
print("one")

# %%
2
"""

SOLUTION = """\
# %% [markdown]
# # An exercise

# %%
def double(x):
    # BEGIN SOLUTION
    return x * 2
    # END SOLUTION


# %%
# BEGIN SOLUTION
rate_per_s: float = 3.0
# END SOLUTION

# %% tags=["solution"]
double(rate_per_s)
"""


class Course:
    """A folder with one lesson and one solution of the stem `05_fan_out`, sources only."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for folder in ("lessons", "exercises", "solutions"):
            (root / folder).mkdir()
        self.write("lessons/05_fan_out.py", LESSON)
        self.write("solutions/05_fan_out.py", SOLUTION)

    def write(self, name, text):
        (self.root / name).write_bytes(text.encode())

    def read(self, name):
        return (self.root / name).read_bytes().decode()

    def source(self, name):
        """Return the source of that name."""
        return next(source for source in find_sources(self.root) if source.name == name)

    def pretend_to_build(self):
        """Write every notebook as if its cells had been run, without the time a kernel takes."""
        for source in find_sources(self.root):
            cells = read_cells(source)
            notebook = to_notebook(solution_cells(cells))
            code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code" and cell["source"]]
            for count, cell in enumerate(code, 1):
                cell["execution_count"] = count
                cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "one\n"}]
            self.write(source.notebook, to_text(notebook))
            if source.exercise:
                self.write(source.exercise, to_text(to_notebook(exercise_cells(cells))))

    def cells(self, text, name="solutions/05_fan_out.py"):
        """Return the cells that `text` gives as the source `name`."""
        self.write(name, text)
        return read_cells(self.source(name))


@pytest.fixture
def course(tmp_path):
    root = tmp_path / "course"
    root.mkdir()
    return Course(root)
