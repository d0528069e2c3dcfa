"""Serves test_gallery.py: pictures of three classes, what one may do to them, and what was told of it.

The server refuses to move what is called “stubborn”. ?slow=… makes a run take so many seconds before its end, ?long=…
a move so many, and ?classes=… says how many classes there are.
"""

import time
from dataclasses import replace

import numpy as np
import streamlit as st

from visionlab.imaging.image import encode_jpeg
from visionlab.ui.shared.components.gallery import Tile, gallery
from visionlab.ui.shared.page import page

HOSTILE = '<img src=x onerror="window.hacked = true">'
CLASSES = ["cats", "dogs", HOSTILE]


@st.cache_data
def tiles() -> list[Tile]:
    made = []
    for i in range(60):
        rows, columns = np.mgrid[:160, :160]
        hue = np.stack([rows * (i % 3) / 2, columns * (i % 4) / 3, 255 - rows * (i % 5) / 4], 2)
        hue[20 : 20 + i, 20:140] = 255 - 4 * i
        name = {3: "stubborn", 4: HOSTILE}.get(i, f"picture {i}")
        badge = {5: "close call", 6: HOSTILE}.get(i, "")
        made.append(Tile(f"id{i}", name, encode_jpeg(hue.clip(0, 255).astype(np.uint8)), i // 20, badge, i == 7))
    return made


def moved(ids: list[str], to: int) -> None:
    told.append(f"{'+'.join(ids)} to {to}")
    time.sleep(float(st.query_params.get("long", 0)))
    held = st.session_state.held
    for identity in ids:
        if held[identity].name != "stubborn":
            held[identity] = replace(held[identity], label=to)


def enabled(ids: list[str], on: bool) -> None:
    told.append(f"{'+'.join(ids)} {'on' if on else 'off'}")
    for identity in ids:
        held[identity] = replace(held[identity], off=not on)


def removed(ids: list[str]) -> None:
    told.append(f"removed {'+'.join(ids)}")
    for identity in ids:
        del st.session_state.held[identity]


with page("Fine-tune"):
    told = st.session_state.setdefault("told", [])
    held = st.session_state.setdefault("held", {tile.id: tile for tile in tiles()})
    shown = st.radio("Shown", [None, 0, 1, 2], 1, format_func=lambda i: "all" if i is None else f"class {i}")
    gallery(
        [tile for tile in held.values() if shown is None or tile.label == shown],
        classes=CLASSES + [f"class {i}" for i in range(3, int(st.query_params.get("classes", 3)))],
        shown=shown,
        key="gallery",
        on_move=moved,
        on_enable=enabled,
        on_remove=removed,
        on_open=lambda identity: told.append(f"opened {identity}"),
        disabled=st.toggle("Disabled"),
    )
    st.text(f"told {told}")
    if st.button("The server moves one"):
        held["id0"] = replace(held["id0"], label=1)
        st.rerun()
    time.sleep(float(st.query_params.get("slow", 0)))
    st.text(f"run {len(told)} ended")
