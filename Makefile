# The commands of this project. `make help` lists them; each works from a bare checkout with Python 3.11+ and make.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
SHELL := /bin/sh
# Where a machine switches compiled files off, each of the hundreds of processes of a test run compiles everything anew.
unexport PYTHONDONTWRITEBYTECODE

VENV := .venv
BENCH_VENV := .venv-bench
PY := $(VENV)/bin/python
BENCH_PY := $(BENCH_VENV)/bin/python
PORT ?= 8000
#: Pass options to pytest: make test ARGS="-k layout -x"
ARGS ?=
# Tests that run on every database, and what one runs besides: the API's have found that MariaDB compares keys otherwise.
DATABASE_TESTS := tests/models tests/ledger tests/runner tests/workflow tests/services
DATABASE_TESTS_postgresql := $(addprefix tests/api/test_,once.py many_brands.py published.py assets.py)
DATABASE_TESTS_mariadb := tests/api/test_once.py
# What asks nothing of a database that PostgreSQL has not answered.
DATABASE_TESTS_mariadb += $(addprefix --ignore=tests/,runner/test_edit_requests.py $(addprefix workflow/,test_chain_export.py \
  test_chain_import.py test_edit_files.py))

# The modules with a mark. Whoever wants 90 tests should not read 8,000 in each of four processes.
marked = $(sort $(shell grep -rlw 'mark\.$(1)' tests --include='*.py' --exclude-dir=sites))

# The first of these that is 3.11 or newer; a shim that answers for no version does not count.
PYTHONS := $(if $(PYTHON),$(PYTHON),python3 python3.13 python3.12 python3.11)
FIND_PYTHON = for python in $(PYTHONS); do \
	  if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found="$$python"; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "image_studio needs Python 3.11 or newer, and none of these is one: $(PYTHONS)." >&2; \
	  echo "Install one (Debian, Ubuntu: apt-get install python3 python3-venv), or name yours: make PYTHON=/path/to/python3 ..." >&2; \
	  exit 2; \
	fi; \
	if ! "$$found" -c 'import ensurepip, venv' 2>/dev/null; then \
	  version=$$("$$found" -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
	  echo "$$found cannot make virtual environments: the modules venv and ensurepip are missing." >&2; \
	  echo "Debian, Ubuntu: apt-get install python$$version-venv. Then run make again." >&2; \
	  exit 2; \
	fi
# pip is upgraded inside the environment only: dependency groups need pip 25.1, and Debian 12 has 23.
MAKE_VENV = $(FIND_PYTHON); "$$found" -m venv --clear $(1) && $(1)/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
PIP := $(PY) -m pip install --quiet

.PHONY: help
help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(VENV)/.made:
	@$(call MAKE_VENV,$(VENV))
	@touch $@

$(VENV)/.installed: $(VENV)/.made pyproject.toml
	@echo "Installing image_studio into $(VENV) ..."
	@$(PIP) --editable .
	@touch $@

# Groups are added one by one: whoever only wants the demo waits for no test tools.
$(VENV)/.group-%: $(VENV)/.installed pyproject.toml
	@echo "Installing the dependency group '$*' into $(VENV) ..."
	@$(PIP) --group $*
	@touch $@

.PHONY: demo
demo: $(VENV)/.installed ## Make a sheet of variants and serve it [PHOTO=path] [SERVE=0] [PORT=8000]
	@$(PY) example_project/manage.py demo --port "$(PORT)" $(if $(PHOTO),--photo "$(PHOTO)") $(if $(filter 0 no false,$(SERVE)),--no-serve)

.PHONY: test
test: $(VENV)/.group-test ## The default suite: SQLite, no services, no network; a minute on two cores
	@$(PY) -m pytest -n auto --maxprocesses 8 --dist worksteal $(ARGS)

# Some thorough modules have tests of another suite too, which have runs of their own.
THOROUGH := thorough and not live and not services and not crash and not browser and not packaging

.PHONY: test-thorough
test-thorough: $(VENV)/.group-test ## What is too long for the default suite: every admin page, every pixel sweep
	@$(PY) -m pytest -n auto --maxprocesses 8 --dist worksteal -m "$(THOROUGH)" $(ARGS)

.PHONY: check
check: lint types contract migrations openapi package docs ## Everything that judges the code without running it

.PHONY: lint
lint: $(VENV)/.group-check
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

.PHONY: types
types: $(VENV)/.group-check $(VENV)/.group-test
	$(VENV)/bin/mypy

.PHONY: contract
contract: $(VENV)/.group-check
	$(VENV)/bin/lint-imports --no-logo

.PHONY: migrations
migrations: $(VENV)/.group-test
	$(PY) -m django makemigrations --check --dry-run --settings=tests.settings
	$(PY) example_project/manage.py makemigrations --check --dry-run

OPENAPI = $(PY) -m django spectacular --settings=tests.settings --urlconf=image_studio.urls \
	  --custom-settings=image_studio.api.document.SETTINGS --fail-on-warn --validate

.PHONY: openapi
openapi: $(VENV)/.group-test ## Whether docs/openapi.yaml says what the code does; no warning, no difference
	@mkdir -p var
	@$(OPENAPI) --file var/openapi.yaml
	@diff -u docs/openapi.yaml var/openapi.yaml || { echo "docs/openapi.yaml is not what the code says. Run: make openapi-write" >&2; exit 1; }

.PHONY: openapi-write
openapi-write: $(VENV)/.group-test ## Write docs/openapi.yaml anew
	@$(OPENAPI) --file docs/openapi.yaml

.PHONY: package
package: $(VENV)/.group-check ## Build wheel and source archive, and judge them
	@rm -rf dist
	$(PY) -m build --quiet .
	$(VENV)/bin/twine check --strict dist/*

.PHONY: docs
docs: $(VENV)/.group-docs ## Build the documentation into docs/_build; a warning is an error
	$(PY) -m sphinx -W --keep-going -q -b html docs docs/_build/html

define ON_DATABASE
echo "== $(1)"; IMAGE_STUDIO_TEST_DB=$(1) $(PY) -m pytest -n auto --maxprocesses 4 --dist worksteal \
	  -m "not live and not crash and not browser and not packaging" $(DATABASE_TESTS) $(DATABASE_TESTS_$(1)) $(ARGS)
endef

.PHONY: test-services
test-services: $(VENV)/.group-test $(VENV)/.group-services ## Models, ledger, runner and workflow on PostgreSQL and MariaDB
	@$(call ON_DATABASE,postgresql)
	@$(call ON_DATABASE,mariadb)

# Each of the workers of pytest has its own database and files; most of the time is spent waiting for leases to run out.
# The races come by themselves: they take more of the server's connections than workers beside them would leave.
RACES := tests/services/test_money_races.py
define CRASH_ON
echo "== $(1)"; IMAGE_STUDIO_TEST_DB=$(1) $(PY) -m pytest -n 4 --dist worksteal -m crash $(filter-out $(RACES),$(2)) $(ARGS)
endef
define RACES_ON
echo "== $(1), races"; IMAGE_STUDIO_TEST_DB=$(1) $(PY) -m pytest -m crash $(RACES) $(ARGS)
endef

.PHONY: test-crash
test-crash: $(VENV)/.group-test $(VENV)/.group-services ## Fail at every point of a job's way; a table of what came of it (MariaDB: kills and races)
	@$(call CRASH_ON,sqlite,$(call marked,crash))
	@$(call RACES_ON,sqlite)
	@$(call CRASH_ON,postgresql,$(call marked,crash))
	@$(call RACES_ON,postgresql)
	@$(call CRASH_ON,mariadb,tests/crash/test_kill.py)
	@$(call RACES_ON,mariadb)

.PHONY: test-browser
test-browser: $(VENV)/.group-test $(VENV)/.group-browser ## The pages in Chromium (Debian's /usr/bin/chromium)
	@$(PY) -m pytest -n 3 --dist loadfile -m browser $(call marked,browser) $(ARGS)

# A site's packages stay out of the environment that tests us, and out of each other's.
SITES := djangocms wagtail
SITE_PY = .venv-site-$*/bin/python

# uv, which comes with tox, fills an environment in seconds. What a user installs by, pip, has filled our own by then.
UV := $(VENV)/bin/uv
MAKE_UV_VENV = $(UV) venv --quiet --clear --seed --python $(PY) $(1)

.PRECIOUS: .venv-site-%/.made
.venv-site-%/.made: | $(VENV)/.group-tox
	@$(call MAKE_UV_VENV,.venv-site-$*)
	@touch $@

.venv-site-%/.installed: .venv-site-%/.made pyproject.toml
	@echo "Installing image_studio and the packages of the site '$*' into .venv-site-$* ..."
	@$(UV) pip install --quiet --python $(SITE_PY) --editable . --group test --group sites-$* $(if $(filter together,$*),,--group browser)
	@touch $@

.PHONY: test-sites
test-sites: $(SITES:%=test-site-%) test-site-together ## Real sites with the studio inside: their packages, a browser, exiftool

.PHONY: $(SITES:%=test-site-%)
$(SITES:%=test-site-%): test-site-%: .venv-site-%/.installed
	@$(SITE_PY) -m django makemigrations --check --dry-run --settings=tests.sites.$*.settings
	@$(SITE_PY) -m pytest --ds=tests.sites.$*.settings -n 2 --dist loadfile -m sites tests/sites/$* $(ARGS)
	@if [ "$*" = wagtail ]; then STUDIO_SITE_IMAGES=custom \
	  $(SITE_PY) -m pytest --ds=tests.sites.$*.settings -n 2 --dist loadfile -m "sites and not browser" tests/sites/$* $(ARGS); fi

# All of them in one site. Here on PostgreSQL; on SQLite and newer Djangos by tox.
.PHONY: test-site-together
test-site-together: export IMAGE_STUDIO_TEST_DB ?= postgresql
test-site-together: .venv-site-together/.installed
	@.venv-site-together/bin/python -m pytest --ds=tests.sites.together.settings -m sites tests/sites/together $(ARGS)

.PHONY: test-package
test-package: $(VENV)/.group-test $(VENV)/.group-check ## The built wheel in a fresh site with the README's lines
	@$(PY) -m pytest -m packaging $(call marked,packaging) $(ARGS)

$(BENCH_VENV)/.made: | $(VENV)/.group-tox
	@$(call MAKE_UV_VENV,$(BENCH_VENV))
	@touch $@

# The peers that we are measured against stay out of the environment that tests us.
$(BENCH_VENV)/.installed: $(BENCH_VENV)/.made pyproject.toml tests/benchmarks/requirements.txt
	@echo "Installing image_studio and its peers into $(BENCH_VENV) ..."
	@$(UV) pip install --quiet --python $(BENCH_PY) --editable . -r tests/benchmarks/requirements.txt
	@touch $@

.PHONY: bench
bench: $(BENCH_VENV)/.installed ## Measure against the peers; one JSON line a goal
	@$(BENCH_PY) -m tests.benchmarks $(ARGS)

.PHONY: tox
tox: $(VENV)/.group-tox ## Default and thorough suite on every Python and Django that is here
	@$(VENV)/bin/tox run $(ARGS)

.PHONY: screenshots
screenshots: $(VENV)/.group-browser ## Make the pictures of README and docs anew, from a fresh demo
	@$(PY) example_project/manage.py demo --no-serve
	@$(PY) docs/make_images.py

.PHONY: clean
clean: ## Remove what the commands made: environments, builds, var/
	rm -rf $(VENV) $(BENCH_VENV) .venv-site-* .tox dist build var docs/_build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
