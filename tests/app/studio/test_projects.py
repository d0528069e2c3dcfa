"""The list of a person's projects: each is called by one name, which it keeps."""

from streamlit.testing.v1 import AppTest

from visionlab.ui.studio.projects import LONGEST_NAME


def test_a_new_project_of_a_name_that_is_taken_gets_a_number_once_and_for_all():
    def script() -> None:
        import streamlit as st

        from visionlab.ui.shared.visitor import COOKIE
        from visionlab.ui.studio import projects

        st.session_state[COOKIE] = "o" * 32
        st.text(projects.create("My pictures").info().name)
        st.text(projects.create("x" * 80).info().name)

    names: list[str] = []
    for _ in range(3):
        app = AppTest.from_function(script, default_timeout=60).run()
        assert not app.exception
        names += [each.value for each in app.text]
    assert names[::2] == ["My pictures", "My pictures 2", "My pictures 3"]
    long = names[1::2]
    assert len(set(long)) == 3
    assert max(map(len, long)) <= LONGEST_NAME
