"""A picture that is a regular grid of cells, one of which is chosen: by pointer, or by keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import streamlit as st

from visionlab.ui.shared.components.choosing import CHOICE, mount_choosing
from visionlab.ui.shared.components.kept_picture import WAIT_FOR_PICTURE, keep_picture
from visionlab.ui.shared.components.looks import FADES, LOOKS

FOLDER = Path(__file__).parent

_cells = st.components.v2.component(
    "visionlab_cells",
    html=(FOLDER / "cells.html").read_text(),
    css=(FOLDER / "cells.css").read_text() + LOOKS,
    js=WAIT_FOR_PICTURE + CHOICE + FADES + (FOLDER / "cells.js").read_text(),
)


def cells(
    picture: bytes,
    *,
    rows: int,
    columns: int,
    count: int,
    size: tuple[int, int],
    pitch: tuple[int, int],
    names: Sequence[str] | str,
    notes: Sequence[str] | str | None,
    chosen: int | None,
    what: str,
    tallest: int,
    key: str,
    on_choose: Callable[[int], None],
    least: int = 0,
) -> None:
    """Show an encoded picture (PNG or JPEG) of rows × columns cells, of which the first `count`, row by row, are there.

    Cell i covers `size` (height, width) pixels of the picture from (i // columns · pitch[0], i % columns · pitch[1]).
    names[i] is what it is called and notes[i] what is said beside it. A text instead holds for all cells, and in it
    {index}, {row} and {column}, each from 0, are the cell's. `what` names the whole picture for those who cannot see
    it. It is shown as wide as its place allows, and at most `tallest` CSS pixels high. Where cells would be less than
    `least` CSS pixels wide, fewer of them stand beside each other, and it is slid.

    on_choose(i) is called once for each choice, before the script (or the fragment) runs again.
    """

    def choose(cell: float) -> None:
        if 0 <= cell < count:  # what was clicked may have been a picture with more cells
            on_choose(int(cell))

    data = {
        "picture": keep_picture(picture, f"{key}-picture"),
        "rows": rows,
        "columns": columns,
        "count": count,
        "size": list(size),
        "pitch": list(pitch),
        "names": names if isinstance(names, str) else list(names),
        "notes": notes if notes is None or isinstance(notes, str) else list(notes),
        "chosen": chosen,
        "what": what,
        "tallest": tallest,
        "least": least,
    }
    mount_choosing(_cells, data=data, key=key, on_choose=choose)
