"""Which pictures on a plane are selected: those that were drawn around, those with a ring, or one and its nearest."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from visionlab.learning.judging.nearness import nearest
from visionlab.ui.shared.components.space import Points, space

NEAREST = 11  # that are shown beside a picture
Id = TypeVar("Id", bound=Hashable)


def plane(
    points: Points,
    ids: Sequence[Id],
    features: NDArray[np.float32],
    *,
    classes: Sequence[str],
    kept: str,
    key: str,
    below: Callable[[], None],
    ringed: Callable[[int], str],
) -> dict[Id, float | None]:
    """Show the points of N pictures with these ids and features (N, F); the ids of those that are selected, in their
    order, each with its cosine to the first where that was asked for.

    What is selected is kept in the session under `kept`. below() draws what stands under the plane; ringed(count) is
    the sentence about those with a ring.
    """
    there = {each: place for place, each in enumerate(ids)}
    selected: dict[Id, float | None] = {
        each: alike for each, alike in st.session_state.get(kept, {}).items() if each in there
    }

    def choose(indices: Sequence[int]) -> None:
        st.session_state[kept] = {ids[index]: None for index in indices}

    def look_near(one: int) -> None:
        order, cosines = nearest(features, one, NEAREST)
        found = zip([one, *order.tolist()], [1.0, *cosines.tolist()], strict=True)
        st.session_state[kept] = {ids[index]: cosine for index, cosine in found}

    space(
        points,
        classes=classes,
        chosen=[there[each] for each in selected],
        key=key,
        on_choose=choose,
        on_near=look_near,
    )
    below()
    rings = np.flatnonzero(points.marked).tolist()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(ringed(len(rings)), width="content")
        if rings:
            label = "Show it" if len(rings) == 1 else "Show these"
            st.button(label, key="select-strays", on_click=choose, args=(rings,))
    return selected
