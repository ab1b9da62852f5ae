# Every recipe that people and the continuous integration run; `make` alone lists them.
# Needs Python 3.11 or newer, and make. Everything else comes at the versions and hashes of the two lock files.

PYTHON ?= python3
VENV ?= .venv
COMPARISON ?= .venv-comparison
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
JOBS ?= 2
SECONDS ?= 60

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint types pytest bench bench-quick comparison simulate simulation-table format lock docs territoires clean

help: ## list the recipes
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(VENV)/.runtime ## make .venv, with moisson in it
	@echo "Ready. Type: make demo, or $(BIN)/moisson --help"

demo: $(VENV)/.runtime ## a whole harvest from the API's double, no account needed
	@PATH="$(abspath $(BIN)):$$PATH" moisson demo
	@echo 'So that the shell finds moisson, first type: . $(BIN)/activate'

test: lint types pytest ## lint, types and all tests

lint: $(VENV)/.dev ## style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev ## strict type checking
	$(BIN)/mypy

pytest: $(VENV)/.dev ## the tests alone; ARGS="-k settings" chooses some
	$(BIN)/python -m pytest -n $(JOBS) $(ARGS)

bench: $(VENV)/.dev ## measure the budgets at full size, about an hour; NAMES="quiet kills" chooses some
	$(BIN)/python bench $(NAMES)

bench-quick: $(VENV)/.dev ## the same with smaller worlds, under five minutes
	$(BIN)/python bench --quick $(NAMES)

comparison: $(COMPARISON)/.ready ## beside other ways, and how cost grows, written into docs/comparison.md; ARGS="--offres 750000"
	$(COMPARISON)/bin/python bench/comparison.py $(ARGS)

simulate: $(VENV)/.dev ## whole harvests in virtual time; SECONDS=600 says for how long
	$(BIN)/python -m tests.simulation --seconds $(SECONDS) --jobs $(JOBS)

simulation-table: $(VENV)/.dev ## every named trouble and what came of it, written into docs/simulation.md
	$(BIN)/python -m tests.simulation --table --write --jobs $(JOBS)

format: $(VENV)/.dev ## rewrite the sources in the house's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.dev ## write docs/commands.md, tables.md and indicators.md again from what they tell of
	$(BIN)/python tests/cli/reference.py > docs/commands.md
	$(BIN)/python tests/store/reference.py > docs/tables.md
	$(BIN)/python tests/store/indicators/reference.py > docs/indicators.md

territoires: $(VENV)/.dev ## make the geography that is shipped again, from tools/territoires/sources.toml (needs npm)
	$(BIN)/python -m tools.territoires

# No address of a package index enters the lock files: each machine uses its own.
LOCK := $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	--no-annotate --no-emit-index-url --no-emit-find-links

lock: $(VENV)/.dev ## choose the newest versions that pyproject.toml allows, and write the three lock files
	$(LOCK) --upgrade --group build --output-file requirements.lock
	$(LOCK) --upgrade --all-extras --group dev --constraint requirements.lock --output-file requirements-dev.lock
	$(LOCK) --upgrade --group build --group comparison --constraint requirements.lock \
		--output-file requirements-comparison.lock

clean: ## remove the environment and the caches; stores stay
	rm -rf $(VENV) $(COMPARISON) .mypy_cache .pytest_cache .ruff_cache .hypothesis dist build

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Moisson needs Python 3.11 or newer; $(PYTHON) is older. Try: make setup PYTHON=python3.11" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements.lock pyproject.toml | $(VENV)/bin/python
	$(PIP_INSTALL) --no-deps --require-hashes -r requirements.lock
	$(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

# An environment of its own: the libraries of the others, and Moisson as it is here.
$(COMPARISON)/.ready: requirements-comparison.lock pyproject.toml
	$(PYTHON) -m venv $(COMPARISON)
	$(COMPARISON)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	$(COMPARISON)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.runtime
	$(PIP_INSTALL) --no-deps --require-hashes -r requirements-dev.lock
	@touch $@
