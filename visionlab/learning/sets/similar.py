"""Near-duplicates: pictures of one scene, found by their perceptual hashes, and looked at once more in small."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from visionlab.imaging.image import Image, fit

# Of 64 bits. Different photographs: of 5,000 (Tiny ImageNet), 12 to 43 get into a group that they do not belong to, of
# at most four; at 12 bits it would be 176 to 284. Bursts made of 200 photographs: JPEG, half the size, other light,
# noise, 2 % of shift and of rotation stay within in 98 % or more; 5 % of shift, or 10 % cut off around, in 56 %.
NEAR = 10
# Hashes take digits and drawings, which have few frequencies, for one another: of 1,000 of MNIST they link 784; with
# this, of 2,000 no group mixes digits. Copies of photographs (JPEG, half the size, other light, noise) all pass it.
AGREEING = 0.95  # the least correlation of two pictures of SMALL × SMALL grey pixels
SMALL = 16
HASHED_SIDE = 256  # pixels; the hash looks at 32 × 32, and shrinking by area first is what makes it quick
BLOCK = 2**20  # pairs of hashes that are compared at once
COMPARED = 2**14  # pairs of pictures in small that are


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


def in_small(image: Image) -> NDArray[np.float32]:
    """Its SMALL × SMALL grey pixels, less their mean and over their length, float32 (256,); zeros if it is flat."""
    import cv2

    grey = cv2.cvtColor(fit(image, HASHED_SIDE), cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (SMALL, SMALL), interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
    small -= small.mean()
    length = np.linalg.norm(small)
    return small / length if length > 1 else np.zeros_like(small)


def agreeing(first: NDArray[np.float32], second: NDArray[np.float32], mirrored: bool) -> NDArray[np.bool_]:
    """Whether pictures in small (P, 256) look like those beside them, mirrored or as they are."""
    if mirrored:
        first = first.reshape(-1, SMALL, SMALL)[:, :, ::-1].reshape(len(first), -1)
    return (first * second).sum(1) >= AGREEING


def grouped(
    keys: Sequence[str], hashes: NDArray[np.uint64], small: NDArray[np.float32], looked_for: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Groups (N,) of pictures: copies, near-duplicates, and what is linked through others, share one number.

    keys: their fingerprints. hashes: uint64 (N, 2) as of `hashes`. small: float32 (N, 256) as of `in_small`.
    looked_for: bool (N,); of a near pair at least one is to be among them. A group goes by its first picture, counted
    among different groups from 0.
    """
    seen: dict[str, int] = {}
    groups = np.array([seen.setdefault(key, len(seen)) for key in keys], np.int64)
    own = np.flatnonzero(looked_for)
    return linked(groups, own, hashes[own], hashes[:, 0], lambda places: small[places])


def linked(
    groups: NDArray[np.int64],
    own: NDArray[np.int64],
    both: NDArray[np.uint64],
    hashes: NDArray[np.uint64],
    small: Callable[[NDArray[np.int64]], NDArray[np.float32]],
) -> NDArray[np.int64]:
    """The groups (N,) of N pictures after those at the places `own` (n,) were joined with their near-duplicates.

    both: uint64 (n, 2), their hashes and those of their mirror images. hashes: (N,), of all. small(places) gives
    pictures as in_small has them; it is asked for those alone whose hashes are near.
    """
    for side in (0, 1):
        for near in near_pairs(both[:, side], hashes):
            for start in range(0, len(near), COMPARED):
                one, other = own[near[start : start + COMPARED, 0]], near[start : start + COMPARED, 1]
                parted = groups[one] != groups[other]
                pairs = np.column_stack([one, other])[parted]
                if len(pairs):
                    alike = agreeing(small(pairs[:, 0]), small(pairs[:, 1]), mirrored=side == 1)
                    groups = joined(groups, pairs[alike])
    return groups
