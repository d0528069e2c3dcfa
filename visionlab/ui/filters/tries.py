"""Things to try at a first visit: buttons that set the page up, and a sentence on what to notice then.

It knows nothing of filters: another page can make its own Tries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import streamlit as st


@dataclass(frozen=True)
class Try:
    """One thing to try: the button's title, what to notice, what sets the page up, and whether it still is so."""

    title: str
    notice: str
    set_up: Callable[[], None]
    holds: bool


@contextmanager
def tries(offered: Sequence[Try], key: str) -> Iterator[None]:
    """A row of buttons, and under it what to notice, as long as the page is as the pressed one set it up.

    What is drawn inside comes at the end of the row.
    """
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key=f"tries-{key}"):
        st.markdown("**Try**", width="content")
        for number, each in enumerate(offered):
            st.button(each.title, key=f"try-{key}-{number}", on_click=_set_up, args=(each, key))
        yield
    pressed = next((each for each in offered if each.title == st.session_state.get(f"tried-{key}")), None)
    if pressed and pressed.holds:
        st.caption(f":material/lightbulb: {pressed.notice}")


def _set_up(chosen: Try, key: str) -> None:
    chosen.set_up()
    st.session_state[f"tried-{key}"] = chosen.title
