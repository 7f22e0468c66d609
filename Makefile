# Needs nothing but Python 3.11 or newer, make, and a package index. Everything goes into .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(VENV)/runtime ## Text and call the line in a browser
	$(BIN)/referral-line demo

.PHONY: test
test: $(VENV)/dev ## Run every test, with branch coverage
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest
	@$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

.PHONY: check
check: $(VENV)/dev ## Format, lint, types, architecture, script, catalogues, services
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/referral-line script check --strict
	$(BIN)/referral-line catalogue check
	$(BIN)/referral-line services check
	$(BIN)/pybabel -q extract -F babel.cfg --no-location --width 0 -o $(VENV)/messages.pot src
	@for file in $(VENV)/messages.pot locales/messages.pot; do sed '1,/^$$/d' $$file | cksum; done | uniq | wc -l \
		| grep -qx '[[:space:]]*1' \
		|| { echo "locales/messages.pot is behind the script: run referral-line catalogue update" >&2; exit 1; }

.PHONY: fix
fix: $(VENV)/dev ## Format the code and mend what the linter can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: catalogues
catalogues: $(VENV)/dev ## Bring template and catalogues up to the script; changed texts turn fuzzy
	$(BIN)/referral-line catalogue update

.PHONY: coverage
coverage: test ## Test, then write the coverage report to htmlcov/
	$(BIN)/coverage html --quiet

.PHONY: bench
bench: $(VENV)/dev ## Measure a turn against what it would cost to render it anew
	$(BIN)/python tests/bench.py

.PHONY: lock
lock: ## Pin every requirement anew, with hashes (needs uv)
	$(LOCK) pyproject.toml -o requirements/runtime.txt $(UPGRADE)
	$(LOCK) pyproject.toml --group build -o requirements/build.txt -c requirements/runtime.txt $(UPGRADE)
	$(LOCK) pyproject.toml --group dev --group build -o requirements/dev.txt -c requirements/runtime.txt $(UPGRADE)

$(VENV)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; name one: make PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/runtime: $(VENV)/python requirements/runtime.txt requirements/build.txt pyproject.toml
	$(PIP) install --require-hashes -r requirements/build.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev: $(VENV)/runtime requirements/dev.txt
	$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@
