"""Serves test_eraser.py: a picture of 80 × 40 pixels, and how much of its halves is rubbed out, as two “classes”."""

import numpy as np
import streamlit as st

from visionlab.imaging.image import encode_jpeg
from visionlab.network.running.prediction import Prediction
from visionlab.ui.shared.components.eraser import Left, eraser, latest_rubbed, mask_shape

KEY = "eraser"
picture = np.full((40, 80, 3), 90, np.uint8)
picture[:, 40:] = 180
shape = mask_shape(picture.shape[:2])

st.set_page_config(layout="wide")


@st.fragment
def answered() -> None:
    count = st.session_state["count"] = st.session_state.get("count", 0) + 1
    rubbed, left = latest_rubbed(KEY, shape), None
    before = st.session_state.get("kept")
    if rubbed:
        st.session_state["kept"] = rubbed
        halves = [float(half.mean()) for half in (rubbed.mask[:, :40], rubbed.mask[:, 40:])]
        answers = [Prediction(name, place, halves[place]) for place, name in enumerate(("<b>left</b>", "right"))]
        shown = np.where(rubbed.mask[..., None] > 0.5, 0, picture).astype(np.uint8)
        gone = f"{rubbed.mask.mean():.0%} gone"
        left = Left(rubbed.number, encode_jpeg(shown), encode_jpeg(255 - shown), answers, None, gone)
    with st.container():  # what follows keeps its place whether this is shown or not, and is never there twice
        if st.session_state.get("shown", True):
            eraser(key=KEY, picture=encode_jpeg(picture), shape=shape, before=before, left=left, what="Rub.")
    corners = rubbed.mask[[5, 5, 35, 35], [5, 75, 5, 75]] if rubbed else np.zeros(4)
    st.text(f"corners {[round(float(value)) for value in corners]}")
    st.text(f"runs {count}")


answered()
st.checkbox("Shown", True, key="shown")
