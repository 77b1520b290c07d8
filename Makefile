# Everything runs in a virtual environment of its own, .venv, made on first use.
PYTHON ?= python3
PIP = .venv/bin/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo test lower-bounds soak lint bench clean

demo: .venv/.installed
	.venv/bin/python -m statsbot_webhooks demo

test: .venv/.installed-test
	.venv/bin/python -m pytest -q -n 4 --dist worksteal

# The whole suite once more with the oldest of everything that setup.cfg allows.
lower-bounds: .venv-lower/.installed
	.venv-lower/bin/python -m pytest -q -n 4 --dist worksteal

soak: .venv/.installed-test
	.venv/bin/python -m pytest -q -m soak -s

lint: .venv/.installed-dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/pyright --pythonpath .venv/bin/python

bench: .venv/.installed
	for file in benchmarks/bench*.py; do .venv/bin/python $$file || exit 1; done

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/.installed: setup.cfg pyproject.toml | .venv/bin/python
	$(PIP) -e .
	touch $@

.venv/.installed-test: .venv/.installed
	$(PIP) -e '.[test]'
	touch $@

.venv-lower/.installed: setup.cfg .ci/lower-bounds.txt
	$(PYTHON) -m venv .venv-lower
	.venv-lower/bin/python -m pip install --quiet --disable-pip-version-check -c .ci/lower-bounds.txt -e '.[test]'
	touch $@

.venv/.installed-dev: .venv/.installed-test
	$(PIP) -e '.[dev]'
	touch $@

clean:
	rm -rf .venv .venv-lower build dist *.egg-info
