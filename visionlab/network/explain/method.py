"""What a method of explanation is, and how one that takes long says how far it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from visionlab.network.running.classifier import Classifier

FORWARD_BATCH = 8  # pictures that are looked at at once: more of them leave a processor's caches, and take longer
GRADIENT_BATCH = 8  # pictures whose gradients are taken at once: 0.5 GB for VGG16 at 224 px, and larger is no faster

Progress = Callable[[float], None]  # is told the share that is done, 0..1; what it raises ends the computation
Attribute = Callable[[Classifier, Tensor, int, str | None, Progress], NDArray[np.float32]]
Combine = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Method:
    """A way to explain a prediction.

    attribute(net, x, target, layer, progress) takes one normalised picture (1, 3, H, W), a class index and a layer
    name (None: the method's own choice), and gives an unscaled map (h, w) float32: by how much a place speaks for the
    class's logit (below zero: against it), or, of saliency, smoothgrad and guided backpropagation, which take the
    magnitude of a gradient, how much the logit depends on a place, for or against. combine makes one layer's map (h, w)
    of its maps and the logit's gradient there, both (K, h, w); a method has it if it takes a layer. percentile is the
    map's value that is shown at full scale: below 100 where a few pixels of a noisy map would darken all the others.
    """

    name: str
    title: str
    about: str
    paper: str
    attribute: Attribute
    combine: Combine | None = None
    percentile: float = 100.0

    @property
    def layered(self) -> bool:
        """Whether the method looks at a layer of one's choice."""
        return self.combine is not None


def silent(share: float) -> None:
    """The progress that nobody follows."""


def counted(forward: Callable[[Tensor], Tensor], pictures: int, progress: Progress) -> Callable[[Tensor], Tensor]:
    """forward, telling progress after each batch what share of the pictures has gone through it."""
    done = 0

    def run(x: Tensor) -> Tensor:
        nonlocal done
        logits = forward(x)
        done += len(x)
        progress(done / pictures)
        return logits

    return run
