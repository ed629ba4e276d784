# Needs Python 3.11+ with venv, and make. Everything else comes from the hash-pinned lists. `make run` is the product.
SHELL := /bin/bash
V := .venv/bin
UV := $(V)/uv pip
NODE := PATH=$(CURDIR)/.node/bin:$$PATH
ASSETS := mailer/web/assets
DIST := mailer/web/static/dist
PYTHON ?= python3
# Compiled once, read ever after: a process of the product starts in a third of the time.
unexport PYTHONDONTWRITEBYTECODE
export UV_NO_PROGRESS := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := run
.PHONY: setup run assets check test test-long bench schema requirements inventory lock screenshot clean

setup: .venv/.ok assets

run: setup
	exec $(V)/mailer run

assets: $(DIST)/.ok

check: .venv/.dev-ok
	$(V)/ruff format --check .
	$(V)/ruff check .
	$(V)/mypy
	PYTHONPATH=. $(V)/lint-imports --no-cache
	$(V)/djlint --lint --quiet mailer lists sending tracking retention_jobs
	$(V)/pytest tests/test_architecture.py tests/test_locales.py tests/test_requirements.py tests/retention/test_schema_classes.py

test: .venv/.dev-ok assets .cache/chromium/.ok
	$(V)/pytest -n 3 --dist worksteal -m "not long" -o faulthandler_timeout=480 -o faulthandler_exit_on_timeout=true

# ONLY=tests/faults (a folder or file), REPEAT=10 (each fault test so many times; their figures stand at the end)
test-long: .venv/.dev-ok assets .cache/chromium/.ok
	$(V)/pytest -m "long or not long" --repeat=$(or $(REPEAT),1) $(ONLY)

# ONLY=send (names, all when left out), SCALE=0.1 (smaller lists), RUNS=5 (medians of), PROFILE=1 (where time goes)
bench: .venv/.dev-ok
	@ONLY="$(ONLY)" SCALE="$(SCALE)" RUNS="$(RUNS)" PROFILE="$(PROFILE)" $(V)/python -m tests.bench

schema: .venv/.dev-ok
	mkdir -p .build && $(V)/mailer schema > .build/schema.sql && mv .build/schema.sql mailer/schema.sql

# which test proves which requirement; FIX=1 writes the states in deploy/docs/requirements.md anew
requirements: .venv/.dev-ok
	@FIX="$(FIX)" $(V)/python -m tests.requirements_map

# every package of the lock files, as deploy/docs/dependencies.md and for scanners as CycloneDX in .build
inventory: .venv/.dev-ok
	@$(V)/python -m tests.inventory

screenshot: .venv/.dev-ok assets .cache/chromium/.ok
	$(V)/python -m tests.browser.screenshot deploy/docs/screenshot.png

lock: .venv/.ok .node/.ok
	$(UV) compile -q pyproject.toml $(LOCK) -o requirements.txt
	$(UV) compile -q --group pyproject.toml:dev -c requirements.txt $(LOCK) -o requirements-dev.txt
	$(UV) compile -q --group pyproject.toml:assets $(LOCK) -o requirements-assets.txt
	for folder in $(ASSETS) tests/browser; do (cd $$folder && $(NODE) npm install --silent --package-lock-only \
	  && $(NODE) node $(CURDIR)/$(ASSETS)/strip_lock.mjs package-lock.json) || exit 1; done

clean:
	rm -rf .venv .node .cache .build $(ASSETS)/node_modules tests/browser/node_modules $(DIST)

# No address of a package registry is written into a lock file.
LOCK := --generate-hashes --no-emit-index-url --no-header --universal --python-version 3.11

.venv/.ok: requirements.txt pyproject.toml
	test -x $(V)/python || $(PYTHON) -m venv .venv
	test -x $(V)/uv || $(V)/pip install -q uv
	$(UV) install -q --python $(V)/python --require-hashes -r requirements.txt
	$(UV) install -q --python $(V)/python --no-deps -e .
	touch $@

.venv/.dev-ok: requirements-dev.txt .venv/.ok
	$(UV) install -q --python $(V)/python --require-hashes -r requirements-dev.txt
	touch $@

.node/.ok: requirements-assets.txt .venv/.ok
	$(PYTHON) -m venv --without-pip .node
	$(UV) install -q --python .node/bin/python --require-hashes -r requirements-assets.txt
	touch $@

$(ASSETS)/node_modules/.ok: $(ASSETS)/package-lock.json .node/.ok
	cd $(ASSETS) && $(NODE) npm ci --silent
	touch $@

$(DIST)/.ok: $(ASSETS)/node_modules/.ok $(wildcard $(ASSETS)/*.mjs $(ASSETS)/*.css $(ASSETS)/*.js)
	cd $(ASSETS) && $(NODE) node build.mjs
	touch $@

# An installed Chromium will do; else the one inside an npm package. Neither needs root.
.cache/chromium/.ok: tests/browser/package-lock.json tests/browser/unpack.mjs .node/.ok
	mkdir -p .cache/chromium
	test -x /usr/bin/chromium || (cd tests/browser && $(NODE) npm ci --silent \
	  && $(NODE) node unpack.mjs $(CURDIR)/.cache/chromium && rm -rf node_modules)
	touch $@
