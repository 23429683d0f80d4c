# `make demo` and `make test` work on a fresh machine with Python 3.11, Java 17, make and git; the tests need chromium too.
PYTHON ?= python3.11
LAKE ?= demo/lake
BIN := $(CURDIR)/.venv/bin
REHEARSAL := 2024-12-04

export PATH := $(BIN):$(PATH)
export MLFLOW_LOGGING_LEVEL = WARNING
export MLFLOW_TRACKING_URI = sqlite:///$(if $(filter /%,$(LAKE)),,$(CURDIR)/)$(LAKE)/mlflow.db

.PHONY: help setup java demo real test long lint docs soak bench ui clean

help:  ## what there is to make
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/'

java:
	@python3 -m lakehouse.java

setup: java .venv/.ready  ## install everything: packages into .venv, Delta's jars into ~/.cache/learner-radar

.venv/.ready: pyproject.toml uv.lock
	@command -v $(PYTHON) >/dev/null || { echo "Learner Radar needs Python 3.11: install it, or say where it is with PYTHON=<path>."; exit 1; }
	test -x "$(BIN)/uv" || { $(PYTHON) -m venv .venv && "$(BIN)/pip" install --quiet --disable-pip-version-check uv; }
	"$(BIN)/uv" sync --frozen --quiet
	"$(BIN)/uv" pip install --python "$(BIN)/python" --quiet --no-deps --editable .
	"$(BIN)/python" -m lakehouse.jars
	@touch $@

demo: setup  ## anew in demo/, 500 students over 180 days: the loop as of 28 days before the end, then at the end
	rm -rf demo
	python -m data_gen --students 500 --days 180 --out demo/landing
	mlflow run . --env-manager local -P landing=demo/landing -P lake=demo/lake -P as_of=$(REHEARSAL)
	mlflow run . --env-manager local -P landing=demo/landing -P lake=demo/lake

real: LAKE = real/lake
real: setup  ## anew in real/, the loop on real learners: the OULAD sample in data/oulad_aaa
	rm -rf real
	mlflow run . --env-manager local -P landing=data/oulad_aaa -P lake=real/lake -P as_of=2015-06-11 -P test_from=2014-10-15 -P test_to=2015-05-25

lint: setup  ## ruff and mypy
	ruff check .
	ruff format --check .
	mypy

test: lint  ## lint, then every test but the long ones
	pytest -m "not long"

long: setup  ## the tests that `make test` leaves out: bad days, repair, rebuilds, scoring runs; half an hour and more
	pytest -m long

docs: setup  ## the documentation as a site, in build/docs; a warning is an error
	sphinx-build --fail-on-warning --keep-going --nitpicky --quiet docs build/docs
	@echo "Site: build/docs/index.html"

soak: setup  ## long runs: orders, kills, damage, drift, models; writes docs/soak.md
	pytest soak -q -s --durations=0

bench: setup  ## what one more day costs beside the whole lake
	python -m benchmarks.ingest_day

ui: setup  ## MLflow's own pages for the demo's lake (LAKE=<folder> for another)
	mlflow ui --backend-store-uri $(MLFLOW_TRACKING_URI)

clean:  ## remove the lakes of demo and real
	rm -rf demo real
