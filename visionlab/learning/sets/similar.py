"""Near-duplicates: pictures of one scene, found by their perceptual hashes, and looked at once more in small."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from visionlab.imaging.image import Image, fit

# Of 64 bits. A picture is compared with others' crops, too, up to a tenth of a side. Of 100 photographs all are grouped
# with copies of them: JPEG down to 10, a third of the size, other light, mirrored, 5 % cut off anywhere, at a corner or
# at all four sides; with 10 % cut off at one side 100 %, anywhere 96 %, at a corner 89 %, at all four sides 0 %; turned
# by 3 degrees 43 %. None of 400 cats and dogs, or of 2,000 of Tiny ImageNet, shares a group with another one; of
# CIFAR-10 two of 2,000 do, which are copies. (benchmarks/copies.py)
NEAR = 10
FAR = 24  # bits that the hashes of a picture and of a crop of it differ in at most, as wholes
CUTS = ((0, 0), (0, 0.05), (0.05, 0), (0.05, 0.05), (0, 0.1), (0.1, 0))  # cut off a side's two ends, shares of it
CROPS = tuple((*across, *down) for down in CUTS for across in CUTS)  # left, right, top, bottom; the first is the whole
# Hashes take digits and drawings, which have few frequencies, for one another: of 1,000 of MNIST they link 784.
AGREEING = 0.95  # the least correlation of two pictures of TINY × TINY grey pixels
# A crop lies up to 2.5 % beside one of CROPS: it has to agree nearly there, and well once it is put in its place.
NEARLY, ALIGNED = 0.92, 0.98
STRAIGHT = 0.06  # how far that place may be from upright, and from the size of the one of CROPS
NEARER = 8  # bits between a crop and another picture from which on they are looked at
TRIED = 6  # of CROPS, those that are the nearest
MOST = 10_000  # pairs that are: 5,000 photographs need about 1,000, drawings would ask for a quarter of a million
CROPPED_FROM = 48  # pixels of the shorter side: of less a crop is a pixel or two, and digits are all alike
STEPS = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 30, 1e-4)  # on the way to that place
SMALL, TINY = 64, 16
HASHED_SIDE = 256  # pixels; the hash looks at 32 × 32, and shrinking by area first is what makes it quick
BLOCK = 2**20  # pairs of hashes that are compared at once
COMPARED = 2**14  # pairs of pictures in small that are


def hashes(image: Image) -> NDArray[np.uint64]:
    """The perceptual hashes of the picture, of its mirror image, and of all but the first of CROPS, uint64 (37,).

    64 bits each: which of the 8 × 8 lowest frequencies of the grey picture's DCT lie above their median (ImageHash's
    “phash”; N. Krawetz, “Looks Like It”, 2011).
    """
    from imagehash import phash
    from PIL import Image as PILImage

    small = fit(image, HASHED_SIDE)
    sides = (PILImage.fromarray(small), PILImage.fromarray(np.ascontiguousarray(small[:, ::-1])))
    bits = [phash(side).hash.ravel() for side in sides]
    if min(small.shape[:2]) < CROPPED_FROM:
        return without_crops(_packed(bits))
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    for crop in CROPS[1:]:  # nearly phash, in a tenth of its time
        lowest = cv2.dct(_resized(_cropped(grey, crop), 32).astype(np.float32))[:8, :8]
        bits.append((lowest > np.median(lowest)).ravel())
    return _packed(bits)


def without_crops(both: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """As `hashes` has them, (37,), of a picture and its mirror image, (2,): its crops are near nothing that is FAR or
    less from the picture."""
    return np.concatenate([both, np.repeat(~both[:1], len(CROPS) - 1)])


def _packed(bits: Sequence[NDArray[np.bool_]]) -> NDArray[np.uint64]:
    return np.packbits(np.stack(bits), axis=1).view(">u8")[:, 0].astype(np.uint64)


def _cropped(grey: NDArray[np.uint8], crop: tuple[float, ...]) -> NDArray[np.uint8]:
    height, width = grey.shape
    left, right, top, bottom = np.round(np.array(crop) * (width, width, height, height)).astype(int)
    return grey[top : height - bottom, left : width - right]


def _resized(grey: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    return cv2.resize(grey, (side, side), interpolation=cv2.INTER_AREA)


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


def in_small(image: Image) -> NDArray[np.uint8]:
    """Its grey pixels, uint8 (SMALL, SMALL)."""
    return _resized(cv2.cvtColor(fit(image, HASHED_SIDE), cv2.COLOR_RGB2GRAY), SMALL)


def in_tiny(small: NDArray[np.uint8]) -> NDArray[np.float32]:
    """A grey picture's TINY × TINY pixels, less their mean and over their length, float32 (256,); zeros if it is
    flat."""
    tiny = _resized(small, TINY).astype(np.float32).ravel()
    tiny -= tiny.mean()
    length = np.linalg.norm(tiny)
    return tiny / length if length > 1 else np.zeros_like(tiny)


def is_crop(part: NDArray[np.uint8], whole: NDArray[np.uint8], crops: Sequence[tuple[float, ...]]) -> bool:
    """Whether a picture in small shows what lies in another one in small where one of these crops does, or nearly so.

    The map from one to the other is sought from there on, by which they agree the most (G. D. Evangelidis and E. Z.
    Psarakis, “Parametric image alignment using enhanced correlation coefficient maximization”, 2008).
    """
    tiny = in_tiny(part)
    nearly, crop = max((float(in_tiny(_cropped(whole, crop)) @ tiny), crop) for crop in crops)
    if nearly < NEARLY:
        return False
    left, right, top, bottom = crop
    start = np.array([[1 - left - right, 0, left * SMALL], [0, 1 - top - bottom, top * SMALL]], np.float32)
    try:
        found, place = cv2.findTransformECC(part, whole, start.copy(), cv2.MOTION_AFFINE, STEPS, None, 3)
    except cv2.error:  # nothing in it to go by
        return False
    return found >= ALIGNED and np.abs(place - start)[:, :2].max() <= STRAIGHT


def copies(keys: Sequence[str]) -> NDArray[np.int64]:
    """Groups (N,) of pictures of one fingerprint, counted from 0 in the order of their first ones."""
    seen: dict[str, int] = {}
    return np.array([seen.setdefault(key, len(seen)) for key in keys], np.int64)


def grouped(
    keys: Sequence[str], hashes: NDArray[np.uint64], small: NDArray[np.uint8], looked_for: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Groups (N,) of pictures: copies, near-duplicates, and what is linked through others, share one number.

    keys: their fingerprints. hashes: uint64 (N, V) as of `hashes`. small: uint8 (N, SMALL, SMALL) as of `in_small`.
    looked_for: bool (N,); of a near pair at least one is to be among them. A group goes by its first picture, counted
    among different groups from 0.
    """
    return linked(copies(keys), np.flatnonzero(looked_for), hashes, lambda places: small[places])


def linked(
    groups: NDArray[np.int64],
    own: NDArray[np.int64],
    hashes: NDArray[np.uint64],
    small: Callable[[NDArray[np.int64]], NDArray[np.uint8]],
) -> NDArray[np.int64]:
    """The groups (N,) of N pictures after those at the places `own` (n,) were joined with their near-duplicates.

    hashes: uint64 (N, V), as of `hashes`, V at least 2.
    small(places) gives pictures as in_small has them; it is asked for those alone whose hashes are near.
    """
    owned = np.zeros(len(groups), bool)
    owned[own] = True
    left = MOST
    for side in (0, 1):  # as it is, and mirrored
        for far in near_pairs(hashes[own, side], hashes[:, 0], FAR):
            for start in range(0, len(far), COMPARED):
                one, other = own[far[start : start + COMPARED, 0]], far[start : start + COMPARED, 1]
                once = (one < other) | ~owned[other]
                pairs = np.column_stack([one, other])[once & (groups[one] != groups[other])]
                if len(pairs):
                    groups = joined(groups, pairs[_alike(hashes, pairs, side, small)])
                    pairs = pairs[groups[pairs[:, 0]] != groups[pairs[:, 1]]]
                    groups, left = _with_crops(groups, hashes, pairs, side, small, left)
    return groups


def _alike(
    hashes: NDArray[np.uint64],
    pairs: NDArray[np.int64],
    side: int,
    small: Callable[[NDArray[np.int64]], NDArray[np.uint8]],
) -> NDArray[np.bool_]:
    """Which of the pairs (P, 2) are near as wholes, and look alike."""
    alike = np.bitwise_count(hashes[pairs[:, 0], side] ^ hashes[pairs[:, 1], 0]) <= NEAR
    if alike.any():
        places, at = np.unique(pairs[alike], return_inverse=True)
        tiny = np.stack([in_tiny(each) for each in small(places)])
        first, second = tiny[at.reshape(-1, 2)].transpose(1, 0, 2)  # (P, 256) each
        if side:
            first = first.reshape(-1, TINY, TINY)[:, :, ::-1].reshape(len(first), -1)
        alike[alike] = (first * second).sum(1) >= AGREEING
    return alike


def _with_crops(
    groups: NDArray[np.int64],
    hashes: NDArray[np.uint64],
    pairs: NDArray[np.int64],
    side: int,
    small: Callable[[NDArray[np.int64]], NDArray[np.uint8]],
    most: int,
) -> tuple[NDArray[np.int64], int]:
    """The groups after those of the pairs (P, 2) were joined of which one picture is a crop of the other, where `most`
    of them may be looked at, and how many more may be."""
    for part, whole in (pairs.T, pairs.T[::-1]):
        bits = np.bitwise_count(hashes[whole, 2:] ^ hashes[part, side, None])  # (P, crops)
        for place in np.flatnonzero(bits.min(1, initial=64) <= NEARER):
            pair = np.array([part[place], whole[place]])
            if groups[pair[0]] != groups[pair[1]] and most:
                most -= 1
                cut, uncut = small(pair)
                cut = np.ascontiguousarray(cut[:, ::-1]) if side else cut
                if is_crop(cut, uncut, [CROPS[1 + crop] for crop in bits[place].argsort()[:TRIED]]):
                    groups = joined(groups, pair[None])
    return groups, most
