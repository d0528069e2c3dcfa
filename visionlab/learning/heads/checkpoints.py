"""Checkpoint: a run on its way, as bytes from which it goes on as if it had never been interrupted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visionlab.errors import ParameterError
from visionlab.learning.heads.problem import Parts
from visionlab.packing import UNREADABLE, packed, unpacked

FORMAT = "visionlab-checkpoint-1"
STATE = "state."  # what the names of such arrays in the file begin with


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """settings are what must be the same for the run to go on; history holds (index, training loss, validation loss,
    validation accuracy) of each epoch; best is the index of the best one, with its parts and its logits (m, K) of the
    held-out pictures; state is what the next epoch depends on."""

    settings: Mapping[str, object]
    history: Sequence[tuple[float, ...]]
    best: int
    parts: Parts
    logits: NDArray[np.float32]
    state: Mapping[str, NDArray]

    def to_bytes(self) -> bytes:
        """A safetensors file; never a pickle."""
        arrays = {**self.parts.arrays(), "logits": self.logits}
        arrays |= {STATE + key: value for key, value in self.state.items()}
        about = {
            "format": FORMAT,
            "settings": dict(self.settings),
            "history": list(self.history),
            "best": self.best,
            "facts": dict(self.parts.facts),
        }
        return packed(about, arrays)

    @classmethod
    def from_bytes(cls, data: bytes, settings: Mapping[str, object]) -> Checkpoint:
        """Raises ParameterError where it is none, is damaged, or is of a run with other settings."""
        try:
            about, arrays = unpacked(data)
            arrays = {key.removeprefix("best."): value for key, value in arrays.items()}  # as some began until 0.2
            parts = Parts.taken_from(arrays, about["facts"])
            state = {key.removeprefix(STATE): value for key, value in arrays.items() if key.startswith(STATE)}
            history, best = [tuple(epoch) for epoch in about["history"]], int(about["best"])
            known = about["format"], about["settings"]
            found = cls(settings, history, best, parts, arrays["logits"], state)
        except UNREADABLE as error:
            raise ParameterError("What was kept of the interrupted run is damaged. Train anew.") from error
        if known != (FORMAT, settings):
            raise ParameterError("The interrupted run had other pictures or settings than these. Train anew.")
        return found
