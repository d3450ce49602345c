# Everything from a fresh clone: needs Python 3.11 to 3.13, make and the package registry, nothing else.
# PYTHON=python3.12 chooses the interpreter and keeps it in an environment of its own, .venv-3.12.

SHELL := /bin/sh
ARGS ?=
PORT ?= 5000
# Makes the environment where that is to be done, then starts Python in it.
IN := python3 environment.py --python "$(PYTHON)"
PYTEST := -m pytest -n auto --maxprocesses 4 --dist loadfile
GRID = 'model.hidden=[1],[2],[3],[4],[8]' optimizer.learning_rate=0.1,0.3,1,3,10,30 'seed=range(0,128)'

.PHONY: help setup mnist xor test test-ci test-all check ui bench sweep pictures screenshots docs lock clean
help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' Makefile | expand -t 20
	@echo '  Options: ARGS="training.epochs=3" (mnist, xor; for test: pytest options; for bench: --mirror=FOLDER), PYTHON=python3.12, PORT=5001 (ui)'

setup: ## make the environment alone
	@$(IN)

mnist: ## train a network on handwritten digits
	@$(IN) -- -m nnjax.train +experiment=mnist $(ARGS)

xor: ## train a network on XOR
	@$(IN) -- -m nnjax.train +experiment=xor $(ARGS)

test: ## run the tests that every change needs
	@$(IN) --group test -- $(PYTEST) $(ARGS)

test-ci: ## run the tests that `make test` leaves out, without the long ones
	@$(IN) --group test --group notebook --group screenshots --group docs -- $(PYTEST) -m "ci and not slow" $(ARGS)

test-all: ## run all tests, the long ones too
	@$(IN) --group test --group notebook --group screenshots --group docs --group postgresql -- $(PYTEST) -m '' $(ARGS)

check: ## check format, lint and types, changing nothing
	@$(IN) --group lint -- -m ruff format --check .
	@$(IN) --group lint -- -m ruff check .
	@$(IN) --group lint -- -m mypy

# Without the switch MLflow starts seven more processes for jobs of its own.
ui: ## look at the runs in the browser: MLflow on 127.0.0.1
	@MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false exec $(IN) -- -m mlflow ui --host 127.0.0.1 --port $(PORT) --workers 1 \
		--backend-store-uri "$${MLFLOW_TRACKING_URI:-sqlite:///mlflow.db}"

bench: ## time training against its peers and the machine, lanes against single networks, whole sweeps: an hour
	@$(IN) -- -m experiments.benchmarks $(ARGS)
	@$(IN) -- -m experiments.benchmarks.rows
	@$(IN) -- -m experiments.benchmarks.lanes
	@$(IN) -- -m experiments.benchmarks.sweep

sweep: ## train 3,840 networks on XOR as lanes of five programs
	@$(IN) -- -m nnjax.train -m +sweep=lanes +experiment=xor $(GRID) $(ARGS)

pictures: ## draw the README's pictures again
	@$(MAKE) --no-print-directory sweep ARGS='tracking.enabled=false hydra.sweep.dir=outputs/pictures/lanes'
	@cp outputs/pictures/lanes/summary/figures/heat_map.png docs/lanes.png
	@rm -rf outputs/pictures/xor
	@$(IN) -- -m nnjax.train +experiment=xor tracking.enabled=false hydra.run.dir=outputs/pictures/xor
	@cp outputs/pictures/xor/figures/decision_boundary.png docs/xor.png

screenshots: ## take the pictures of MLflow's user interface again: needs Chromium
	@$(IN) --group screenshots -- -m experiments.screenshots

docs: ## write the page of all settings, then build the documentation as a site: site/index.html
	@$(IN) -- docs/settings_page.py
	@NO_MKDOCS_2_WARNING=1 $(IN) --group docs -- -m mkdocs build

lock: ## compile constraints.txt again; ARGS=--upgrade takes the newest versions
	@$(IN) --lock $(ARGS)

clean: ## remove environments and caches (runs and data stay)
	@rm -rf .venv .venv-3.* .uv build dist site .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
