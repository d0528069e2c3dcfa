"""The pictures of a class, or of all: selected by pointer, finger or keys, moved, switched off, removed, opened."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.runtime import get_instance

from visionlab.ui.shared.components.looks import LOOKS
from visionlab.ui.shared.components.outbox import OUTBOX, mount_outbox

FOLDER = Path(__file__).parent
SCRIPTS = ("tiles.js", "selection.js", "gallery.js")  # one module for the browser, in this order

_gallery = st.components.v2.component(
    "visionlab_gallery",
    html=(FOLDER / "gallery.html").read_text(),
    css=(FOLDER / "gallery.css").read_text() + LOOKS,
    js="\n".join([OUTBOX, *((FOLDER / name).read_text() for name in SCRIPTS)]),
)


@dataclass(frozen=True, eq=False)
class Tile:
    """One picture: an id of its own, its name, a JPEG file that is shown as a square, and the index of its class.

    badge is a word or two that lie on it; marked draws attention to it; off: it is there, and does not count.
    """

    id: str
    name: str
    thumbnail: bytes
    label: int
    badge: str = ""
    marked: bool = False
    off: bool = False


def gallery(
    tiles: Sequence[Tile],
    *,
    classes: Sequence[str],
    shown: int | None,
    key: str,
    on_move: Callable[[list[str], int], None],
    on_enable: Callable[[list[str], bool], None],
    on_remove: Callable[[list[str]], None],
    on_open: Callable[[str], None],
    disabled: bool = False,
) -> None:
    """Show pictures of the class of that index, or of all classes where `shown` is None, and what one may do to them.

    on_move(ids, class), on_enable(ids, whether they are switched on), on_remove(ids) and on_open(id) are each called
    once for what a person did, in the order in which they did it, before the script (or the fragment) runs again. The
    browser shows what was changed at once; from when they have been called, what is given here holds. The ids may be
    those of pictures that were shown
    some runs ago. Where it is `disabled`, pictures can only be selected and opened.
    """

    def act(event: dict[str, Any]) -> None:
        match event:
            case {"move": [*ids], "to": int(to)} if 0 <= to < len(classes):
                on_move(ids, to)
            case {"enable": [*ids], "on": bool(on)}:
                on_enable(ids, on)
            case {"remove": [*ids]}:
                on_remove(ids)
            case {"open": str(identity)}:
                on_open(identity)

    data = {
        "tiles": [
            {
                "id": tile.id,
                "name": tile.name,
                "address": address(tile.thumbnail, f"{key}/{tile.id}"),
                "label": tile.label,
                "badge": tile.badge,
                "marked": tile.marked,
                "off": tile.off,
            }
            for tile in tiles
        ],
        "classes": list(classes),
        "shown": shown,
        "disabled": disabled,
    }
    mount_outbox(_gallery, data=data, key=key, on_event=act)


def address(jpeg: bytes, place: str) -> str:
    """Where the browser finds a picture, relative to the page, as st.image has it: named by its content, so that the
    browser fetches it once, whatever else about the gallery changes.
    """
    return get_instance().media_file_mgr.add(jpeg, "image/jpeg", place).removeprefix("/")
