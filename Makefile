# One command each; every target sets up what it needs. See README.md.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
export RL2_PROGRESS ?= on
# Matplotlib draws to files, torch keeps to one thread a process: two test processes on two cores do not fight.
TESTING := RL2_PROGRESS=off MPLBACKEND=agg OMP_NUM_THREADS=1

.PHONY: help setup demo learn test test-fast lint build check grade grade-1000 bench bench-grader clean
.DEFAULT_GOAL := help

help:
	@echo "make demo    build, learn, grade and train once, in about two minutes"
	@echo "make learn   copy the notebooks to work/ and open JupyterLab (N=02 for one notebook)"
	@echo "make test    run all tests"
	@echo "make test-fast   those that are not marked slow, in under two minutes"
	@echo "make lint    ruff, mypy, import-linter"
	@echo "make build   solutions/*.py -> notebooks/ and what nbgrader needs; executes solutions that changed"
	@echo "make check   generated files up to date, course linter, quoted numbers"
	@echo "make grade   grade a folder of submissions: make grade DIR=submitted OUT=grades"
	@echo "make bench   measure this project's speed beside sb3-contrib's: make bench NAME=update for one benchmark"
	@echo "make bench-grader   what grading costs, beside stock nbgrader"
	@echo "make grade-1000     grade a class of a thousand, 5% hostile, while workers are killed (10 minutes)"

setup: $(READY)

$(READY): pyproject.toml autograder/pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else f"Python 3.11 or newer is needed, {sys.executable} is {v.major}.{v.minor}; try: make PYTHON=python3.12 $(MAKECMDGOALS)")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]' -e ./autograder
	@touch $(READY)

demo: $(READY)
	@RL2_PROGRESS=off MPLBACKEND=agg $(BIN)/autograder demo

learn: $(READY)
	@$(BIN)/rl2 learn $(N)

test: $(READY)
	$(TESTING) $(BIN)/python -m pytest -n 2 --dist loadscope tests --nbval-lax solutions

test-fast: $(READY)
	$(TESTING) $(BIN)/python -m pytest -n 2 --dist loadscope -m "not slow" tests

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

build: $(READY)
	@$(BIN)/autograder build --execute

check: $(READY)
	@$(BIN)/autograder build --check
	@$(BIN)/autograder lint
	@$(BIN)/autograder quotes

grade: $(READY)
	@$(BIN)/autograder grade $(or $(DIR),submitted) --out $(or $(OUT),grades) --workers 2

grade-1000: $(READY)
	@$(BIN)/python -m benchmarks.class_of_1000

bench: $(READY)
	@$(BIN)/rl2 bench $(NAME)

bench-grader: $(READY)
	@$(BIN)/rl2 bench grader

clean:
	rm -rf $(VENV) course demo
