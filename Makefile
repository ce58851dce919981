# Verbs only. Everything is installed into $(VENV), by uv where there is one, else by pip.

PYTHON ?= python3
VENV   ?= .venv
DIST   ?= dist
ARGS   ?=

# It is a part of targets, which end at a space: half of it would be made anew, or removed.
ifneq ($(words $(VENV)),1)
$(error VENV is `$(VENV)`: choose a path without spaces)
endif

BIN := $(VENV)/bin
PY  := $(BIN)/python
UV  := $(shell command -v uv 2>/dev/null)

AGAINST  ?= main
SPEC     := spec/registry.yaml
SCHEMA   := spec/duologue.schema.json
SDK      := generated/service-registry-sdk
REGISTRY := runtime/registry
# Tests and demonstrations start many processes, which would each compile again what they import.
unexport PYTHONDONTWRITEBYTECODE
export COVERAGE_FILE := $(CURDIR)/build/coverage
# Two more than a small machine has cores: many tests wait, for another process or for time to pass.
WORKERS  ?= 4
COVERING := $(wildcard tests/runtime tests/security tests/peers tests/wires tests/codegen/test_described.py \
              tests/simulation/test_helpers.py tests/simulation/test_plugin.py)
PROJECTS := . $(SDK) $(REGISTRY)

# What is installed is remembered in the environment itself, so nothing is installed twice and `rm -r .venv` forgets all.
MADE     := $(VENV)/.made
ENV      := $(MADE)/environment
BASE     := $(MADE)/base
SETUP    := $(MADE)/setup
TESTING  := $(MADE)/testing
CHECKING := $(MADE)/checking
BENCHING := $(MADE)/benching
SHIPPING := $(MADE)/shipping

ifeq ($(UV),)
INSTALL := $(PY) -m pip install --quiet --disable-pip-version-check
else
INSTALL := $(UV) pip install --quiet --python $(PY)
endif

PEERS = $(shell $(PY) -c 'import tomllib; groups = tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"]; \
  print(*(repr(peer) for peer in groups["bench"] if isinstance(peer, str)))')

.DEFAULT_GOAL := help
# Two installers must not write to one environment at the same time.
.NOTPARALLEL:
.PHONY: help setup generate check-generated breaking lint types test test-long demo serve bench docs build publish check clean

help: ## list these verbs
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: $(SETUP) ## make a local environment with the runtime, the generator, the SDK and the registry

generate: $(BASE) ## write the SDK from its spec, and the spec language's schema for editors
	$(BIN)/duologue schema > $(SCHEMA).new
	mv $(SCHEMA).new $(SCHEMA)
	$(BIN)/duologue generate $(SPEC) -o $(SDK) --project

check-generated: $(BASE) ## say which generated files differ from the spec: changed, missing or orphaned
	$(BIN)/duologue check $(SPEC) -o $(SDK) --project
	@$(BIN)/duologue schema | cmp -s - $(SCHEMA) || { echo "changed $(SCHEMA)"; echo "run: make generate" >&2; exit 1; }

breaking: $(BASE) ## say what the spec breaks of what main's promised; AGAINST=v1.0: of another revision
	$(BIN)/duologue breaking $(SPEC) --against $(AGAINST)

lint: $(CHECKING) ## find mistakes and wrong formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(CHECKING) ## check types with mypy and basedpyright
	$(BIN)/mypy
	$(BIN)/basedpyright --pythonpath $(PY)

test: $(TESTING) ## run the tests that take seconds; ARGS="-k word" goes to pytest
	$(PY) -m pytest -n $(WORKERS) --dist worksteal -m "not long" $(ARGS)

test-long: $(TESTING) ## run the tests that take minutes
	$(PY) -m pytest -m long $(ARGS)

demo: $(SETUP) ## half a minute of the registry, its agents and its SDK at work
	@$(MAKE) --no-print-directory generate
	$(PY) examples/demo.py $(ARGS)

serve: $(SETUP) ## run the registry; ARGS="--help" says what it takes
	$(BIN)/duologue-registry serve $(ARGS)

bench: $(BENCHING) ## compare with peers and handwritten code; ARGS="--help" says how
	@$(PY) -m benchmarks $(ARGS)

docs: $(TESTING) ## run every command, program and link of the documents
	$(PY) -m pytest -m "not long" tests/house/test_documents.py $(ARGS)

build: $(SHIPPING) ## build the three distributions into dist/ and check them
	rm -f "$(DIST)"/*.whl "$(DIST)"/*.tar.gz
	for project in $(PROJECTS); do $(PY) -m build --no-isolation --outdir "$(DIST)" $$project || exit 1; done
	$(BIN)/twine check --strict "$(DIST)"/*.whl "$(DIST)"/*.tar.gz

publish: ## upload them to REPOSITORY_URL; DRY_RUN=1 only says what would be sent
	@test -n "$(REPOSITORY_URL)" || { \
	  echo "make publish: REPOSITORY_URL is not set: say where to, as in" >&2; \
	  echo "  make publish REPOSITORY_URL=https://upload.pypi.org/legacy/" >&2; exit 2; }
	$(MAKE) build
	@for file in "$(DIST)"/*.whl "$(DIST)"/*.tar.gz; do echo "$$file -> $(REPOSITORY_URL)"; done
	$(if $(DRY_RUN),@echo "DRY_RUN is set: nothing was sent",$(BIN)/twine upload --non-interactive --disable-progress-bar \
	  --repository-url "$(REPOSITORY_URL)" "$(DIST)"/*.whl "$(DIST)"/*.tar.gz)

# Each test runs once: those of the runtime while its coverage is measured, but on uvloop, whose driver is nearly all
# asyncio's: the rest is measured by `test_executors`.
# `make demo` and the wheels are among them: the README's commands are run, and what is built is installed.
check: ## everything that must hold before a change is merged
	$(MAKE) check-generated lint types
	@mkdir -p build
	$(PY) -m coverage run -m pytest -n $(WORKERS) --dist worksteal -q -m "not long" -k "not uvloop or test_executors" $(COVERING)
	$(PY) -m coverage combine -q
	$(PY) -m coverage report
	$(MAKE) test ARGS="-k uvloop $(COVERING)"
	$(MAKE) test ARGS="$(COVERING:%=--ignore=%)"

clean: ## remove what these verbs made
	rm -rf $(VENV) "$(DIST)" build .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(ENV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "duologue needs Python 3.11 or newer; $(PYTHON) is: `$(PYTHON) --version 2>&1 | head -1`" >&2; \
	  echo "Say which one to use, as in: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 2; }
ifeq ($(UV),)
	$(PYTHON) -m venv --clear $(VENV)
else
	$(UV) venv --quiet --clear --python "`$(PYTHON) -c 'import sys; print(sys.executable)'`" $(VENV)
endif
	@mkdir -p $(MADE)
	@touch $@

# The three distributions are installed one after the other: together they would dead-lock the resolver whenever
# their versions move, and the SDK can only be installed after it has been generated.
$(BASE): pyproject.toml | $(ENV)
ifeq ($(UV),)
	@$(PY) -m pip --version >/dev/null 2>&1 || $(PY) -m ensurepip
	$(INSTALL) --upgrade 'pip>=25.1'  # dependency groups need it
endif
	$(INSTALL) -e '.[codegen]'
	@touch $@

$(SETUP): $(BASE) $(wildcard $(SDK)/pyproject.toml) $(REGISTRY)/pyproject.toml
	@test -f $(SDK)/pyproject.toml || $(MAKE) generate
	$(INSTALL) --no-deps -e $(SDK)
	$(INSTALL) -e $(REGISTRY)
	@touch $@

$(TESTING): $(SETUP)
	$(INSTALL) --group test
	$(INSTALL) --group real || echo "what cannot be had here is skipped by tests/real"
	@# Compiles once what each worker would compile again. What is wrong with a test is told when it is run.
	@$(PY) -m pytest --collect-only -q > /dev/null 2>&1 || true
	@touch $@

$(CHECKING): $(SETUP)
	$(INSTALL) --group check
	@touch $@

# A peer that cannot be installed here is left out of the comparisons, and is no reason to do without the others.
$(BENCHING): $(TESTING)
	$(INSTALL) --group bench || for peer in $(PEERS); do $(INSTALL) "$$peer" || echo "$$peer cannot be had here"; done
	@touch $@

$(SHIPPING): pyproject.toml | $(ENV)
ifeq ($(UV),)
	@$(PY) -m pip --version >/dev/null 2>&1 || $(PY) -m ensurepip
	$(INSTALL) --upgrade 'pip>=25.1'  # dependency groups need it
endif
	$(INSTALL) --group publish
	@touch $@
