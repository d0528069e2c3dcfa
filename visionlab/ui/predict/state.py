"""What the session remembers of the Predict page, and its link: how many classes it lists, and at which temperature."""

from __future__ import annotations

import streamlit as st

from visionlab.ui.shared import menus
from visionlab.ui.shared.state import keep_in_link

COUNT = "count"  # the widget that says how many classes are listed, and how many are where nobody chose
USUAL_COUNT = 5
METHOD = "method"  # the widget, in a menu, that says how answers are explained; in the link, too, where it is not usual
TEMPERATURE = "temperature"  # the widget that says what the logits are divided by; in the link, too, where it is not 1


def restore_count(most: int) -> None:
    """Before the widget is drawn: as many as a person wanted to see, or the link says, if the network has so many."""
    drawn, held = st.session_state.get("drawn_count"), st.session_state.get(COUNT)
    if drawn is None:
        linked = st.query_params.get(COUNT, "")
        st.session_state["wanted_count"] = max(1, int(linked)) if linked.isdecimal() else USUAL_COUNT
    elif held not in (None, drawn):
        st.session_state["wanted_count"] = held
    st.session_state[COUNT] = min(st.session_state["wanted_count"], most)


def remember_count(count: int) -> None:
    """After it is drawn: for other networks, and what is not usual for the link, too."""
    st.session_state["drawn_count"] = count
    wanted = st.session_state["wanted_count"]
    keep_in_link(COUNT, str(wanted) if wanted != USUAL_COUNT else None)


def wanted_temperature(least: float, most: float) -> float:
    """The temperature that was chosen, or that the link says, in these bounds; else 1.

    For the widget's default: what its menu holds is made by the browser when that is opened, maybe runs after its value
    was set, and would then be the least.
    """
    try:
        linked = float(st.query_params.get(TEMPERATURE, ""))
    except ValueError:
        linked = 1.0
    return menus.held(TEMPERATURE, linked if least <= linked <= most else 1.0)


def remember_temperature(value: float) -> None:
    """After it is drawn: for when one comes back to the page, and what is not 1 for the link.

    By the run that shows it: where the browser keeps the link, keys held down leave it behind.
    """
    menus.keep(TEMPERATURE, value)
    keep_in_link(TEMPERATURE, f"{value:g}" if value != 1 else None)


def reset_temperature() -> None:
    """In a callback: it is 1 again."""
    menus.turn(TEMPERATURE, 1.0)
