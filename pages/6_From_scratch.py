"""Networks trained from nothing, side by side: the experiments of five articles, on data of one's choice."""

import streamlit as st

from visionlab.ui.scratch import birds, closing, convnet, cost, eight, numbers, sets, softmax
from visionlab.ui.scratch.parts import linked
from visionlab.ui.shared.page import page, told

EXPERIMENTS = {
    "numbers": ("Everything is a number", numbers.show),
    "moving-eight": ("The 8 that moves", eight.show),
    "softmax": ("Softmax", softmax.show),
    "convnet": ("Convolutional network", convnet.show),
    "birds": ("Bird or not", birds.show),
    "cost": ("What layers cost", cost.show),
    "closing": ("The closing table", closing.show),
}

with page("From scratch"):
    with st.container():
        chosen = None
        with told():
            chosen = sets.choose()
    linked("experiment", EXPERIMENTS)
    experiment = st.segmented_control(
        "Experiment",
        EXPERIMENTS,
        format_func=lambda name: EXPERIMENTS[name][0],
        required=True,
        key="experiment",
        persist_state="session",
        label_visibility="collapsed",
    )
    st.query_params["experiment"] = experiment
    with st.container(key=f"experiment-{experiment}"):
        EXPERIMENTS[experiment][1](chosen)
