"""Arrays as bytes of a file, with what there is to say about them: heads (also strangers'), checkpoints, outcomes."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

UNREADABLE = (SafetensorError, ValueError, KeyError, TypeError, IndexError, OverflowError)
MAX_ABOUT = 4 * 2**20  # bytes of what a file says about its arrays: one says a few thousand
DEEPEST = 16  # lists and objects in each other


def packed(about: Mapping[str, object], arrays: Mapping[str, NDArray]) -> bytes:
    """Arrays as a safetensors file, with what there is to say about them as JSON in its header."""
    whole = {key: np.ascontiguousarray(value) for key, value in arrays.items()}
    return save(whole, {"visionlab": json.dumps(about)})


def unpacked(data: bytes) -> tuple[dict, dict[str, NDArray]]:
    """What `packed` was given. Raises one of UNREADABLE where the bytes are nothing of the kind."""
    size = int.from_bytes(data[:8], "little")
    about = read_json(read_json(data[8 : 8 + size])["__metadata__"]["visionlab"])
    return about, load(data)


def read_json(text: str | bytes, most: int = MAX_ABOUT) -> object:
    """The JSON of that text. Raises ValueError where it is none, longer than `most`, or nested too deep to be used."""
    if len(text) > most:
        raise ValueError(f"it has {len(text):,} characters, and at most {most:,} are read")
    try:
        found = json.loads(text)
    except RecursionError as error:
        raise ValueError(f"it is nested more than {DEEPEST} deep") from error
    level, depth = [found], 0
    while level := [each if isinstance(each, list) else each.values() for each in level if type(each) in (list, dict)]:
        depth += 1
        if depth > DEEPEST:
            raise ValueError(f"it is nested more than {DEEPEST} deep")
        level = [inner for each in level for inner in each]
    return found
