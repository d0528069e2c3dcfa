"""Everything is a number: a picture of the data as the grid that a network gets."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from visionlab.ui.scratch.parts import Fields, Tile, as_image, notice, tiles
from visionlab.ui.scratch.sets.bringing import Chosen
from visionlab.ui.shared.components.numbers import numbers
from visionlab.ui.shared.page import roomy_columns
from visionlab.ui.shared.widgets import hindrance

CROP = 32  # pixels a side whose numbers can still be read
MUCH_ALIKE = 0.5  # neighbours differ by less than so much of what any two pixels differ by
PARTS = {"Red": 0, "Green": 1, "Blue": 2, "All three": None}


def show(chosen: Chosen | None) -> None:
    st.markdown(
        "A picture is a grid of numbers, 0 for black to 255 for white, and a colour picture is three such grids. "
        "This is all that a network gets; everything else it has to find out by itself."
    )
    if chosen is None:
        return
    data = chosen.data
    left, right = roomy_columns([1, 2], "work", gap="large")
    with left:
        label = st.selectbox("Class", range(len(data.classes)), format_func=lambda i: data.classes[i], key="n-class")
        most = int((data.labels == label).sum())
        if not most:
            st.caption("There is no training picture of this class.")
            return
        number = (fields := Fields()).number("Which one", 1, most, 1, f"n-which-{label}-{most}")
        if fields.problem:
            hindrance(fields.problem)
            return
        picture = data.picture(data.classes[label], number)
        top, left_edge = _corner(picture.shape)
        crop = picture[top : top + CROP, left_edge : left_edge + CROP]
        part = "Red"
        if picture.shape[2] == 3:
            part = st.segmented_control("Numbers of", PARTS, default="Red", required=True, key="n-part")
        tiles([Tile(as_image(picture), data.classes[label], "as people see it")], 150)
    with right:
        numbers(
            np.ascontiguousarray(crop),
            channel=PARTS[part],
            what=f"The numbers of a picture of {data.classes[label]}",
            key="numbers",
            widest=700,
        )
        if crop.shape != picture.shape:
            st.caption(f"{crop.shape[1]} × {crop.shape[0]} of its {picture.shape[1]} × {picture.shape[0]} pixels.")
    notice(
        f"{picture.size:,} numbers from {picture.min()} to {picture.max()}. {neighbours_told(picture)}"
        f"{_corrected(chosen)}"
    )


def neighbours_told(picture: NDArray[np.uint8]) -> str:
    """What is to be noticed of neighbours in (H, W, C), by how much they differ, and any two pixels."""
    values = picture.astype(np.float64)
    steps = np.concatenate([abs(np.diff(values, axis=axis)).ravel() for axis in (0, 1)])
    ranked = np.sort(values.reshape(-1, picture.shape[2]), axis=0)  # (n, C)
    count = len(ranked)
    if (ranked[0] == ranked[-1]).all():
        return "All its pixels are alike."
    places = 2 * np.arange(count)[:, None] - count + 1  # how often each is taken away less often than it is added
    near, any_two = steps.mean(), (2 * (places * ranked).sum(0) / (count * (count - 1))).mean()
    lesson = (
        "Neighbours are much alike, and an edge is where they jump"
        if near < MUCH_ALIKE * any_two
        else "So coarse are its pixels, or so fine is what it shows, that nearly everything is edge"
    )
    return (
        f"{lesson}: two neighbours differ by {near:.0f} on average, any two pixels by {any_two:.0f}. The same picture "
        "moved by one pixel is, number by number, quite another one."
    )


def _corner(shape: tuple[int, int, int]) -> tuple[int, int]:
    """Which part of a picture that is too large is shown: (row, column) of its first pixel."""
    wide = [
        st.slider(f"First {name}", 0, side - CROP, (side - CROP) // 2, key=f"n-{name}-{side}") if side > CROP else 0
        for name, side in zip(("row", "column"), shape[:2], strict=True)
    ]
    return wide[0], wide[1]


def _corrected(chosen: Chosen) -> str:
    return " MNIST’s pictures have 28 × 28 pixels; the article says 18 × 18." if chosen.source == "mnist" else ""
