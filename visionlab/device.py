"""Which device computes, and in which precision: chosen once, then passed in."""

from __future__ import annotations

import ctypes
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from visionlab.errors import ParameterError
from visionlab.shortage import lacks_memory
from visionlab.wording import sized

if TYPE_CHECKING:
    import torch
    from threadpoolctl import ThreadpoolController


def resolve(device: str | torch.device = "auto") -> torch.device:
    """The torch device behind a name: "auto" is the GPU where there is one and the CPU otherwise.

    Raises ParameterError where the name is no device, or the device is not there.
    """
    import torch

    if isinstance(device, torch.device):
        return device
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        found = torch.device(device)
    except RuntimeError as error:
        raise ParameterError(f"“{device}” is no device. Use “auto”, “cpu” or “cuda”.") from error
    if found.type == "cuda" and not torch.cuda.is_available():
        raise ParameterError(f"“{device}” was asked for, but this machine has no CUDA GPU. Use “auto” or “cpu”.")
    return found


@lru_cache(maxsize=1)
def describe() -> str:
    """The device that "auto" means, in words for people: "NVIDIA H200" or "CPU, 2 threads"."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    threads = torch.get_num_threads()
    return f"CPU, {threads} thread{'s' if threads != 1 else ''}"


@lru_cache(maxsize=8)
def half_precision(device: torch.device) -> torch.dtype | None:
    """bfloat16 where the device computes in it natively, None where float32 is as fast or faster.

    Good for embedding and training; what is shown as a number is computed in float32.
    """
    import torch

    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else None
    if device.type == "cpu" and torch.backends.mkldnn.is_available():
        native = getattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: False)()
        return torch.bfloat16 if native and torch.cpu._is_avx512_bf16_supported() else None
    return None


@lru_cache(maxsize=1)
def _libraries() -> ThreadpoolController:
    from threadpoolctl import ThreadpoolController  # late: it looks through all libraries that are loaded

    return ThreadpoolController()


class _OneThread:
    """What all who want a single thread share: the first sets the library's limit, and the last takes it back."""

    def __init__(self) -> None:
        self.lock, self.users = Lock(), 0
        self.limit: Any = None

    @contextmanager
    def __call__(self) -> Iterator[None]:
        with self.lock:
            self.users += 1
            if self.users == 1:
                self.limit = _libraries().limit(limits=1, user_api="blas")
        try:
            yield
        finally:
            with self.lock:
                self.users -= 1
                if self.users == 0:
                    self.limit.restore_original_limits()


# For products of small matrices by NumPy and SciPy: on a processor with other work, the threads of their BLAS wait for
# one another longer than they compute. torch has threads of its own, which this leaves alone.
one_thread = _OneThread()

_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current"))  # of a container


def free_memory(device: torch.device) -> int | None:
    """Bytes that can still be taken on the device; None where the system does not say."""
    import torch

    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    try:
        told = Path("/proc/meminfo").read_text()
        free = 1024 * int(re.search(r"MemAvailable:\s*(\d+)", told)[1])
    except (OSError, TypeError):
        return None
    try:
        most, taken = (int(path.read_text()) for path in _LIMITS)
    except (OSError, ValueError):  # no container, or one without a limit
        return free
    return min(free, most - taken)


@contextmanager
def enough_memory(what: str, size: int, device: torch.device) -> Iterator[None]:
    """For work that takes about so many bytes: raises ParameterError where they are not there, before it begins or in
    its course. `what` begins the sentence: “Looking at … at 9,000 px”.

    Before, since a system may end the process that takes more than there is.
    """
    free = free_memory(device)
    if free is not None and size > free:
        raise _too_much(what, f"about {sized(size)} of memory, of which {sized(free)} are free")
    try:
        yield
    except Exception as error:
        if not lacks_memory(error):
            raise
        raise _too_much(what, "more memory than is free") from error


def _too_much(what: str, needed: str) -> ParameterError:
    return ParameterError(f"{what} is too much: it takes {needed}. Use a smaller size, or fewer layers.")


_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # mallopt(3)


def keep_memory(most: int, block: int) -> None:
    """Have the C library, where it is glibc, keep up to `most` freed bytes for later, in blocks of up to `block` bytes
    (32 MiB or less), instead of giving them back to the system at once. Nothing is taken now."""
    if mallopt := _of_glibc("mallopt"):
        mallopt(_MMAP_THRESHOLD, block)
        mallopt(_TRIM_THRESHOLD, most)


def give_back_memory() -> None:
    """Hand freed memory back to the system, where the C library (glibc) would keep it for later."""
    if trim := _of_glibc("malloc_trim"):
        trim(0)


def _of_glibc(name: str) -> Callable[..., int] | None:
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
