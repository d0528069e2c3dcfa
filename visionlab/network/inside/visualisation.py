"""What a channel wants to see: a picture made from noise that excites it most (activation maximisation).

After Olah, Mordvintsev & Schubert (2017), “Feature Visualization”, Distill, doi:10.23915/distill.00007.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from math import cos, radians, sin

import torch
import torch.nn.functional as F
from torch import Tensor

from visionlab.errors import ParameterError
from visionlab.imaging.image import Image
from visionlab.network.inside.activations import network_steps
from visionlab.network.inside.channels import check_number
from visionlab.network.inside.trace import check_place
from visionlab.network.running.classifier import ACTIVATION_KINDS, Classifier, Layer

STEPS = 128
EVERY = 8  # steps from one yielded picture to the next
RATE = 0.05  # Adam's learning rate
NOISE = 0.01  # standard deviation of the spectrum that it starts from
GAIN = 2.7  # of the lowest frequency; less, and some classes of the built-in network never leave the grey
DECAY = 1.5  # amplitudes fall as frequency^−DECAY: with 1, photographs’ own, fine dots lie over everything
LEAK = 0.1  # of what is negative, which the ReLUs pass on at first: from grey, a class may see silent units alone
WARM = 16  # steps until no ReLU leaks any more
MARGIN = 0.125  # of the side: how much canvas lies around what is shown, for the network's window to wander into
JITTER = 0.0625  # of the side, either way
ZOOM = 0.1  # of the size, either way
TURN = 10.0  # degrees, either way

# The symmetric square root of the RGB covariance (colours in 0..1) of the package's four sample pictures, averaged:
# what is independent before it has the colour correlation of photographs after it.
COLOURS = (
    (0.19158006, 0.09912708, 0.06080212),
    (0.09912708, 0.14926120, 0.11090050),
    (0.06080212, 0.11090050, 0.16414231),
)


@dataclass(frozen=True, eq=False)
class Visualisation:
    """The picture after `step` of `steps` steps, uint8 (side, side, 3), and how much it has of what is maximised."""

    step: int
    steps: int
    image: Image
    activation: float


def visualise_channel(
    net: Classifier,
    layer: str,
    channel: int,
    side: int = 96,
    steps: int = STEPS,
    seed: int = 0,
    unit: tuple[int, int] | None = None,
) -> Iterator[Visualisation]:
    """A picture of side × side pixels that excites a channel, from noise, one better than the other.

    What is maximised is the mean over the places of the channel's map, or the unit at a place (row, column) of it,
    without the activations and the softmax that follow the last layer with weights: a ReLU's unit as it is before the
    ReLU, a pool's as the largest before it, for the softmax the logits, since a unit that is silenced has no gradient
    to follow. For the same reason the ReLUs that are steps before it leak during the first steps (never in the
    activation that is given). The picture is a Fourier
    spectrum, in which low frequencies weigh more, in decorrelated colours, and goes through a sigmoid; at each step of
    Adam the network sees another window of it, shifted, zoomed and turned. The noise first, then a picture every few
    steps, the finished one last; whoever wants no more stops asking. The same seed gives the same picture on the same
    device.

    Raises ModelError for an unknown layer; ParameterError for an unknown channel or place, a side below 32 or no steps.
    """
    here = net.layer(layer)
    check_number(here, "channel", channel, here.shape[0])
    if steps < 1:
        raise ParameterError(f"{steps} steps change nothing. Use 1 or more, {STEPS} for a clear picture.")
    net.transform.at(side)
    if unit is not None:
        check_place(net, here, *unit, side)
    return _ascend(net, partial(_response, net, here, channel, unit), side, steps, seed)


def _ascend(
    net: Classifier, response: Callable[..., Tensor], side: int, steps: int, seed: int
) -> Iterator[Visualisation]:
    random = torch.Generator().manual_seed(seed)
    margin = round(side * MARGIN)
    canvas = side + 2 * margin
    waves = canvas * torch.hypot(torch.fft.fftfreq(canvas)[:, None], torch.fft.rfftfreq(canvas))  # across the canvas
    scale = (GAIN * canvas**2 / waves.clamp(min=1) ** DECAY).to(net.device)
    spectrum = (torch.randn(3, *scale.shape, 2, generator=random) * NOISE).to(net.device).requires_grad_()
    optimiser = torch.optim.Adam([spectrum], lr=RATE)
    for step in range(steps):
        if step % EVERY == 0:
            yield Visualisation(step, steps, *_shown(_painted(spectrum, scale), margin, response))
        window = _window(side, canvas, random).to(net.device)
        seen = F.grid_sample(_painted(spectrum, scale), window, padding_mode="reflection", align_corners=False)
        ascent = response(seen, leak=LEAK * max(0.0, 1 - step / WARM))
        (spectrum.grad,) = torch.autograd.grad(-ascent, spectrum)  # Adam descends
        optimiser.step()
    yield Visualisation(steps, steps, *_shown(_painted(spectrum, scale), margin, response))


def _painted(spectrum: Tensor, scale: Tensor) -> Tensor:
    """The spectrum (3, h, w, 2) as a picture (1, 3, h, h) in 0..1."""
    colours = torch.tensor(COLOURS, device=spectrum.device)
    waves = torch.fft.irfft2(torch.view_as_complex(spectrum) * scale, s=(len(scale), len(scale)))
    return torch.einsum("ij,jhw->ihw", colours, waves).sigmoid()[None]


def _window(side: int, canvas: int, random: torch.Generator) -> Tensor:
    """A grid (1, side, side, 2) for grid_sample: about the middle of the canvas, shifted, zoomed and turned."""
    turn, zoom, right, down = (2 * torch.rand(4, generator=random) - 1).tolist()
    size = side / canvas * (1 + ZOOM * zoom)
    across, up = size * cos(radians(TURN * turn)), size * sin(radians(TURN * turn))
    shift = 2 * JITTER * side / canvas  # the canvas reaches from −1 to 1
    affine = torch.tensor([[[across, -up, shift * right], [up, across, shift * down]]])
    return F.affine_grid(affine, [1, 1, side, side], align_corners=False)


def _response(
    net: Classifier, layer: Layer, channel: int, unit: tuple[int, int] | None, picture: Tensor, leak: float = 0.0
) -> Tensor:
    """What is maximised, of a picture (1, 3, H, W) in 0..1, ReLUs passing on `leak` of what they cut off."""
    mean, std = (torch.tensor(v, device=net.device).view(3, 1, 1) for v in (net.transform.mean, net.transform.std))
    relus = {each.module for each in net.layers if each.rectifies}
    left_out = _after_weights(net, layer)
    x = (picture - mean) / std
    for path, step in network_steps(net):
        kept = x if path in left_out else step(x)
        x = kept + leak * (x - kept) if leak and path in relus else kept
        if path == layer.module:
            break
    answer = x[0, channel]  # (h, w), or () in a fully connected layer
    return answer.mean() if unit is None or answer.dim() == 0 else answer[unit]


def _after_weights(net: Classifier, layer: Layer) -> set[str]:
    """The paths of the activations and the softmax from the last layer with weights on, up to this one."""
    reached = reversed(net.layers[: net.layers.index(layer) + 1])
    plain = takewhile(lambda each: not each.parameters, reached)
    return {each.module for each in plain if each.kind in (*ACTIVATION_KINDS, "softmax")}


@torch.no_grad()
def _shown(painted: Tensor, margin: int, response: Callable[..., Tensor]) -> tuple[Image, float]:
    """The middle of the canvas, rounded to bytes, and the response to it."""
    picture = painted[..., margin:-margin, margin:-margin].mul(255).round().byte()
    return picture[0].permute(1, 2, 0).contiguous().cpu().numpy(), float(response(picture.float() / 255))
