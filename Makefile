# Each target makes what it needs: a virtual environment in .venv, from pyproject.toml.
# PYTHON chooses the interpreter (3.11 or later).

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help serve test fuzz lint bench docs samples clean

help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or later is needed: make PYTHON=python3.11 ..." >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)

# One stamp for each set of extras, so that each target installs only what it needs.
$(VENV)/.%: pyproject.toml | $(BIN)/python
	$(PIP) --editable '.[$*]'
	@touch $@

serve: $(VENV)/.serve  ## a real Placement behind the guard, on SQLite in var/
	@exec $(BIN)/placement-guard serve $(ARGS)

test: $(VENV)/.test  ## all tests, with branch coverage
	$(BIN)/pytest --numprocesses=auto --dist=loadfile --no-loadscope-reorder --cov --cov-report=term $(ARGS)

N ?= 2000
fuzz: $(VENV)/.fuzz  ## N odd requests, bare against guarded: N=20000 DATABASE=mariadb
	$(BIN)/python -m tests.differential $(N) $(if $(DATABASE),--database '$(DATABASE)') $(ARGS)

lint: $(VENV)/.lint  ## style, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.bench  ## what the guard costs, bare against guarded, with a chart in var/bench
	$(BIN)/python -m benchmarks --save var/bench $(ARGS)

docs: $(VENV)/.docs  ## the documentation, into docs/_build/html
	$(BIN)/sphinx-build -W --keep-going -q -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

samples: $(VENV)/.test  ## regenerate etc/ and the generated pages of docs/
	$(BIN)/python -m tests.generated

clean:  ## remove what the other targets made, but not var/
	rm -rf $(VENV) build dist docs/_build .mypy_cache .ruff_cache .pytest_cache .coverage*
