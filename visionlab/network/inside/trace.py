"""One unit, traced: the pixels that it depends on, and the sum that it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import nn

from visionlab.errors import ModelError
from visionlab.imaging.image import Image
from visionlab.network.inside.activations import FeatureMap, feature_maps
from visionlab.network.inside.channels import channel_weights, check_number
from visionlab.network.running.classifier import Classifier, Layer
from visionlab.network.running.convolutions import SameConv
from visionlab.network.zoo.passes import step_passed
from visionlab.network.zoo.steps import ChannelNorm


@dataclass(frozen=True)
class Box:
    """A rectangle of the network's input, in its pixels, lying within it."""

    top: int
    left: int
    height: int
    width: int


@dataclass(frozen=True, eq=False)
class Trace:
    """A unit as a sum over the layer before it: value = bias + Σ_c Σ patches · kernels.

    source names the layer that the patches come from (None: the normalised picture), first is the number that the first
    of them has among its channels, and value is what the network itself computed. patches and kernels are (C, kh, kw)
    float32, according to the rule:

        "convolution"  C input channels, the kernel's size, zero where the patch leaves the map
        "depthwise"    the same with the same channel alone
        "norm"         the one number before it, the kernel γ / σ and the bias β − μ γ / σ of its channel
        "layer norm"   the same, with the mean μ and the deviation σ of all channels at that place
        "scale"        the one number before it, and the weight of its channel
        "linear"       C inputs, 1 × 1: the source's values, flattened (C, H, W) → (C·H·W)
        "relu"         the one number before it, kernel 1 where it is positive and 0 where it is not
        "relu6"        likewise, and above 6 the bias is 6 and the kernel 0
        "sum"          two numbers of the same channel and place, kernel 1 each: the source's, and that of the layer
                       `joined`
        "product"      the source's number there; the kernel is that of the whole channel in the layer `joined`
        "concatenation"  the source's number there, kernel 1: the source is that of two layers which has the channel
        "max-pool"     the window of the same channel as far as it lies on the map, kernel 1 at its (first) greatest
                       and 0 elsewhere
        "average"      the window of the same channel, kernel 1 / its size everywhere
        "softmax"      exp(z − max z) of all classes, z the logits over the temperature; kernel 1 / Σ exp(z − max z) at
                       the unit's own place and 0 elsewhere
    """

    layer: str
    channel: int
    row: int
    column: int
    source: str | None
    rule: str
    bias: float
    patches: NDArray[np.float32]
    kernels: NDArray[np.float32]
    value: float
    box: Box
    joined: str | None = None
    first: int = 0

    @property
    def products(self) -> NDArray[np.float64]:
        """patches · kernels, (C, kh, kw), one product for each place of the window."""
        return self.patches.astype(np.float64) * self.kernels

    @property
    def totals(self) -> NDArray[np.float64]:
        """(C,): what each input channel adds to the value."""
        return self.products.sum((1, 2))

    @property
    def total(self) -> float:
        """bias + Σ totals, summed in float64: the value, but for the network's rounding in float32."""
        return self.bias + float(self.totals.sum())

    def strongest(self, count: int) -> NDArray[np.intp]:
        """The numbers, along C, of the `count` input channels with the largest |total|, largest first."""
        return np.argsort(-np.abs(self.totals), kind="stable")[:count]


def receptive_box(net: Classifier, layer: str, row: int, column: int, side: int | None = None) -> Box:
    """Those pixels of the network's input on which a unit of the layer can depend: its receptive field, exactly.

    It ends at the borders of every map on its way, and leaves out what a stride or a pool drops. After an average pool
    it is the whole input, which stands, too, for a receptive field that could not be worked out. side is the input size
    in pixels, by default the classifier's own, of layers with places. Raises ModelError for an unknown layer,
    ParameterError for a place outside its map or a side below 32.
    """
    here = net.layer(layer)
    transform = net.transform if side is None or not here.in_place else net.transform.at(side)
    check_place(net, here, row, column, transform.crop)
    return _box(net, here, row, column, transform.crop)


def _box(net: Classifier, layer: Layer, row: int, column: int, side: int) -> Box:
    axes = step_passed(net.module, layer.module, side).axes if layer.in_place else None
    if axes is None:
        return Box(0, 0, side, side)
    (top, bottom), (left, right) = (
        (int(axis.first[place]), int(axis.last[place])) for axis, place in zip(axes, (row, column), strict=True)
    )
    return Box(top, left, bottom - top + 1, right - left + 1)


def check_place(net: Classifier, layer: Layer, row: int, column: int, side: int) -> None:
    """Raises ParameterError unless the layer's map has the place, for an input of side × side pixels."""
    # Without places a layer has its shape whatever the input.
    _check_place(
        layer, row, column, step_passed(net.module, layer.module, side).shape if layer.in_place else layer.shape
    )


def _check_place(layer: Layer, row: int, column: int, shape: Sequence[int]) -> None:
    _, height, width = shape
    check_number(layer, "row", row, height)
    check_number(layer, "column", column, width)


def trace_unit(
    net: Classifier,
    image: Image,
    layer: str,
    channel: int,
    row: int = 0,
    column: int = 0,
    side: int | None = None,
    maps: Mapping[str, FeatureMap] | None = None,
) -> Trace:
    """One unit, written as a sum over the layer before it.

    side is the input size in pixels, by default the classifier's own, of layers with places; the others are those of
    the prediction, as `feature_maps` has them. maps are those that it already gave for this picture at this side; what
    is missing in them is computed. Raises ModelError for an unknown layer and for one that is no such sum (a block, a
    norm over several values at once, an activation other than ReLU and ReLU6), ParameterError for a channel or a place
    outside it or a side below 32.
    """
    here = net.layer(layer)
    if not _is_sum(net, here):
        raise ModelError(
            f"{layer} is no sum over the layer before it, but {_AS_A_WHOLE.get(here.kind, f'a {here.kind}')}. "
            f"{_sums_near(net, here)}"
        )
    check_number(here, "channel", channel, here.shape[0])
    transform = net.transform if side is None else net.transform.at(side)
    known = dict(maps or {})
    if not here.in_place and transform.crop != net.transform.crop:  # the layers before it are known at another size
        transform, side = net.transform, None
        known = {name: found for name, found in known.items() if not found.layer.in_place}
    before = net.source(here)
    source = before.name if before else None
    missing = [name for name in (source, here.joins, layer) if name is not None and name not in known]
    if missing:
        known |= feature_maps(net, image, missing, side)
    values = transform([image], net.device)[0].cpu().numpy() if source is None else known[source].values
    given = values if here.joins is None else (values, known[here.joins].values)
    _check_place(here, row, column, known[layer].values.shape)
    box = _box(net, here, row, column, transform.crop)
    rule, write_out = _RULES[here.kind]
    found = write_out(net, here, given, channel, row, column)
    value = float(known[layer].values[channel, row, column])
    if rule == "convolution" and len(found.patches) == 1 < len(values):
        rule = "depthwise"
    elif rule == "norm" and not isinstance(_module(net, here), nn.BatchNorm2d):
        rule = "layer norm"
    elif rule == "concatenation" and channel >= len(values):
        source = here.joins
    return Trace(
        layer, channel, row, column, source, rule, found.bias, found.patches, found.kernels, value, box, here.joins,
        found.first,
    )  # fmt: skip


_AS_A_WHOLE = {"block": "several layers in one", "norm": "a norm over all of its values"}


def _is_sum(net: Classifier, layer: Layer) -> bool:
    if layer.kind == "norm":  # with a weight for each channel, that it has learned
        return isinstance(_module(net, layer), nn.BatchNorm2d | nn.LayerNorm)
    return layer.kind in _RULES


def _module(net: Classifier, layer: Layer) -> nn.Module:
    """What computes the layer."""
    step = dict(net.module.steps())[layer.module]
    return step.norm if isinstance(step, ChannelNorm) else step


def _sums_near(net: Classifier, layer: Layer) -> str:
    index = net.layers.index(layer)
    before = next((each.name for each in reversed(net.layers[:index]) if _is_sum(net, each)), None)
    after = next((each.name for each in net.layers[index + 1 :] if _is_sum(net, each)), None)
    return f"The nearest that are: {' and '.join(name for name in (before, after) if name)}."


class _Sum(NamedTuple):
    bias: float
    patches: NDArray[np.float32]  # (C, kh, kw)
    kernels: NDArray[np.float32]  # (C, kh, kw)
    first: int  # the first patch’s channel


def _convolution(net: Classifier, layer: Layer, source: NDArray, channel: int, row: int, column: int) -> _Sum:
    # A convolution that is a step has no dilation; those of other kinds are inside blocks.
    weights = channel_weights(net, layer.name, channel)
    seen = len(weights.kernels)  # of the source's channels, group by group
    first = channel * (len(source) // seen) // layer.shape[0] * seen
    (top, bottom), (left, right) = _window(net, layer, source, row, column)
    inside = source[first : first + seen, max(top, 0) : bottom, max(left, 0) : right]
    _, height, width = inside.shape
    patches = np.zeros_like(weights.kernels)  # the padding
    patches[:, max(-top, 0) :, max(-left, 0) :][:, :height, :width] = inside
    return _Sum(weights.bias, patches, weights.kernels, first)


def _window(net: Classifier, layer: Layer, source: NDArray, row: int, column: int) -> list[tuple[int, int]]:
    """(first, last + 1) of the source's rows and columns in a convolution's or pool's window, its padding included."""
    module = dict(net.module.steps())[layer.module]
    found = []
    for axis, place in enumerate((row, column)):  # torch has one number for both axes, or one for each
        size, stride, padding = (
            np.broadcast_to(v, 2)[axis] for v in (module.kernel_size, module.stride, module.padding)
        )
        before = module.zeros(axis, source.shape[1 + axis])[0] if isinstance(module, SameConv) else padding
        first = int(place * stride - before)
        found.append((first, first + int(size)))
    return found


def _norm(net: Classifier, layer: Layer, source: NDArray, channel: int, row: int, column: int) -> _Sum:
    norm = _module(net, layer)
    if isinstance(norm, nn.BatchNorm2d):
        mean, variance = float(norm.running_mean[channel]), float(norm.running_var[channel])
    else:
        there = source[:, row, column].astype(np.float64)
        mean, variance = there.mean(), there.var()
    gain = float(norm.weight[channel]) / np.sqrt(variance + norm.eps)
    patch = source[channel, row, column].reshape(1, 1, 1)
    return _Sum(float(norm.bias[channel]) - mean * gain, patch, np.full_like(patch, gain), channel)


def _scaled(net: Classifier, layer: Layer, source: NDArray, channel: int, row: int, column: int) -> _Sum:
    patch = source[channel, row, column].reshape(1, 1, 1)
    return _Sum(0.0, patch, np.full_like(patch, float(_module(net, layer).weight[channel])), channel)


def _linear(net: Classifier, layer: Layer, source: NDArray, channel: int, row: int, column: int) -> _Sum:
    weights = channel_weights(net, layer.name, channel)
    return _Sum(weights.bias, source.reshape(-1, 1, 1), weights.kernels, 0)


def _relu(net: Classifier, layer: Layer, source: NDArray, channel: int, row: int, column: int) -> _Sum:
    patch = source[channel, row, column].reshape(1, 1, 1)
    return _Sum(0.0, patch, (patch > 0).astype(np.float32), channel)


def _relu6(net: Classifier, layer: Layer, source: NDArray, channel: int, row: int, column: int) -> _Sum:
    patch = source[channel, row, column].reshape(1, 1, 1)
    return _Sum(6.0 if patch > 6 else 0.0, patch, ((patch > 0) & (patch <= 6)).astype(np.float32), channel)


_Two = tuple[NDArray, NDArray]  # what the source says, and the layer that joins it


def _added(net: Classifier, layer: Layer, two: _Two, channel: int, row: int, column: int) -> _Sum:
    patches = np.array([values[channel, row, column] for values in two]).reshape(2, 1, 1)
    return _Sum(0.0, patches, np.ones_like(patches), channel)


def _multiplied(net: Classifier, layer: Layer, two: _Two, channel: int, row: int, column: int) -> _Sum:
    maps, gate = two
    return _Sum(0.0, maps[channel, row, column].reshape(1, 1, 1), gate[channel, 0, 0].reshape(1, 1, 1), channel)


def _concatenated(net: Classifier, layer: Layer, two: _Two, channel: int, row: int, column: int) -> _Sum:
    values, number = (two[0], channel) if channel < len(two[0]) else (two[1], channel - len(two[0]))
    patch = values[number, row, column].reshape(1, 1, 1)
    return _Sum(0.0, patch, np.ones_like(patch), number)


def _max_pool(net: Classifier, layer: Layer, source: NDArray, channel: int, row: int, column: int) -> _Sum:
    (top, bottom), (left, right) = _window(net, layer, source, row, column)
    patch = source[None, channel, max(top, 0) : bottom, max(left, 0) : right]
    kernel = np.zeros(patch.shape, np.float32)
    kernel.flat[patch.argmax()] = 1
    return _Sum(0.0, patch, kernel, channel)


def _average(net: Classifier, layer: Layer, source: NDArray, channel: int, row: int, column: int) -> _Sum:
    # Adaptive pooling's windows: i of n covers ⌊i·size/n⌋ to ⌈(i + 1)·size/n⌉, so neighbours may share a row.
    _, height, width = source.shape
    _, rows, columns = layer.shape
    patch = source[
        None,
        channel,
        row * height // rows : -(-(row + 1) * height // rows),
        column * width // columns : -(-(column + 1) * width // columns),
    ]
    return _Sum(0.0, patch, np.full(patch.shape, 1 / patch.size, np.float32), channel)


def _softmax(net: Classifier, layer: Layer, source: NDArray, channel: int, row: int, column: int) -> _Sum:
    scaled = source / net.temperature
    patches = np.exp(scaled - scaled.max())  # (classes, 1, 1)
    kernels = np.zeros_like(patches)
    kernels[channel] = 1 / patches.sum()
    return _Sum(0.0, patches, kernels, 0)


_RULES: dict[str, tuple[str, Callable[..., _Sum]]] = {  # by the layer's kind
    "conv": ("convolution", _convolution),
    "norm": ("norm", _norm),
    "linear": ("linear", _linear),
    "relu": ("relu", _relu),
    "relu6": ("relu6", _relu6),
    "scale": ("scale", _scaled),
    "sum": ("sum", _added),
    "product": ("product", _multiplied),
    "concatenation": ("concatenation", _concatenated),
    "pool": ("max-pool", _max_pool),
    "average": ("average", _average),
    "softmax": ("softmax", _softmax),
}
