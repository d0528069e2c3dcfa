"""Convolution: `vl.convolve` beside OpenCV, SciPy, torch and kornia, on bytes and on floats.

Borders are reflected, but for fftconvolve, which has zeros alone. The libraries of planes get them as planes; where the
picture is bytes, turning them into floats counts, as ours does that, too. sepFilter2D, which is only for kernels that
have a column and a row, is given these.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage, signal

import visionlab as vl
from benchmarks.measuring import Goal, Row, Run, Setting, asked, compared, in_turn
from benchmarks.pictures import photographs

TITLE = "Convolution"
SIDES = (512, 1024, 2048)
SIZES = (3, 7, 15, 31)
SECONDS = 2.0  # a row
SHORT = ((512, 3), (512, 15), (1024, 7))  # sides and sizes, of which each is in the long form, too
NEAR = 1e-3  # of 255: as far as the engines may be apart where no border reaches


def engines(image: NDArray, weights: NDArray[np.float32], factors: NDArray[np.float32] | None) -> dict[str, Run]:
    planes = np.ascontiguousarray(image.transpose(2, 0, 1))
    batch, window = torch.from_numpy(planes)[None], torch.from_numpy(weights)
    margin, turned = weights.shape[0] // 2, weights[::-1, ::-1].copy()
    border = cv2.BORDER_REFLECT_101

    def torch_conv() -> object:
        padded = torch.nn.functional.pad(batch.float(), [margin] * 4, mode="reflect")
        return torch.nn.functional.conv2d(padded, window.expand(3, 1, *window.shape), groups=3)[0]

    def floats() -> NDArray[np.float32]:
        return planes.astype(np.float32, copy=False)

    found: dict[str, Run] = {
        "ours": lambda: vl.convolve(image, weights, device="cpu"),
        "cv2.filter2D": lambda: cv2.filter2D(image, cv2.CV_32F, weights, borderType=border),
        "fftconvolve": lambda: signal.fftconvolve(floats(), turned[None], mode="same", axes=(1, 2)),
        "ndimage": lambda: np.stack([ndimage.convolve(plane, turned, mode="mirror") for plane in floats()]),
        "torch": torch_conv,
    }
    if factors is not None:
        found["cv2.sepFilter2D"] = lambda: cv2.sepFilter2D(image, cv2.CV_32F, factors, factors, borderType=border)
    try:
        from kornia.filters import filter2d
    except ImportError:
        return found
    return found | {"kornia": lambda: filter2d(batch.float(), window[None], border_type="reflect")[0]}


def check(runs: dict[str, Run], margin: int) -> None:
    """All compute the same, or the comparison would be worth nothing."""
    wanted = runs["ours"]()[margin:-margin, margin:-margin]
    for name, run in runs.items():
        got = np.asarray(run())
        got = got if got.shape[2] == 3 else got.transpose(1, 2, 0)
        apart = np.abs(got[margin:-margin, margin:-margin] - wanted).max()
        assert apart <= NEAR, f"{name} is {apart} apart from ours"


def measure(setting: Setting) -> Iterator[Row]:
    torch.set_num_threads(os.cpu_count() or 1)
    rng = np.random.default_rng(0)
    for side, size in SHORT if setting.short else [(side, size) for side in SIDES for size in SIZES]:
        [picture] = photographs(1, side, side)
        line = np.exp(-((np.arange(size) - size // 2) ** 2) / (2 * (size / 5) ** 2)).astype(np.float32)
        line /= line.sum()
        weights = rng.normal(size=(size, size))
        kernels = {
            "separable": (np.outer(line, line), line),
            "any": ((weights / np.abs(weights).sum()).astype(np.float32), None),
        }
        for kind, (kernel, factors) in kernels.items():
            for type_, image in {"bytes": picture, "floats": picture.astype(np.float32)}.items():
                runs = engines(image, kernel, factors)
                check(runs, size)
                times = in_turn(runs, seconds=SECONDS / (4 if setting.short else 1))
                yield compared(f"{side}² {type_}, {size} × {size}, {kind}", times, Goal(1.1))


if __name__ == "__main__":
    asked(TITLE, measure, __doc__)
