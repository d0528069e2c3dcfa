"""Which groups of pictures to hold out: stratified by class, every group whole, seeded."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from visionlab.errors import DatasetError, ParameterError, TooFewError

HELD_OUT = 0.25  # the share of the pictures that is held out where nobody chose another
NAMED = 12  # classes that a sentence names
RESTARTS = 16  # of the search for the sides of groups that several classes share


def check_split(share: float, seed: int) -> None:
    """ParameterError for a share that is not within (0, 1), NaN included, and for a negative seed."""
    if not 0 < share < 1:
        raise ParameterError(f"The share for validation is {share:g}; it must lie between 0 and 1, like {HELD_OUT:g}.")
    if seed < 0:
        raise ParameterError(f"The seed is {seed}; it must be 0 or more.")


def check_classes(classes: Sequence[str]) -> None:
    """DatasetError where there are fewer than two."""
    if len(classes) < 2:
        raise DatasetError(f"There is no telling apart with {len(classes)} class; two or more are needed.")


def parted(
    labels: NDArray[np.int64], groups: NDArray[np.int64], classes: Sequence[str], share: float, seed: int
) -> NDArray[np.bool_]:
    """Which of N pictures to hold out, bool (N,): labels and groups are int64 (N,), and each class has some on either
    side. Raises DatasetError where a class cannot be on both sides, as a TooFewError where it has too few pictures."""
    units, unit = np.unique(groups, return_inverse=True)
    sizes = np.zeros((len(units), len(classes)), dtype=np.int64)  # (groups, classes): pictures
    np.add.at(sizes, (unit, labels), 1)
    few: dict[str, list[str]] = {}  # what they have, and which classes
    for name, total, parts in zip(classes, sizes.sum(0), (sizes > 0).sum(0), strict=True):
        if parts < 2:
            copies = ", all of one group" if total > 1 else ""
            few.setdefault(f"{total} picture{'' if total == 1 else 's'}{copies}", []).append(name)
    if few:
        told = "; ".join(_have(what, names) for what, names in few.items())
        several = sum(map(len, few.values())) > 1
        raise TooFewError(f"{told}; a split needs two{' of each' * several} that are no copies of one another.")
    held = held_out(sizes, share, np.random.default_rng(seed))
    for name, inside, total in zip(classes, sizes[held].sum(0), sizes.sum(0), strict=True):
        if inside in (0, total):
            raise DatasetError(f"“{name}” shares its groups with other classes so that no split has it on both sides.")
    return held[unit]


def _have(what: str, names: Sequence[str]) -> str:
    *first, last = [f"“{name}”" for name in names[:NAMED]]
    if len(names) > NAMED:
        first, last = [*first, last], f"{len(names) - NAMED:,} more"
    return f"{', '.join(first)} and {last} have {what} each" if first else f"{last} has {what}"


def held_out(sizes: NDArray[np.int64], share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Which groups to hold out: sizes (G, K) counts each group's pictures of each class; the answer is bool (G,)."""
    spanning = (sizes > 0).sum(1) > 1
    held = np.zeros(len(sizes), dtype=bool)
    held[spanning] = _spread(sizes[spanning], sizes[~spanning].sum(0), share, rng)
    for one in range(sizes.shape[1]):
        own = rng.permutation(np.flatnonzero(~spanning & (sizes[:, one] > 0)))
        total, already = sizes[:, one].sum(), sizes[held, one].sum()
        if len(own):
            held[own[_fill(sizes[own, one], total * share - already, 1 - already, total - 1 - already)]] = True
    return held


def _fill(sizes: NDArray[np.int64], wanted: float, low: int, high: int) -> list[int]:
    """Which of the sizes to add up to come nearest to `wanted` within low to high (subset sums, one after another)."""
    last = np.full(high + 1, -1)  # by sum: the size that first made it, the last one in it
    reached = np.arange(high + 1) == 0
    best = min(max(int(np.ceil(wanted - 0.5)), low, 0), high)
    for index, size in enumerate(sizes):
        if reached[best]:
            break
        fresh = np.zeros_like(reached)
        fresh[size:] = reached[: max(high + 1 - size, 0)]
        fresh &= ~reached
        last[fresh] = index
        reached |= fresh
    sums = np.flatnonzero(reached)
    sums = sums[sums >= low]
    left, chosen = sums[np.argmin(np.abs(sums - wanted))], []
    while left:
        chosen.append(last[left])
        left -= sizes[last[left]]
    return chosen


def _spread(
    sizes: NDArray[np.int64], pure: NDArray[np.int64], share: float, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Sides for groups of several classes: sizes (S, K), beside `pure` (K,) pictures that _fill will place; bool (S,).

    To keep every class on both sides is set splitting, which is NP-complete: flips that help, from several starts.
    """
    total = sizes.sum(0) + pure
    wanted = share * total

    def cost(inside: NDArray[np.int64]) -> NDArray[np.float64]:  # (…, K) pictures held out -> (…)
        missed = np.maximum(0, np.maximum(inside - wanted, wanted - inside - pure)) / total
        stranded = (pure == 0) & ((inside == 0) | (inside == total))
        return (missed + 10 * stranded).sum(-1)

    best, least = np.zeros(len(sizes), dtype=bool), np.inf
    for _ in range(RESTARTS if len(sizes) else 0):
        held = rng.random(len(sizes)) < share
        while True:
            inside = sizes[held].sum(0)
            flipped = cost(inside + np.where(held, -1, 1)[:, None] * sizes)  # (S,)
            if flipped.min() > cost(inside) - 1e-9:
                break
            held[flipped.argmin()] ^= True
        if cost(inside) < least:
            best, least = held, cost(inside)
    return best
