# The two commands: `make demo` (the main job, end to end) and `make test`. Each sets itself up on first use
# (infra/setup.py) and says so; on every later use that takes a moment.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
# Some machines set it: every process would compile all that it imports, Google's clients for three seconds.
unexport PYTHONDONTWRITEBYTECODE
TOGETHER := $(MAKE) --no-print-directory --jobs --output-sync=target
FEW := -n 2 --hypothesis-profile=few
# For two cores: whoever waits for a stack needs none of them.
WORKERS := 4
UV_COMPILE := $(BIN)/uv pip compile -q --universal --no-emit-index-url

.PHONY: help
help:  ## What can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 18

.PHONY: demo
demo: setup-stack  ## The main job end to end on the local stack, compared with the truth  [JSON=path] [KEEP=1] [USERS=50]
	@$(BIN)/python -m infra.local.demo $(if $(JSON),--json "$(JSON)") $(if $(KEEP),--keep) $(if $(USERS),--users "$(USERS)")

.PHONY: up
up: setup-stack  ## The local stack, until Ctrl-C  [ARGS="--users 3 --channels-per-user 2 --seed 7 --paused"]
	@exec $(BIN)/python -m infra.local.up $(ARGS)

.PHONY: quick
quick: setup-tools  ## Style, types, import direction and the pure tests, within a minute
	@$(TOGETHER) style test-pure

.PHONY: test
test: setup-tests  ## Checks and all tests, under the Python that is deployed where the machine has it
	@$(TOGETHER) style declared
	$(BIN)/pytest -n $(WORKERS)

.PHONY: test-pure
test-pure: setup-tools
	$(BIN)/python -m pytest tests/pure $(FEW)

.PHONY: test-clocks
test-clocks: setup-tests  ## Pure and emulator tests at 23:50 Pacific on days that dates break at  [ARGS="tests/pure -n 2"]
	@$(BIN)/python -m infra.local.clocks $(ARGS)

.PHONY: check
check: setup-tools  ## Style, types, import direction, dead code, SQL, dashboards, the documents' tables, the build's schema
	@$(TOGETHER) style judged declared

.PHONY: style
style: setup-tools
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: judged
judged: setup-tools
	$(BIN)/python -m infra.judges.warehouse

.PHONY: declared
declared: setup-tools
	$(BIN)/python -m infra.grafana --check
	$(BIN)/vulture
	$(BIN)/python -m infra.documents --check
	$(BIN)/check-jsonschema --builtin-schema vendor.cloudbuild cloudbuild.yaml

.PHONY: faults
faults: setup-tests  ## The fault list with each line's outcome, from the tests that show it
	@mkdir -p .local; rm -f .local/faults.json
	@$(BIN)/pytest -n $(WORKERS) -m "fault or case" --continue-on-collection-errors --outcomes=.local/faults.json; $(BIN)/python -m infra.faults .local/faults.json

.PHONY: bench
bench: setup-stack  ## One table of ratios  [ONLY=prefix] [JSON=path]
	@$(BIN)/python -m infra.bench $(if $(ONLY),--only "$(ONLY)") $(if $(JSON),--json "$(JSON)")

.PHONY: backfill
backfill: setup-stack  ## Days of a channel's reports loaded again  CHANNEL=UC... FROM=day TO=day [TYPE=id] [PROJECT=p]
	@$(BIN)/python -m infra.backfill --channel "$(CHANNEL)" --from "$(FROM)" --to "$(TO)" $(if $(TYPE),--type "$(TYPE)") $(if $(PROJECT),--project "$(PROJECT)")

.PHONY: stage
stage: setup-tools  ## dist/<function>/, as it is deployed
	@$(BIN)/python -m infra.stage

.PHONY: infra
infra: setup-infra  ## What Terraform would make, offline: valid, as declared, least-privileged; planted mistakes found
	$(BIN)/python -m pytest -n 2 tests/infrastructure tests/pure/deployment --mistakes

.PHONY: rehearse
rehearse: setup-stack  ## A deployment of everything, by the real gcloud, to a stand-in for Google Cloud
	@$(BIN)/python -m infra.rehearsal

.PHONY: lock
lock: setup-tools  ## Renew the locks (requirements.txt and infra/requirements/*.txt)
	$(UV_COMPILE) -o requirements.txt pyproject.toml
	$(UV_COMPILE) --extra dev -c requirements.txt -o infra/requirements/dev.txt pyproject.toml
	$(UV_COMPILE) -o infra/requirements/bigquery-emulator.txt infra/requirements/bigquery-emulator.in
	$(UV_COMPILE) -o infra/requirements/terraform.txt infra/requirements/terraform.in

.PHONY: documents
documents: setup-infra  ## Renew the tables of infra/docs/ and the dashboards, which are printed from the code
	$(BIN)/python -m infra.documents
	$(BIN)/python -m infra.privileges
	$(BIN)/python -m infra.grafana

.PHONY: clean
clean:  ## Remove what was made, but for the two environments
	rm -rf dist .local .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +

# `make PYTHON=python3.11 ...` makes the environment with that one.
.PHONY: setup-tools setup-stack setup-tests setup-infra
setup-tools setup-stack setup-tests setup-infra: setup-%:
	@$(PYTHON) infra/setup.py $* $(if $(filter-out file,$(origin PYTHON)),--this-python)
