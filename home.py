"""Home: what one can do here, on the sample picture, at once."""

import streamlit as st

from visionlab.imaging.convolution import convolve
from visionlab.imaging.image import encode_png, fit, middle
from visionlab.imaging.kernels import KERNELS
from visionlab.imaging.render import render
from visionlab.network.running.certainty import in_words
from visionlab.network.zoo.models import TO_NAME, TO_OPEN
from visionlab.ui.shared import cached, state
from visionlab.ui.shared.networks import suggest, tell_not_here, without_picker
from visionlab.ui.shared.page import link, page, roomy_columns, told
from visionlab.ui.shared.picture_bar import image_picker
from visionlab.ui.shared.server.pages import PAGES, is_off
from visionlab.ui.shared.tries import Try, tries
from visionlab.ui.shared.widgets import SLIMMEST, probability_bars, show, show_exact

THINGS_TO_TRY = [
    Try(
        "A cup of coffee",
        "local_cafe",
        "The rim lights up in the convolution, the smooth table stays dark: edges are where numbers jump.",
        lambda: st.session_state.update({state.SAMPLE: "coffee"}),
    ),
    Try(
        "A person",
        "person",
        "The network can name only classes that it knows: see what it makes of an astronaut, and how sure it is.",
        lambda: st.session_state.update({state.SAMPLE: "astronaut"}),
    ),
    Try(
        "A rocket",
        "rocket_launch",
        "Upright edges answer, level ones do not: this kernel compares left with right.",
        lambda: st.session_state.update({state.SAMPLE: "rocket"}),
    ),
]

with page("Home"):
    picture = image_picker()
    opened = asked = None
    on_networks = st.container()
    tries("home", THINGS_TO_TRY)
    steps = roomy_columns(4, "steps", gap="small")
    with steps[0].container(border=True, height="stretch"):
        st.markdown("**1 · Numbers**")
        show(picture, 700, alt="The picture itself")
        height, width = picture.image.shape[:2]
        st.caption(f"Your picture is {height} × {width} × 3 = {height * width * 3:,} numbers from 0 to 255.")
    with steps[1].container(border=True, height="stretch"):
        st.markdown("**2 · A convolution**")
        response = convolve(fit(middle(picture.image, SLIMMEST), 700), KERNELS["sobel_x"])
        show_exact(encode_png(render(response, "absolute")), "Its vertical edges")
        st.caption("Nine weights slid over all of it answer strongly wherever brightness changes from left to right.")
        link("Convolution", "Try other kernels", ":material/arrow_forward:")
    with steps[2].container(border=True, height="stretch"), told():
        st.markdown("**3 · Layers**")
        opened = without_picker(TO_OPEN, TO_OPEN)
        key = (opened.key, picture.key, opened.net.transform.crop, "relu2_2", 16)
        values = cached.some_maps(*key, opened.net, picture.image)
        tiles = cached.mosaic_grid(key, None, "channel", 448, 4, values, True)
        show_exact(tiles.picture, "Sixteen feature maps of the layer conv2_2")
        st.caption(f"{opened.title} stacks thirteen of them. Each of these tiles is another learned kernel’s answer.")
        link("Feature maps", "Open every layer", ":material/arrow_forward:")
    with steps[3].container(border=True, height="stretch"), told():
        st.markdown("**4 · A prediction**")
        asked = without_picker(TO_NAME)
        answers = cached.top_predictions(asked.key, picture.key, asked.net, picture.image, 5)
        said = cached.answer(asked.key, picture.key, asked.net, picture.image)
        probability_bars(answers, said.strange)
        unsure = " It is unsure here." if in_words([each.probability for each in answers]) == "unsure" else ""
        known = f"{len(asked.net.labels):,} classes"
        alike = opened is None or asked.key == opened.key
        whose = asked.title if alike else f"Here another network answers: {asked.title}"
        given = f"{asked.about} What becomes of your picture before that: {asked.net.transform.about}"
        names = "and always names one of them" if said.limit is None else "and says where a picture is none of them"
        st.caption(f"{whose} knows {known}, {names}.{unsure}", help=given)
        link("Predict", "Ask for the reasons", ":material/arrow_forward:")

    with on_networks:
        tell_not_here(opened, asked)
    if asked:
        suggest(TO_NAME, asked)
    entries = [entry for entry in PAGES.values() if entry.group and not is_off(entry.title)]
    if not entries:
        st.stop()
    st.subheader("What you can do here", anchor=False)
    with st.container(key="cards"):
        for column, entry in zip(st.columns(len(entries)), entries, strict=True):
            with column.container(border=True, height="stretch"):
                link(entry.title, f"**{entry.title}**")
                st.markdown(entry.about)
