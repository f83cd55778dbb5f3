# Every command of the course. `make` alone lists them; README.md gives the same steps without make.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
LAB_ARGS ?=
# Where all is installed already it does nothing, in about 0.1 s.
INSTALL = command -v "$(PYTHON)" >/dev/null || { echo "There is no '$(PYTHON)' here. Install Python 3.11 or newer from \
	https://www.python.org/downloads/ or name yours: make lab PYTHON=python3.12" >&2; exit 1; }; "$(PYTHON)" install.py

.DEFAULT_GOAL := help
.PHONY: help lab install install-dev test check notebooks board book bench soak requirements clean

help:
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-20s %s\n", $$1, $$2 }'

lab: install ## open the course in JupyterLab (LAB_ARGS is passed through)
	@$(BIN)/forty lab $(LAB_ARGS)

install: ## make .venv and install the course, nothing else
	@$(INSTALL) requirements.txt

install-dev:
	@$(INSTALL) requirements-dev.txt

test: check ## everything CI runs: the checks, the tests, the notebooks, the book, a real browser
	@$(BIN)/python -m pytest

check: install-dev ## style, types, and whether everything generated is up to date
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python -m fortyfive.authoring --check

notebooks: install-dev ## write lessons/, exercises/ and solutions/ notebooks from their sources
	@$(BIN)/python -m fortyfive.authoring

board: install-dev ## bundle the drawing board's script for the browser (needs npm)
	@$(BIN)/python -m fortyfive.authoring.board

book: install ## build the book into _build/html
	@$(BIN)/forty book

bench: install-dev ## measure, print a table, write benchmarks/results.json
	@$(BIN)/python -m benchmarks

soak: install-dev ## the long tests: many kills, many seeds, repeated notebooks
	@$(BIN)/python -m pytest -m soak

COMPILE = $(BIN)/python -m uv pip compile -q --universal --fork-strategy fewest --python-version 3.11 \
	--no-annotate --custom-compile-command "make requirements" pyproject.toml

requirements: install-dev ## resolve the pins again from pyproject.toml
	@$(COMPILE) -o requirements.txt
	@$(COMPILE) --extra dev -c requirements.txt -o requirements-dev.txt
	@for file in requirements.txt requirements-dev.txt; do echo '-e .' >> $$file; done

clean: ## remove what was built, and the environment
	@rm -rf $(VENV) _build .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
