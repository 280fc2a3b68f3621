# Everything on a fresh Debian 12 with Python 3.11 and Node 20: `make run`, `make test`, `make test-long`, `make lint`, `make bench`.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
# Each of the many processes of a run would read the whole source anew.
unexport PYTHONDONTWRITEBYTECODE

PYTHON := $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
PACKAGES := .venv/.packages
MODULES := node_modules/.packages
ARGS ?=
ONLY ?=

.PHONY: run test test-long lint bench soak fuzz release translations clean browser janus

run: $(PACKAGES) $(MODULES)
	@exec $(BIN)/python server.py demo

# One lane of tests: name, what pytest is told. A real-time test can fail because the machine was busy with something else: each
# file with a failed test is run once more, alone and whole. What fails again has failed; what does not stays in the output.
define LANE
failed=0
lane() {
  local ended=0 with=(-o cache_dir=".pytest_cache/$$1" -m "$$2") tests="$$3"; shift 3
  $(BIN)/python -m pytest "$${with[@]}" "$$@" $$tests || ended=$$?
  [ $$ended != 1 ] || { echo "Once more, alone: each file of $$tests with a failed test."; ended=0
    $(BIN)/python -m pytest "$${with[@]}" --failed-files $$tests || ended=$$?; }
  [ $$ended = 0 ] || failed=1
}
endef

# What runs without a browser, a file at a time in each of three processes, which wait half of the time (their order: tests/conftest.py);
# then the browsers, two files at a time; then those that need all cores. ARGS="..." runs just those tests.
test: $(PACKAGES) $(MODULES) browser
	@[ -z "$(ARGS)" ] || exec $(BIN)/python -m pytest $(ARGS)
	$(LANE)
	lane plain "not long and not alone" "tests/dispatch tests/rooms tests/engine $$(echo tests/test_*.py)" -q -n 3 --dist loadfile --no-loadscope-reorder
	lane browser "not long and not alone" "tests/browser" -n 2 --dist loadfile --no-loadscope-reorder
	lane alone "alone and not long" "tests/browser tests/rooms/media/test_chromium_narrow.py"
	exit $$failed

# The other tests with browsers (devices, restored sites, bad and cut networks), the long forms of others, the release, and many more of
# the cases that are made up (tests/effort.py). With `make test` that is everything.
test-long: $(PACKAGES) $(MODULES) browser
	@$(LANE)
	export THOROUGH=1
	lane long long "tests/browser tests/dispatch tests/rooms tests/engine tests/test_probe.py tests/test_release.py"
	lane thorough "thorough and not long" "tests/dispatch tests/rooms tests/engine" -q -n 3 --dist loadfile --no-loadscope-reorder
	lane staff thorough tests/browser
	exit $$failed

lint: $(PACKAGES) $(MODULES)
	@$(BIN)/ruff check .
	$(BIN)/mypy
	node_modules/.bin/tsc --project tsconfig.json

bench: $(PACKAGES) $(MODULES) browser janus
	@$(BIN)/python -m bench $(ONLY)

# Hearings whose parts are killed again and again, each as often as the others and all at once: so many kills at random moments under
# four whose picture and sound are known, and as many again under three browsers. Both distributions are printed.
SOAK ?= 20
soak: $(PACKAGES) $(MODULES) browser
	@KILLS=$(SOAK) $(BIN)/python -m pytest -q -s tests/test_kills.py
	SOAK=$$((($(SOAK) + 3) / 4)) $(BIN)/python -m pytest -q -s tests/browser/test_survival.py

# What may come from outside, made up at random: FUZZ=20000 tries a test by default, some minutes.
FUZZ ?= 20000
fuzz: $(PACKAGES)
	@FUZZ_EXAMPLES=$(FUZZ) $(BIN)/python -m pytest -q tests/rooms/media/test_fuzz.py

# One archive for sites without internet, below dist/: wheels, Debian packages, install script, units, checksums. On Debian 12.
release: $(PACKAGES) $(MODULES)
	@$(BIN)/python deploy/release.py $(ARGS)

# Collect the texts of templates, Python and JavaScript and name those that are missing in a language.
translations: $(PACKAGES)
	@$(BIN)/python -m dispatch.web.translations

$(PACKAGES): pyproject.toml constraints.txt
	@[ -n "$(PYTHON)" ] || { echo "Python 3.11 is missing: apt-get install python3 python3-venv" >&2; exit 1; }
	"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { echo "Python 3.11 is needed; $(PYTHON) is another version" >&2; exit 1; }
	[ -x $(BIN)/pip ] || "$(PYTHON)" -m venv .venv || { echo "no virtual environment: apt-get install python3-venv" >&2; exit 1; }
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

$(MODULES): package.json package-lock.json
	@command -v npm >/dev/null || { echo "Node.js 20 with npm is missing: apt-get install nodejs npm" >&2; exit 1; }
	npm ci --silent --no-audit --no-fund
	touch $@

# Chromium and a Chinese font: installed from Debian where they are missing and we may, else named in one line. What the tests of
# a network, a relay, the other engine, of speech and of the disk need (nginx, certutil, ip, coturn, janus, espeak-ng, strace) is installed with them; without it these tests are skipped and say so.
browser:
	@missing=""; wanted=""
	command -v chromium >/dev/null || missing="chromium"
	ls /usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc >/dev/null 2>&1 || missing="$$missing fonts-noto-cjk"
	command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] || wanted="nginx"
	command -v certutil >/dev/null || wanted="$$wanted libnss3-tools"
	command -v ip >/dev/null || [ -x /usr/sbin/ip ] || wanted="$$wanted iproute2"
	command -v espeak-ng >/dev/null || wanted="$$wanted espeak-ng"
	command -v strace >/dev/null || wanted="$$wanted strace"
	command -v turnserver >/dev/null || wanted="$$wanted coturn"
	ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || wanted="$$wanted postgresql"
	command -v janus >/dev/null || wanted="$$wanted janus"
	[ -n "$$missing$$wanted" ] || exit 0
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
	  # Debian starts a service as soon as it is installed, unless this file says no.
	  if [ ! -e /usr/sbin/policy-rc.d ]; then
	    trap 'rm -f /usr/sbin/policy-rc.d' EXIT; printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d; chmod 755 /usr/sbin/policy-rc.d
	  fi
	  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing $$wanted; } >/dev/null \
	    || { echo "could not install from Debian: $$missing $$wanted" >&2; exit 1; }
	elif [ -n "$$missing" ]; then
	  echo "missing for the browser tests, install as root: apt-get install $$missing $$wanted" >&2; exit 1
	else
	  echo "some tests are skipped, install as root: apt-get install $$wanted" >&2
	fi

# The peer of the measurements. They are made without it too, and then say so; it needs iproute2 for a network of its own.
janus:
	@missing=""
	command -v janus >/dev/null || missing="janus"
	command -v ip >/dev/null || [ -x /usr/sbin/ip ] || missing="$$missing iproute2"
	[ -n "$$missing" ] || exit 0
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
	  # As above: it is to be measured, not to run as a service.
	  if [ ! -e /usr/sbin/policy-rc.d ]; then
	    trap 'rm -f /usr/sbin/policy-rc.d' EXIT; printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d; chmod 755 /usr/sbin/policy-rc.d
	  fi
	  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing; } >/dev/null \
	    || echo "could not install from Debian, measured without a peer: $$missing" >&2
	else
	  echo "measured without a peer, install as root: apt-get install $$missing" >&2
	fi

clean:
	@rm -rf .venv node_modules dist .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
