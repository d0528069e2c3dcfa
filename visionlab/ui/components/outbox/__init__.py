"""What components share that tell the server of events: each event is heard exactly once, and in order.

A trigger alone does not promise that: of two that the server takes up together it keeps the later one, and one that is
sent while the connection is down is lost. So events are numbered, the browser keeps each until the server says that it
has heard it, and the server passes over what it has heard before.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

OUTBOX = (Path(__file__).parent / "outbox.js").read_text()  # to go before the component's own JavaScript


def mount_outbox(mount: Callable, *, data: dict[str, Any], key: str, on_event: Callable[[Any], None]) -> None:
    """Mount a component that uses OUTBOX; its outbox hears data["heard"], which is added here.

    on_event(event) is called once for each event, before the script (or the fragment) runs again.
    """
    kept = f"{key}-heard"

    def tell() -> None:
        sent = (st.session_state.get(key) or {}).get("sent")
        if not sent:
            return
        box, last = st.session_state.get(kept) or (None, 0)
        if box != sent["box"]:  # the component was mounted anew
            last = 0
        for number, event in enumerate(sent["events"], sent["first"]):
            if number > last:
                st.session_state[kept] = (sent["box"], number)
                on_event(event)

    mount(key=key, data={**data, "heard": st.session_state.get(kept)}, on_sent_change=tell)
