"""Freed memory goes back to the system: glibc keeps it, in eight arenas a processor, 400 MB after twenty visitors."""

from __future__ import annotations

import ctypes
import os

_ARENAS = -8  # M_ARENA_MAX of malloc.h


def keep_few_arenas() -> None:
    """From now on, threads share one arena a processor. To be called before there are many threads."""
    if limit := _of_libc("mallopt"):
        limit(_ARENAS, os.cpu_count() or 1)


def give_back() -> None:
    """Return to the system what is free; some tens of milliseconds in which other threads wait for memory."""
    if trim := _of_libc("malloc_trim"):
        trim(0)


def _of_libc(name: str) -> ctypes._FuncPointer | None:
    """A function of glibc; None where that is not what the process runs on."""
    return getattr(ctypes.CDLL(None), name, None) if os.name == "posix" else None
