# run: start the console   test: everything that must be green   bench: the figures, one JSON line each
# the first Python that runs and is new enough; a name on the path may be only a stand-in
PYTHON ?= $(shell for name in python3.11 python3.12 python3.13 python3 python; do \
	"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && command -v "$$name" && break; done)
BIN := .venv/bin

.PHONY: run test lint format bench browser

run: .venv/.installed
	@$(BIN)/python -m cxconsole run

test: .venv/.installed-dev browser lint
	@$(BIN)/python -m pytest -n auto --dist loadfile -m "not browser"
	@$(BIN)/python -m pytest -n auto --dist loadfile --reruns 1 -m browser

lint: .venv/.installed-dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright
	@$(BIN)/lint-imports

format: .venv/.installed-dev
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: .venv/.installed-bench browser
	@$(BIN)/python tests/bench/run.py

browser: .venv/.installed-dev
	@$(BIN)/python tests/find_browser.py --install

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; set PYTHON=/path/to/it."; exit 1; }
	@"$(PYTHON)" -m venv .venv

.venv/.installed: requirements.txt | .venv/bin/python
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/.installed-dev: requirements.txt requirements-dev.txt | .venv/bin/python
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch .venv/.installed $@

.venv/.installed-bench: .venv/.installed-dev tests/bench/requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r tests/bench/requirements.txt
	@touch $@
