"""What each pixel does to one unit: the gradient of that number to the picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from visionlab.imaging.image import Image
from visionlab.network.inside.activations import activations
from visionlab.network.inside.channels import check_number
from visionlab.network.inside.trace import Box, check_place, receptive_box
from visionlab.network.running.classifier import Classifier


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """How a unit's value moves with the pixels of the network's input.

    gradient (3, H, W) float32, signed: ∂value/∂colour, red, green and blue being 0..1; zero outside the box, which is
    the unit's receptive field, and everywhere for a unit that a ReLU silences.
    """

    value: float
    gradient: NDArray[np.float32]
    box: Box

    @property
    def brightness(self) -> NDArray[np.float32]:
        """(H, W) float32, signed: how the value moves as a pixel becomes brighter, by as much in all three colours."""
        return self.gradient.sum(0)


@torch.inference_mode(False)
def unit_gradient(
    net: Classifier, image: Image, layer: str, channel: int, row: int = 0, column: int = 0, side: int | None = None
) -> Sensitivity:
    """The gradient of one unit of any layer, the softmax's included, to the picture that the network sees.

    What Simonyan, Vedaldi & Zisserman (2013, arXiv:1312.6034, § 3) do for a class, done for any unit as in Yosinski et
    al. (2015, arXiv:1506.06579), and with its sign kept. side is the input size in pixels, by default the classifier's
    own, of layers with places; the others are those of the prediction. Raises ModelError for an unknown layer,
    ParameterError for a channel or a place outside it or a side below 32.
    """
    here = net.layer(layer)
    check_number(here, "channel", channel, here.shape[0])
    transform = net.transform if side is None or not here.in_place else net.transform.at(side)
    check_place(net, here, row, column, transform.crop)
    x = transform([image], net.device).requires_grad_()
    with torch.enable_grad():
        values = activations(net, x, [layer])[layer][0]
    unit = values[channel, row, column] if values.dim() == 3 else values[channel]
    (gradient,) = torch.autograd.grad(unit, x)
    deviation = torch.tensor(transform.std, device=x.device).view(3, 1, 1)  # what a colour of 0..1 was divided by
    box = receptive_box(net, layer, row, column, side)
    return Sensitivity(unit.item(), (gradient[0] / deviation).float().cpu().numpy(), box)
