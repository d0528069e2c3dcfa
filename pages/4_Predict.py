"""What networks take pictures for, and why: one picture, the camera, several networks, many pictures."""

import streamlit as st

from visionlab.imaging.image import encode_jpeg
from visionlab.network.zoo.models import TO_NAME
from visionlab.ui.predict import answers, comparison, explanations, fooling, live, many_view, rubbing, things_to_try
from visionlab.ui.shared import links, picture_bar
from visionlab.ui.shared.networks import downloads, model_picker, networks_here, suggest, tell_not_here, title_of
from visionlab.ui.shared.page import page, roomy_columns
from visionlab.ui.shared.tries import tries
from visionlab.ui.shared.widgets import folded

CLOSER = ["All methods", "Every layer", "Sanity check", "Rub it out", "Fool it"]


def one_picture() -> None:
    picture = picture_bar.image_picker()
    offered, not_here = st.container(), st.container()  # what is drawn here needs to know the network, or its answers
    left, right = roomy_columns(2, "answers", gap="large")
    answer, below_answer = left.container(), left.container(key="below-answer")
    reason, below_reason = right.container(), right.container(key="below-reason")
    with below_answer:
        chosen, shown = answers.settings()
        suggest(TO_NAME, chosen)
    with not_here:
        tell_not_here(chosen)
    net = chosen.net
    with answer:
        probabilities = answers.show(chosen, picture, shown)
    with below_answer:
        answers.details(net, probabilities)
        with folded("What the network is given", ":material/crop:", "given") as asked:
            if asked:
                view = encode_jpeg(net.transform.view(picture.image), 95)
                st.image(view, width=2 * net.transform.crop, alt="The picture as the network sees it")
                st.caption(f"The middle of your picture, {net.transform.crop} × {net.transform.crop} pixels.")
                st.caption(net.transform.about)
    with below_reason:
        target = answers.explained_class(chosen, picture, probabilities)
        case = explanations.case_of(chosen, picture, target)
        method, layer, look = explanations.choices(net)
        explanations.show_one(case, method, layer, look, reason)
    with offered:
        tries("predict", things_to_try.of(chosen, picture, probabilities), chosen.key)
    st.subheader("Compare, rather than believe", anchor=False)
    links.begin("closer", {name: name for name in CLOSER}, "closer look")
    closer = st.segmented_control(
        "Look closer", CLOSER, key="closer", bind="query-params", label_visibility="collapsed", wrap=True
    )
    if closer == "All methods":
        comparison.show_all(case, look)
    elif closer == "Every layer":
        comparison.show_layers(case, method, look)
    elif closer == "Sanity check":
        comparison.show_check(case, method, layer, look)
    elif closer == "Rub it out":
        rubbing.show(case, picture, look)
    elif closer == "Fool it":
        fooling.show(case, picture)
    else:
        st.caption(
            "All methods beside each other, one at every layer, or what it says of a network that forgets; and what "
            "the network makes of a picture that you rub at, or that is changed so little that nobody sees it."
        )


def camera() -> None:
    chosen = model_picker(TO_NAME)
    tell_not_here(chosen)
    suggest(TO_NAME, chosen)
    live.show_photograph(chosen, live.show(chosen))
    answers.tell_at_one()


def several_networks() -> None:
    picture = picture_bar.image_picker()
    here = networks_here()
    chosen = st.multiselect("Networks", here, default=here, format_func=title_of, key=f"networks-{len(here)}")
    if chosen:
        answers.compare(chosen, picture)
        answers.tell_at_one()
        comparison.show_networks(chosen, picture)
    downloads.offer_downloads()


def many_pictures() -> None:
    many_view.show()
    answers.tell_at_one()


MODES = {
    live.ONE_PICTURE: one_picture,
    "Live camera": camera,
    "Several networks": several_networks,
    "Many pictures": many_pictures,
}

with page("Predict"):
    links.begin(live.MODE, {name: name for name in MODES}, "mode", live.ONE_PICTURE)
    mode = st.segmented_control(
        "What to look at",
        MODES,
        default=live.ONE_PICTURE,
        required=True,
        key=live.MODE,
        bind="query-params",
        label_visibility="collapsed",
        wrap=True,
    )
    MODES[mode]()
