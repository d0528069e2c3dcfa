"""A choice is heard though the run that brings it is ended at once: the browser would be told that it was."""

from streamlit.testing.v1 import AppTest


def script() -> None:
    import streamlit as st
    from streamlit.runtime.scriptrunner import get_script_run_ctx

    from visionlab.ui.shared.components.choosing import mount_choosing

    def mount(*, key, data, on_choice_change) -> None:
        st.session_state[key] = {"choice": {"what": "the second", "turn": 1}}
        get_script_run_ctx().session_state._yield_callback.__self__.request_stop()
        on_choice_change()

    mount_choosing(mount, data={}, key="bars", on_choose=st.session_state["chosen"].append)


def test_a_choice_is_heard_though_its_run_is_ended_before_it_looks_at_it():
    app = AppTest.from_function(script)
    app.session_state["chosen"] = chosen = []
    app.run(timeout=60)
    assert chosen == ["the second"]
