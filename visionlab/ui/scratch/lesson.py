"""How long a training will take on this machine, told before it begins, and the way to all pictures and back."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from visionlab.imaging.cores import count as cores
from visionlab.learning.scratch import LayerSpec, Pace, SmallSet, pace
from visionlab.ui.scratch import runs
from visionlab.ui.scratch.sets.bringing import Chosen
from visionlab.ui.scratch.sets.choosing import other_size, take_size
from visionlab.ui.shared.widgets import duration

FRESH = 60.0  # seconds: by then the machine may have other work
CALMER = 15.0  # seconds between two looks at whether a busy machine has become calm
BUSY = 0.5  # of the processors, on which what is measured is slower than it will be
SHORT = 2.0  # seconds: to begin, and to draw what comes of it, takes about as long as a training of less


# Where what a function measures takes long, people see that it is measured.
measured = partial(st.cache_data, max_entries=64, ttl=FRESH, show_spinner="Measuring how long it takes …")


def forecast(experiment: str, chosen: Chosen, seconds: Callable[[SmallSet], float], told: str) -> None:
    """About so many seconds it takes on the chosen pictures, and on the other_size of them; told: what takes them.

    Nothing while one trains, which would slow both what is measured and itself.
    """
    if runs.busy(experiment):
        return
    with st.container(horizontal=True, vertical_alignment="center", key=f"forecast-{experiment}"):
        st.caption(f"{_about(seconds(chosen.data)).capitalize()} on this machine: {told}.", width="content")
        if (other := other_size(chosen)) is not None:
            whole, count = other is chosen.whole, len(other.images)
            st.button(
                f"{f'All {count:,}' if whole else f'{count:,}, for a lesson'}: {_about(seconds(other))}",
                key=f"{'all' if whole else 'lesson'}-{experiment}",
                type="tertiary",
                on_click=take_size,
                args=(chosen, whole),
            )
    if _busy():
        _once_calm(time.monotonic())


def _busy() -> bool:
    """Whether the machine has had other work in the last minute; never where it does not say so, as Windows."""
    return hasattr(os, "getloadavg") and os.getloadavg()[0] > BUSY * cores()


@st.fragment(run_every=CALMER)
def _once_calm(measured_at: float) -> None:
    """Let the page be drawn again, with what is measured by then, once the machine has become calm."""
    if time.monotonic() - measured_at >= FRESH and not _busy():
        st.rerun()


def _about(seconds: float) -> str:
    return "a second or two" if seconds < SHORT else f"about {duration(seconds)}"


def forecast_epochs(
    experiment: str, stack: Sequence[LayerSpec], chosen: Chosen, epochs: int, drawn: SmallSet | None = None
) -> None:
    """Of so many epochs of a stack; drawn: the chosen pictures as it gets them, where these are others."""
    data = drawn or chosen.data

    def seconds(of: SmallSet) -> float:
        found = _pace(tuple(stack), data.shape, len(data.classes), data)
        return found.seconds(len(of.images), len(of.test_images), epochs)

    learned = f"{epochs} × {len(data.images):,} pictures to learn from"
    forecast(experiment, chosen, seconds, f"{learned}, {len(data.test_images):,} to test with each time")


@measured()
def _pace(stack: tuple[LayerSpec, ...], shape: tuple[int, int, int], classes: int, _data: SmallSet) -> Pace:
    return pace(stack, _data)
