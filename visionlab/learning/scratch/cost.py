"""What a fully connected layer costs beside a convolutional one, for any picture size."""

from __future__ import annotations

from dataclasses import dataclass

from visionlab.errors import ParameterError
from visionlab.learning.scratch.stack import PADDINGS

UNITS = 1_000


@dataclass(frozen=True)
class Cost:
    """A layer on one picture. multiplications: one a weight and place; biases are additions."""

    weights: int
    biases: int
    multiplications: int

    @property
    def parameters(self) -> int:
        return self.weights + self.biases

    def bytes(self, of_each: int = 4) -> int:
        """The memory of the weights: of_each is 4 for float32, 8 for float64."""
        return self.weights * of_each


def fully_connected(height: int, width: int, channels: int = 3, units: int = UNITS) -> Cost:
    """Every unit sees every number of the picture. Raises ParameterError where one of them is below 1."""
    _check(height=height, width=width, channels=channels, units=units)
    weights = height * width * channels * units
    return Cost(weights, units, weights)


def convolutional(
    height: int, width: int, channels: int = 3, filters: int = 32, kernel: int = 3, padding: str = "same"
) -> Cost:
    """Every filter of kernel × kernel pixels at every place. Raises ParameterError where one of them is below 1, the
    padding is unknown, or the kernel is larger than the picture."""
    _check(height=height, width=width, channels=channels, filters=filters, kernel=kernel)
    if padding not in PADDINGS:
        raise ParameterError(f"“{padding}” is no padding. Use {' or '.join(PADDINGS)}.")
    most = min(height, width)
    if kernel > most:
        told = f"A kernel of {kernel} × {kernel} is larger than a picture of {width} × {height} px"
        raise ParameterError(f"{told}; use one of 1 to {most}.")
    lost = kernel - 1 if padding == "valid" else 0
    weights = kernel**2 * channels * filters
    return Cost(weights, filters, weights * (height - lost) * (width - lost))


def _check(**counts: int) -> None:
    for name, count in counts.items():
        if count < 1:
            raise ParameterError(f"The {name} is {count}; it must be 1 or more.")
