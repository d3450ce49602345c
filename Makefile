# Everything from a fresh clone: needs Python 3.11 to 3.13, make and the package registry, nothing else.
# PYTHON=python3.12 chooses the interpreter and keeps it in an environment of its own, .venv-3.12.

SHELL := /bin/sh
ARGS ?=
PORT ?= 5000
# A file's tests share fixtures, such as runs that were trained once: they stay in one process.
PARALLEL = -n auto --maxprocesses 4 --dist loadfile
GRID = 'model.hidden=[1],[2],[3],[4],[8]' optimizer.learning_rate=0.1,0.3,1,3,10,30 'seed=range(0,128)'

# Prints "3.12 /path/of/python" for the first interpreter in range. The second place to look is pyenv's folder: its
# commands on the PATH fail for every version that is not the chosen one.
NAMES = $(if $(PYTHON),"$(PYTHON)",python3 python3.12 python3.13 python3.11)
ASK = import sys; v = sys.version_info; (3, 11) <= v < (3, 14) or sys.exit(1); print("%d.%d %s" % (v[0], v[1], sys.executable))
FIND = for name in $(NAMES); do for python in "$$name" "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/*/bin/"$$name"; do \
	"$$python" -c '$(ASK)' 2>/dev/null && break 2; done; done

VENV := .venv$(if $(PYTHON),-$(firstword $(shell $(FIND))))
RUN := $(VENV)/bin/python
STAMP := $(VENV)/ready
BROKEN := $(shell test -x $(RUN) || echo FORCE)

# The stamp is written last, so an environment without it is half-made and begun again. Both pip variables are needed:
# older pips read the first for the packages that they build (with hatchling, setuptools), newer ones the second. -qq leaves
# errors visible.
define INSTALL
if test -x $(RUN) && test $(STAMP) -nt pyproject.toml && test $(STAMP) -nt constraints.txt; then exit 0; fi
echo "Setting up $(VENV) with Python $$1 and the versions in constraints.txt: once, some minutes."
test -x $(RUN) && test -e $(STAMP) || "$$2" -m venv --clear $(VENV)
rm -f $(STAMP)
export PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt
$(RUN) -m pip install -qq --disable-pip-version-check --editable '.[dev]'
touch $(STAMP)
endef
export INSTALL

# One setup at a time: a second one waits, then finds the stamp. The lock ends with the process, however that ends.
define LOCKED
import fcntl, os, sys
lock = os.open("Makefile", os.O_RDWR)
os.set_inheritable(lock, True)
try:
    fcntl.flock(lock, fcntl.LOCK_EX)
except OSError:
    pass  # this file system has no locks
os.execvp("sh", ["sh", "-ec", os.environ["INSTALL"], "make setup", *sys.argv[1:]])
endef
export LOCKED

.PHONY: help setup mnist xor test test-all check ui bench sweep pictures screenshots clean
help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' Makefile | expand -t 20
	@echo '  Options: ARGS="training.epochs=3" (mnist, xor; for test: pytest options; for bench: --mirror=FOLDER), PYTHON=python3.12, PORT=5001 (ui)'

setup: $(STAMP) ## make the environment alone
	@echo '$(VENV) is ready.'

mnist: $(STAMP) ## train a network on handwritten digits
	@$(RUN) -m nnjax.train +experiment=mnist $(ARGS)

xor: $(STAMP) ## train a network on XOR
	@$(RUN) -m nnjax.train +experiment=xor $(ARGS)

test: $(STAMP) ## run the tests
	@$(RUN) -m pytest $(PARALLEL) $(ARGS)

test-all: $(STAMP) ## run the tests, the slow ones too
	@$(RUN) -m pytest $(PARALLEL) -m '' $(ARGS)

check: $(STAMP) ## format, lint and types, changing nothing
	@$(RUN) -m ruff format --check .
	@$(RUN) -m ruff check .
	@$(RUN) -m mypy

# Without the switch MLflow starts seven more processes for jobs of its own.
ui: $(STAMP) ## look at the runs in the browser: MLflow on 127.0.0.1
	@MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false exec $(RUN) -m mlflow ui --host 127.0.0.1 --port $(PORT) --workers 1 \
		--backend-store-uri "$${MLFLOW_TRACKING_URI:-sqlite:///mlflow.db}"

bench: $(STAMP) ## time training against its peers and the machine, lanes against single networks, whole sweeps: an hour
	@$(RUN) -m experiments.benchmarks $(ARGS)
	@$(RUN) -m experiments.benchmarks.rows
	@$(RUN) -m experiments.benchmarks.lanes
	@$(RUN) -m experiments.benchmarks.sweep

sweep: $(STAMP) ## train 3,840 networks on XOR as lanes of five programs
	@$(RUN) -m nnjax.train -m +sweep=lanes +experiment=xor $(GRID) $(ARGS)

pictures: $(STAMP) ## draw the README's pictures again
	@$(MAKE) --no-print-directory sweep ARGS='tracking.enabled=false hydra.sweep.dir=outputs/pictures/lanes'
	@cp outputs/pictures/lanes/summary/figures/heat_map.png docs/lanes.png
	@rm -rf outputs/pictures/xor
	@$(RUN) -m nnjax.train +experiment=xor tracking.enabled=false hydra.run.dir=outputs/pictures/xor
	@cp outputs/pictures/xor/figures/decision_boundary.png docs/xor.png

screenshots: $(STAMP) ## take the pictures of MLflow's user interface again: needs Chromium
	@$(RUN) -m experiments.screenshots

clean: ## remove environments and caches (runs and data stay)
	@rm -rf .venv .venv-3.* build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

FORCE:
$(STAMP): pyproject.toml constraints.txt $(BROKEN)
	@found=$$($(FIND)); test -n "$$found" || { echo 'nnjax needs Python 3.11 to 3.13, tried: $(subst ",,$(NAMES)).' \
		'Name one: make setup PYTHON=/path/of/python3.12' >&2; exit 1; }; \
	"$${found#* }" -c "$$LOCKED" "$${found%% *}" "$${found#* }"
