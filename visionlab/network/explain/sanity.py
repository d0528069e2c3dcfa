"""Does an explanation depend on what the network has learned? Adebayo et al. 2018, “Sanity checks for saliency maps”,
arXiv:1810.03292, § 3.1: cascading randomisation.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import rankdata
from torch import nn

from visionlab.imaging.image import Image
from visionlab.network.explain.heatmap import Heatmap
from visionlab.network.explain.method import Progress, silent
from visionlab.network.explain.methods import find_method, most_probable
from visionlab.network.running.classifier import Classifier, Layer


@dataclass(frozen=True, eq=False)
class Randomised:
    """The explanation after everything from the output down to `layer` has been drawn anew.

    similarity is the rank correlation (Spearman) with the map of the trained network, −1..1, before the maps are laid
    over the picture: near 0 if the method shows what was learned, near 1 if it shows the same for a network that knows
    nothing. Guided backpropagation keeps much of its map.
    """

    layer: str
    heatmap: Heatmap
    similarity: float


@torch.inference_mode(False)
def sanity_check(
    net: Classifier,
    image: Image,
    method: str = "grad-cam",
    target: str | int | None = None,
    layer: str | None = None,
    seed: int = 0,
    progress: Progress = silent,
    shape: tuple[int, int] | None = None,
) -> Iterator[Randomised]:
    """The explanation of one picture while a copy of the network loses what it learned, from the output to the input.

    One result after each fully connected layer and after all layers of one stride. New weights are drawn as He et al.
    2015 (arXiv:1502.01852) do, new biases are 0 and the gains of norms 1; the seed decides them. The class is
    throughout the one that the trained network is asked about (None: its most probable one). progress is told the share
    of the whole check. shape is that of the maps, as for explain. The given network is left as it was. Raises like
    explain, when the first result is asked for.
    """
    chosen = find_method(method, layer)
    x = net.transform([image], net.device)
    index = most_probable(net, x) if target is None else net.target(target)
    stages = _stages(net)

    def attribution(of: Classifier, done: int) -> NDArray[np.float32]:
        runs = len(stages) + 1
        return chosen.attribute(of, x, index, layer, lambda share: progress((done + share) / runs))

    trained = attribution(net, 0)
    copy = replace(net, module=deepcopy(net.module))
    steps = dict(copy.module.steps())
    generator = torch.Generator().manual_seed(seed)
    for done, stage in enumerate(stages, 1):
        for weighty in stage:
            _draw(steps[weighty.module], generator)
        values = attribution(copy, done)
        over = shape or image.shape[:2]
        heatmap = Heatmap.laid(net.transform, over, values, index, method, chosen.percentile)
        yield Randomised(stage[-1].name, heatmap, rank_correlation(trained, values))


def passes(similarity: float) -> bool:
    """Whether a method shows what was learned, by how similar its map is to that of a network whose every weight is
    drawn anew: they share at most a quarter of what ranks their places (ρ² ≤ 1/4). The paper draws no line.
    """
    return abs(similarity) <= 0.5


def rank_correlation(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Spearman's rank correlation of two maps of one shape, −1..1, equal values sharing their mean rank.

    A constant map orders nothing: two of them are alike (1), one and a map with an order have nothing in common (0).
    """
    ranks = [rankdata(values) - (values.size + 1) / 2 for values in (a, b)]
    lengths = [float(np.linalg.norm(rank)) for rank in ranks]
    if min(lengths) == 0:
        return float(max(lengths) == 0)
    return float(np.clip(ranks[0] @ ranks[1] / (lengths[0] * lengths[1]), -1, 1))


def _stages(net: Classifier) -> list[list[Layer]]:
    """The layers with weights from the last to the first: those of one stride together, those without places singly."""
    weighty = [layer for layer in reversed(net.layers) if layer.parameters]
    return [list(stage) for _, stage in groupby(weighty, key=lambda layer: layer.stride or layer.name)]


def _draw(module: nn.Module, generator: torch.Generator) -> None:
    """New weights, drawn on the CPU, so that a seed means the same on every device; norms as they are when new."""
    for name, parameter in module.named_parameters():
        if parameter.dim() > 1:
            parameter.copy_(nn.init.kaiming_normal_(torch.empty(parameter.shape), generator=generator))
        else:
            parameter.fill_(0 if name.endswith("bias") else 1)
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.reset_running_stats()
