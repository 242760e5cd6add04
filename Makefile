# Everything runs in .venv, which the first target that needs it makes from any Python >= 3.11.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN := $(BIN)/python
PIP := $(RUN) -m pip --disable-pip-version-check
CASES := ../shared/cases
WORKERS ?= auto

.PHONY: help setup demo test test-slow check bench docs site clean

help:
	@echo "make demo       plan the sample county and say where the map is"
	@echo "make test       all tests but the slow ones"
	@echo "make test-slow  the slow ones, the planted bugs included"
	@echo "make check      ruff, mypy, import contracts, docstrings"
	@echo "make bench      measure against peers, write docs/benchmarks.md; hours"
	@echo "make docs       write the pages of the standards and the tables of keys anew"
	@echo "make site       build the documentation as a site, warnings being errors"

$(VENV)/.made:
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'Python 3.11 or newer is needed')"
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.base: $(VENV)/.made pyproject.toml constraints.txt
	$(PIP) install --quiet --constraint constraints.txt --editable ".[fonts]"
	@touch $@

$(VENV)/.test: $(VENV)/.base
	$(PIP) install --quiet --constraint constraints.txt --editable ".[test]"
	@touch $@

$(VENV)/.check: $(VENV)/.base
	$(PIP) install --quiet --constraint constraints.txt --editable ".[test,check]"
	@touch $@

setup: $(VENV)/.base

demo: $(VENV)/.base
	$(BIN)/siting run scenarios/sample.yaml --out runs/sample
	@echo
	@echo "Map: runs/sample/map.html"

test: $(VENV)/.test
	$(RUN) -m pytest -m "not slow" -n $(WORKERS) --dist loadfile

test-slow: $(VENV)/.test
	$(RUN) -m pytest -m slow
	$(RUN) tests/plant_bugs.py

check: $(VENV)/.check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy siting
	$(BIN)/lint-imports
	$(BIN)/numpydoc lint siting/*.py siting/*/*.py

bench: $(VENV)/.base
	$(RUN) benchmarks/report.py
	$(RUN) benchmarks/scale.py

docs: $(VENV)/.base
	$(RUN) docs/make_standards.py
	$(RUN) docs/make_scenario.py

site: $(VENV)/.test
	$(BIN)/sphinx-build -q -W --keep-going -c docs . runs/site
	@echo "Pages: runs/site/docs/index.html"

clean:
	rm -rf $(VENV) runs build *.egg-info
