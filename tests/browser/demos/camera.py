"""Serves test_live.py and benchmarks/live.py: the live camera on a page of its own, and a page beside it.

?network=… takes one of MODELS; without it, a tiny random network whose labels look like HTML.
"""

import sys
import time
from dataclasses import replace
from pathlib import Path

import streamlit as st

sys.path.insert(0, str(Path(__file__).parents[2]))

from tiny import tiny_classifier

from visionlab.imaging.image import load_image
from visionlab.ui.predict import live
from visionlab.ui.shared import cached
from visionlab.ui.shared.networks import Network
from visionlab.ui.shared.page import page


def network() -> Network:
    if name := st.query_params.get("network"):
        return Network(name, name, cached.classifier(name), name)
    tiny = tiny_classifier()
    return Network(
        "tiny", "A tiny one", replace(tiny, labels=tuple(f"<b>class {i}</b>" for i in range(len(tiny.labels)))), "tiny"
    )


def watching() -> None:
    with page("Predict"):
        st.page_link(elsewhere)
        if st.radio("Picture", ["Live", "Upload"], horizontal=True) == "Upload":
            st.file_uploader("Your own")
            return
        photograph = live.show(network())
        runs = st.session_state["runs"] = st.session_state.get("runs", 0) + 1
        st.text(f"run {runs}")
        if photograph:
            image = load_image(photograph)
            st.session_state["taken"] = f"{image.shape[1]} × {image.shape[0]} px, brightest {image.max()}"
        place = st.container()  # what follows keeps its place, and is never there twice
        if "taken" in st.session_state:
            place.text(f"taken: {st.session_state['taken']}, {'now' if photograph else 'before'}")
        st.text(f"noted: {st.text_input('Note')}")
        if st.button("Run again"):
            st.text("ran again")


def resting() -> None:
    time.sleep(0.3)  # as a real page, which has more to do: what is asked of the server meanwhile is queued
    st.text("Nothing to see here")


elsewhere = st.Page(resting, title="Elsewhere")
st.navigation([st.Page(watching, title="Watching", default=True), elsewhere], position="hidden").run()
