"""Classic filters, one after the other."""

import streamlit as st

from visionlab.imaging.filters import FILTERS
from visionlab.imaging.pipeline import Pipeline
from visionlab.ui import cached
from visionlab.ui.page import page, roomy_columns
from visionlab.ui.widgets import image_picker, parameter_inputs, show, show_exact

LONGEST = 1024  # pixels

with page("Filters"):
    picture = image_picker()
    controls, results = roomy_columns([1, 2], "work", gap="large")
    with controls:
        names = st.multiselect(
            "Filters, in order",
            list(FILTERS),
            default=["gaussian_blur", "canny"],
            format_func=lambda name: FILTERS[name].title,
            key="chain",
            bind="query-params",
            placeholder="Add a filter",
        )
        steps = []
        for place, name in enumerate(names, 1):
            with st.expander(f"{place} · {FILTERS[name].title}", expanded=True):
                st.caption(FILTERS[name].about)
                steps.append((name, parameter_inputs(FILTERS[name], name)))
    pipeline = Pipeline(steps)
    result = cached.filtered_png(picture.key, LONGEST, repr(pipeline.steps), pipeline, picture.image)
    with results:
        before, after = roomy_columns(2, "pictures", gap="small")
        with before:
            st.markdown("**Before**")
            show(picture, LONGEST, alt="The picture before")
        with after:
            st.markdown("**After**")
            show_exact(result, "The picture after " + ", ".join(FILTERS[name].title for name in names))
        st.download_button("Download the picture", result, "filtered.png", "image/png", icon=":material/download:")
        with st.expander("The same in Python", icon=":material/code:"):
            st.code(pipeline.to_python(), language="python")
