"""Before and after: two pictures in one place, and a line between them that one drags."""

from __future__ import annotations

import json
from pathlib import Path

import streamlit as st

from visionlab.ui.shared.components.kept_picture import WAIT_FOR_PICTURE, digest_of, keep_picture

FOLDER = Path(__file__).parent
TALLEST = 620  # pixels: what a screen holds beside a heading

_compare = st.components.v2.component(
    "visionlab_compare",
    html=(FOLDER / "compare.html").read_text(),
    css=(FOLDER / "compare.css").read_text(),
    js=WAIT_FOR_PICTURE + (FOLDER / "compare.js").read_text(),
)


def compare(
    before: bytes,
    after: bytes,
    *,
    shape: tuple[int, int],
    titles: tuple[str, str],
    enlarged: bool,
    key: str,
    exact: str | None = None,
) -> None:
    """Two encoded pictures (JPEG or PNG); shape (rows, columns) is that of the first, which both are shown in.

    `enlarged` says that the second has fewer pixels: they are then drawn as the squares that they are.
    `exact` is the name of a better copy of the second, which takes its place once keep_picture() has sent it: encoding
    every pixel takes its time, and what is seen at first need not wait for that.
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
    }
    # As bytes: base64 inside JSON would be a third longer, and both ends would take their time with it.
    head = json.dumps(facts).encode()
    _compare(key=key, data=len(head).to_bytes(4, "little") + head + after)
