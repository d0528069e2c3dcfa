"""Near-duplicates: pictures of one scene, found by the Hamming distance of their perceptual hashes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from visionlab.imaging.image import Image, fit

# Of 64 bits. Different photographs: of 5,000 (Tiny ImageNet), 12 to 43 get into a group that they do not belong to, of
# at most four; at 12 bits it would be 176 to 284. Bursts made of 200 photographs: JPEG, half the size, other light,
# noise, 2 % of shift and of rotation stay within in 98 % or more; 5 % of shift, or 10 % cut off around, in 56 %.
NEAR = 10
HASHED_SIDE = 256  # pixels; the hash looks at 32 × 32, and shrinking by area first is what makes it quick
BLOCK = 2**20  # pairs that are compared at once


def hashes(image: Image) -> NDArray[np.uint64]:
    """The perceptual hash of the picture and of its mirror image, uint64 (2,).

    64 bits: which of the 8 × 8 lowest frequencies of the grey picture's DCT lie above their median (ImageHash's
    “phash”; N. Krawetz, “Looks Like It”, 2011).
    """
    from imagehash import phash
    from PIL import Image as PILImage

    small = fit(image, HASHED_SIDE)
    sides = (PILImage.fromarray(small), PILImage.fromarray(np.ascontiguousarray(small[:, ::-1])))
    bits = np.stack([phash(side).hash.ravel() for side in sides])  # (2, 64) bool
    return np.packbits(bits, axis=1).view(">u8")[:, 0].astype(np.uint64)


def near_pairs(first: NDArray[np.uint64], second: NDArray[np.uint64], most: int = NEAR) -> Iterator[NDArray[np.int64]]:
    """(P, 2): the index in first (N,) and in second (M,) of each pair of hashes that differ in at most `most` bits.

    Block by block: of thousands of frames of one scene all pairs are near, and together they would fill the memory.
    """
    rows = max(1, BLOCK // max(1, len(second)))
    for start in range(0, len(first), rows):
        distances = np.bitwise_count(first[start : start + rows, None] ^ second)  # (rows, M) uint8
        yield np.argwhere(distances <= most) + np.array([start, 0])


def joined(groups: NDArray[np.int64], pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """The groups (N,) after those of each pair (P, 2) of indices became one, which goes by the least of its numbers."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    numbers, unit = np.unique(groups, return_inverse=True)
    links = unit[pairs]  # (P, 2)
    graph = coo_array((np.ones(len(links), bool), (links[:, 0], links[:, 1])), shape=(len(numbers),) * 2)
    count, part = connected_components(graph, directed=False)
    least = np.full(count, np.iinfo(np.int64).max)
    np.minimum.at(least, part, numbers)
    return least[part][unit]


def grouped(hashes: NDArray[np.uint64], most: int = NEAR) -> NDArray[np.int64]:
    """Groups (N,) of hashes (N,): those that differ in at most `most` bits, and what they are linked with, share one.

    A group goes by the index of its first picture.
    """
    groups = np.arange(len(hashes))
    for pairs in near_pairs(hashes, hashes, most):
        groups = joined(groups, pairs)
    return groups
