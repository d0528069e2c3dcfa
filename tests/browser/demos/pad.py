"""Serves test_pad.py: a pad of 16 × 16 pixels, and where the light on it is, as two “networks”."""

import numpy as np
import streamlit as st

from visionlab.ui.shared.components.pad import Example, latest_drawing, pad

KEY, SIDE = "pad", 16
square = np.zeros((4, 4), np.uint8)
square[1:3, 1:3] = 255
dot = np.zeros((2, 2), np.uint8)
dot[0, 0] = 200

st.set_page_config(layout="wide")


@st.fragment
def answered() -> None:
    count = st.session_state["count"] = st.session_state.get("count", 0) + 1
    drawing, answer = latest_drawing(KEY, SIDE), None
    if drawing:
        light = drawing.pixels / 255
        total = max(light.sum(), 1e-9)
        rows, columns = np.mgrid[:SIDE, :SIDE] / (SIDE - 1)
        answer = (
            drawing.number,
            [
                ("<b>right</b>", float((light * columns).sum() / total)),
                ("down", float((light * rows).sum() / total)),
            ],
        )
    examples = [Example(square, "A <b>square</b>.", True), Example(dot)]
    pad(key=KEY, side=SIDE, pen=1.5, examples=examples, answer=answer, what="Where the light is")
    shown = drawing.pixels if drawing else np.zeros((SIDE, SIDE), np.uint8)
    places = [[int(value) for value in place] for place in np.argwhere(shown > 100)]
    st.text(f"light {places}")
    st.text(f"brightest {shown.max()}")
    st.text(f"runs {count}")


answered()
st.button("Run again")
