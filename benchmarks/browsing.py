"""Chromium for the benchmarks: nobody is attached to it while it measures.

Who is attached to a browser is told of every message, with all that is in it, and that would be measured, too.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from browser.driver import FLAGS, settle
from browser.servers import start_server

# Functions for what runs in a page: find() looks into components, too; drawn() ends when a frame has been painted.
TOOLS = """
    const find = (root, selector) => {
        for (const element of root.querySelectorAll('*')) {
            if (element.matches(selector)) return element;
            const inner = element.shadowRoot && find(element.shadowRoot, selector);
            if (inner) return inner;
        }
    };
    const pause = (ms) => new Promise((go) => setTimeout(go, ms));
    const frame = () => new Promise(requestAnimationFrame);
    const drawn = async () => { await frame(); await frame(); };
    const app = () => document.querySelector('[data-testid=stApp]');
    const rest = async () => { do await pause(300); while (app().dataset.testScriptState !== 'notRunning'); };
"""
__all__ = ["TOOLS", "attached", "chromium", "measured_by_itself", "settle", "start_server"]
DONE = "measured"  # what a page's title says when its measuring is over


@contextmanager
def chromium() -> Iterator[int]:
    """Chromium by itself, with a page of 1400 × 1000 pixels; its debugging port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = [f"--remote-debugging-port={port}", f"--user-data-dir={profile}", "--window-size=1400,1000"]
        command = [program, "--headless=new", *FLAGS, *options, "about:blank"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            yield port
        finally:
            process.terminate()
            process.wait()


def pages(port: int) -> list[dict]:
    """What Chromium shows, asked without attaching to it; none before it has started."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=5) as answer:
            return [entry for entry in json.load(answer) if entry["type"] == "page"]
    except OSError:
        return []


@contextmanager
def attached(port: int) -> Iterator[Page]:
    while not pages(port):
        time.sleep(0.1)
    with sync_playwright() as playwright:
        browser = playwright.chromium.connect_over_cdp(f"http://127.0.0.1:{port}")
        page = browser.contexts[0].pages[0]
        page.set_default_timeout(90_000)
        yield page
        browser.close()  # lets go of it; the page stays


def measured_by_itself(port: int, seconds: float) -> None:
    """Wait, attached to nothing, until the page's title says that it has measured."""
    until = time.monotonic() + seconds
    while pages(port)[0]["title"] != DONE:
        if time.monotonic() > until:
            raise SystemExit("The page did not come to an end of its measuring.")
        time.sleep(1)
