"""How deep in a network a layer lies, so that layers of two networks can be looked at beside each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from visionlab.network.running.classifier import Classifier, Layer

WEIGHTY = ("conv", "block", "linear")  # kinds of layers that depth is counted in


@dataclass(frozen=True)
class Depth:
    """How many layers with kernels a picture has passed with this one, of how many: of those with places for a layer
    with places, of those behind them for another."""

    passed: int
    count: int

    @property
    def share(self) -> float:
        """How much of the way lies behind it: 0 at the first of them, 1 at the last; less before the first."""
        return (self.passed - 1) / (self.count - 1) if self.count > 1 else float(self.passed)


def depths(net: Classifier) -> Mapping[str, Depth]:
    """{layer name: how deep it lies}, in the network's order."""
    found = {}
    for in_place in (True, False):
        part = [layer for layer in net.layers if layer.in_place == in_place]
        count = sum(map(_counts, part))
        passed = 0
        for layer in part:
            passed += _counts(layer)
            found[layer.name] = Depth(passed, count)
    return {layer.name: found[layer.name] for layer in net.layers}


def _counts(layer: Layer) -> bool:
    return layer.kind in WEIGHTY and not layer.gate


def as_deep(net: Classifier, layer: str, other: Classifier) -> str:
    """The layer of the other network that lies about as deep as that one of `net`.

    Of the layers that have places, or none, as it has, and of its kind where there are any, it is the one whose share
    of the depth is nearest, the first of equals. Raises ModelError for an unknown layer.
    """
    here = net.layer(layer)
    alike = [each for each in other.layers if each.in_place == here.in_place and not each.gate]
    kin = [each for each in alike if each.kind == here.kind or (each.rectifies and here.rectifies)]
    wanted, found = depths(net)[layer].share, depths(other)
    return min(kin or alike, key=lambda each: abs(found[each.name].share - wanted)).name
