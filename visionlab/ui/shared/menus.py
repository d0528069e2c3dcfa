"""What stands in a menu, and something beside the menu sets as well.

While a menu is closed, the browser keeps what its widgets held and sends that with each run, over whatever has been set
meanwhile. So a widget that something else has set is another one from then on, and its value is remembered here.
"""

from __future__ import annotations

from typing import TypeVar

import streamlit as st

Value = TypeVar("Value")


def key_of(name: str) -> str:
    """Of the widget, as it is now: the name itself until something else sets it."""
    times = st.session_state.get(f"{name}-turned", 0)
    return f"{name}-{times}" if times else name


def held(name: str, usual: Value) -> Value:
    """What the widget holds, or was left at, or set to; else what is usual. To be its default."""
    return st.session_state.get(key_of(name), st.session_state.get(f"{name}-chosen", usual))


def keep(name: str, value: object) -> None:
    """After the widget is drawn: for when one comes back to the page."""
    st.session_state[f"{name}-chosen"] = value


def turn(name: str, value: object) -> None:
    """It holds that from now on. Before the widget is drawn, or in a callback."""
    keep(name, value)
    st.session_state[f"{name}-turned"] = st.session_state.get(f"{name}-turned", 0) + 1
