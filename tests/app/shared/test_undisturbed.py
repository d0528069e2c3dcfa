"""What is begun in a run that a newer one ends is done to its end, and the run ends after it."""

import ast

import pytest
import streamlit
from app.conftest import ROOT
from streamlit.testing.v1 import AppTest

from visionlab.shortage import NO_DISK, NO_MEMORY


def names() -> None:
    import streamlit as st
    from streamlit.runtime.scriptrunner import get_script_run_ctx

    state = get_script_run_ctx().session_state
    runner = getattr(getattr(state, "_yield_callback", None), "__self__", None)
    st.session_state["lacking"] = [
        name
        for name, there in (
            ("SafeSessionState._yield_callback, a method of the runner", runner is not None),
            ("ScriptRunner._execing", hasattr(runner, "_execing")),
        )
        if not there
    ]


def test_streamlit_has_the_private_names_that_this_rests_on():
    lacking = AppTest.from_function(names).run(timeout=60).session_state["lacking"]
    assert not lacking, (
        f"Streamlit {streamlit.__version__} has no {' and no '.join(lacking)}: visionlab/ui/shared/undisturbed.py needs"
        " another way to keep a run from being ended, or requirements.txt a Streamlit that has it, as 1.67 does."
    )


def script() -> None:
    import streamlit as st
    from streamlit.runtime.scriptrunner import get_script_run_ctx

    from visionlab.ui.shared.undisturbed import undisturbed

    done = st.session_state["done"]
    state, ask_to_stop = get_script_run_ctx().session_state, "stop" in st.query_params
    with undisturbed():
        done.append("begun")
        if ask_to_stop:
            state._yield_callback.__self__.request_stop()
        try:
            with undisturbed():
                st.session_state["one"] = 1
                raise KeyError("none")
        except KeyError:
            st.session_state["two"] = 2
        st.query_params["three"] = "3"
        st.text("four")
        done.append("whole")
    st.session_state["five"] = 5
    done.append("the rest")


@pytest.mark.parametrize("stopped", [False, True])
def test_a_run_that_is_to_end_does_what_it_has_begun(stopped):
    app = AppTest.from_function(script)
    app.session_state["done"] = done = []
    if stopped:
        app.query_params["stop"] = "yes"
    app.run(timeout=60)
    assert not app.exception
    assert done == ["begun", "whole", *([] if stopped else ["the rest"])]
    assert app.session_state["two"] == 2
    assert ("five" in app.session_state) is not stopped


def looks_early(call: ast.Call) -> bool:
    """Whether what is given to it is looked up in the session's state before it is called."""
    given = [*call.args, *(each.value for each in call.keywords)]
    now = [node for each in given if not isinstance(each, ast.Lambda) for node in ast.walk(each)]
    return any(isinstance(node, ast.Attribute) and node.attr == "session_state" for node in now)


@pytest.mark.parametrize(
    ("code", "early"),
    [("attempt(move, st.session_state[to])", True), ("attempt(lambda: move(st.session_state[to]))", False)],
)
def test_what_looks_early_is_found(code, early):
    assert looks_early(ast.parse(code, mode="eval").body) is early


def test_nothing_is_looked_up_before_it_is_undisturbed():
    for path in (ROOT / "visionlab" / "ui").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "attempt":
                assert not looks_early(node), f"{path.name}, line {node.lineno}"


def a_large_click():
    import streamlit as st

    from visionlab.ui.shared.page import told
    from visionlab.ui.shared.undisturbed import attempt

    def large():
        raise MemoryError("640 GiB")

    st.button("Large", on_click=attempt, args=(large,))
    with told():
        raise OSError(28, "No space left on device")


def test_a_full_disk_and_a_full_memory_are_sentences_and_lines_of_the_log(caplog):
    app = AppTest.from_function(a_large_click, default_timeout=60).run()
    assert not app.exception
    assert [each.value for each in app.text] == [NO_DISK]
    app.button[0].click().run()
    assert not app.exception
    assert app.session_state["problem"] == NO_MEMORY
    first, second, third = (each.message for each in caplog.records if each.name == "visionlab")
    assert "No space left on device" in first
    assert first == third
    assert "640 GiB" in second


def drawn_while_another_run_acts() -> None:
    import threading

    import streamlit as st
    from streamlit.runtime.scriptrunner import add_script_run_ctx, get_script_run_ctx

    from visionlab.ui.shared.undisturbed import drawn_from_all, undisturbed

    story = st.session_state["story"]
    begun, drawn = threading.Event(), threading.Event()

    def another() -> None:
        """A run that was told to stop in a callback, which it does to its end."""
        with undisturbed():
            begun.set()
            drawn.wait()
            story.append("acted")

    with drawn_from_all():
        acted = "acted" in story
        story.append("drew what is" if acted else "drew what was")
        st.text(story[-1])
        if not acted:
            add_script_run_ctx(threading.Thread(target=another), get_script_run_ctx()).start()
            begun.wait()
            drawn.set()
            if st.session_state["fails"]:
                raise KeyError("half of what was, half of what is")
        with undisturbed():
            story.append("acted itself")


@pytest.mark.parametrize("fails", [False, True])
def test_a_page_is_drawn_once_more_from_what_another_run_did_meanwhile(fails):
    app = AppTest.from_function(drawn_while_another_run_acts)
    app.session_state["story"], app.session_state["fails"] = (story := []), fails
    app.run(timeout=60)
    assert not app.exception
    assert [each for each in story if each != "acted itself"] == ["drew what was", "acted", "drew what is"]
    assert [each.value for each in app.text] == ["drew what is"]
    app.run(timeout=60)
    assert story.count("drew what is") == 2, "only where something was done"
