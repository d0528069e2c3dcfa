"""Which device computes, and in which precision: chosen once, then passed in."""

from __future__ import annotations

import ctypes
import sys
from functools import lru_cache
from typing import TYPE_CHECKING

from visionlab.errors import ParameterError

if TYPE_CHECKING:
    import torch


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


def give_back_memory() -> None:
    """Hand freed memory back to the system, where the C library (glibc) would keep it for later."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
