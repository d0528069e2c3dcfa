"""Things to try, offered on a first visit: each sets the page up, and says what to notice beside what it has set up."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import streamlit as st

from visionlab.ui.shared import state


@dataclass(frozen=True)
class Try:
    """A thing to try: what the button says, its icon's name, what to notice then, in a sentence of Markdown, and what
    sets the page up; that runs before the page does, as a callback. `holds` says that there still is that to notice,
    and not something else that was set up since."""

    label: str
    icon: str
    notice: str
    set_up: Callable[[], None]
    holds: bool = True


def tries(key: str, offered: Sequence[Try], subject: Hashable = None) -> None:
    """One low row: the buttons, until one was used; then what to notice, and all of them folded away.

    key is the page's. What there is to notice is told as long as the page's picture, and the subject, are those that
    the button has set up.
    """
    used, subject = f"tried-{key}", (state.picture_key(), subject)

    def use(one: Try) -> None:
        st.session_state[used] = one.label, None
        one.set_up()

    def buttons() -> None:
        for each in offered:
            icon = f":material/{each.icon}:"
            st.button(each.label, key=f"try-{key}-{each.label}", icon=icon, on_click=use, args=(each,))

    label, about = st.session_state.get(used, (None, None))
    if about not in (None, subject):
        label = None
    st.session_state[used] = label, subject
    latest = next((each for each in offered if each.holds and each.label == label), None)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"tries-{key}"):
        if latest is None:
            st.markdown(":small[Try]", width="content")
            buttons()
        else:
            label = latest.label if latest.label.endswith("?") else f"{latest.label}."
            st.markdown(f":small[:primary[:material/visibility:] **{label}** {latest.notice}]", width="stretch")
            with st.popover("Try more", icon=":material/lightbulb:", type="tertiary"):
                buttons()
