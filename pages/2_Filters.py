"""Classic filters, one after the other."""

import streamlit as st

from visionlab.ui.filters import chain, editor, result, stages, take_away
from visionlab.ui.shared.components.live_sliders import live_sliders
from visionlab.ui.shared.page import head_start, page, roomy_columns, told
from visionlab.ui.shared.picture_bar import image_picker
from visionlab.ui.shared.state import Picture


@st.fragment  # a control runs this again, and not the page around it: the picture follows at once
@told()
def filters(picture: Picture) -> None:
    now = editor.current()
    on_its_way = now.heed()
    pipeline = now.pipeline()
    editor.remember_in_link(pipeline)
    st.html(stages.STYLE)
    beginnings = st.container()
    controls, results = roomy_columns([3, 5], "work", gap="large")

    # What the eye waits for is computed and sent first: what the controls hold is known before they are drawn.
    with results.container(key="chain-results"):
        found = result.work(picture, now, on_its_way)
        large = stages.looked_at(found.shown)
        result.before_and_after(found, large)
        head_start(0.05)
        result.size(found, large)
    with controls:
        rooms = chain.chain_editor()
        chain.caution(found.picture.image if found.fit else picture.image)
        if large:
            chain.nothing_left(large.after.image)
    with beginnings:
        chain.beginnings()
    stages.filmstrip(found.shown, large)
    if not found.full:
        stages.spectra(found.shown, rooms)
    take_away.show(found, large, pipeline)
    live_sliders(key=editor.LIVE, within=editor.CONTROL)
    if not on_its_way:
        result.exactly(found, large)


with page("Filters"):
    filters(image_picker())
