"""Before and after: two pictures in one place, and a line between them that one drags; both pixel by pixel, too."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from visionlab.ui.shared.components.kept_picture import WAIT_FOR_PICTURE, digest_of, keep_picture

FOLDER = Path(__file__).parent
TALLEST = 620  # pixels: what a screen holds beside a heading
MOST_SEEN = 2_000  # pixels a side, of a part

_compare = st.components.v2.component(
    "visionlab_compare",
    html=(FOLDER / "compare.html").read_text(),
    css=(FOLDER / "compare.css").read_text(),
    js=WAIT_FOR_PICTURE + "".join((FOLDER / name).read_text() for name in ("close.js", "compare.js")),
)


@dataclass(frozen=True)
class Look:
    """Where somebody looks pixel by pixel: the middle, as shares of the sides, and how many pixels are seen."""

    x: float
    y: float
    width: int
    height: int

    def box(self, rows: int, columns: int) -> tuple[slice, slice]:
        """The part of a picture of that size to be sent: twice as wide and high as what is seen, so that one can begin
        to move it."""

        def along(middle: float, seen: int, whole: int) -> slice:
            begin = max(0, min(whole - 2 * seen, round(middle * whole) - seen))
            return slice(begin, min(whole, begin + 2 * seen))

        return along(self.y, self.height, rows), along(self.x, self.width, columns)


@dataclass(frozen=True)
class Part:
    """What lies there: of both pictures, encoded, from that row and column on."""

    look: Look
    before: bytes
    after: bytes
    top: int
    left: int


def looked_at(key: str) -> Look | None:
    """Where somebody looks pixel by pixel, in the component of that key."""
    told = (st.session_state.get(key) or {}).get("look")
    if not told:
        return None
    sides = (max(1, min(MOST_SEEN, int(told[side]))) for side in ("width", "height"))
    return Look(float(told["x"]), float(told["y"]), *sides)


def compare(
    before: bytes,
    after: bytes,
    *,
    shape: tuple[int, int],
    titles: tuple[str, str],
    enlarged: bool,
    key: str,
    exact: str | None = None,
    whole: tuple[int, int] | None = None,
    part: Part | None = None,
) -> None:
    """Two encoded pictures (JPEG or PNG); shape (rows, columns) is that of the first, which both are shown in.

    `enlarged` says that the second has fewer pixels: they are then drawn as the squares that they are.
    `exact` is the name of a better copy of the second, which takes its place once keep_picture() has sent it: encoding
    every pixel takes its time, and what is seen at first need not wait for that.
    `whole` is the size in which both can be looked at pixel by pixel, where they can: looked_at() then says where, and
    `part` is what is there.
    """
    facts = {
        "before": keep_picture(before, f"{key}-before"),
        "after_digest": digest_of(after),
        "exact": exact,
        "before_title": titles[0],
        "after_title": titles[1],
        "after_small": enlarged,
        "width": shape[1],
        "height": shape[0],
        "tallest": TALLEST,
        "whole": whole,
        "part": part
        and {
            "before": keep_picture(part.before, f"{key}-part-before"),
            "after": keep_picture(part.after, f"{key}-part-after"),
            "x": part.look.x,
            "y": part.look.y,
            "top": part.top,
            "left": part.left,
        },
    }
    # As bytes: base64 inside JSON would be a third longer, and both ends would take their time with it.
    head = json.dumps(facts).encode()
    data = len(head).to_bytes(4, "little") + head + after
    _compare(key=key, data=data, on_look_change=lambda: None)
