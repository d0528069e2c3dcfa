"""What components share in which one of several things is chosen: the server hears of each choice once.

A choice is a state of the component, not a trigger, and bears a number of its own: so the same thing chosen again is
told again, of two choices that the server takes up together the later one counts, and what the server says is chosen
can be told from what it said before it had heard.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from visionlab.ui.shared.undisturbed import undisturbed

CHOICE = (Path(__file__).parent / "choosing.js").read_text()  # to go before the component's own JavaScript


def mount_choosing(mount: Callable, *, data: dict[str, Any], key: str, on_choose: Callable[[Any], None]) -> None:
    """Mount a component that uses CHOICE; data["chosen"] is what is chosen now.

    on_choose(what) is called once for each choice, before the script (or the fragment) runs again.
    """

    def tell() -> None:
        with undisturbed():
            if choice := _choice(key):
                on_choose(choice["what"])

    heard = _choice(key)
    mount(key=key, data={**data, "heard": heard and heard["turn"]}, on_choice_change=tell)


def _choice(key: str) -> dict[str, Any] | None:
    return (st.session_state.get(key) or {}).get("choice")
