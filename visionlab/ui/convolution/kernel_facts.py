"""What is told about a kernel beside the picture: its sum, its rank, its frequencies, its cost, and its code."""

from __future__ import annotations

import io
from collections.abc import Sequence

import cv2
import numpy as np
import streamlit as st
from numpy.typing import NDArray

from visionlab.imaging.analysis import costs, frequency_response, rank
from visionlab.imaging.image import encode_png
from visionlab.imaging.kernels import KERNELS, Kernel, separate
from visionlab.imaging.render import colour
from visionlab.ui.convolution.channels import CHANNELS
from visionlab.ui.convolution.settings import Settings
from visionlab.ui.shared.terms import term
from visionlab.ui.shared.widgets import facts, number, show_exact

RESPONSE = 48  # frequencies a side
WIDTH = 144  # pixels in which they are shown


def show(kernel: Kernel) -> None:
    """The sum, the rank with its two vectors, and the frequency response."""
    factors = separate(kernel.weights)
    noise = 1e-6 * float(np.abs(kernel.weights).sum())
    total = number(kernel.total if abs(kernel.total) > noise else 0)
    st.text(f"Sum {total} · {'separable' if factors else 'not separable'} (rank {rank(kernel)})", help=term("rank"))
    if factors:
        st.text(f"A column times a row:\n{_numbers(factors[0])}ᵀ · {_numbers(factors[1])}")
        st.caption("So two passes, one down and one across, give the same as the whole window.")
    else:
        st.caption("No column times a row gives these weights: the window is needed as it is.")
    gain = frequency_response(kernel, RESPONSE)
    lit = cv2.resize(gain / max(float(gain.max()), 1e-12), (WIDTH, WIDTH), interpolation=cv2.INTER_NEAREST)
    show_exact(encode_png(colour(lit, "cividis")), "How much of each frequency passes", width=WIDTH)
    middle = gain[RESPONSE // 2, RESPONSE // 2]
    st.caption(
        f"What passes of each frequency: slow changes in the middle (× {middle:.3g}), the fastest at the rim. "
        f"Bright is much, × {gain.max():.3g} at most."
    )


def show_costs(kernel: Kernel, settings: Settings, picture: tuple[int, int], outputs: tuple[int, int]) -> None:
    """Multiplications, one way beside the others; sizes as (rows, columns)."""
    spent = costs(picture, kernel, outputs=outputs, channels=CHANNELS[settings.channel].inputs)
    ways = {"Window": spent.plain, "Two passes": spent.separable, "FFT": spent.fft}
    st.caption("Multiplications, by the way it is computed")
    facts({way: "not possible" if amount is None else f"{amount:,.0f}" for way, amount in ways.items()})


def cautions(kernel: Kernel, settings: Settings, picture: tuple[int, int]) -> list[str]:
    """A sentence on each thing that is allowed and yet hardly what one wants; picture is (rows, columns) in pixels."""
    sides = kernel.weights.shape
    spans = [(side - 1) * settings.dilation + 1 for side in sides]
    found = []
    if not kernel.weights.any():
        found.append("Every weight is 0, and so is every response. Give one of them another value.")
    elif sides == (1, 1):
        found.append(
            f"A 1 × 1 kernel sees no neighbours: it makes each pixel {kernel.weights[0, 0]:g} times as bright. "
            "Take 3 × 3 or more to compare pixels."
        )
    if even := sorted({side for side in sides if side % 2 == 0}):
        found.append(
            f"A side of {' and of '.join(map(str, even))} has no middle, so that the response lies half a pixel off. "
            f"{even[0] + 1} has one."
        )
    if any(span > side for span, side in zip(spans, picture, strict=True)):
        found.append(
            f"The window spans {spans[1]} pixels across and {spans[0]} down, more than the picture’s {_size(picture)}, "
            "and sees much border. Take a smaller kernel or dilation."
        )
    if settings.stride >= max(picture) > 1:
        found.append(
            f"A stride of {settings.stride} leaves one response of the picture’s {_size(picture)} pixels. "
            f"Take less than {max(picture)}."
        )
    return found


def npy(response: NDArray[np.float32]) -> bytes:
    """The response as NumPy's own file."""
    file = io.BytesIO()
    np.save(file, response)
    return file.getvalue()


def as_python(kernel: Kernel, settings: Settings, ends: tuple[float, float]) -> str:
    """The lines that make the response and its picture from a file, shown from the one of the ends to the other."""
    channel = CHANNELS[settings.channel]
    if kernel.name in KERNELS:
        weights = f'vl.KERNELS["{kernel.name}"]'
    else:
        weights = "[\n" + "".join(f"    {[float(f'{v:.9g}') for v in row]},\n" for row in kernel.weights.tolist()) + "]"
    given = ", ".join(f"{name}={value!r}" for name, value in settings.options.items())
    lines = [
        "import cv2",
        "import visionlab as vl",
        "",
        f'image = vl.fit(vl.load_image("photo.jpg"), {settings.side})  # as large as the page shows it',
        *([channel.code] if channel.code else []),
        f"kernel = {weights}",
        f"response = vl.convolve(image, kernel, {given}){'.sum(axis=2)' if channel.added else ''}",
        f'shown = vl.render(response, "{settings.mode}", {ends})',
        'cv2.imwrite("response.png", shown[..., ::-1])',
    ]
    return "\n".join(lines) + "\n"


def _numbers(values: NDArray[np.float64]) -> str:
    return "(" + ", ".join(map(number, values)) + ")"


def _size(sides: Sequence[int]) -> str:
    """(rows, columns) as people write sizes: the width first."""
    return f"{sides[1]} × {sides[0]}"
