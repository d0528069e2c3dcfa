"""Five steps from a canvas to the convolutional network’s answer, each with its picture and the network’s numbers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from visionlab.imaging.render import colour, mosaic
from visionlab.learning.scratch import EightNet, FiveSteps, five_steps
from visionlab.ui.scratch.parts import Tile, table, tiles
from visionlab.ui.shared.page import link
from visionlab.ui.shared.terms import term
from visionlab.ui.shared.widgets import fixed

WIDE = 560  # CSS pixels of a picture, about
DIGITS = 3


def show(net: EightNet, canvas: NDArray[np.uint8], target: str) -> None:
    """Of what is on the canvas, uint8 (H, W); target is the class that is looked for, plain."""
    found = five_steps(net, canvas)
    st.session_state.setdefault("five-step", next(iter(STEPS)))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        step = st.segmented_control("Step", STEPS, required=True, key="five-step")
        count = len(found.weights)
        channel = st.selectbox("Filter", range(count), format_func=lambda i: f"{i + 1} of {count}", key="five-filter")
    STEPS[step](found, channel, target)
    link("Convolution", "Cut a photograph into tiles, in the lab", asks={"view": "tiles"})


def _cut(found: FiveSteps, channel: int, target: str) -> None:
    rows, columns, size, _ = found.tiles.shape
    st.markdown(
        f"The canvas is cut into **{rows * columns:,} tiles** of {size} × {size} pixels that overlap: one around each "
        "pixel, with black beyond the edge."
    )
    every = found.tiles.reshape(-1, size, size)
    picture = mosaic(every, columns, size * max(1, round(WIDE / (columns * size))), 1, "layer", "grey")
    tiles([Tile(picture, "", f"{rows} rows of {columns} tiles")], WIDE)


def _weigh(found: FiveSteps, channel: int, target: str) -> None:
    row, column = found.strongest(channel)
    tile, weights = found.tiles[row, column], found.weights[channel]
    value, bias = round(float((tile * weights).sum() + found.bias[channel]), DIGITS), float(found.bias[channel])
    bias = round(bias, DIGITS)
    left = round(value - bias, DIGITS)
    products = adding_up(tile * weights, left)
    answer = fixed(max(value, 0.0), DIGITS)
    st.markdown(
        f"**Every tile meets the same {weights.size} weights**, here those of filter {channel + 1}: each pixel times "
        f"its weight, all added up. Of the tile in row {row + 1}, column {column + 1}, to which it answers most:  \n"
        f"{fixed(bias, DIGITS)} (bias) {'−' if left < 0 else '+'} {fixed(abs(left), DIGITS)} ({weights.size} products) "
        f"= {fixed(value, DIGITS)}, and the ReLU makes that **{answer}**.",
        help=term("ReLU"),
    )
    shown = (("The tile", tile, "grey"), ("× weights", weights, "diverging"), ("= products", products, "diverging"))
    tiles((Tile(mosaic(each[None], palette=palette), title) for title, each, palette in shown), 120)
    cells = (
        ("Pixel, normalised", tile.ravel()),
        ("Weight", weights.ravel()),
        ("Product", products.ravel()),
    )
    head = ("", *(f"{i + 1}, {j + 1}" for i, j in np.ndindex(tile.shape)))
    table(head, [(name, *(fixed(float(each), DIGITS) for each in values)) for name, values in cells])


def _lay_out(found: FiveSteps, channel: int, target: str) -> None:
    count, height, width = found.array.shape
    most = fixed(float(found.array[channel].max()), DIGITS)
    st.markdown(
        f"**The numbers are laid out as the tiles were**: an array of {height} × {width} for each of the {count} "
        f"filters. Where filter {channel + 1} finds its pattern, its array is bright: {most} at most."
    )
    _maps(found.array, channel)


def _pool(found: FiveSteps, channel: int, target: str) -> None:
    _, height, width = found.pooled.shape
    st.markdown(
        f"**Of each square the largest number stays**: {height} × {width} are left of the array, and where exactly the "
        "pattern was matters less.",
        help=term("pooling"),
    )
    _maps(found.pooled, channel)


def _maps(values: NDArray[np.float32], channel: int) -> None:
    side = max(values.shape[1:])
    one, every = st.columns([1, 2], gap="medium")
    with one:
        tiles([Tile(mosaic(values[[channel]], tile=side * 8), f"Filter {channel + 1}")], 200)
    with every:
        tiles([Tile(mosaic(values, min(8, len(values)), side * 4, 4), "All filters, each in its own scale")], 360)


def _decide(found: FiveSteps, channel: int, target: str) -> None:
    none, some = (round(float(score), DIGITS) for score in found.scores)
    rounds = f"After {found.rounds} more rounds of the same" if found.rounds else "Then"
    st.markdown(
        f"{rounds}, **{len(found.row):,} numbers stand in a row**, and layers that are fully connected weigh all of "
        f"them: {', '.join(str(len(each)) for each in found.hidden)} units, and then one score for each answer. None: "
        f"{fixed(none, DIGITS)}, “{target}”: {fixed(some, DIGITS)}; softmax makes that **{found.probability:.1%}**.",
        help=term("softmax"),
    )
    rows = [("The row", found.row), *(("Fully connected", each) for each in found.hidden)]
    tiles((Tile(_strip(values), f"{title}: {len(values):,} numbers") for title, values in rows), WIDE)


def _strip(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Numbers ≥ 0 side by side as colours, the largest the brightest."""
    each = max(1, WIDE // len(values))
    return colour(np.broadcast_to(values.repeat(each) / max(float(values.max()), 1e-12), (24, each * len(values))))


STEPS: dict[str, Callable[[FiveSteps, int, str], None]] = {
    "1 · Cut": _cut,
    "2 · Weigh": _weigh,
    "3 · Lay out": _lay_out,
    "4 · Pool": _pool,
    "5 · Decide": _decide,
}


def adding_up(values: NDArray[np.float32], total: float, decimals: int = DIGITS) -> NDArray[np.float64]:
    """The values rounded to so many decimals, so that they add up to the total as they are written: those that rounding
    changes most are rounded the other way."""
    unit = 10.0**-decimals
    rounded = np.round(values.astype(np.float64), decimals)
    missing = round((total - rounded.sum()) / unit)
    order = np.argsort(-np.sign(missing) * (values - rounded).ravel(), kind="stable")
    rounded.ravel()[order[: abs(missing)]] += np.sign(missing) * unit
    return np.round(rounded, decimals)
