# The commands of this project; `make` alone lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup replay test lint clean distclean

RUN_OPTIONS = \
	$(if $(INSTRUCTION),--instruction "$$INSTRUCTION") \
	$(if $(SEED),--seed "$$SEED") \
	$(if $(TASK),--task "$$TASK") \
	$(if $(ROBOT),--robot "$$ROBOT") \
	$(if $(HEADLESS),$(if $(filter 0 false no,$(HEADLESS)),--no-headless,--headless))
export INSTRUCTION SEED TASK ROBOT

help:
	@echo 'make setup      virtual environment, pinned packages, colcon build; PYTHON=python3.12 TORCH_INDEX=<url>'
	@echo 'make replay     the main job; INSTRUCTION="..." SEED=0 TASK=auto ROBOT=sim|agilex|agilex_piper_ros|agilex_ros1 HEADLESS=1'
	@echo 'make test       lint and every test'
	@echo 'make clean      remove build products; episodes and bags stay'
	@echo 'make distclean  remove the virtual environment too'

setup:
	@tools/setup.sh

replay: setup
	@.venv/bin/vag run $(RUN_OPTIONS)

test: setup lint
	@. ./env.sh && tools/run_tests.sh

lint: setup
	@.venv/bin/ruff check
	@.venv/bin/ruff format --check

clean:
	rm -rf build install log *.egg-info .pytest_cache .ruff_cache .hypothesis
	find . -name .venv -prune -o -name output -prune -o -name __pycache__ -type d -exec rm -rf {} +

distclean: clean
	rm -rf .venv
