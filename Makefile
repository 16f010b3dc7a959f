# The two commands: `make demo` (the main job, end to end) and `make test`. Each sets itself up on first use.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help
help:  ## What can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 18

.PHONY: lock
lock: $(VENV)/ready  ## Renew the locks (requirements.txt and infra/requirements/*.txt)
	$(BIN)/uv pip compile -q --universal --no-emit-index-url -o requirements.txt pyproject.toml
	$(BIN)/uv pip compile -q --universal --no-emit-index-url --extra dev -c requirements.txt -o infra/requirements/dev.txt pyproject.toml
	$(BIN)/uv pip compile -q --universal --no-emit-index-url -o infra/requirements/bigquery-emulator.txt infra/requirements/bigquery-emulator.in

.PHONY: check
check: $(VENV)/ready  ## Style, types, import direction
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
