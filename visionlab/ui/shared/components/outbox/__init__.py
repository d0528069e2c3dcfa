"""What components share that tell the server of events: each event is heard exactly once, and in order.

A trigger alone does not promise that: of two that the server takes up together it keeps the later one, and one that is
sent while the connection is down is lost. So events are numbered, the browser keeps each until the server says that it
has heard it, and the server passes over what it has heard before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from visionlab.ui.shared.undisturbed import undisturbed

OUTBOX = (Path(__file__).parent / "outbox.js").read_text()  # to go before the component's own JavaScript


def mount_outbox(mount: Callable, *, data: dict[str, Any], key: str, on_event: Callable[[Any], None]) -> None:
    """Mount a component that uses OUTBOX; its outbox hears data["heard"], which is added here.

    on_event(event) is called once for each event, before the script (or the fragment) runs again.
    """
    kept = f"{key}-heard"
    st.session_state.setdefault(kept, _Heard())

    def tell() -> None:
        with undisturbed():
            sent = (st.session_state.get(key) or {}).get("sent")
            if sent:
                st.session_state[kept].hear(sent, on_event)

    mount(key=key, data={**data, "heard": st.session_state[kept].told()}, on_sent_change=tell)


@dataclass
class _Heard:
    """The last event that was heard, and of which outbox. It is changed, and never replaced: what two runs of a page
    put into the session's state at once may get lost."""

    box: float | None = None
    last: int = 0

    def told(self) -> tuple[float, int] | None:
        return None if self.box is None else (self.box, self.last)

    def hear(self, sent: dict[str, Any], on_event: Callable[[Any], None]) -> None:
        """Carry out what is new in a message of the outbox."""
        if self.box != sent["box"]:  # the component was mounted anew
            self.box, self.last = sent["box"], 0
        for number, event in enumerate(sent["events"], sent["first"]):
            if number > self.last:
                self.last = number
                on_event(event)
