"""How faithful a heat map is to the network on one picture: deletion and insertion.

Petsiuk, Das & Saenko 2018, “RISE”, arXiv:1806.07421, § 4.3: take away what the map calls most important, and the class
should go soon (small area under deletion's curve); bring just that back, and it should come soon (large area under
insertion's curve).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import stdtrit
from torch import Tensor

from visionlab.errors import ParameterError
from visionlab.imaging.image import Image
from visionlab.network.explain.heatmap import Heatmap, seen
from visionlab.network.explain.method import FORWARD_BATCH, Progress, counted, silent
from visionlab.network.running.classifier import Classifier

STEPS = 28  # of a curve: of 32 real ones 30 have their area right to 0.005, where even steps leave 0.015 and more
ORDERS = 8  # places to which a map is moved, to see what chance is worth
BLUR = 1 / 16  # the standard deviation of the blurred picture's Gaussian, as a share of the input's side
TOLD = 0.02  # the probability in the picture below which a class has too little to lose for a map to be judged by it
SMALLEST = 1e-3  # a difference of areas that is looked at, so that none is made of rounding


@dataclass(frozen=True, eq=False)
class Faithfulness:
    """The class's probability against the share of pixels that were deleted or inserted, most important first.

    fractions, deletion_curve and insertion_curve are (n + 1,) float32 in 0..1; deletion and insertion are the areas
    under the curves by the trapezoidal rule, 0..1. Deletion goes from the picture to plain grey, insertion from the
    blurred picture to the picture. The fractions, (1 − cos πk/n) / 2, are closest where curves are steep, at both ends:
    the first pixels of a good map decide most, and the last ones of a bad map.
    """

    deletion: float
    insertion: float
    fractions: NDArray[np.float32]
    deletion_curve: NDArray[np.float32]
    insertion_curve: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Chance(Faithfulness):
    """What chance is worth: the mean over several orders of the pixels, and each order's own areas, (orders,) float32.

    likely_deletion and likely_insertion are the ranges, within 0..1 as areas are, into which one more such order falls
    in 95 of 100 cases, if areas are spread normally (Student's t with orders − 1 degrees of freedom): (0, 1) for one
    order alone, which says nothing of a spread.
    """

    deletions: NDArray[np.float32]
    insertions: NDArray[np.float32]

    @property
    def likely_deletion(self) -> tuple[float, float]:
        return _likely(self.deletions)

    @property
    def likely_insertion(self) -> tuple[float, float]:
        return _likely(self.insertions)


Verdict = Literal["better", "worse", "no different", "nothing"]

IN_WORDS: dict[Verdict, str] = {
    "better": "better than chance",
    "worse": "worse than chance",
    "no different": "like chance",
    "nothing": "can’t be told",
}


def against_chance(found: Faithfulness, chance: Chance) -> tuple[Verdict, Verdict]:
    """What deletion and insertion say of a map: better or worse than chance only outside the latter's likely range.

    "nothing" where the class has less than TOLD in the picture itself: there is too little to take away or bring back.
    """
    if found.deletion_curve[0] < TOLD:
        return "nothing", "nothing"
    low, high = chance.likely_deletion
    deletion: Verdict = "better" if found.deletion < low else "worse" if found.deletion > high else "no different"
    low, high = chance.likely_insertion
    insertion: Verdict = "better" if found.insertion > high else "worse" if found.insertion < low else "no different"
    return deletion, insertion


def too_little(found: Faithfulness) -> str:
    """Why against_chance() says "nothing", in a sentence or two."""
    return (
        f"The network gives this class {found.deletion_curve[0]:.1%} in the picture itself: with so little to lose or "
        f"to win back, no map can be told from chance. Ask for a class of at least {TOLD:.0%}."
    )


def faithfulness(
    net: Classifier, image: Image, heat: Heatmap, steps: int = STEPS, progress: Progress = silent
) -> Faithfulness:
    """The heat map's deletion and insertion for its own class, on the picture as the network sees it.

    A deleted pixel takes the mean colour; insertion starts from the picture under a Gaussian whose standard deviation
    is a sixteenth of the side. Equally hot pixels come in a random order, the same each time, so that an empty map is
    worth what chance is. The map may lie over a copy of the picture in another size. Raises ParameterError where it
    has other proportions than the picture, or steps is below 1.
    """
    order = _order(_on_crop(net, image, heat), np.random.default_rng(0))
    fractions, curves = _curves(net, image, heat.target, [order], steps, progress)
    return Faithfulness(**_mean(fractions, curves))


def random_baseline(
    net: Classifier,
    image: Image,
    target: str | int,
    steps: int = STEPS,
    orders: int = ORDERS,
    like: Heatmap | None = None,
    progress: Progress = silent,
) -> Chance:
    """What chance is worth: several random orders of the pixels, the same each time; their mean and their spread.

    Single pixels strewn over a picture disturb a network more than one smooth region of as many does, so a coarse map
    loses to strewn pixels at deletion however right it is. `like` makes chance of that map's own grain: the orders are
    then those of the map moved, around the edges, to random places. Raises ParameterError for an unknown class, for
    steps or orders below 1, and for a map that has other proportions than the picture.
    """
    if orders < 1:
        raise ParameterError(f"{orders} random orders were asked for. Use 1 or more.")
    side = net.transform.crop
    values = np.zeros((side, side), np.float32) if like is None else _on_crop(net, image, like)
    rng = np.random.default_rng(1)
    drawn = [_order(np.roll(values, rng.integers(side, size=2), (0, 1)), rng) for _ in range(orders)]
    fractions, curves = _curves(net, image, net.target(target), drawn, steps, progress)
    deletions, insertions = np.trapezoid(curves, fractions).astype(np.float32)
    return Chance(**_mean(fractions, curves), deletions=deletions, insertions=insertions)


def _on_crop(net: Classifier, image: Image, heat: Heatmap) -> NDArray[np.float32]:
    """The heat map on the network's crop, at the network's resolution: (crop, crop)."""
    (rows, columns), (height, width) = heat.values.shape, image.shape[:2]
    if abs(rows / height - columns / width) > max(1 / height, 1 / width):
        found, good = f"{columns} × {rows} px", f"{width} × {height} px"
        raise ParameterError(f"The heat map is of a picture of {found}, this one has {good}: explain this very one.")
    side = net.transform.crop
    values = heat.values[seen(net.transform, (rows, columns))] if heat.on_crop is None else heat.on_crop
    return cv2.resize(values, (side, side), interpolation=cv2.INTER_LINEAR)


def _order(values: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.intp]:
    """The pixels' places in the flattened map, hottest first, equally hot ones in a random order."""
    return np.lexsort((rng.random(values.size), -values.ravel()))


@torch.inference_mode()
def _curves(
    net: Classifier, image: Image, target: int, orders: list[NDArray[np.intp]], steps: int, progress: Progress
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """The shares of pixels (n + 1,), and both curves of each order: (2, orders, n + 1).

    An order lists the pixels of the network's crop, most important first.
    """
    if steps < 1:
        raise ParameterError(f"{steps} steps were asked for. Use 1 or more.")
    x = net.transform([image], net.device)
    grey, blurred = torch.zeros_like(x), _blurred(x)
    fractions = ((1 - np.cos(np.linspace(0, np.pi, steps + 1))) / 2).astype(np.float32)
    forward = counted(net.module, 2 * len(orders) * len(fractions), progress)
    curves = np.empty((2, len(orders), len(fractions)))
    for number, order in enumerate(orders):
        masks = _masks(order, fractions, x)
        for curve, (ahead, behind) in zip(curves[:, number], ((grey, x), (x, blurred)), strict=True):
            for start in range(0, len(masks), FORWARD_BATCH):
                pictures = torch.where(masks[start : start + FORWARD_BATCH], ahead, behind)
                found = net.softmax(forward(pictures))[:, target]
                curve[start : start + FORWARD_BATCH] = found.cpu().numpy()
    return fractions, curves


def _mean(fractions: NDArray[np.float32], curves: NDArray[np.float64]) -> dict[str, Any]:
    """The fields of Faithfulness, averaged over the orders of both curves (2, orders, n + 1)."""
    deletion, insertion = curves.mean(1)
    return {
        "deletion": float(np.trapezoid(deletion, fractions)),
        "insertion": float(np.trapezoid(insertion, fractions)),
        "fractions": fractions,
        "deletion_curve": deletion.astype(np.float32),
        "insertion_curve": insertion.astype(np.float32),
    }


def _likely(areas: NDArray[np.float32]) -> tuple[float, float]:
    """Where one more of them would lie in 95 of 100 cases: Student's prediction interval, SMALLEST wide at least, and
    within 0..1."""
    count = len(areas)
    if count < 2:
        return 0.0, 1.0
    reach = stdtrit(count - 1, 0.975) * areas.std(ddof=1, dtype=np.float64) * np.sqrt(1 + 1 / count)
    reach = max(reach, SMALLEST / 2)
    return max(0.0, float(areas.mean() - reach)), min(1.0, float(areas.mean() + reach))


def _masks(order: NDArray[np.intp], fractions: NDArray[np.float32], x: Tensor) -> Tensor:
    """(n + 1, 1, H, W) bool: which pixels are among the first, for each share of them."""
    rank = np.empty(order.size, np.int64)
    rank[order] = np.arange(order.size)
    counts = torch.from_numpy((fractions.astype(np.float64) * order.size).round()).view(-1, 1, 1, 1)
    return (torch.from_numpy(rank).view(1, 1, *x.shape[2:]) < counts).to(x.device)


def _blurred(x: Tensor) -> Tensor:
    """One normalised picture (1, 3, H, W) under a strong Gaussian."""
    picture = np.ascontiguousarray(x[0].permute(1, 2, 0).cpu().numpy())
    soft = cv2.GaussianBlur(picture, (0, 0), x.shape[-1] * BLUR)
    return torch.from_numpy(soft).permute(2, 0, 1)[None].to(x.device)
