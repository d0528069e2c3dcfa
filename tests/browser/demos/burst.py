"""Serves test_burst.py: the camera that is held to record, and what came of it."""

import streamlit as st

from visionlab.imaging.image import load_image
from visionlab.ui.shared.components.burst import Batch, burst
from visionlab.ui.shared.page import page


def take(batch: Batch) -> None:
    st.session_state.taken.append((batch.burst, batch.number, batch.count, [load_image(f) for f in batch.frames]))


with page("Fine-tune"):
    taken = st.session_state.setdefault("taken", [])
    shown = st.toggle("Camera", True)
    with st.container():  # what follows keeps its place whether this is shown or not, and is never there twice
        if shown:
            limits = {name: int(st.query_params[name]) for name in ("rate", "side", "most") if name in st.query_params}
            burst(key="burst", on_batch=take, disabled=st.toggle("Disabled"), **limits)
    bursts = list(dict.fromkeys(name for name, *_ in taken))
    batches = st.container()
    for name, number, count, frames in taken:
        sizes = sorted({f"{image.shape[1]} × {image.shape[0]} px" for image in frames})
        batches.text(
            f"burst {bursts.index(name)}, batch {number} of {count}: {len(frames)} frames of {', '.join(sizes)}"
        )
    different = len({image.tobytes() for *_, frames in taken for image in frames})
    st.text(f"{different} different frames")
    st.button("Run again")
