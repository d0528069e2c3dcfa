"""Chromium for the benchmarks: nobody follows what it does while it measures.

Who does is told of every message, with all that is in it, and that would be measured, too: a control is measured by the
page itself, with nobody attached, and an opening by a script that is handed in before, and asked when it is over.
"""

from __future__ import annotations

import itertools
import json
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from browser.driver import FLAGS, KEEP_RUNS, SETTLED, settle
from browser.servers import start_server
from hostile.kills import environment
from playwright.sync_api import Page, sync_playwright
from websockets.sync.client import connect

from benchmarks.measuring import NotHereError

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
__all__ = ["attached", "chromium", "measured_by_itself", "opened", "serving", "settle"]
OF_TESTS = ("--js-flags", "--process-per-site", "--renderer-process-limit")
AS_PEOPLE_HAVE_IT = [flag for flag in FLAGS if not flag.startswith(OF_TESTS)]
DONE = "measured"  # what a page's title says when its measuring is over


@contextmanager
def chromium() -> Iterator[int]:
    """Chromium by itself, with a page of 1400 × 1000 pixels; its debugging port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        raise NotHereError("This needs Chromium: install it, so that “chromium” or “google-chrome” is on the PATH.")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = [f"--remote-debugging-port={port}", f"--user-data-dir={profile}", "--window-size=1400,1000"]
        command = [program, "--headless=new", *AS_PEOPLE_HAVE_IT, *options, "about:blank"]
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


# Runs in a page from its first moment on: when its first words were painted, and the script's heading, its first
# picture and its last change were there, in ms from when it was asked for; and what it is made of.
WATCH = f"""
{KEEP_RUNS}
(() => {{
    const settled = {SETTLED};
    const seen = window.seen = {{runs: 0, messages: 0, bytes: 0, busy: 0}};
    const kind = (bytes, at = 0) => {{  // the field of a ForwardMsg behind its hash and its metadata
        while (bytes[at] >> 3 < 3) {{
            let length = 0, shift = 0;
            do {{ length |= (bytes[++at] & 127) << shift; shift += 7; }} while (bytes[at] > 127);
            at += 1 + length;
        }}
        return bytes[at] >> 3;
    }};
    const Plain = window.WebSocket;
    window.WebSocket = class extends Plain {{
        constructor(...where) {{
            super(...where);
            this.addEventListener("message", ({{data}}) => {{
                seen.messages += 1;
                seen.bytes += data.byteLength ?? data.size;
                seen.runs += kind(new Uint8Array(data)) === 4;  // new_session
            }});
        }}
    }};
    new PerformanceObserver((list) => list.getEntries().forEach((task) => seen.busy += task.duration))
        .observe({{entryTypes: ["longtask"]}});
    const find = (root, wanted) => {{
        for (const element of root.querySelectorAll("*")) {{
            if (wanted(element)) return element;
            const inner = element.shadowRoot && find(element.shadowRoot, wanted);
            if (inner) return inner;
        }}
    }};
    const count = (root) => [...root.querySelectorAll("*")]
        .reduce((sum, element) => sum + 1 + (element.shadowRoot ? count(element.shadowRoot) : 0), 0);
    const shows = ({{tagName, complete, naturalWidth, width}}) =>
        (tagName === "IMG" && complete && naturalWidth > 32) || (tagName === "CANVAS" && width > 32);
    let quiet = null;
    const look = () => {{
        const now = performance.now(), main = document.querySelector("[data-testid=stMain]");
        if (main?.querySelector("h1")) seen.heading ??= now;
        if (main && !seen.picture && find(main, shows)) seen.picture = now;
        quiet = main && settled() ? quiet ?? now : null;
        if (quiet === null || now < quiet + 1000) return setTimeout(look, 20);
        const files = performance.getEntriesByType("resource");
        seen.settled = quiet;
        seen.paint = performance.getEntriesByName("first-contentful-paint")[0]?.startTime;
        seen.kilobytes = Math.round(files.reduce((sum, file) => sum + file.decodedBodySize, 0) / 1000);
        seen.elements = count(document);
        seen.components = document.querySelectorAll("[data-testid^=stBidiComponent], iframe").length;
        seen.files = files.length;
    }};
    look();
}})();
"""


@contextmanager
def serving(script: str | Path = "streamlit_app.py") -> Iterator[tuple[subprocess.Popen, str]]:
    """The app, or another script, cold and in a process of its own, with projects of its own; and its address."""
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as projects,
        environment(VISIONLAB_WORKSPACE=projects),
    ):
        process, url = start_server(script)
        try:
            yield process, url
        finally:
            process.terminate()
            process.wait()


def opened(port: int, url: str, seconds: float = 120) -> dict[str, float]:
    """What WATCH saw of a page that is opened by itself: nobody is told of what it does meanwhile."""
    while not (found := pages(port)):
        time.sleep(0.1)
    with connect(found[0]["webSocketDebuggerUrl"], max_size=None) as socket:
        numbers = itertools.count()

        def tell(method: str, **given: object) -> dict:
            mine = next(numbers)
            socket.send(json.dumps({"id": mine, "method": method, "params": given}))
            while (answer := json.loads(socket.recv(60))).get("id") != mine:
                pass
            return answer["result"]

        tell("Page.enable")  # without this, the script would not be run; nothing else is asked to be told of
        tell("Page.addScriptToEvaluateOnNewDocument", source=WATCH)
        tell("Page.navigate", url=url)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            time.sleep(0.3)
            told = tell("Runtime.evaluate", expression="JSON.stringify(window.seen?.files && seen)", returnByValue=True)
            if "value" in told["result"]:
                return json.loads(told["result"]["value"])
    raise SystemExit(f"{url} did not come to rest within {seconds:.0f} s.")


def measured_by_itself(
    port: int, prepare: Callable[[Page], None], script: str, given: object, seconds: float, leave: int = 3_000
) -> Any:
    """What a script gives that runs in the page of Chromium at that port, with nobody attached.

    prepare(page) opens the page before; script is an async function of `given`, with TOOLS, that begins `leave` ms
    later, and has so many seconds.
    """
    with attached(port) as page:
        prepare(page)
        run = f"async (given) => {{ {TOOLS} await pause({leave}); return ({script})(given); }}"
        ended = f"(found) => {{ window.found = found; document.title = '{DONE}'; }}"
        page.evaluate(f"(given) => {{ document.title = 'measuring'; ({run})(given).then({ended}); }}", given)
    until = time.monotonic() + seconds
    while pages(port)[0]["title"] != DONE:
        if time.monotonic() > until:
            raise SystemExit(f"The page did not come to an end of its measuring: {pages(port)[0]['url']}")
        time.sleep(0.5)
    with attached(port) as page:
        return page.evaluate("window.found")
