"""What is free goes back to the system, and at once when a visitor has left."""

import asyncio
import platform
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from visionlab.ui.serving import middleware

# Blocks that malloc takes from its arenas, all freed but the last, so that nothing shrinks by itself.
FREED = """
import re, sys
import numpy as np
from visionlab.ui.serving.memory import give_back

def resident():
    return int(re.search(r"RssAnon:\\s+(\\d+)", open("/proc/self/status").read())[1]) >> 10

blocks = [np.ones(64 << 10, np.uint8) for _ in range(3_000)]
del blocks[:-1]
before = resident()
give_back()
print(before - resident())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other libraries keep less")
def test_what_is_free_goes_back():
    told = subprocess.run([sys.executable, "-c", FREED], capture_output=True, text=True, check=True)
    assert int(told.stdout) > 150


@pytest.mark.parametrize(("kind", "times"), [("websocket", 1), ("http", 0), ("lifespan", 0)])
def test_memory_is_given_back_when_a_visitor_leaves(monkeypatch, kind, times):
    given = []
    monkeypatch.setattr(middleware, "give_back", lambda: given.append(kind))

    async def left(scope, receive, send) -> None:
        raise ConnectionError

    async def visit() -> None:
        with pytest.raises(ConnectionError):
            await middleware.Leaving(left)({"type": kind}, None, None)
        await asyncio.get_running_loop().shutdown_default_executor()

    with ThreadPoolExecutor(1) as pool:  # in this thread the browser tests may have a loop at work
        pool.submit(asyncio.run, visit()).result()
    assert len(given) == times
