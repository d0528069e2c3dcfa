"""What a layer's channels do: their weights, statistics and rankings, how they change, and how they are shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from visionlab.errors import ModelError, ParameterError
from visionlab.imaging.image import Image
from visionlab.imaging.render import mosaic, mosaic_layout, mosaic_tile
from visionlab.network.inside.activations import FeatureMap
from visionlab.network.running.classifier import Classifier, Layer


def check_number(layer: Layer, what: str, number: int, count: int) -> None:
    """Raises ParameterError unless the number of a channel, row or column of the layer is within 0..count − 1."""
    if not 0 <= number < count:
        good = f"a {what} from 0 to {count - 1}" if count > 1 else f"{what} 0, the only one"
        raise ParameterError(f"{layer.name} has no {what} {number}. Choose {good}.")


@dataclass(frozen=True, eq=False)
class ChannelWeights:
    """What a channel of a convolution or a unit of a fully connected layer computes with.

    kernels (C, kh, kw) float32, one for each input channel; 1 × 1 for each input of a fully connected layer.
    """

    layer: Layer
    channel: int
    bias: float
    kernels: NDArray[np.float32]

    def strongest(self, count: int) -> NDArray[np.intp]:
        """The numbers of the `count` input channels whose kernels have the largest Euclidean norm, largest first."""
        return np.argsort(-np.linalg.norm(self.kernels, axis=(1, 2)), kind="stable")[:count]


def channel_weights(net: Classifier, layer: str, channel: int) -> ChannelWeights:
    """The kernels and the bias of one channel, as the network has them.

    Raises ModelError for an unknown layer or one without weights, ParameterError for an unknown channel.
    """
    here = net.layer(layer)
    if here.kind not in ("conv", "linear"):
        raise ModelError(f"{layer} has no kernels of its own. Choose a convolution or a fully connected layer.")
    check_number(here, "channel", channel, here.shape[0])
    module = dict(net.module.steps())[here.module]
    weight = module.weight[channel].float().cpu().numpy()  # (C, 3, 3) or (F,)
    bias = 0.0 if module.bias is None else float(module.bias[channel])  # none where a normalisation follows
    return ChannelWeights(here, int(channel), bias, weight.reshape(len(weight), *weight.shape[1:] or (1, 1)))


@dataclass(frozen=True)
class LayerStatistics:
    """Over all values of a layer's maps: silent is the share of values ≤ 0 (those of a convolution that its ReLU
    silences), spread the standard deviation."""

    layer: Layer
    silent: float
    mean: float
    spread: float


def layer_statistics(maps: Mapping[str, FeatureMap]) -> list[LayerStatistics]:
    """The statistics of each layer, in the order of the maps."""
    return [_statistics(found) for found in maps.values()]


def _statistics(found: FeatureMap) -> LayerStatistics:
    flat = found.values.reshape(1, -1)
    mean, spread = cv2.meanStdDev(flat)  # one pass that copies nothing and sums in float64
    return LayerStatistics(found.layer, float(np.count_nonzero(flat <= 0)) / flat.size, mean.item(), spread.item())


def _as_they_come(values: NDArray[np.float32], contribution: NDArray[np.float32] | None) -> NDArray[np.float32]:
    return np.zeros(len(values), np.float32)  # all alike: a stable order leaves them where they are


def _mean(values: NDArray[np.float32], contribution: NDArray[np.float32] | None) -> NDArray[np.float32]:
    return values.mean((1, 2))


def _peak(values: NDArray[np.float32], contribution: NDArray[np.float32] | None) -> NDArray[np.float32]:
    return values.max((1, 2))


def _sparsity(values: NDArray[np.float32], contribution: NDArray[np.float32] | None) -> NDArray[np.float32]:
    """Hoyer (2004), JMLR 5, p. 1460: (√n − ‖x‖₁ / ‖x‖₂) / (√n − 1) of what a ReLU passes, x = max(values, 0).

    1 where one place of n answers, 0 where all answer alike; 0, too, for a silent channel and for a single place.
    """
    passed = values.reshape(len(values), -1).clip(min=0)
    root = np.sqrt(passed.shape[1])
    length = np.linalg.norm(passed, axis=1)
    lively = (length > 0) & (root > 1)
    ratio = np.divide(passed.sum(1), length, where=lively, out=np.full(len(values), root, np.float32))
    return ((root - ratio) / max(root - 1, 1)).astype(np.float32)


def _contribution(values: NDArray[np.float32], contribution: NDArray[np.float32] | None) -> NDArray[np.float32]:
    return contribution


@dataclass(frozen=True)
class Ranking:
    """A way to put a layer's channels in order.

    score(values, contribution) takes the layer's maps (C, H, W) and, where by_class, what `contributions` finds
    for the layer (C,), and gives a number for each channel (C,) float32, larger first.
    """

    name: str
    title: str
    about: str
    by_class: bool
    score: Callable[[NDArray[np.float32], NDArray[np.float32] | None], NDArray[np.float32]]

    def order(self, values: NDArray[np.float32], contribution: NDArray[np.float32] | None = None) -> NDArray[np.intp]:
        """The channels' numbers (C,), the one with the largest score first; equals stay in the network's order."""
        return np.argsort(-self.score(values, contribution), kind="stable")


RANKINGS: dict[str, Ranking] = {
    "number": Ranking("number", "Number", "As the network has them.", False, _as_they_come),
    "mean": Ranking("mean", "Mean", "What answers most over the whole picture first.", False, _mean),
    "peak": Ranking("peak", "Peak", "What answers most at its best place first.", False, _peak),
    "sparsity": Ranking(
        "sparsity",
        "Sparsity",
        "What answers at few places and is silent elsewhere first (Hoyer 2004).",
        False,
        _sparsity,
    ),
    "contribution": Ranking(
        "contribution",
        "Contribution to the class",
        "What adds most to the class’s logit first: gradient × activation, summed over the places.",
        True,
        _contribution,
    ),
}


def channel_change(before: FeatureMap, after: FeatureMap) -> NDArray[np.float32]:
    """(C,) float32 ≥ 0: how much each channel answers differently to two pictures, place by place.

    The mean over the places of |a − b|, divided by the mean of |a| + |b| over the whole layer: a weak channel changes
    little, whatever it does, a channel that is silent twice changes by 0, and the mean over the channels is the Bray–
    Curtis dissimilarity of the two layers, in 0..1. Raises ParameterError where the maps differ in shape.
    """
    a, b = before.values, after.values
    if a.shape != b.shape:
        shapes = " and ".join(" × ".join(map(str, shape)) for shape in (a.shape, b.shape))
        raise ParameterError(f"Maps of {shapes} cannot be compared. Use the same layer and input size for both.")
    change = np.abs(a - b).mean((1, 2))
    scale = np.abs(a).mean() + np.abs(b).mean()
    return change / scale if scale > 0 else change


# --- all channels in one picture ------------------------------------------------------------------------------------

PALETTE = "diverging"  # of all maps: zero is white, in every layer and on every scale
MOSAIC = 1200  # pixels of a picture of all channels, about: its width


def usual_ranking(net: Classifier, layer: Layer) -> Ranking:
    """The order in which a layer is shown: the network's own; that of the values where its units are classes, the
    logits and the probabilities, whose own order says nothing."""
    return RANKINGS["mean" if layer in net.layers[-2:] else "number"]


def greatest_of_each(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """(C,): the greatest absolute value of each channel of (C, H, W)."""
    return np.maximum(values.max((1, 2)), -values.min((1, 2)))


def usual_colours(most: NDArray[np.float32], alone: bool) -> NDArray[np.float32]:
    """(C, 2): from which value to which the colours of each channel go, 0 in their middle: as far as its greatest
    absolute value, or the layer's where a channel is a single unit, alone, which would always be at full colour."""
    most = np.full_like(most, most.max()) if alone else most
    return np.stack([-most, most], axis=1)


def layer_mosaic(found: FeatureMap, order: NDArray[np.intp], colours: NDArray[np.float32] | None = None) -> Image:
    """All channels of a layer in that order in one picture, uint8 (height, width, 3), about MOSAIC pixels wide.

    It is what the app and the shell hand out: in PALETTE, each channel from the first to the second of its `colours`
    (C, 2), usual_colours() without them.
    """
    values = found.values[order]
    if colours is None:
        colours = usual_colours(greatest_of_each(found.values), alone=values[0].size == 1)
    _, columns = mosaic_layout(len(values))
    tile, gap = mosaic_tile(values.shape[1:], columns, MOSAIC)
    return mosaic(values, columns, tile, gap, colours[order], PALETTE)
