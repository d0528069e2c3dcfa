"""Serves test_numbers.py: a grey picture, and one in colour, as numbers."""

import numpy as np
import streamlit as st

from visionlab.ui.shared.components.numbers import numbers

PARTS = {"Red": 0, "Green": 1, "Blue": 2, "All three": None}

st.set_page_config(layout="wide")
grey = np.arange(12, dtype=np.uint8).reshape(3, 4, 1) * 20
colours = np.stack([grey[..., 0], 255 - grey[..., 0], grey[..., 0] // 2], 2)
numbers(grey, what="A grey picture", key="grey", widest=400)
part = st.radio("Numbers of", PARTS, horizontal=True)
numbers(colours, channel=PARTS[part], what="A picture in colour", key="colours", widest=400)
