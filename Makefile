# Every command starts from a fresh clone: it sets up what it needs in .venv first.

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
STAMP := .venv/.set-up
INTEGRATION = $(wildcard tests/integration tests/contract)
ARGS ?=
# Tests that run at once. Many wait most of the while, so three more than there are processors.
LANES ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 3)

.DEFAULT_GOAL := help
.PHONY: help setup check fmt unit test coverage matrix bare floor walk recipes celery browser pictures djangotasks ruby chaos mutants demo bench clean

help: ## list these commands
	@grep -E '^[a-z]+:.*## ' Makefile | sed -E 's/^([a-z]+):.*## /make \1\t/' | expand -t 14

setup: $(STAMP) ## make .venv and install kiq with all that developing it needs

check: $(STAMP) ## format, lint, types, import floors: before each commit
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --strict --no-error-summary kiq pytest_kiq.py
	@out=$$($(BIN)/lint-imports --no-logo 2>&1) || { echo "$$out"; exit 1; }
	@echo "check: all is well"

fmt: $(STAMP) ## format the code and mend what the linter can mend
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format --quiet .

unit: $(STAMP) ## the tests that need no server, in seconds; more for pytest in ARGS="-k name"
	@$(BIN)/pytest tests/unit $(ARGS)

test: $(STAMP) ## all tests; those of KIQ_TEST_REDIS_SERVER_2 on that server as well
	@$(BIN)/pytest -n $(LANES) --dist worksteal $(ARGS)
	@if [ -n "$$KIQ_TEST_REDIS_SERVER_2" ]; then \
		echo "once more, on $$KIQ_TEST_REDIS_SERVER_2:"; \
		KIQ_TEST_REDIS_SERVER="$$KIQ_TEST_REDIS_SERVER_2" $(BIN)/pytest -n $(LANES) --dist worksteal $(INTEGRATION) $(ARGS); \
	fi

coverage: $(STAMP) ## all tests, and which lines they reach: half as slow again
	@rm -f .coverage .coverage.*
	@$(BIN)/pytest -n $(LANES) --dist worksteal --cov --cov-report=term $(ARGS)

matrix: $(STAMP) ## other Pythons, no extras, oldest dependencies; SQUARES="bare python-3.13" for some
	@LANES=$(LANES) PYTEST_ARGS='$(ARGS)' $(BIN)/python -m tests.matrix.run $(SQUARES)

bare: $(STAMP) ## kiq without any extra: of the matrix
	@$(MAKE) --no-print-directory matrix SQUARES="bare floor-bare"

floor: $(STAMP) ## the oldest of all that kiq depends on: of the matrix
	@$(MAKE) --no-print-directory matrix SQUARES="floor floor-bare"

walk: $(STAMP) ## what README says, typed into a shell, and a wheel beside a Redis
	@$(BIN)/pytest tests/walk/walk_*.py --timeout 600 --capture=no $(ARGS)

recipes: $(STAMP) ## the recipes of deploy/, with the supervisors that are here: 2 minutes
	@[ -x .venvs/recipes/bin/python ] || $(PYTHON) -m venv .venvs/recipes
	@.venvs/recipes/bin/python -m pip install --quiet --disable-pip-version-check -r tests/recipes/requirements.txt
	@$(BIN)/pytest tests/recipes/run_*.py -rs $(ARGS)

celery: $(STAMP) ## the application of examples/from_celery on Celery itself, and on kiq
	@[ -x .venvs/celery/bin/python ] || $(PYTHON) -m venv .venvs/celery
	@.venvs/celery/bin/python -m pip install --quiet --disable-pip-version-check "celery[redis]>=5.5"
	@KIQ_TEST_CELERY=$(CURDIR)/.venvs/celery/bin/python $(BIN)/pytest tests/e2e/test_celery_example.py -rs $(ARGS)

browser: $(STAMP) ## the web UI in Chromium, alone and in Django, Flask and FastAPI
	@[ -x .venvs/browser/bin/python ] || $(PYTHON) -m venv .venvs/browser
	@.venvs/browser/bin/python -m pip install --quiet --disable-pip-version-check -r tests/browser/requirements.txt \
		-e ".[test,hiredis,embedded,profiling,web,periodic,django,flask,fastapi,async]"
	@.venvs/browser/bin/python -m pytest tests/browser/browse_*.py --timeout 300 $(ARGS)

pictures: browser ## make the pictures of docs/web.md anew: 3 minutes
	@.venvs/browser/bin/python -m tests.browser.pictures

djangotasks: $(STAMP) ## Django's own tests of tasks, with kiq's backend: half a minute
	@$(BIN)/python -m tests.django_tasks.run $(ARGS)

ruby: $(STAMP) ## the tests beside Ruby's Sidekiq: this machine's, and where they can be had, newer Debians'
	@rubies="$$(.ci/rubies)" && KIQ_TEST_RUBIES="$$rubies" \
		$(BIN)/pytest -n $(LANES) --dist loadscope tests/contract/ruby $(ARGS)

chaos: $(STAMP) ## kill, cut and freeze workers and Redis; LONG=1 for the long form, half an hour
	@CHAOS_LONG=$(LONG) $(BIN)/pytest -n $(LANES) --dist worksteal tests/chaos $(ARGS)
	@if [ -n "$(LONG)" ]; then \
		$(BIN)/python -m tests.chaos.campaign && \
		$(BIN)/python -m tests.chaos.parents && \
		$(BIN)/python -m tests.fuzz.run --payloads 1000000 && \
		$(BIN)/python -m tests.model.explore --processes 2 --jobs 3 --faults 3 && \
		$(BIN)/python -m tests.model.simulate --seeds 1000 --first 1 --events 500; \
	fi

mutants: $(STAMP) ## make mistakes in copies of kiq on purpose: the tests must notice each
	@$(BIN)/python -m tests.mutants.run $(ARGS)

demo: $(STAMP) ## see kiq at work, on a server of its own
	@$(BIN)/python demo/run.py

bench: $(STAMP) ## how to measure
	@echo "Each file in benchmarks/ is a measurement; it says at its top what it measures. Run one with"
	@for each in $(filter-out benchmarks/support.py,$(wildcard benchmarks/*.py)); do echo "  $(BIN)/python $$each"; done
	@echo "Run it pinned to one CPU too (taskset -c 0), and report both figures."

clean: ## remove what tools have left; .venv and .venvs stay
	@rm -rf .coverage .coverage.* htmlcov dist build .mypy_cache .ruff_cache .pytest_cache \
		.hypothesis .import_linter_cache
	@find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +

$(STAMP): pyproject.toml
	@if [ -z "$(PYTHON)" ]; then \
		echo "kiq needs Python 3.11 or newer, and found none. Name yours: make setup PYTHON=..." >&2; \
		exit 1; \
	fi
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "kiq needs Python 3.11 or newer; $(PYTHON) is not. Name another: make setup PYTHON=..." >&2; \
		exit 1; \
	}
	@$(BIN)/python -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
		|| $(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@
