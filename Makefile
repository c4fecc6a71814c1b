# MT5 Monitor. `make help` lists the commands; the settings named there may be given as
# `make demo PORT=9000`, in the environment, or in a file `.env`.

PYTHON ?= python3
SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
STACK := exec $(BIN)/python -m mt5monitor.stack

.PHONY: help demo run test check bench requirements
.DEFAULT_GOAL := help

help:
	@echo 'make demo     try it: the whole stack on simulated accounts, at http://127.0.0.1:8000/'
	@echo 'make run      the same stack for the agents of your own desk'
	@echo 'make test     all tests on SQLite, those about rows on PostgreSQL; ARGS="tests/x.py -k y" for some, DB=postgres'
	@echo 'make check    lint, format, types, deployment checks, missing migrations'
	@echo 'make bench    the measurements of benchmarks/; BENCH=name for one'
	@echo 'make requirements   pins anew what pyproject.toml asks for (needs uv)'
	@echo ''
	@echo 'Settings: PORT=8000 BIND=127.0.0.1 PUBLIC_URL STATE_DIR=var DATABASE_URL REDIS_URL PYTHON=python3;'
	@echo 'for the demo also ACCOUNTS=69 SEED=1 DEMO_PASSWORD. All of them: docs/operations/settings.md.'

demo: $(VENV)/.product
	@$(STACK) --with-parent demo

run: $(VENV)/.product
	@$(STACK) --with-parent run

test: $(VENV)/.tests
	@exec $(BIN)/python -m tests.run $(ARGS)

check: $(VENV)/.tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	find templates -name '*.html' -exec $(BIN)/djade --check --target-version 5.2 {} +
	@state=$$(mktemp -d) && trap 'rm -rf "$$state"' EXIT && set -e && \
	for command in 'check --deploy --fail-level WARNING' 'makemigrations --check --dry-run'; do \
		echo "manage.py $$command"; \
		env -u DATABASE_URL -u REDIS_URL STATE_DIR="$$state" PUBLIC_URL=https://monitor.example.com \
			$(BIN)/python manage.py $$command; \
	done
	@echo 'All checks passed.'

bench: $(VENV)/.tests
	@exec $(BIN)/python -m benchmarks $(BENCH)

requirements:
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes pyproject.toml -o requirements.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes agent/requirements.in -o agent/requirements.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --group dev -c requirements.txt -o requirements-dev.txt

# Each stamp is written when its step succeeded, so that an interrupted one is done again.
$(VENV)/.made:
	@command -v $(PYTHON) >/dev/null 2>&1 || \
		{ echo 'Python was not found as "$(PYTHON)": install Python 3.11 or later, or set PYTHON=...' >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "MT5 Monitor needs Python 3.11 or later; $(PYTHON) is $$($(PYTHON) -V 2>&1): set PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
		{ echo "$(PYTHON) lacks venv or ensurepip (Debian and Ubuntu: apt-get install python3-venv)." >&2; exit 1; }
	@echo 'Making $(VENV) ...'
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.product: $(VENV)/.made requirements.txt
	@echo 'Installing what it needs into $(VENV) ...'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

$(VENV)/.tests: $(VENV)/.product requirements-dev.txt
	@echo 'Installing what the tests need into $(VENV) ...'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@
