# The words of this repository. `make help` lists them.
PYTHON ?= python3
export PYTHON
BIN := .venv/bin
# What the tests use from Debian beside Python.
SYSTEM_PACKAGES := libflite1 chromium libportaudio2 postgresql

.PHONY: help run setup dev check format test bench clean lock docs

help: ## List the words
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

run: setup ## Start the agent on 127.0.0.1:8000, with the embedded engines
	@$(BIN)/voice-agent serve

setup: ## Make .venv with the command voice-agent in it
	@scripts/setup.sh runtime
	@scripts/system-packages.sh "a clearer voice" libflite1

dev: ## The same with the developer's tools
	@scripts/setup.sh dev

check: dev ## Format, lint, strict types and import layers; changes nothing
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

format: dev ## Format and mend what can be mended
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

test: dev ## Everything the tests need, then all tests
	@scripts/system-packages.sh "some of the tests" $(SYSTEM_PACKAGES)
	@$(BIN)/python -m pytest -n 2 --dist worksteal --ignore tests/calls --ignore tests/browser
	@$(BIN)/python -m pytest tests/calls tests/browser

bench: dev ## Measure on this machine
	@scripts/system-packages.sh "some of the tests" $(SYSTEM_PACKAGES)
	@$(BIN)/python -m benchmarks

clean: ## Forget the environment and caches; data stays
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist

lock: ## Renew the locked versions
	@for kind in runtime dev; do \
	  extra=$$([ $$kind = dev ] && echo "--group dev" || true); \
	  $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --no-annotate --no-header --group weights $$extra pyproject.toml -o requirements/$$kind.lock; done

docs: dev ## Write the reference pages that are read off the code
	@$(BIN)/python scripts/reference.py
