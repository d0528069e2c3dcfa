"""What the network takes the picture for, and why."""

import streamlit as st

from visionlab.imaging.image import encode_jpeg
from visionlab.network.classifier import UNSURE
from visionlab.ui import cached, explanations
from visionlab.ui.page import page, roomy_columns
from visionlab.ui.widgets import image_picker, model_picker, probability_bars

CLOSER = ["All methods", "Every layer", "Sanity check"]

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
        first = [answer.index for answer in answers]
        others = sorted(set(range(len(net.labels))) - set(first), key=lambda index: net.labels[index].casefold())
        target = st.selectbox(
            "Why this class?",
            [*first, *others],
            format_func=lambda index: net.labels[index],
            key=f"target-{chosen.key}-{picture.key}",
        )
        case = explanations.case_of(chosen, picture, target)
        method, layer, look = explanations.choices(net)
        explanations.show_one(case, method, layer, look)
    st.subheader("Compare, rather than believe", anchor=False)
    closer = st.segmented_control(
        "Look closer", CLOSER, key="closer", bind="query-params", label_visibility="collapsed", wrap=True
    )
    if closer == "All methods":
        explanations.show_all(case, look)
    elif closer == "Every layer":
        explanations.show_layers(case, method, look)
    elif closer == "Sanity check":
        explanations.show_check(case, method, layer, look)
    else:
        st.caption("All methods beside each other, one at every layer, or what it says of a network that forgets.")
