"""Tensors out of weight files: .safetensors, and what torch.save writes.

They are read whole, never memory-mapped: a file that is cut short while a network computes from a map of it ends the
process (SIGBUS), and with it everybody's work.
"""

from __future__ import annotations

import os
import pickle
import struct
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO
from zipfile import ZIP_STORED, BadZipFile, ZipFile

import torch
from safetensors import SafetensorError, safe_open

from visionlab.errors import WeightsError
from visionlab.imaging import cores

_PIECE = 4 * 2**20  # bytes that a core reads at a time
# Damaged bytes steer the unpickler into every one of these (seen by feeding it some); none of them is ours.
_UNREADABLE = (OSError, EOFError, RuntimeError, ValueError, TypeError, LookupError, AttributeError, AssertionError)
_UNREADABLE += (struct.error, pickle.PickleError, BadZipFile, SafetensorError)


def read(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """(tensors by name, on the CPU; metadata of the header) of a .safetensors, .pth or .pt file; no code is run.

    Raises WeightsError where it is no such file, or holds anything but tensors by name.
    """
    if path.suffix not in (".safetensors", ".pth", ".pt"):
        raise WeightsError(f"{path} is no weight file; expected one ending in .safetensors, .pth or .pt.")
    if path.suffix != ".safetensors":
        return _by_all_cores(path) or read_state(path, str(path)), {}
    try:
        with safe_open(path, framework="pt", backend="pread") as file:
            return file.get_tensors(), file.metadata() or {}
    except _UNREADABLE as error:
        raise _unreadable(path, error) from error


def read_state(source: Path | BinaryIO, name: str) -> dict[str, torch.Tensor]:
    """The tensors by name in what torch.save wrote, as read() does; name says whose they are."""
    try:
        content = torch.load(source, map_location="cpu", weights_only=True, mmap=False)
    except _UNREADABLE as error:
        raise _unreadable(name, error) from error
    if not isinstance(content, dict) or not all(
        isinstance(key, str) and isinstance(value, torch.Tensor) and value.device.type == "cpu"
        for key, value in content.items()
    ):
        raise WeightsError(f"{name} holds something other than tensors by name; save a network’s state_dict() there.")
    return {key: value.detach() for key, value in content.items()}


def _unreadable(name: str | Path, error: Exception) -> WeightsError:
    return WeightsError(
        f"{name} cannot be loaded ({type(error).__name__}): it is not there, damaged, or holds more than tensors,"
        " which could run code; replace it by a good copy, or by a network’s state_dict()."
    )


def _by_all_cores(path: Path) -> dict[str, torch.Tensor] | None:
    """What read_state gives, in half the time: torch.load reads with one core. None where it cannot be had so, for
    whatever reason: read_state tells which.

    torch.load is asked for the tensors without their values, and says where in the file these lie: of tensors on
    “meta”, a storage's `_checkpoint_offset`.
    """
    try:
        if not hasattr(os, "preadv") or not _lies_open(path):
            return None
        content = torch.load(path, map_location="meta", weights_only=True)
        if not all(type(key) is str and _plain(value) for key, value in content.items()):
            return None
        storages = {key: value.untyped_storage() for key, value in content.items()}
        sizes = {storage._checkpoint_offset: storage.nbytes() for storage in storages.values()}  # some are shared
        if sum(sizes.values()) > path.stat().st_size:
            return None
        memory = {place: torch.empty(size, dtype=torch.uint8) for place, size in sizes.items()}
        _fill(path, memory)
        return {key: _on(memory[storages[key]._checkpoint_offset], value) for key, value in content.items()}
    except _UNREADABLE:
        return None


def _lies_open(path: Path) -> bool:
    """Whether the values are in the file as they are in memory: neither packed nor in another order of bytes."""
    with ZipFile(path) as opened:
        if any(entry.compress_type != ZIP_STORED for entry in opened.infolist()):
            return False
        orders = [opened.read(name) for name in opened.namelist() if name.endswith("/byteorder")]
    return orders == [sys.byteorder.encode()]


def _plain(value: object) -> bool:
    """Whether it is a tensor that its values, shape and strides tell of."""
    return type(value) is torch.Tensor and value.layout is torch.strided and not (value.is_conj() or value.is_neg())


def _fill(path: Path, memory: Mapping[int, torch.Tensor]) -> None:
    """Each from its place in the file on; EOFError where that ends before."""
    pieces = [
        (memoryview(values.numpy())[first : first + _PIECE], place + first)
        for place, values in memory.items()
        for first in range(0, len(values), _PIECE)
    ]
    with path.open("rb") as file:

        def take(piece: tuple[memoryview, int]) -> None:
            wanted, place = piece
            while wanted:
                got = os.preadv(file.fileno(), [wanted], place)
                if not got:
                    raise EOFError(f"{path} ends at byte {place}")
                wanted, place = wanted[got:], place + got

        cores.share(take, pieces)


def _on(memory: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """The tensor that has its values there."""
    return memory.view(like.dtype).as_strided(like.shape, like.stride(), like.storage_offset())
