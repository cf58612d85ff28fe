# The one door for contributors: `make` lints and tests.
.PHONY: all lint test benchmarks picture
PYTHON ?= .venv/bin/python

all: lint test

.venv:
	python3 -m venv .venv
	$(PYTHON) -m pip install --quiet -e '.[dev]' -c constraints.txt

lint: .venv
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m pyright --pythonpath $(PYTHON)
	.venv/bin/lint-imports

test: .venv
	$(PYTHON) -m pytest -n auto

benchmarks: .venv
	$(PYTHON) -m pip install --quiet -e '.[bench]' -c constraints.txt
	$(PYTHON) -m benchmarks.solve --write
	$(PYTHON) -m benchmarks.startup --write
	$(PYTHON) -m benchmarks.speed --write

# The picture in the README.
picture: .venv
	rm -rf build/picture
	.venv/bin/memoryspan train --run build/picture
	cp build/picture/learning-curve.png docs/
