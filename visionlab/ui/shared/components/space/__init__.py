"""Pictures as points on a plane, each with its thumbnail: zoomed and moved about, and drawn around to select them.

All thumbnails come in one picture, a sheet of equal tiles, so that thousands of them are drawn in a frame.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, isqrt
from pathlib import Path

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from visionlab.imaging.image import Image, middle_square
from visionlab.ui.shared.components.gallery import address
from visionlab.ui.shared.components.looks import BUTTONS, LOOKS
from visionlab.ui.shared.components.outbox import OUTBOX, mount_outbox

FOLDER = Path(__file__).parent
TILE = 48  # pixels of a side
# Colour-blind safe (Okabe & Ito 2008), then again with less light.
COLOURS = (
    *("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7", "#999999"),
    *("#A06E00", "#2E7FAF", "#006B4E", "#AFA52C", "#004C78", "#963F00", "#8F4F73", "#5F5F5F"),
)

_space = st.components.v2.component(
    "visionlab_space",
    html=(FOLDER / "space.html").read_text(),
    css=BUTTONS + (FOLDER / "space.css").read_text() + LOOKS,
    js="\n".join([OUTBOX, (FOLDER / "space.js").read_text()]),
)


@dataclass(frozen=True, eq=False)
class Points:
    """N pictures: places (N, 2), the indices of their classes (N,), names, what the sheet's JPEG is; marked (N,) says
    which draw attention, off (N,) which do not count.
    """

    places: NDArray[np.float32]
    labels: NDArray[np.int64]
    names: Sequence[str]
    sheet: bytes
    marked: NDArray[np.bool_]
    off: NDArray[np.bool_]


def tile_of(image: Image) -> Image:
    """The middle square of a picture, uint8 (TILE, TILE, 3)."""
    small = middle_square(image, TILE)
    factor = -(-TILE // len(small))  # of what is smaller than a tile
    return small.repeat(factor, 0).repeat(factor, 1)[:TILE, :TILE]


def sheet_of(tiles: Sequence[Image]) -> Image:
    """One picture of the tiles, each uint8 (TILE, TILE, 3), row by row: uint8 (rows · TILE, columns · TILE, 3)."""
    columns = isqrt(max(0, len(tiles) - 1)) + 1
    sheet = np.zeros((ceil(len(tiles) / columns), TILE, columns, TILE, 3), np.uint8)
    for place, tile in enumerate(tiles):
        sheet[place // columns, :, place % columns] = tile
    return sheet.reshape(-1, columns * TILE, 3)


def space(
    points: Points,
    *,
    classes: Sequence[str],
    chosen: Sequence[int],
    key: str,
    on_choose: Callable[[list[int]], None],
    on_near: Callable[[int], None],
) -> None:
    """Show the points; chosen are the indices of those that are selected.

    on_choose(indices) is called once a person has drawn around pictures, or let go of them; on_near(index) where one
    asks for what is nearest to a picture, by a click on it.
    """
    count = len(points.labels)

    def act(event: dict) -> None:
        match event:
            case {"chosen": [*indices]}:
                on_choose([index for index in indices if isinstance(index, int) and 0 <= index < count])
            case {"near": int(index)} if 0 <= index < count:
                on_near(index)

    low, high = points.places.min(0), points.places.max(0)
    unit = (points.places - (low + high) / 2) / max(float((high - low).max()), 1e-9)  # within −0.5..0.5
    data = {
        "places": np.round(unit, 4).ravel().tolist(),
        "labels": points.labels.tolist(),
        "names": [*points.names],
        "sheet": address(points.sheet, f"{key}/sheet"),
        "columns": isqrt(max(0, count - 1)) + 1,
        "tile": TILE,
        "marked": np.flatnonzero(points.marked).tolist(),
        "off": np.flatnonzero(points.off).tolist(),
        "chosen": [*chosen],
        "classes": [[name, COLOURS[place % len(COLOURS)]] for place, name in enumerate(classes)],
    }
    mount_outbox(_space, data=data, key=key, on_event=act)
