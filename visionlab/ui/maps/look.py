"""What the Feature maps page looks at: a picture in a network, a spot in that, and what is seen beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from visionlab.network.inside.activations import FeatureMap
from visionlab.network.inside.channels import LayerStatistics, usual_colours
from visionlab.network.inside.contributions import Contributions
from visionlab.network.inside.depth import as_deep
from visionlab.network.inside.excitation import strongest_unit
from visionlab.network.running.classifier import Classifier
from visionlab.ui.maps import caches, state
from visionlab.ui.maps.state import Spot
from visionlab.ui.shared import cached
from visionlab.ui.shared.networks import Network
from visionlab.ui.shared.state import Picture


@dataclass(frozen=True, eq=False)
class Look:
    """A picture in a network at an input size in pixels, and all that the layers answer."""

    network: Network
    picture: Picture
    side: int

    @property
    def net(self) -> Classifier:
        return self.network.net

    @property
    def key(self) -> tuple[str, str, int]:
        return self.network.key, self.picture.key, self.side

    @cached_property
    def maps(self) -> Mapping[str, FeatureMap]:
        return caches.all_maps(*self.key, self.net, self.picture.image)

    @property
    def statistics(self) -> list[LayerStatistics]:
        return caches.statistics(*self.key, self.maps)

    @property
    def target(self) -> int:
        """The class that channels add to: the one that was chosen, else the most probable one."""
        chosen = state.target(self.net)
        if chosen is not None:
            return chosen
        return cached.top_predictions(*self.key[:2], self.net, self.picture.image, 1)[0].index

    def contributions(self, target: int) -> Contributions:
        """What the channels add to a class, as the network predicts."""
        return caches.class_contributions(*self.key[:2], target, self.net, self.picture.image)

    def matches(self, other: Look, layer: str) -> bool:
        """Whether the layer is the same in both, place by place: of one network, or of a head and what it is on."""
        one, two = self.network, other.network
        if one is two:
            return True
        related = one.base == two.name or two.base == one.name
        shapes = [look.maps[layer].values.shape for look in (self, other) if layer in look.maps]
        return related and len(shapes) == 2 and shapes[0] == shapes[1]

    def side_of(self, layer: str) -> int:
        """The input size in pixels that the layer's values are of."""
        return self.side if self.net.layer(layer).in_place else self.net.transform.crop

    def greatest(self, layer: str) -> NDArray[np.float32]:
        """(C,): the greatest absolute value of each channel of the layer."""
        return caches.greatest(*self.key, layer, self.maps[layer])


def full_colour(looks: Sequence[Look], layer: str, scale: str) -> NDArray[np.float32]:
    """(C, 2): from which value to which the colours of each channel go, the same for all pictures; 0 is their middle.

    scale says what is at full colour: the maximum of each "channel", of the "layer", or of the "network".
    """
    most = np.max([look.greatest(layer) for look in looks], axis=0)
    if scale == "channel":
        return usual_colours(most, alone=looks[0].maps[layer].values[0].size == 1)
    most[:] = max(caches.greatest_of_all(*look.key, look.maps) for look in looks) if scale == "network" else most.max()
    return np.stack([-most, most], axis=1)


@dataclass(frozen=True, eq=False)
class View:
    """A look, and the spot in it. alike are all looks whose layer is the same, with one scale: other pictures in its
    network, or the same picture before and after its layers were fine-tuned."""

    look: Look
    spot: Spot
    alike: Sequence[Look]

    @property
    def found(self) -> FeatureMap:
        """What the layer answers."""
        return self.look.maps[self.spot.layer]

    @property
    def suffix(self) -> str:
        """What tells its widgets' keys from those of the first network."""
        return "-beside" if self.spot.beside or self.look.network is not self.alike[0].network else ""

    @property
    def names_classes(self) -> bool:
        """Whether each unit of the layer is a class: a logit, or a probability."""
        return self.found.layer in self.look.net.layers[-2:]

    @property
    def compares(self) -> bool:
        """Whether the same layer is compared, place by place."""
        return len(self.alike) > 1

    @property
    def name(self) -> str:
        """What tells it from those that it is compared with."""
        one_picture = len({look.picture.key for look in self.alike}) == 1
        return self.look.network.title if one_picture else self.look.picture.name


def views_of(looks: Sequence[Look]) -> tuple[list[View], list[str]]:
    """A view a look, and a sentence on each thing that is wanted and not there.

    Of two pictures in one network both have the same spot; in another network, where none is chosen, the layer is
    the one that lies as deep.
    """
    first, *others = looks
    spot, missing = resolve(state.spot(), first)
    missing += state.no_numbers(beside=False)
    state.look_at(spot)
    views = [View(first, spot, [look for look in looks if look.matches(first, spot.layer)])]
    for other in others:
        if other.matches(first, spot.layer):
            views.append(replace(views[0], look=other))
            continue
        of = (first.net.name, other.net.name, spot.layer)
        deep = as_deep(first.net, spot.layer, other.net)
        beside, told = resolve(state.spot_beside(of), other, deep)
        missing += state.no_numbers(beside=True)
        state.look_beside(of, beside)
        views.append(View(other, beside, [other]))
        missing += told
    if not any(view.spot.beside for view in views):
        state.nothing_beside()
    return views, missing


def colours(views: Sequence[View], scale: str) -> list[NDArray[np.float32]]:
    """full_colour() of each view; of two networks each has its own, but for probabilities: no other values of theirs
    have one unit."""
    ends = [full_colour(view.alike, view.spot.layer, scale) for view in views]
    if all(view.found.layer.kind == "softmax" for view in views):
        most = max(float(each.max()) for each in ends)
        ends = [np.sign(each) * most for each in ends]
    return ends


def resolve(wanted: Spot, look: Look, usual: str | None = None) -> tuple[Spot, list[str]]:
    """The spot as far as this network has it, and a sentence on each thing that it has not.

    What is not chosen is the layer `usual`, or the first one; the channel that answers most in the mean; and its
    strongest_unit().
    """
    told = []
    layer, channel, unit = wanted.layer, wanted.channel, wanted.unit if wanted.held else None
    if layer not in look.maps:
        first = usual or next(iter(look.maps))
        if layer is not None:
            told.append(f"{look.net.name} has no layer “{layer}”, so {first} is shown. {look.net.layers_near(layer)}")
        layer, channel, unit = first, None, None
    values = look.maps[layer].values
    channels, rows, columns = values.shape
    if channel is not None and channel >= channels:
        told.append(f"{layer} has no channel {channel}: its channels are numbered from 0 to {channels - 1}.")
        channel = None
    if unit is not None and not (unit[0] < rows and unit[1] < columns):
        size = f"{rows} × {columns} units here, counted from 0"
        told.append(f"{layer} has no unit in row {unit[0]} and column {unit[1]}: its maps have {size}.")
        unit = None
    if channel is None:
        channel = int(values.mean((1, 2)).argmax())
    strongest = unit or strongest_unit(look.net, look.maps[layer], channel)
    return replace(wanted, layer=layer, channel=channel, unit=strongest, held=unit is not None), told


def multiplications(found: FeatureMap) -> int:
    """Of one forward pass, at the size that these maps have."""
    return replace(found.layer, shape=found.values.shape).multiplications


def name_of(net: Classifier, found: FeatureMap, channel: int) -> str:
    """What a channel is called: its number, and its class where it stands for one."""
    what = "channel" if found.values[0].size > 1 else "unit"
    label = f" · {net.labels[channel]}" if found.layer in net.layers[-2:] else ""  # logits and probabilities
    return f"{what} {channel}{label}"
