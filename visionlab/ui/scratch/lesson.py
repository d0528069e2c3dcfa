"""How long a training will take on this machine, told before it begins, and the way to all pictures."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from visionlab.learning.scratch import LayerSpec, Pace, SmallSet, pace
from visionlab.ui.scratch import runs
from visionlab.ui.scratch.sets import Chosen, take_all
from visionlab.ui.shared.widgets import duration


def forecast(experiment: str, stacks: Sequence[Sequence[LayerSpec]], chosen: Chosen, epochs: int) -> None:
    """Of so many epochs of each stack; nothing while one trains, which would slow both what is measured and itself."""
    if runs.busy(experiment):
        return
    paces = [_pace(tuple(stack), chosen.data.shape, len(chosen.data.classes), chosen.data) for stack in stacks]
    with st.container(horizontal=True, vertical_alignment="center", key=f"forecast-{experiment}"):
        data = chosen.data
        st.caption(
            f"About {_told(paces, data, epochs)} on this machine: {epochs} × {len(data.images):,} pictures to learn "
            f"from, {len(data.test_images):,} to test with each time.",
            width="content",
        )
        if chosen.whole is not data:
            st.button(
                f"All {len(chosen.whole.images):,}: about {_told(paces, chosen.whole, epochs)}",
                key=f"all-{experiment}",
                type="tertiary",
                on_click=take_all,
                args=(chosen,),
            )


def _told(paces: Sequence[Pace], data: SmallSet, epochs: int) -> str:
    return duration(sum(each.seconds(data, epochs) for each in paces))


@st.cache_data(max_entries=64, ttl=600, show_spinner=False)  # by then the machine may have other work
def _pace(stack: tuple[LayerSpec, ...], shape: tuple[int, int, int], classes: int, _data: SmallSet) -> Pace:
    return pace(stack, _data)
