# Everything runs in a virtual environment of its own, .venv, made on first use.
PYTHON ?= python3
BIN := .venv/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
# Exact versions, each file by its hash: .ci/lock.
PIP = .ci/install $(BIN)/python
# A test that hangs ends with its process.
PYTEST = $(BIN)/python -m pytest -q -n 4 --dist worksteal -o faulthandler_exit_on_timeout=true

# Bytecode is written also where the environment forbids it: without it each process of the tests compiles everything again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo demo-fleet test test-fast fuzz mutate lower-bounds soak lint audit lock settings docs bench bench-rivals pictures clean

demo: .venv/.installed
	$(BIN)/python -m statsbot_webhooks demo

# A Redis, four processes and a local Discord: an error storm, and the process that sends is killed. Needs redis-server.
demo-fleet: .venv/.installed-test
	$(BIN)/python examples/demo_fleet.py

test: .venv/.installed-test
	$(PYTEST)

# Without the tests that take seconds, kill processes or drive a browser.
test-fast: .venv/.installed-test
	$(PYTEST) -m "not soak and not slow"

# The whole suite once more with the oldest of everything that setup.cfg allows.
lower-bounds: .venv-lower/.installed
	.venv-lower/bin/python -m pytest -q -n 4 --dist worksteal

# The property tests with new examples, again and again until one fails or it is ended.
fuzz: .venv/.installed-test
	while HYPOTHESIS_PROFILE=fuzz $(BIN)/python -m pytest -q -n 4 --dist worksteal -m hypothesis; do :; done

# Change the code in small ways and see which changes no test notices: so many in each area, e.g. OPTIONS='1000 storage delivery'.
mutate: .venv/.installed-test
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'mutmut==3.8.1'
	$(BIN)/python .ci/mutate $(OPTIONS)

soak: .venv/.installed-test
	$(BIN)/python -m pytest -q -m soak -s

lint: .venv/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python

# Secrets in what git tracks, and known vulnerabilities of what .ci/constraints.txt names.
audit: .venv/.installed
	env -i PATH="$$PATH" $(BIN)/python -m statsbot_webhooks check --only git
	.ci/audit

# Exact versions and the hashes of their files, for each version of Python.
lock: .venv/.installed-dev
	.ci/make-lock $(BIN)/python

# docs/settings.md is made from the configuration.
settings: .venv/.installed
	$(BIN)/python -m statsbot_webhooks settings --markdown >docs/settings.md

# The site, in docs/_build: offline, and any link that leads nowhere is an error.
docs: .venv-docs/.installed
	.venv-docs/bin/python -m sphinx -W --keep-going -q -b html docs docs/_build

bench: .venv/.installed
	for file in benchmarks/bench*.py; do $(BIN)/python $$file || exit 1; done

# The pictures of the documents anew; needs Chromium.
pictures: .venv/.installed-test
	$(BIN)/python docs/make_pictures.py docs

# Ours and the rivals from PyPI in one run, about 20 minutes; OPTIONS='--json FILE --plot FILE --baseline benchmarks/rivals/baseline.json NAME ...'.
bench-rivals: .venv/.installed .venv-rivals/.installed
	RIVALS_PYTHON=.venv-rivals/bin/python $(BIN)/python benchmarks/rivals $(OPTIONS)

$(BIN)/python:
	$(PYTHON) -m venv .venv

.venv/.installed: setup.cfg pyproject.toml | $(BIN)/python
	$(PIP) -e .
	touch $@

.venv/.installed-test: .venv/.installed
	$(PIP) -e '.[test]'
	touch $@

.venv-docs/.installed: .ci/docs-lock.txt
	$(PYTHON) -m venv .venv-docs
	.venv-docs/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r .ci/docs-lock.txt
	touch $@

.venv-rivals/.installed: setup.cfg benchmarks/rivals/requirements.txt
	$(PYTHON) -m venv .venv-rivals
	.venv-rivals/bin/python -m pip install --quiet --disable-pip-version-check -r benchmarks/rivals/requirements.txt -e .
	touch $@

.venv-lower/.installed: setup.cfg .ci/lower-bounds.txt
	$(PYTHON) -m venv .venv-lower
	.venv-lower/bin/python -m pip install --quiet --disable-pip-version-check -c .ci/lower-bounds.txt -e '.[test]'
	touch $@

.venv/.installed-dev: .venv/.installed-test
	$(PIP) -e '.[dev]'
	touch $@

clean:
	rm -rf .venv .venv-docs .venv-lower .venv-rivals docs/_build mutants build dist *.egg-info
