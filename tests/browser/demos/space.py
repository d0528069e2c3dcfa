"""Serves test_space.py: a number of pictures on a plane, a quarter of them in each of four classes."""

import numpy as np
import streamlit as st

from visionlab.imaging.image import encode_jpeg
from visionlab.ui.shared.components.space import TILE, Points, sheet_of, space

count = int(st.query_params.get("count", 4))
classes = ["<b>one</b>", "two", "three", "four"]
labels = np.arange(count) % 4
corners = np.array([[-1, -0.5], [1, -0.5], [-1, 0.5], [1, 0.5]])
places = (corners[labels] + 0.2 * np.random.default_rng(0).normal(size=(count, 2)) * (count > 4)).astype(np.float32)
tiles = [np.full((TILE, TILE, 3), 40 + 50 * label, np.uint8) for label in labels]

st.set_page_config(layout="wide")
chosen = st.session_state.setdefault("chosen", [])
points = Points(
    places,
    labels,
    [f"picture {i}" for i in range(count)],
    encode_jpeg(sheet_of(tiles)),
    np.arange(count) == 2,
    np.arange(count) == 3,
)
space(
    points,
    classes=classes,
    chosen=chosen,
    key="space",
    on_choose=lambda indices: st.session_state.update(chosen=indices, near=None),
    on_near=lambda index: st.session_state.update(chosen=[index], near=index),
)
st.text(f"chosen {chosen}, near {st.session_state.get('near')}")
