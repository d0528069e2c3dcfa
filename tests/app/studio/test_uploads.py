"""What is uploaded into the studio is handed over once, whatever else the page is told meanwhile."""

from streamlit.testing.v1 import AppTest


def script() -> None:
    import streamlit as st
    from streamlit.runtime.scriptrunner import get_script_run_ctx

    from visionlab.ui.studio.uploads import uploader

    def end_this_run() -> None:
        get_script_run_ctx().session_state._yield_callback.__self__.request_stop()

    came = st.session_state["came"]
    st.checkbox("As a newer run would", on_change=end_this_run)
    uploader("Pictures", "some", lambda files: came.extend(each.name for each in files), type=None)


def test_files_come_in_though_the_run_that_brings_them_is_ended_before_it_looks_at_them():
    app = AppTest.from_function(script)
    app.session_state["came"] = came = []
    app.run(timeout=60)
    app.checkbox[0].check()
    app.file_uploader[0].set_value(("one.png", b"one", "image/png")).run(timeout=60)
    assert came == ["one.png"]
    app.run()
    app.file_uploader[0].set_value(("two.png", b"two", "image/png")).run(timeout=60)
    assert came == ["one.png", "two.png"]
