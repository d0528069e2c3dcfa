"""Arrays as the bytes of a file, with what there is to say about them: heads, checkpoints, outcomes."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from safetensors import SafetensorError

UNREADABLE = (SafetensorError, ValueError, KeyError, TypeError, IndexError)


def packed(about: Mapping[str, object], arrays: Mapping[str, NDArray]) -> bytes:
    """Arrays as a safetensors file, with what there is to say about them as JSON in its header."""
    whole = {key: np.ascontiguousarray(value) for key, value in arrays.items()}
    return safetensors.numpy.save(whole, {"visionlab": json.dumps(about)})


def unpacked(data: bytes) -> tuple[dict, dict[str, NDArray]]:
    """What `packed` was given. Raises one of UNREADABLE where the bytes are nothing of the kind."""
    size = int.from_bytes(data[:8], "little")
    about = json.loads(json.loads(data[8 : 8 + size])["__metadata__"]["visionlab"])
    return about, safetensors.numpy.load(data)
