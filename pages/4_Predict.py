"""What the network takes the picture for, and why."""

import streamlit as st

from visionlab.imaging.image import encode_jpeg
from visionlab.network.classifier import UNSURE
from visionlab.network.explain import METHODS
from visionlab.ui import cached
from visionlab.ui.page import page, roomy_columns
from visionlab.ui.widgets import image_picker, model_picker, probability_bars, shown_width

with page("Predict"):
    picture = image_picker()
    one, two = roomy_columns(2, "answers", gap="large")
    with one:
        chosen = model_picker()
        net = chosen.net
        answers = cached.top_predictions(chosen.key, picture.key, net, picture.image, 5)
        st.markdown(f"**Top {len(answers)} of {len(net.labels)} classes**")
        probability_bars(answers)
        if answers[0].probability < UNSURE:
            st.info(
                "The network is unsure. It always names one of its classes, also where none of them fits.",
                icon=":material/help:",
            )
        with st.expander("What the network is given", icon=":material/crop:"):
            view = encode_jpeg(net.transform.view(picture.image), 95)
            st.image(view, width=2 * net.transform.crop, alt="The picture as the network sees it")
            st.caption(f"The middle of your picture, {net.transform.crop} × {net.transform.crop} pixels.")
    with two:
        st.markdown("**Why?**")
        target = st.selectbox(
            "Class to explain",
            [answer.index for answer in answers],
            format_func=lambda index: net.labels[index],
            key=f"target-{chosen.key}-{picture.key}",
        )
        method = next(iter(METHODS))
        if len(METHODS) > 1:
            method = st.selectbox("Method", list(METHODS), format_func=lambda name: METHODS[name].title, key="method")
        strength = st.slider("Strength of the overlay", 0.0, 1.0, 0.55, 0.05, key="strength", persist_state="session")
        heat = cached.heat_bytes(chosen.key, picture.key, target, method, strength, net, picture.image)
        st.image(heat, width=shown_width(picture.image), alt="Where the network finds its reasons")
        st.caption(f"{METHODS[method].title}: bright where the picture speaks for this class. {METHODS[method].about}")
