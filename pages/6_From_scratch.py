"""Networks trained from nothing, side by side: the experiments of five articles, on data of one's choice."""

import streamlit as st

from visionlab.ui.scratch import birds, closing, convnet, cost, eight, numbers, runs, softmax
from visionlab.ui.scratch.parts import linked, say
from visionlab.ui.scratch.sets.choosing import choose
from visionlab.ui.shared.page import page, told
from visionlab.ui.shared.tries import Try, tries

EXPERIMENTS = {
    "numbers": ("Everything is a number", numbers.show),
    "moving-eight": ("What moves", eight.show),
    "softmax": ("Softmax", softmax.show),
    "convnet": ("Convolutional network", convnet.show),
    "birds": ("Bird or not", birds.show),
    "cost": ("What layers cost", cost.show),
    "closing": ("The closing table", closing.show),
}

THINGS_TO_TRY = [
    Try(
        "Templates",
        "filter_none",
        "Press “Train”: each class gets a picture of its own weights, a blur of all that it has seen.",
        lambda: st.session_state.update({"experiment": "softmax"}),
    ),
    Try(
        "Move it about",
        "open_with",
        "Press “Train”, then move the picture: fully connected networks lose it, convolutional ones do not.",
        lambda: st.session_state.update({"experiment": "moving-eight"}),
    ),
    Try(
        "Filters come to be",
        "grid_on",
        "Press “Train”: noise in the first layer turns into edges, epoch by epoch, since all else is made of them.",
        lambda: st.session_state.update({"experiment": "convnet"}),
    ),
]

with page("From scratch"):
    linked("experiment", {name: title for name, (title, _) in EXPERIMENTS.items()}, "experiment")
    experiment = st.segmented_control(
        "Experiment",
        EXPERIMENTS,
        format_func=lambda name: EXPERIMENTS[name][0],
        required=True,
        key="experiment",
        persist_state="session",
        label_visibility="collapsed",
    )
    say("experiment", experiment)
    runs.recall(EXPERIMENTS)
    tries("from-scratch", THINGS_TO_TRY, experiment)
    with st.container():
        chosen = None
        with told():
            chosen = choose()
    with st.container(key=f"experiment-{experiment}"):
        EXPERIMENTS[experiment][1](chosen)
