# `make help` lists the targets. All packages are installed into .venv, from lock files with hashes.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras \
	--no-emit-index-url --no-emit-find-links --no-header setup.cfg
NODE_MODULES := tests/frontend/node_modules/.package-lock.json
PROOFS := matrices model lists races calendars cache deliveries processes programs network live http floods accounts faults
FILES_matrices := api db worker
FILES_model := proofs/test_transition_model proofs/test_briefing
FILES_lists := proofs/test_serializers api/test_candidate_lists
FILES_races := proofs/test_races proofs/test_event_order proofs/test_cached_reads
FILES_calendars := proofs/test_calendar_programs proofs/test_calendar_feed proofs/test_mail_client_calendar api/test_email_link
FILES_cache := proofs/test_cache
FILES_deliveries := proofs/test_outbox proofs/test_fair_mail
FILES_processes := proofs/test_killed_servers proofs/test_database_restarts server/test_make_run
FILES_programs := server/test_metrics server/test_server_log
FILES_network := proofs/test_live_load proofs/test_live_seats proofs/test_slow_clients server/test_live_handshake server/test_live_updates
FILES_live := server/test_live_closing server/test_live_bounds server/test_live_clocks
FILES_http := server/test_openapi_contract server/test_frontend server/test_http_edge server/test_nginx api/test_hostile_bodies
FILES_floods := proofs/test_floods
FILES_accounts := proofs/test_account_floods proofs/test_account_recovery
FILES_faults := proofs/test_faults proofs/test_clock_faults
TIMED := races processes network live floods accounts faults  # they measure times, or race for the processors: one test at a time
# SQLite waits for the disk at each commit, so the tests' files lie in memory where it has room.
MEMORY := $(shell df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 && $$4 > 4000000 {print "/dev/shm"}')
EXPRESS := benchmarks/peers/express/node_modules/.package-lock.json
.DEFAULT_GOAL := help
.PHONY: help install run test test-fast proofs $(PROOFS:%=proofs-%) check format migrate revision seed lock
.PHONY: bench bench-quick bench-growth bench-sizing
.NOTPARALLEL:  # not even with -j, because tests share the processors

help: ## list these targets
	@grep -hE '^[a-z.-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z.-]+):.*## /\1\t/' | expand -t 18

install: .venv/.runtime .env ## install the server into .venv, and write .env with new secrets

run: install migrate ## serve a demo world on http://127.0.0.1:8000 (PORT), with a worker
	@$(BIN)/flask --app wsgi seed demo
	@$(BIN)/python -c 'from interviews_api.config import Settings; url = Settings.load().public_url; \
	print("Serving on", url, "- try it on", url + "/docs")'
	@$(BIN)/flask --app wsgi worker & worker=$$!; $(BIN)/gunicorn wsgi:app & server=$$!; \
	trap 'kill $$worker $$server 2>/dev/null; wait' EXIT; trap 'exit 0' TERM INT; wait $$server

ifneq ($(MEMORY),)
test test-fast proofs $(PROOFS:%=proofs-%): export TMPDIR ?= $(MEMORY)
endif
test: .venv/.development $(if $(shell command -v npm),$(NODE_MODULES)) ## run all tests on SQLite and Postgres, each case of a matrix on one
	$(BIN)/python -m pytest -n 4 --dist worksteal --cov --cov-report=term:skip-covered $(ARGS)

test-fast: .venv/.development ## run the tests without servers or waits, on SQLite, in a minute
	$(BIN)/python -m pytest -q -n 2 --database sqlite -m "not slow and (matrix or not proof)" tests/unit tests/api tests/db $(ARGS)

proofs: $(PROOFS:%=proofs-%) ## run all proofs in full, in 90 minutes; `make -k proofs` goes on after a failure; `make proofs-races` runs one

$(PROOFS:%=proofs-%): proofs-%: .venv/.development $(if $(shell command -v npm),$(NODE_MODULES))
	PROOFS=full $(BIN)/python -m pytest -v -m $(if $(filter $*,matrices),matrix,proof) $(if $(filter $*,$(TIMED)),,-n 2) \
		$(wildcard $(FILES_$*:%=tests/%.py) $(FILES_$*:%=tests/%)) $(ARGS)

check: .venv/.development ## check lint, formatting, types and imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/.development ## format the code and apply ruff's fixes
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

migrate: .venv/.runtime ## migrate the database of DATABASE_URL
	@$(BIN)/alembic upgrade head

revision: .venv/.development ## write the next migration from the models: make revision m="add x"
	$(BIN)/alembic revision --autogenerate -m "$(m)"

seed: install migrate ## load the demo world
	$(BIN)/flask --app wsgi seed demo

bench: .venv/.bench $(if $(shell command -v npm),$(EXPRESS)) ## measure against bare WSGI, FastAPI and Express
	$(BIN)/python -m benchmarks

bench-quick: .venv/.bench $(if $(shell command -v npm),$(EXPRESS)) ## the same, in two minutes
	$(BIN)/python -m benchmarks quick

bench-sizing: .venv/.development ## compare numbers of workers and threads
	$(BIN)/python -m benchmarks.sizing

bench-growth: .venv/.development ## measure with up to 2,000,000 interviews (STEPS=2: 20,000,000)
	$(BIN)/python -m benchmarks.growth $(or $(STEPS),1)

lock: .venv/.development ## write the lock files from setup.cfg
	$(LOCK) --extra build --output-file requirements.txt
	$(LOCK) --extra build --extra test --extra dev --constraint requirements.txt \
		--output-file requirements-dev.txt
	$(LOCK) --extra bench --constraint requirements-dev.txt --output-file requirements-bench.txt

.env: | .venv/.runtime
	@umask 077; $(BIN)/python -c 'import secrets; names = "JWT_SECRET_KEY", "SECRET_KEY"; \
	print("ENVIRONMENT=development", *(f"{name}={secrets.token_hex(32)}" for name in names), sep="\n")' > .env

.venv/.runtime: requirements.txt setup.cfg
	$(PYTHON) -m venv .venv
	$(PIP) --require-hashes -r requirements.txt
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.development: .venv/.runtime requirements-dev.txt
	$(PIP) --require-hashes -r requirements-dev.txt
	@touch $@

.venv/.bench: .venv/.development requirements-bench.txt
	$(PIP) --require-hashes -r requirements-bench.txt
	@touch $@

%/node_modules/.package-lock.json: %/package-lock.json
	npm ci --prefix $* --no-audit --no-fund
