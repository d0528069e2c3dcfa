"""Starting: the library's import, a server from nothing to a page that can be used, and the memory that it takes.

The files were read before, so that they are in the system's memory. A server is started by `streamlit run`, and Home
opened in a fresh browser as soon as it answers; beside it a server of a page of Streamlit that holds a heading and a
line. Memory is what Linux tells of the server's process.
"""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from hostile.sessions import resident
from hostile.visitor import Visitor

from benchmarks import ROOT
from benchmarks.app import BARE, pages_of
from benchmarks.browsing import chromium, opened, serving
from benchmarks.measuring import Goal, Row, Setting, asked, compared, in_turn

TITLE = "Start"
IDLE = 10  # sessions beyond the first
IMPORT = "import sys, time; start = time.perf_counter(); import visionlab; taken = time.perf_counter() - start"
IMPORT += "; assert 'torch' not in sys.modules; print(taken)"


def imported() -> float:
    """Seconds of `import visionlab` in a Python of its own, which brings no torch along."""
    return float(subprocess.run([sys.executable, "-c", IMPORT], cwd=ROOT, capture_output=True, check=True).stdout)


def started(script: str) -> tuple[float, float]:
    """Seconds from starting the server until it answers, and until its first page, in a fresh browser, is at rest."""
    with chromium() as port:
        start = time.perf_counter()
        with serving(script) as (_, url):
            answered = time.perf_counter() - start
            return answered, answered + opened(port, url)["settled"] / 1e3


def cold(rounds: int) -> Iterator[Row]:
    found: dict[str, list[tuple[float, float]]] = {"ours": [], BARE: []}
    scripts = {"ours": "streamlit_app.py", BARE: "benchmarks/bare.py"}
    in_turn({name: lambda name=name: found[name].append(started(scripts[name])) for name in scripts}, 0, least=rounds)
    # The first of each has brought the files into memory.
    answered, usable = ({name: [pair[which] for pair in each[1:]] for name, each in found.items()} for which in (0, 1))
    yield compared("the server answers", answered, unit="s", scale=1)
    yield compared("Home can be used", usable, Goal(6, of="value"), unit="s", scale=1)


def memory(sessions: int) -> Iterator[Row]:
    with serving() as (process, url):
        visitors = [Visitor(url).open("")]
        visitors[0].run()
        before = resident(process.pid)
        visitors += [Visitor(url).open("") for _ in range(sessions)]
        grown = (resident(process.pid) - before) / sessions
        for visitor in visitors:
            visitor.close()
        yield Row("an idle session beyond the first", grown, "MB", goal=Goal(5, of="value"))
        visitor = Visitor(url)
        for address in pages_of("").values():
            visitor.open(address.lstrip("/"))
        told = Path(f"/proc/{process.pid}/status").read_text()
        whole = int(re.search(r"VmRSS:\s+(\d+) kB", told)[1]) / 2**10  # what it has mapped of files, too
        visitor.close()
        yield Row("the server, all pages opened", whole, "MB", goal=Goal(1200, of="value"))


def measure(setting: Setting) -> Iterator[Row]:
    taken = [imported() for _ in range(3 if setting.short else 11)]
    yield Row("import visionlab", 1e3 * statistics.median(taken), "ms", goal=Goal(100, of="value"))
    yield from cold(1 if setting.short else 3)
    yield from memory(2 if setting.short else IDLE)


if __name__ == "__main__":
    asked(TITLE, measure, __doc__)
