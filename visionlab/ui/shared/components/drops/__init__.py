"""Files that are dropped anywhere on a card go to the uploader in it; what an uploader refuses is told to the server;
what it is given while it hands over what came before waits for the next one at its place, whose key ends in a number.

A card is a container whose key begins with “card-”. The browser names what it refuses beside the uploader alone, and no
longer once the uploader has handed over the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from visionlab.ui.shared.components.outbox import OUTBOX, mount_outbox

FOLDER = Path(__file__).parent

_drops = st.components.v2.component("visionlab_drops", js=OUTBOX + (FOLDER / "drops.js").read_text())


def drops(*, key: str, listed: str, on_refused: Callable[[str, str, str], None]) -> None:
    """Mount it once on a page, where it takes no room: key begins with “unseen”.

    on_refused(uploader, name, why) is called once for each file that an uploader of widgets.file_uploader refused, by
    that uploader's key, before the script runs again. Uploaders whose keys begin with `listed` let go of it: the page
    names it itself.
    """

    def refuse(event: dict[str, Any]) -> None:
        on_refused(str(event["uploader"]), str(event["name"]), str(event["why"]))

    mount_outbox(_drops, data={"listed": listed}, key=key, on_event=refuse)
