# Everything sets itself up: a machine with Python 3.11 or newer, make and git is enough.
#
#   make run        the site on this machine, with a demo market     (PORT=8000)
#   make check      style, types, import contracts, templates, migrations, deployment settings
#   make test       the whole suite: SQLite, PostgreSQL, Chromium    (PYTEST_ARGS="...")
#   make test-deep  races and random lives with fresh seeds          (MINUTES=60)
#   make bench      speed, each figure beside its reference         (BENCH_ARGS="--quick")
#   make shots      screenshots of the pages
#   make clean      remove what these made, the data of `make run` included

.DEFAULT_GOAL := run
.DELETE_ON_ERROR:
.PHONY: run test check test-deep bench shots clean
SHELL := /bin/sh

VENV := .venv
PY := $(VENV)/bin/python
RUNTIME := $(VENV)/.requirements
DEV := $(VENV)/.requirements-dev
PIP := $(PY) -m pip install --quiet --disable-pip-version-check --require-hashes
PYTEST := $(PY) -m pytest $(PYTEST_ARGS)
PARALLEL := -n 2 --dist worksteal
POSTGRES := $(PY) -m tests.support.postgres

run: $(RUNTIME)
	@exec $(PY) manage.py serve --prepare

test: $(DEV)
	@$(PY) -m tests.support.chromium
	@$(PY) -m tests.support.pango
	@echo "== The suite on SQLite"
	@$(PYTEST) $(PARALLEL) -m "not browser"
	@echo "== The suite on PostgreSQL"
	@$(POSTGRES) $(PYTEST) $(PARALLEL) -m "not browser"
	@echo "== The pages in Chromium"
	@$(PYTEST) -m browser

test-deep: $(DEV)
	@$(PY) tools/deep.py

check: $(DEV)
	@$(PY) tools/check.py

bench: $(DEV)
	@$(POSTGRES) --durable python -m tools.bench $(BENCH_ARGS)

shots: $(DEV)
	@$(PY) -m tests.support.chromium >/dev/null
	@$(PY) manage.py screenshots

clean:
	@rm -rf $(VENV) var staticfiles build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@rm -rf .import_linter_cache .coverage htmlcov
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# What is installed, and a stamp that says from which list ------------------------------------

$(RUNTIME): requirements.txt | $(PY)
	@echo "Installing what the site needs ..."
	@$(PIP) -r requirements.txt
	@touch $@

$(DEV): requirements-dev.txt | $(PY)
	@echo "Installing what the tools and tests need ..."
	@$(PIP) -r requirements-dev.txt
	@touch $@ $(RUNTIME)

$(PY):
	@for python in $(PYTHON) python3.11 python3 python3.12 python3.13 python3.14; do \
	  if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    $$python -m venv $(VENV) && exit 0; \
	    rm -rf $(VENV); \
	    echo "$$python cannot make virtual environments; on Debian, install python3-venv." >&2; \
	    exit 1; \
	  fi; \
	done; \
	echo "Python 3.11 or newer is needed. Install it, or name it: make PYTHON=/path/to/python" >&2; \
	exit 1
