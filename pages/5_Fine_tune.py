"""Own classes, own pictures, own head."""

import streamlit as st

from visionlab.network.models import MODELS, available
from visionlab.ui import cached, charts, runs, state
from visionlab.ui.examples import class_editor
from visionlab.ui.page import page, roomy_columns
from visionlab.ui.picture_bar import image_picker
from visionlab.ui.widgets import probability_bars, shown_width

ENOUGH = 2  # pictures a class: one to learn from, one to check with


with page("Fine-tune"):
    st.subheader("1 · Pictures", anchor=False)
    classes = class_editor()

    st.subheader("2 · Training", anchor=False)
    here = available() or list(MODELS)[:1]  # none is here: loading the first says what to do
    one, two, three = roomy_columns(3, "settings", vertical_alignment="bottom")
    name = one.selectbox("Network underneath", here, format_func=lambda key: MODELS[key].title, key="base")
    validation = two.slider(
        "Held out to check with", 10, 50, 25, 5, format="%d %%", key="held-out", help="Pictures it does not learn from."
    )
    ready = len(classes) >= 2 and all(len(examples) >= ENOUGH for examples in classes.values())
    job = runs.current()
    busy = job is not None and not job.over
    if three.button(
        "Train", type="primary", icon=":material/play_arrow:", width="stretch", disabled=not ready or busy, key="train"
    ):
        runs.start(classes, cached.classifier(name), validation / 100, seed=0)
        st.rerun()
    if not ready and job is None:
        st.caption(
            f"Two classes or more, with {ENOUGH} pictures or more each, and training can start. 20 each is good."
        )
    if busy:
        runs.watch(job)

    run = runs.outcome(job) if job and job.over else None
    if run:
        report = run.report()
        low, high = report.interval
        one, two, three = roomy_columns(3, "worth")
        one.metric("Right on held-out pictures", f"{report.accuracy:.0%}")
        one.caption(f"On other pictures like these: between {low:.0%} and {high:.0%} (95 % interval).")
        two.metric("Always naming the largest class", f"{report.majority:.0%}")
        two.caption("The baseline to beat.")
        three.metric("Pictures", f"{len(run.train)} + {len(run.held_out)}")
        three.caption("Learned from, and held out.")
        left, right = roomy_columns(2, "charts", gap="large")
        with left:
            st.markdown("**Learning**")
            st.plotly_chart(charts.curves(runs.epochs(job), run.epochs), config=charts.PLAIN, key="curves")
        with right:
            st.markdown("**Confusion matrix** · held-out pictures")
            st.plotly_chart(charts.confusion(report), config=charts.PLAIN, key="confusion")
        state.keep_head(run.head, run=st.query_params[runs.RUN])

    with st.expander("Open a head that you saved", icon=":material/folder_open:"):
        runs.open_head()

    if mine := state.trained_head():
        st.subheader("3 · Try it, take it away", anchor=False)
        picture = image_picker()
        one, two = roomy_columns(2, "answers", gap="large")
        with one:
            net = cached.head_classifier(mine.key, mine.head)
            st.markdown("**Your head says**")
            probability_bars(cached.top_predictions(mine.key, picture.key, net, picture.image, 5))
            st.download_button(
                "Download the head",
                mine.head.to_bytes(),
                "head.safetensors",
                "application/octet-stream",
                type="primary",
                icon=":material/download:",
            )
            st.caption(
                "One file. Open it here again, or from a shell: python -m visionlab predict --head head.safetensors"
            )
        with two:
            top = cached.top_predictions(mine.key, picture.key, net, picture.image, 1)[0]
            heat = cached.reasons(mine.key, picture.key, top.index, net, picture.image)
            st.image(heat, width=shown_width(picture.image), alt="Where your head finds its reasons")
            st.caption("Grad-CAM: does it look at the subject, or at the background?")
