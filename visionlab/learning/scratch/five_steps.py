"""The convolutional network of the moving 8, walked through: tiles → the same weights → an array → pooled → dense."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visionlab.errors import ParameterError
from visionlab.learning.scratch.moving_eight import EightNet


@dataclass(frozen=True, eq=False)
class FiveSteps:
    """What the network makes of one canvas, of which no number is anybody else's; all float32.

    tiles (H, W, k, k): what is around each pixel, as the network normalises it, and 0 beyond the canvas.  weights
    (F, k, k) and bias (F,): of the first convolution.  array (F, H, W): tiles · weights + bias, where that is above 0.
    pooled (F, h, w): the largest of each square of the array.  row (D,): the numbers that the first dense layer gets,
    after `rounds` more convolutions and poolings.  hidden: what each dense layer but the last one makes of it.
    scores (2,): of none and of an 8.  probability: that it is an 8, by softmax of these.
    """

    tiles: NDArray[np.float32]
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    array: NDArray[np.float32]
    pooled: NDArray[np.float32]
    rounds: int
    row: NDArray[np.float32]
    hidden: tuple[NDArray[np.float32], ...]
    scores: NDArray[np.float32]
    probability: float

    def strongest(self, channel: int) -> tuple[int, int]:
        """(row, column) of the tile that a filter answers most to, the first of these."""
        row, column = np.unravel_index(self.array[channel].argmax(), self.array[channel].shape)
        return int(row), int(column)


def five_steps(net: EightNet, canvas: NDArray[np.uint8]) -> FiveSteps:
    """Of a canvas, uint8 (H, W), white on black. Raises ParameterError for one of another size, and for a network that
    does not begin with a convolution of one channel and a pooling."""
    kinds = [layer.spec.kind for layer in net.network.layers]
    if kinds[:2] != ["conv", "pool"]:
        raise ParameterError(f"The network “{net.name}” begins with {kinds[0]}; one with a convolution has five steps.")
    if canvas.dtype != np.uint8 or canvas.shape != net.network.shape[:2]:
        raise ParameterError(f"The canvas is {canvas.dtype} {canvas.shape}; uint8 {net.network.shape[:2]} is needed.")
    picture = canvas[..., None]
    answers = [(layer, values.cpu().numpy()) for layer, values in net.network.answers(picture)]
    first = net.network.steps[0]
    weights, bias = (part.detach().cpu().numpy().copy() for part in (first.weight[:, 0], first.bias))
    size = weights.shape[1]
    normalised = net.network.prepared_one(picture)[0].cpu().numpy()  # (H, W)
    before, after = (size - 1) // 2, size // 2  # as torch pads for “same”
    tiles = np.lib.stride_tricks.sliding_window_view(np.pad(normalised, (before, after)), (size, size))
    dense = [values for layer, values in answers if layer.spec.kind == "dense"]
    last = [values for layer, values in answers if layer.spec.kind != "dense"][-1]
    return FiveSteps(
        tiles,
        weights,
        bias,
        array=answers[0][1],
        pooled=answers[1][1],
        rounds=kinds.count("conv") - 1,
        row=last.ravel(),
        hidden=tuple(dense[:-1]),
        scores=dense[-1],
        probability=float(np.exp(dense[-1][1] - np.logaddexp(*dense[-1]))),
    )
