"""What has a number each, with bars: classes, or units; one of them is chosen by a click."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import streamlit as st

from visionlab.network.running.prediction import Prediction
from visionlab.ui.shared.components.choosing import CHOICE, mount_choosing

FOLDER = Path(__file__).parent

_bars = st.components.v2.component(
    "visionlab_bars",
    html='<div class="bars" role="radiogroup"></div>',
    css=(FOLDER / "bars.css").read_text(),
    js=CHOICE + (FOLDER / "bars.js").read_text(),
)


@dataclass(frozen=True)
class Bar:
    """One of them: its index, its name, its number as it is written, and that as a share of a whole bar, −1..1."""

    index: int
    label: str
    said: str
    share: float


def bars(
    answers: Sequence[Prediction], *, chosen: int, key: str, on_choose: Callable[[int], None], refused: bool = False
) -> None:
    """The answers, most probable first; `chosen` is the index of a class, which need not be among them. Of a picture
    that is refused they are what it would be called else, and grey.

    on_choose(index) is called once for each choice, before the script (or the fragment) runs again.
    """
    shown = [Bar(each.index, each.label, f"{each.probability:.1%}", each.probability) for each in answers]
    what = "Predictions: choose one to see its reasons"
    _mount(shown, chosen=chosen, what=what, look="refused" if refused else "", key=key, on_choose=on_choose)


def signed_bars(shown: Sequence[Bar], *, chosen: int, what: str, key: str, on_choose: Callable[[int], None]) -> None:
    """As bars(), in the colours of maps: orange above zero, blue below; `what` names them all for screen readers."""
    _mount(shown, chosen=chosen, what=what, look="signed", key=key, on_choose=on_choose)


def _mount(
    shown: Sequence[Bar], *, chosen: int, what: str, look: str, key: str, on_choose: Callable[[int], None]
) -> None:
    known = {each.index for each in shown}

    def choose(index: int) -> None:
        if index in known:  # what was clicked may have been of another picture
            on_choose(index)

    data = {"bars": [asdict(each) for each in shown], "chosen": chosen, "what": what, "look": look}
    mount_choosing(_bars, data=data, key=key, on_choose=choose)
