"""Classic filters, one after the other."""

import streamlit as st

from visionlab.imaging.pipeline import Pipeline
from visionlab.ui.filters import chain, editor, result, stages, take_away
from visionlab.ui.shared.components.live_sliders import live_sliders
from visionlab.ui.shared.page import head_start, page, roomy_columns, told
from visionlab.ui.shared.picture_bar import image_picker
from visionlab.ui.shared.state import Picture


@st.fragment  # a slider that is held runs this again, and nothing around it, until it is let go
@told()
def before_and_after(picture: Picture, around: Pipeline) -> None:
    """`around` is the chain of which everything else on the page tells."""
    now = editor.current()
    on_its_way = now.heed()
    found = result.work(picture, now, on_its_way)
    result.before_and_after(found, stages.looked_at(found.shown))
    live_sliders(key=editor.LIVE, within=editor.CONTROL)
    if not on_its_way and now.pipeline() != around:
        st.rerun()


@st.fragment  # a control runs this again, and not the page around it: the picture follows at once
@told()
def filters(picture: Picture) -> None:
    now = editor.current()
    on_its_way = now.heed()
    pipeline = now.pipeline()
    beginnings = st.container()
    controls, results = roomy_columns([3, 5], "chain", gap="large")

    # What the eye waits for is computed and sent first: what the controls hold is known before they are drawn.
    with results.container(key="chain-results"):
        found = result.work(picture, now, on_its_way)
        large = stages.looked_at(found.shown)
        if not found.full:
            stages.caution(found.shown)
        before_and_after(picture, pipeline)
        head_start(0.1)
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
    if not on_its_way:
        result.exactly(found, large)


with page("Filters"):
    filters(image_picker())
