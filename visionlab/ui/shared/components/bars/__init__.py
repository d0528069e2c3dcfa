"""Classes with bars and percentages, one of which is chosen by a click."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import streamlit as st

from visionlab.network.running.prediction import Prediction
from visionlab.ui.shared.components.choosing import CHOICE, mount_choosing

FOLDER = Path(__file__).parent

_bars = st.components.v2.component(
    "visionlab_bars",
    html='<div class="bars" role="radiogroup" aria-label="Predictions: choose one to see its reasons"></div>',
    css=(FOLDER / "bars.css").read_text(),
    js=CHOICE + (FOLDER / "bars.js").read_text(),
)


def bars(answers: Sequence[Prediction], *, chosen: int, key: str, on_choose: Callable[[int], None]) -> None:
    """The answers, most probable first; `chosen` is the index of a class, which need not be among them.

    on_choose(index) is called once for each choice, before the script (or the fragment) runs again.
    """
    shown = {answer.index for answer in answers}

    def choose(index: int) -> None:
        if index in shown:  # what was clicked may have been of another picture
            on_choose(index)

    mount_choosing(_bars, data={"answers": [asdict(a) for a in answers], "chosen": chosen}, key=key, on_choose=choose)
