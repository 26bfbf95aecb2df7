# Trainwright's verbs. `make` alone lists them.
# Needs Python 3.11 or newer, make and a package index; everything else is set up inside this folder.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The interpreter's own caches save a second at every start of a process.
unexport PYTHONDONTWRITEBYTECODE
unexport VIRTUAL_ENV
export PIP_DISABLE_PIP_VERSION_CHECK := 1
INSTALL := $(BIN)/python -m pip install --quiet -c constraints.txt

.DEFAULT_GOAL := help
.PHONY: help rehearse test check format bench soak test-more clean

help: ## list the verbs
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

rehearse: $(VENV)/.base ## the main job, on the embedded account
	@$(BIN)/trainwright rehearse

test: $(VENV)/.test ## format, lint, types and every test that needs no more than the index
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -m "not more" -n auto --maxprocesses 4 --dist loadfile

check: test ## the same

format: $(VENV)/.test ## format and mend what can be mended by itself
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.base ## what the main job costs: seconds, overhead, transitions, Lambda calls; and the templates at rest
	@$(BIN)/python tools/bench.py

soak: $(VENV)/.base ## loads and chaos: 200 runs at once, 1,000 empty ones, 300 under random faults, 100 replayed (some minutes)
	@for load in many empty chaos replay; do echo "soak: $$load"; $(BIN)/python tools/soak $$load || exit 1; done

test-more: $(VENV)/.more .sdk/v2/.installed .sdk/v3/.installed .sdk/aws/.installed ## the tests that need torch, AWS's SDKs and CLI or a browser; says what it ran and what it could not
	@test -f .rehearsal/last/report.html || $(BIN)/trainwright rehearse
	$(BIN)/python -m pytest -m more -rA

# The SageMaker SDKs judge what we render for them, and they and the AWS CLI are clients of the embedded account. Each has
# dependencies of its own and lives in an environment of its own; where one cannot be installed, its tests skip and say so.
# PyPI has version 1 of the AWS CLI only: an `aws` of version 2 on PATH is taken in its place.
.sdk/%/.installed: tools/requirements-sdk-%.txt | $(VENV)/bin/python
	@echo "set-up: installing $(shell sed -n 's/^\([a-z]*\)==/\1 /p' tools/requirements-sdk-$*.txt) in an environment of its own"
	@$(VENV)/bin/python -m venv .sdk/$*
	@.sdk/$*/bin/python -m pip install --quiet -r $< && touch $@ || echo "set-up: it could not be installed"

clean: ## remove what was made here: environment, tools, rehearsals, caches
	rm -rf $(VENV) .sdk node_modules .rehearsal cdk.out dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; $(PYTHON) is older or missing. Use: make PYTHON=python3.12 ..."; exit 1; }
	@echo "set-up: creating $(VENV) with $(PYTHON)"
	@$(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV); echo "$(PYTHON) -m venv failed: on Debian and Ubuntu, install python3-venv."; exit 1; }

$(VENV)/.base: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "set-up: installing trainwright and what it needs (the first time takes a minute)"
	@$(INSTALL) -e .
	@touch $@

$(VENV)/.test: $(VENV)/.base
	@echo "set-up: installing what the tests need"
	@$(INSTALL) -e '.[test]'
	@touch $@

# Heavy things stay out of the locks: torch, for one, is another wheel on every platform.
$(VENV)/.more: $(VENV)/.test tools/requirements-more.txt
	@echo "set-up: installing what the further tests need (torch, playwright)"
	@$(INSTALL) -r tools/requirements-more.txt
	@command -v chromium chromium-browser google-chrome google-chrome-stable >/dev/null || \
	  $(BIN)/python -m playwright install --only-shell chromium || echo "set-up: no browser could be installed"
	@touch $@
