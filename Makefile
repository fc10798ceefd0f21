# `make` without arguments lists the targets.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEV_STAMP := $(VENV)/.installed-dev

.PHONY: help install dev demo run check test mutation bench bench-entities bench-peers soak chaos compose-test clean

help: ## List the targets.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

install: $(STAMP) ## Create a virtual environment and install news-ingest.

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed: make PYTHON=python3.11 …")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

dev: $(DEV_STAMP)

$(DEV_STAMP): $(STAMP) pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --group dev
	@touch $@

demo: install ## Run the whole pipeline on invented sites, offline, in under a minute.
	$(BIN)/news-ingest demo --once

run: install ## Poll the feeds of config/feeds.yml until Ctrl-C.
	$(BIN)/news-ingest run

check: dev ## Lint, types, import layers, unit and house tests.
	$(BIN)/ruff format --check --quiet . || { echo "run: $(BIN)/ruff format ."; exit 1; }
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy --no-error-summary
	$(BIN)/lint-imports --verbose | tail -n 3
	$(BIN)/python -m pytest -q -n 2 --dist worksteal -m "not slow and not kafka and not elasticsearch" tests/unit tests/house

test: dev ## All tests; downloads and starts a real Kafka and Elasticsearch.
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy --no-error-summary
	$(BIN)/lint-imports --verbose | tail -n 3
	$(BIN)/python -m pytest -n 2 --dist worksteal

mutation: dev ## Mutation tests of the pure modules; takes over half an hour.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --group mutation
	nice -n 15 $(BIN)/mutmut run --max-children 2
	$(BIN)/python scripts/mutation_scores.py

bench: dev ## One table of speeds as ratios, and of memory.
	$(BIN)/python -m tests.benchmarks

bench-entities: dev ## How well names are found, on the annotated sets at hand.
	$(BIN)/python -m tests.benchmarks entities

bench-peers: dev ## Compare with other projects on the same feeds and pages.
	$(BIN)/python -m tests.benchmarks polling --peers
	$(BIN)/python -m tests.benchmarks extraction-peers

soak: dev ## Ten minutes of 2,000 feeds with faults: no loss, no leak, polite requests.
	$(BIN)/python -m tests.soak

chaos: dev ## An hour of kills and half-failures with real servers: no loss, no double, no leak.
	$(BIN)/python -m tests.chaos

compose-test: dev ## docker-compose.yml in a real container engine; needs Docker with Compose, as root.
	$(BIN)/python -m tests.compose

clean: ## Remove the virtual environment and all build output.
	rm -rf $(VENV) build dist *.egg-info mutants .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
