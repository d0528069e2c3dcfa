"""Which pictures were learned from, told by what a head's file can hold of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visionlab.errors import ParameterError
from visionlab.imaging.image import Image, fingerprint
from visionlab.learning.sets.copies import HASHES
from visionlab.learning.sets.dataset import LabelledImages
from visionlab.learning.sets.similar import NEAR, hashes

DIGEST = 32  # bytes of a fingerprint


@dataclass(frozen=True, eq=False)
class Learned:
    """N pictures by their fingerprints, uint8 (N, 32), and their hashes, uint64 (N, 37) as of similar.hashes.

    A copy is known by its fingerprint; a near-copy (saved or scaled anew, in other light, mirrored) by hashes that are
    near, those of the crops too, which stand for a look at the picture itself. Of pictures that are too small to have
    such, copies alone are known.
    """

    keys: NDArray[np.uint8]
    hashes: NDArray[np.uint64]

    def __post_init__(self) -> None:
        rows = len(self.keys)
        wanted = {"keys": (np.uint8, (rows, DIGEST)), "hashes": (np.uint64, (rows, HASHES))}
        for name, (kind, shape) in wanted.items():
            array = getattr(self, name)
            if array.dtype != kind or array.shape != shape:
                raise ParameterError(f"The {name} are {array.dtype} {array.shape}; they must be {kind} {shape}.")

    @classmethod
    def of(cls, data: LabelledImages, places: NDArray[np.int64]) -> Learned | None:
        """The pictures at these places; None where the set does not know what they are."""
        if not len(data.keys) or not len(data.hashes):
            return None
        keys = b"".join(bytes.fromhex(data.keys[place]) for place in places.tolist())
        return cls(np.frombuffer(keys, np.uint8).reshape(-1, DIGEST), data.hashes[places])

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray]) -> Learned:
        """What arrays() gave. Raises ParameterError where it is nothing of the kind."""
        if arrays.keys() != {"keys", "hashes"}:
            raise ParameterError(f"Pictures are known by keys and hashes, not by {', '.join(arrays)}.")
        return cls(**arrays)

    def arrays(self) -> dict[str, NDArray]:
        return {"keys": self.keys, "hashes": self.hashes}

    def knows(self, image: Image) -> bool:
        """Whether it is one of them, or a near-copy."""
        own = np.frombuffer(bytes.fromhex(fingerprint(image)), np.uint8)
        if (self.keys == own).all(1).any():
            return True
        looks = hashes(image)
        if (looks[2:] == ~looks[0]).all():
            return False
        for side in (0, 1):  # as it is, and mirrored
            near = self.hashes[np.bitwise_count(self.hashes[:, 0] ^ looks[side]) <= NEAR]
            if len(near):
                other = hashes(np.ascontiguousarray(image[:, ::-1])) if side else looks
                if (np.bitwise_count(near[:, 2:] ^ other[2:]).mean(1) <= NEAR).any():
                    return True
        return False
