"""Classic filters, one after the other."""

import streamlit as st

from visionlab.ui.filters import batch, caches, chain, stages
from visionlab.ui.shared.page import page, roomy_columns
from visionlab.ui.shared.picture_bar import image_picker
from visionlab.ui.shared.widgets import show, show_exact, shown_width, size_of

with page("Filters"):
    whole = image_picker()
    picture = stages.at_work(whole)
    chain.ready_made()
    controls, results = roomy_columns([3, 5], "work", gap="large")
    with controls:
        rooms = chain.chain_editor()
    editor = chain.current()
    pipeline = editor.pipeline()
    chain.remember_in_link(pipeline)

    st.html(stages.STYLE)
    with results.container(key="chain-results"):
        before, after = roomy_columns(2, "pictures", gap="small")
        with before:
            st.markdown("**Before**")
            show(picture, stages.LONGEST, alt="The picture before", width=shown_width(picture.image))
            st.caption(size_of(picture.image, whole.image))
        shown = stages.stages(picture, editor.steps)
        selected = stages.filmstrip(shown)
        with after:
            large = selected.after if selected else picture
            titles = [stage.step.title for stage in shown[: shown.index(selected) + 1]] if selected else ["no filter"]
            st.markdown("**After**")
            png = caches.stage_png(large.key, large.image)
            show_exact(png, f"The picture after {', '.join(titles)}", width=shown_width(large.image))
            total = stages.milliseconds(sum(stage.seconds for stage in shown))
            st.caption(f"{size_of(large.image)} · the whole chain took {total}")
        st.download_button(
            "Download the picture", png, "filtered.png", "image/png", icon=":material/download:", on_click="ignore"
        )
    stages.spectra(shown, rooms)

    code, files, many = st.tabs(
        [
            ":material/code: The same in Python",
            ":material/save: Save, open, share",
            ":material/folder_zip: A zip of pictures",
        ]
    )
    with code:
        st.code(pipeline.to_python(), language="python", height=420)
    with files:
        chain.save_and_load(pipeline)
    with many:
        batch.zip_filter(pipeline)
