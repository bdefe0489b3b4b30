# `make help` lists the targets. All packages are installed into .venv, from lock files with hashes.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras \
	--no-emit-index-url --no-emit-find-links --no-header setup.cfg
NODE_MODULES := tests/frontend/node_modules/.package-lock.json
CACHE_PROOFS := tests/proofs/test_cache.py
PROCESS_PROOFS := $(patsubst %,tests/proofs/test_%.py,database_restarts killed_servers live_load mail_client_calendar outbox slow_clients)
EXPRESS := benchmarks/peers/express/node_modules/.package-lock.json
.DEFAULT_GOAL := help
.PHONY: help install run test test-fast proofs proofs-model proofs-cache proofs-processes check format migrate revision seed lock
.PHONY: bench bench-quick bench-growth bench-sizing

help: ## list these targets
	@grep -hE '^[a-z.-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z.-]+):.*## /\1\t/' | expand -t 18

install: .venv/.runtime .env ## install the server into .venv, and write .env with new secrets

run: install migrate ## serve a demo world on http://127.0.0.1:8000 (PORT), with a worker
	@$(BIN)/flask --app wsgi seed demo
	@$(BIN)/python -c 'from interviews_api.config import Settings; url = Settings.load().public_url; \
	print("Serving on", url, "- try it on", url + "/docs")'
	@$(BIN)/flask --app wsgi worker & worker=$$!; $(BIN)/gunicorn wsgi:app & server=$$!; \
	trap 'kill $$worker $$server 2>/dev/null; wait' EXIT; trap 'exit 0' TERM INT; wait $$server

test: .venv/.development $(if $(shell command -v npm),$(NODE_MODULES)) ## run all tests on SQLite and Postgres
	$(BIN)/python -m pytest -n 2 --cov --cov-report=term:skip-covered $(ARGS)

test-fast: .venv/.development ## run the tests without servers or waits, on SQLite, in a minute
	$(BIN)/python -m pytest -q -n 2 --database sqlite -m "not slow and not proof" tests/unit tests/api tests/db $(ARGS)

proofs: proofs-model proofs-cache proofs-processes ## run all proofs in full, in half an hour

proofs-model: .venv/.development ## run the proofs of models, races and order
	PROOFS=full $(BIN)/python -m pytest -v -m proof $(filter-out $(CACHE_PROOFS) $(PROCESS_PROOFS),$(wildcard tests/proofs/test_*.py)) $(ARGS)

proofs-cache: .venv/.development ## run the proof of the response cache
	PROOFS=full $(BIN)/python -m pytest -v -m proof $(CACHE_PROOFS) $(ARGS)

proofs-processes: .venv/.development ## run the proofs of killed and stopped processes
	PROOFS=full $(BIN)/python -m pytest -v -m proof $(PROCESS_PROOFS) $(ARGS)

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
