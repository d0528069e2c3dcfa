# make run: the app in the browser.  make test: everything that CI checks.  Both make the environment they need.
VENV ?= .venv
PORT ?= 8501
PYTHON ?= python3
BIN := $(VENV)/bin

.PHONY: run test test-gpu chromium screenshot clean

run: $(VENV)/run.stamp
	$(BIN)/python -m streamlit run streamlit_app.py --server.port $(PORT)

test: $(VENV)/dev.stamp chromium
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder

# Needs neither Streamlit nor a browser: PYTHON may be any interpreter that has torch, pytest and hypothesis.
test-gpu:
	$(PYTHON) -m pytest -m gpu -p no:cacheprovider tests/imaging tests/network tests/learning

$(VENV)/run.stamp: requirements.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

$(VENV)/dev.stamp: requirements.txt requirements-dev.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@ $(VENV)/run.stamp

# The browser tests drive a real Chromium and are never skipped in silence.
chromium:
	@if command -v chromium >/dev/null || command -v google-chrome >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && [ -f /etc/debian_version ]; then \
	  apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-liberation >/dev/null; \
	else \
	  echo "The browser tests need Chromium: install it (Debian, Ubuntu: sudo apt-get install chromium) so that" >&2; \
	  echo "‘chromium’ or ‘google-chrome’ is on the PATH, then run make test again." >&2; exit 1; \
	fi

screenshot: $(VENV)/dev.stamp chromium
	$(BIN)/python tests/browser/screenshot.py docs/screenshot.png

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis
