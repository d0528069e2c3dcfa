"""The fine-tuning studio: own pictures, own head, what it is worth, and taking it away."""

import streamlit as st

from visionlab.ui.shared import links
from visionlab.ui.shared.page import page
from visionlab.ui.studio import lost, projects, uploads
from visionlab.ui.studio.classes import step as classes
from visionlab.ui.studio.judge import step as judge
from visionlab.ui.studio.pictures import arrivals
from visionlab.ui.studio.pictures import step as pictures
from visionlab.ui.studio.takeaway import step as takeaway
from visionlab.ui.studio.train import step as train

LAST = "last-step"  # that one was at, for when one comes back
STEPS = {
    "Classes": classes.show,
    "Pictures": pictures.show,
    "Train": train.show,
    "Judge": judge.show,
    "Take away": takeaway.show,
}
FIRST = next(iter(STEPS))

with page("Fine-tune"):
    uploads.watch_refusals()
    with projects.not_taken_away():
        project = projects.choose()
        step = FIRST
        with st.container():  # also without a project, so that the cards stay in their place when there is one
            if project is None:
                st.session_state["step"] = FIRST  # a new project does not begin where one was in another
            else:
                lost.show(project)
                links.begin("step", {name: name for name in STEPS}, "step", FIRST)
                if st.session_state.get("step") not in STEPS:  # at first
                    linked = st.query_params.get("step", st.session_state.get(LAST))
                    st.session_state["step"] = linked if linked in STEPS else FIRST
                step = st.segmented_control(
                    "Step",
                    STEPS,
                    default=FIRST,  # to which a browser's Back comes where the link names none
                    required=True,
                    key="step",
                    bind="query-params",
                    label_visibility="collapsed",
                )
        if st.session_state.get(LAST, step) != step:
            arrivals.leave_step()
        st.session_state[LAST] = step
        STEPS[step](project)
