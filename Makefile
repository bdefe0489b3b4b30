# `make help` lists what there is. Everything is installed into .venv from the hashed lock files.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url --no-emit-find-links --no-header setup.cfg
NODE_MODULES := tests/frontend/node_modules/.package-lock.json
EXPRESS := benchmarks/peers/express/node_modules/.package-lock.json
.DEFAULT_GOAL := help
.PHONY: help install run test proofs check format migrate revision seed bench bench-quick bench-growth bench-sizing lock

help: ## list these targets
	@grep -hE '^[a-z.]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z.]+):.*## /\1\t/' | expand -t 10

install: .venv/.runtime .env ## make .venv with what the server needs, and .env with secrets of its own

run: install migrate ## migrate, load the demo world, start the worker and serve on http://127.0.0.1:$PORT (8000)
	@$(BIN)/flask --app wsgi seed demo
	@$(BIN)/python -c 'from interviews_api.config import Settings as S; print("Serving on", S.load().public_url, "- try it on", S.load().public_url + "/docs")'
	@$(BIN)/flask --app wsgi worker & worker=$$!; $(BIN)/gunicorn wsgi:app & server=$$!; \
	trap 'kill $$worker $$server 2>/dev/null; wait' EXIT; trap 'exit 0' TERM INT; wait $$server

test: .venv/.development $(if $(shell command -v npm),$(NODE_MODULES)) ## run the whole suite on SQLite and Postgres
	$(BIN)/python -m pytest -n 2 --cov --cov-report=term:skip-covered $(ARGS)

proofs: .venv/.development ## run the proofs in full, under an hour, and print their table
	PROOFS=full $(BIN)/python -m pytest -v -m proof $(ARGS)

check: .venv/.development ## lint, formatting, types, import directions
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/.development ## format the code and mend what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

migrate: .venv/.runtime ## bring the database of DATABASE_URL to the newest tables
	@$(BIN)/alembic upgrade head

revision: .venv/.development ## write a migration from the models: make revision m="add x"
	$(BIN)/alembic revision --autogenerate -m "$(m)"

seed: install migrate ## load the demo world
	$(BIN)/flask --app wsgi seed demo

bench: .venv/.bench $(if $(shell command -v npm),$(EXPRESS)) ## ours, the limit and the peers in turn, with wrk; fails when a target is missed
	$(BIN)/python -m benchmarks

bench-quick: .venv/.bench $(if $(shell command -v npm),$(EXPRESS)) ## the same with less of everything, in two minutes
	$(BIN)/python -m benchmarks quick

bench-sizing: .venv/.development ## workers, threads and --preload against each other
	$(BIN)/python -m benchmarks.sizing

bench-growth: .venv/.development ## the same calls over 200 thousand and 2 million interviews (STEPS=2: and 20 million, half an hour)
	$(BIN)/python -m benchmarks.growth $(or $(STEPS),1)

lock: .venv/.development ## write the lock files anew from setup.cfg
	$(LOCK) --extra build --output-file requirements.txt
	$(LOCK) --extra build --extra test --extra dev --constraint requirements.txt --output-file requirements-dev.txt
	$(LOCK) --extra bench --constraint requirements-dev.txt --output-file requirements-bench.txt

.env: | .venv/.runtime
	@umask 077; $(BIN)/python -c 'import secrets; print("ENVIRONMENT=development", *(f"{name}={secrets.token_hex(32)}" for name in ("JWT_SECRET_KEY", "SECRET_KEY")), sep="\n")' > .env

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
