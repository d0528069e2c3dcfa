"""The network as VGG is drawn in its paper: a slab a layer, as high as its maps and as thick as its channels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import streamlit as st

from visionlab.ui.shared.components.choosing import CHOICE, mount_choosing
from visionlab.ui.shared.components.looks import FADES, LOOKS

FOLDER = Path(__file__).parent
SCRIPTS = ("slabs.js", "drawing.js")  # one module for the browser, in this order

_drawing = st.components.v2.component(
    "visionlab_network_drawing",
    html=(FOLDER / "drawing.html").read_text(),
    css=(FOLDER / "drawing.css").read_text() + LOOKS,
    js=CHOICE + FADES + "\n".join((FOLDER / name).read_text() for name in SCRIPTS),
)


@dataclass(frozen=True)
class Drawn:
    """One layer as it is drawn.

    kind is one of Layer’s; layers in succession that have the same block stand together,
    over its name and the shape of its first layer; shape is (C, H, W); facts is the line of text that tells of the
    layer, beginning with its name.
    """

    name: str
    kind: str
    block: str
    shape: tuple[int, int, int]
    facts: str


def network_drawing(layers: Sequence[Drawn], *, chosen: str, key: str, on_choose: Callable[[str], None]) -> None:
    """Draw the layers from left to right; `chosen` is the name of one of them.

    on_choose(name) is called once for each choice, before the script (or the fragment) runs again.
    """
    names = {layer.name for layer in layers}

    def choose(name: str) -> None:
        if name in names:  # what was clicked may have been another network
            on_choose(name)

    data = {"layers": [asdict(layer) for layer in layers], "chosen": chosen}
    mount_choosing(_drawing, data=data, key=key, on_choose=choose)
