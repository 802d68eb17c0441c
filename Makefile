# Thin: each target is one command, and each command can be run without make.
PYTHON ?= python3
STACK ?= local
RUN = .venv/bin/python -m
.DEFAULT_GOAL := help
.PHONY: help up down status test check preview lint lock

help:  ## show this
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):[^#]*## (.*)/  make \1\t\2/' | expand -t 18

up:  ## everything: tools, a cluster, the platform on it, a prediction
	@$(PYTHON) -m sandbox.bootstrap && $(RUN) sandbox up

down:  ## take it all down (CLEAN=1 removes the caches too)
	@$(PYTHON) -m sandbox.bootstrap && $(RUN) sandbox down $(if $(CLEAN),--clean)

status:  ## each process, its health, and why nodes are real or simulated
	@$(PYTHON) -m sandbox.bootstrap && $(RUN) sandbox status

test:  ## every test (ARGS=... goes to pytest)
	@$(PYTHON) -m sandbox.bootstrap --test && $(RUN) pytest $(ARGS)

check:  ## a stack's configuration, without engine, cluster or passphrase (STACK=prod)
	@$(PYTHON) -m sandbox.bootstrap && $(RUN) infra.check $(STACK)

preview:  ## what `pulumi up` would do to a stack (STACK=prod)
	@$(if $(wildcard .sandbox/env),. .sandbox/env &&) pulumi preview --stack $(STACK)

lint:  ## format, lint and types, as CI checks them
	@$(PYTHON) -m sandbox.bootstrap --test && $(RUN) ruff check && $(RUN) ruff format --check && $(RUN) mypy

LOCK = .venv/bin/uv pip compile -q pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
lock:  ## pin what pyproject.toml asks for (ARGS=--upgrade for newer versions)
	@$(LOCK) --extra sandbox -o locks/run.txt $(ARGS) && $(LOCK) --extra sandbox --extra test -o locks/test.txt $(ARGS)
