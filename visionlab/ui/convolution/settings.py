"""What is asked beside picture and kernel: how the kernel slides, and how its response is shown."""

from __future__ import annotations

from dataclasses import dataclass

from visionlab.imaging.image import Response
from visionlab.imaging.kernels import Kernel
from visionlab.imaging.render import fitted_range
from visionlab.ui.convolution.channels import CHANNELS


@dataclass(frozen=True)
class Settings:
    """What convolve() takes beside picture and kernel; which of CHANNELS; how large the picture is at most, in pixels;
    one of render()'s modes; whether what it shows is fitted to the response.
    """

    stride: int
    dilation: int
    border: str
    flip: bool
    channel: str
    side: int
    mode: str
    fit: bool

    @property
    def options(self) -> dict[str, int | str | bool]:
        """convolve()'s own."""
        return {"stride": self.stride, "dilation": self.dilation, "border": self.border, "flip": self.flip}

    def ends(self, kernel: Kernel, response: Response) -> tuple[float, float] | None:
        """The range that is shown, as render() takes it: None is the plain one. Shown as a picture, the response of a
        kernel that makes flat areas so many times as bright is fitted by that, whatever the picture.
        """
        if not self.fit:
            return None
        brightness = round(kernel.total, 6) * CHANNELS[self.channel].planes
        if self.mode == "clip" and brightness > 0:
            return 0.0, 255 * brightness
        return fitted_range(response, self.mode)
