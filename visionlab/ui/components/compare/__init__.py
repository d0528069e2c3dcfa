"""Before and after: two pictures in one place, and a line between them that one drags."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import streamlit as st

FOLDER = Path(__file__).parent
TALLEST = 620  # pixels: what a screen holds beside a heading

_compare = st.components.v2.component(
    "visionlab_compare",
    html=(FOLDER / "compare.html").read_text(),
    css=(FOLDER / "compare.css").read_text(),
    js=(FOLDER / "compare.js").read_text(),
)


def compare(
    before: bytes, after: bytes, *, shape: tuple[int, int], titles: tuple[str, str], enlarged: bool, key: str
) -> None:
    """Two encoded pictures (JPEG or PNG); shape (rows, columns) is that of the first, which both are shown in.

    `enlarged` says that the second has fewer pixels: they are then drawn as the squares that they are.
    """
    _compare(
        key=key,
        data={
            "before": _address(before),
            "after": _address(after),
            "before_title": titles[0],
            "after_title": titles[1],
            "after_small": enlarged,
            "width": shape[1],
            "height": shape[0],
            "tallest": TALLEST,
        },
    )


def _address(picture: bytes) -> str:
    kind = "png" if picture.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{b64encode(picture).decode()}"
