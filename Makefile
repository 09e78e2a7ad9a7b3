# make help lists what there is. Set-up happens once and again only when a lock file changes.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
RUN := $(VENV)/.installed-run
DEV := $(VENV)/.installed-dev
JARS := $(VENV)/.fetched-jars
IMAGE_NAMES := emulator scripted sparkml xgboost
export REQUIRE
export HOME ?= $(shell getent passwd "$$(id -u)" | cut -d: -f6)

.PHONY: help demo test lint mutation bench models fidelity images minio lock clean setup dev

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

demo: $(RUN) $(JARS)  ## run the sample job, a pipeline of two containers, and show its output
	$(BIN)/emulator run --runtime process --model sample_data/model.json --job sample_data/job.json \
	    --put sample_data/models=s3://emulator-demo/models --put sample_data/input=s3://emulator-demo/input \
	    --get s3://emulator-demo/output=build/demo

# PYTEST_ARGS go to pytest: a single file runs without workers, and `-n 0` is for a debugger.
test: $(DEV) $(JARS)  ## run the tests side by side; REQUIRE=all fails where a part of the machine is missing
	$(BIN)/python -m pytest -q -n auto --dist loadgroup $(PYTEST_ARGS)

lint: $(DEV)  ## check style, types and the layers of the code
	@code=0; for check in "ruff check --quiet ." "ruff format --check --quiet ." mypy lint-imports; do \
	    echo "$$check"; $(BIN)/$$check || code=1; done; exit $$code

mutation: $(DEV)  ## measure the tests by small changes of the code; MODULES="framing keys" MINUTES=10 do a part
	nice -n 10 $(BIN)/python tools/mutation.py $(if $(MINUTES),--minutes $(MINUTES)) $(MODULES)

bench: $(DEV) $(JARS)  ## measure this machine, in about four minutes
	$(BIN)/python benchmarks/transport.py --seconds 0.3
	$(BIN)/python benchmarks/orchestrator.py
	$(BIN)/python benchmarks/sparkml_serving.py --rounds 3 --seconds 1 --first 3
	$(BIN)/python benchmarks/xgboost_serving.py --rounds 3 --seconds 1

models: $(DEV)  ## train the sample models again
	$(BIN)/python sample_data/train.py

fidelity: $(DEV)  ## write docs/fidelity.md: each rule, whether it is kept, and the tests that prove it
	$(BIN)/python tools/fidelity.py

images:  ## build the Docker images whose sources changed; IMAGES names some of them
	python3 tools/images.py build $(IMAGES)

minio:  ## build the MinIO server, used by the tests, into the cache
	tools/minio_program.sh $(HOME)/.cache/sagemaker-transform-emulator/minio

lock: $(DEV)  ## bring all lock files in line with pyproject.toml; UPGRADE=1 takes the newest versions
	tools/lock.sh $(if $(UPGRADE),--upgrade) $(IMAGE_NAMES)

setup: $(RUN) $(JARS)  ## install what running jobs needs

dev: $(DEV) $(JARS)  ## install what tests and checks need, too

clean:  ## remove what was built here, the environment included; caches in ~/.cache stay
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# An environment that has the development lock has the run lock too.
$(RUN): requirements/run.txt requirements/build.txt pyproject.toml | $(BIN)/python
	@if [ ! -e $(DEV) ]; then echo "installing the emulator's dependencies into $(VENV)"; $(PIP) --require-hashes -r requirements/run.txt; \
	else $(MAKE) --no-print-directory $(DEV); fi
	@$(PIP) --require-hashes -r requirements/build.txt
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV): requirements/dev.txt requirements/build.txt pyproject.toml | $(BIN)/python
	@echo "installing the development dependencies into $(VENV)"
	@$(PIP) --require-hashes -r requirements/dev.txt
	@$(PIP) --require-hashes -r requirements/build.txt
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(JARS): containers/sparkml/jars.toml | $(RUN)
	$(BIN)/python -m sagemaker_transform_emulator.containers.sparkml fetch
	@touch $@

$(BIN)/python:
	tools/bootstrap_venv.sh $(VENV)
