"""convolve(): a kernel slid over a picture; on a CPU by the engines in engines.py, on a GPU by torch."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from visionlab import device as devices
from visionlab.errors import ParameterError
from visionlab.imaging import engines
from visionlab.imaging.engines import BORDERS
from visionlab.imaging.image import Response
from visionlab.imaging.kernels import Kernel, check_weights

if TYPE_CHECKING:
    import torch

# A dilated kernel's longest side; the padded picture grows with it.
MAX_EXTENT = 2048


def convolve(
    image: NDArray,
    kernel: Kernel | ArrayLike,
    *,
    stride: int = 1,
    dilation: int = 1,
    border: str = "reflect",
    flip: bool = False,
    device: str | torch.device = "auto",
) -> Response:
    """Slide a kernel over a picture, each channel on its own.

        response[y, x, c] = Σᵢⱼ kernel[i, j] · image[s·y + d·i - ay, s·x + d·j - ax, c]     s stride, d dilation

    `image` is uint8 (H, W, 3) or any array of real numbers, (H, W) or (H, W, C). The response is float32 with as many
    axes, signed and unclipped, in the picture's own units. Sums are right to 1e-4 for a picture of bytes, those beyond
    1,024 to float32's own precision: computed in float32 where that is enough, exactly so for whole numbers, in float64
    otherwise.

    The anchor a, the kernel's value that lies on the pixel, is k // 2 of the dilated extent k = (side - 1) · d + 1, for
    even k too. `flip=False` is cross-correlation, what CNNs call convolution, and equals scipy.ndimage.correlate;
    `flip=True` turns the kernel by 180° about its anchor: convolution proper, equal to scipy.ndimage.convolve.

    `border` says what lies beyond the edge; for a row a b c d:
        "zero"       0 0 0 | a b c d | 0 0 0     SciPy's "constant"
        "reflect"    d c b | a b c d | c b a     the edge pixel is not repeated: NumPy's "reflect", SciPy's "mirror"
        "replicate"  a a a | a b c d | d d d     SciPy's "nearest"
        "wrap"       b c d | a b c d | a b c
        "valid"      nothing: only windows wholly inside the picture
    Sizes are those of `output_size`: ⌈H / s⌉ with a border, ⌊(H - k) / s⌋ + 1 without. The picture may be smaller than
    the kernel, except with "valid".

    `device="auto"` computes on the CPU, unless torch is in use already and has a CUDA GPU.

    Raises ParameterError for a value outside all this.
    """
    planes = _check_image(image)  # (H, W, C)
    weights = kernel.weights.astype(np.float64) if isinstance(kernel, Kernel) else check_weights(kernel)
    weights = weights[::-1, ::-1].copy() if flip else weights
    for side, taps in zip(planes.shape, weights.shape, strict=False):
        output_size(side, taps, stride, dilation, border)
    if border == "valid":
        margins = (0, 0, 0, 0)
    else:
        (top, bottom), (left, right) = (_margins(taps, dilation, flip) for taps in weights.shape)
        margins = (top, bottom, left, right)

    place = _place(device)
    if place is None:
        if dilation > 1:
            stuffed = np.zeros([(taps - 1) * dilation + 1 for taps in weights.shape])
            stuffed[::dilation, ::dilation] = weights
            weights = stuffed
        response = engines.correlate(planes, weights, stride, border, margins)
    else:
        engines.peak_of(planes)  # or an error
        response = _torch(planes, weights, stride, dilation, border, margins, place)
    return response.reshape(response.shape[: np.ndim(image)])


def output_size(size: int, kernel: int, stride: int = 1, dilation: int = 1, border: str = "reflect") -> int:
    """How many values one side of the response has, for a picture of `size` and a kernel of `kernel` values there.

    Raises ParameterError where one of them is out of range, or "valid" has no window inside the picture.
    """
    for name, value in (
        ("picture’s side", size),
        ("kernel’s side", kernel),
        ("stride", stride),
        ("dilation", dilation),
    ):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
            raise ParameterError(f"The {name} must be a whole number, 1 or more, not {value!r}.")
    if border not in BORDERS:
        raise ParameterError(f"“{border}” is no border. Use one of {', '.join(BORDERS)}.")
    extent = (kernel - 1) * dilation + 1
    if extent > MAX_EXTENT:
        raise ParameterError(
            f"A kernel side of {kernel} with dilation {dilation} spans {extent} pixels; the most is {MAX_EXTENT}."
        )
    if border != "valid":
        return -(-size // stride)
    if extent > size:
        raise ParameterError(
            f"The kernel spans {extent} pixels but the picture has only {size} there, so that no window is “valid”. "
            "Use a smaller kernel or dilation, or another border."
        )
    return (size - extent) // stride + 1


def _check_image(image: NDArray) -> NDArray:
    """The picture as (H, W, C), or ParameterError."""
    image = np.asarray(image)
    if image.dtype.kind not in "biuf":
        raise ParameterError(f"A picture holds real numbers, not {image.dtype}.")
    if image.ndim not in (2, 3) or image.size == 0:
        raise ParameterError(f"A picture has the shape (H, W) or (H, W, C) with at least one pixel, not {image.shape}.")
    return image if image.ndim == 3 else image[..., None]


def _margins(taps: int, dilation: int, flip: bool) -> tuple[int, int]:
    """How far a window reaches (before, after) the pixel that it answers for."""
    reach = (taps - 1) * dilation  # extent - 1
    before = reach // 2 if flip else (reach + 1) // 2
    return before, reach - before


def _place(device: str | torch.device) -> torch.device | None:
    """Where torch is to compute; None is OpenCV on the CPU, which beats torch there by far."""
    if device == "cpu":
        return None
    if device == "auto":
        torch = sys.modules.get("torch")  # importing it takes seconds, longer than it could save
        return torch.device("cuda") if torch is not None and torch.cuda.is_available() else None
    place = devices.resolve(device)
    return None if place.type == "cpu" else place


def _torch(
    planes: NDArray,
    weights: NDArray,
    stride: int,
    dilation: int,
    border: str,
    margins: tuple[int, int, int, int],
    device: torch.device,
) -> Response:
    """The same with torch's depthwise conv2d.

    In float64, so that every device agrees with OpenCV; float32 would also need TF32 switched off, which is a switch of
    the whole process. Apple's GPUs have no float64 and compute in float32.
    """
    import torch

    channels = planes.shape[2]
    padded = engines.pad(planes.astype(np.float64), border, margins).transpose(2, 0, 1)
    precision = torch.float32 if device.type == "mps" else torch.float64
    with torch.inference_mode():
        batch = torch.from_numpy(np.ascontiguousarray(padded)).to(device, precision)[None]  # (1, C, H', W')
        window = torch.from_numpy(weights).to(device, precision)
        window = window.expand(channels, 1, *weights.shape)
        answer = torch.nn.functional.conv2d(batch, window, stride=stride, dilation=dilation, groups=channels)
        return np.ascontiguousarray(answer[0].permute(1, 2, 0).float().cpu().numpy())
