# Thin: each target is one command, and each command can be run without make.
PYTHON ?= python3
STACK ?= local
RUN = .venv/bin/python -m
# Plain `pulumi` of the sandbox where there is one, else the one on PATH.
SHELL_OF_SANDBOX = $(if $(wildcard .sandbox/env),. .sandbox/env &&)
.DEFAULT_GOAL := help
.PHONY: help up down status test check capacity policies preview review rollout pin history bench mutants reference lint lock

help:  ## show this
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):[^#]*## (.*)/  make \1\t\2/' | expand -t 18

up:  ## everything: tools, a cluster, the platform on it, a prediction
	@$(PYTHON) -m sandbox.bootstrap && $(RUN) sandbox up

down:  ## take it all down (CLEAN=1 removes the caches too)
	@$(PYTHON) -m sandbox.bootstrap && $(RUN) sandbox down $(if $(CLEAN),--clean)

status:  ## each process, its health, and why nodes are real or simulated
	@$(PYTHON) -m sandbox.bootstrap && $(RUN) sandbox status

test:  ## every test (ARGS=... goes to pytest)
	@$(PYTHON) -m sandbox.bootstrap --test && $(RUN) pytest -n 4 $(ARGS)

check:  ## a stack's configuration, without engine, cluster or passphrase (STACK=prod)
	@$(PYTHON) -m sandbox.bootstrap && $(RUN) infra.check $(STACK)

policies:  ## judge YAML, helm's output or a stack's export by the policy pack (FILE=... ARGS=--help)
	@$(PYTHON) -m sandbox.bootstrap && $(RUN) policies.judge $(ARGS) $(FILE)

capacity:  ## whether a stack finds room on its pools of nodes, and how many it needs when (STACK=prod, ARGS=--json)
	@$(PYTHON) -m sandbox.bootstrap && $(RUN) infra.capacity $(STACK) $(ARGS)

preview:  ## what `pulumi up` would do to a stack (STACK=prod); with BASE=main without its cluster, for a reviewer
	@$(if $(BASE),$(MAKE) -s review,$(SHELL_OF_SANDBOX) pulumi preview --stack $(STACK))

review:  ## what this branch changes in an environment, on a throw-away control plane (STACK=prod BASE=main)
	@$(PYTHON) -m sandbox.bootstrap && $(RUN) review $(filter-out local,$(STACK)) --base $(or $(BASE),main) $(ARGS)

rollout:  ## walk a model's canary to its next version, judged at each step (MODEL=churn STACK=prod)
	@$(PYTHON) -m sandbox.bootstrap && $(SHELL_OF_SANDBOX) $(RUN) rollout $(MODEL) --stack $(STACK) $(ARGS)

pin:  ## write the digest that serves in one stack into another's file (MODEL=churn VERSION=8 FROM=staging TO=prod)
	@$(PYTHON) -m sandbox.bootstrap && $(SHELL_OF_SANDBOX) $(RUN) rollout.pin $(MODEL) $(VERSION) --from $(FROM) --to $(TO)

history:  ## which digest of a model served when, and by whose update (MODEL=churn STACK=prod)
	@$(PYTHON) -m sandbox.bootstrap && $(SHELL_OF_SANDBOX) $(RUN) rollout.history $(MODEL) --stack $(STACK) $(ARGS)

bench:  ## measure switches of 5, 100 and 500 objects, 100,000 requests over them, the policies on 1,000 (ARGS=--help)
	@$(PYTHON) -m sandbox.bootstrap --test && PYTHONPATH=tests/support:tests/bench .venv/bin/python tests/bench $(ARGS)

mutants:  ## weaken the rules of the policy pack, one place at a time: does a test notice? (ARGS=--help)
	@$(PYTHON) -m sandbox.bootstrap --test && .venv/bin/uv pip install -q --python .venv --require-hashes -r locks/mutants.txt && .venv/bin/python tests/mutants $(ARGS)

reference:  ## docs/configuration.md, the editor's schema and docs/policies.md, from the settings' and rules' own words
	@$(PYTHON) -m sandbox.bootstrap && $(RUN) infra.settings.reference && $(RUN) policies.reference

lint:  ## format, lint and types, as CI checks them
	@$(PYTHON) -m sandbox.bootstrap --test && $(RUN) ruff check && $(RUN) ruff format --check && $(RUN) mypy

LOCK_OF = .venv/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
LOCK = $(LOCK_OF) pyproject.toml --extra sandbox --extra rollout
lock:  ## pin what pyproject.toml asks for (ARGS=--upgrade for newer versions)
	@$(LOCK) -o locks/run.txt $(ARGS) && $(LOCK) --extra test -o locks/test.txt $(ARGS) \
  && $(LOCK) --extra test --extra mutants -c locks/test.txt -o locks/mutants.txt $(ARGS) && $(LOCK_OF) --group judge -o locks/judge.txt $(ARGS)
