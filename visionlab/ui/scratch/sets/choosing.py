"""The picker of the experiments' pictures, and of how many of them are learned from."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from visionlab.errors import VisionlabError
from visionlab.learning.scratch import SOURCES, SmallSet
from visionlab.learning.sets.kinds import listed
from visionlab.ui.scratch.parts import linked, say
from visionlab.ui.scratch.sets.bringing import (
    CHOSEN_PROJECT,
    PROJECT,
    WHERE,
    Chosen,
    arrive,
    read_names_as,
    ready,
    watch_coming,
)
from visionlab.ui.shared import links, state
from visionlab.ui.shared.page import sentence
from visionlab.ui.shared.widgets import names_read, plain

OFFERED = "cifar10"  # of SOURCES, the one that the articles are on
PANEL = "data-panel"
SIZES = (300, 1_000, 3_000, 10_000)  # pictures to learn from at most, and to test with, for who is in a hurry
LESSON = 3_000  # with which a larger set begins: a network learns something of so many in a minute
EVERY = 0
LEARN = "learn"  # in the link: how many of them, or ALL, where it is not as usual
ALL = "all"


def choose() -> Chosen | None:
    """The picker, and what it comes to; None where the pictures are not here yet, with what to do about that."""
    try:
        arrive()
    except VisionlabError as error:
        state.keep_problem(str(error))
    with st.container():  # also where it holds nothing, so that what is below stays in its place
        if problem := state.take_problem():
            sentence(problem)
    names = [*SOURCES, PROJECT]
    linked("data", {name: _title(name) for name in names}, "set of pictures")
    with st.container(horizontal=True, vertical_alignment="center", key="data-row"):
        told_of = st.container(width="content")
        picker = st.popover("Other pictures", icon=":material/tune:", key=PANEL, on_change="rerun")
    source = picker.selectbox(
        "Data",
        names,
        format_func=_title,
        key="data",
        persist_state="session",
        on_change=_close_panel,
    )
    say("data", source)
    found = ready(source)
    watch_coming()
    if found is None:
        told_of.markdown(f"On **{_title(source)}**")
        return None
    state.keep_in_link(WHERE, found.where)
    if guessed := found.whole.names:
        names_read(guessed, guessed.encoding, "scratch-names", read_names_as)
    for text in (
        *(text for text in found.data.told if guessed is None or text != guessed.told),
        listed(found.data.unread, "picture cannot be read", "pictures cannot be read"),
    ):
        if text:
            st.caption(plain(text))
    found = _sized(found, picker)
    picker.caption(_facts(found.data, SOURCES[source].about if source in SOURCES and not found.where else ""))
    told_of.markdown(f"On **{plain(found.title)}** :gray[· {len(found.data.images):,} to learn from]")
    return found


def _sized(found: Chosen, picker) -> Chosen:
    """As many of them as are asked for, by the link at first; which then says so, unless it is as usual."""
    count, key = len(found.whole.images), _size_key(found)
    sizes = [*(size for size in SIZES if len(found.data.classes) <= size < count), EVERY]
    usual = LESSON if LESSON in sizes else EVERY
    by_name = {ALL if size == EVERY else str(size): size for size in sizes}
    told = None
    if key not in st.session_state and (wanted := st.query_params.get(LEARN)) and not _asked_before():
        if wanted in by_name:
            st.session_state[key] = by_name[wanted]
        else:
            told = links.unknown("number of pictures", wanted, by_name, _size(usual, count))
    st.session_state.setdefault(key, usual)
    size = picker.selectbox(
        "Learn from",
        sizes,
        format_func=lambda size: _size(size, count),
        key=key,
        persist_state="session",
        help="Fewer are tested on, too: as many at most, each class with its share.",
    )
    links.tell(LEARN, told, (key, size))
    state.keep_in_link(LEARN, None if size == usual else ALL if size == EVERY else str(size))
    data = found.whole.less(size) if size != EVERY else found.whole
    return replace(found, data=data, lesson=LESSON if LESSON in sizes else None)


def _asked_before() -> bool:
    """Whether the link was asked in this session: what it says later is of another set."""
    before = st.session_state.get("scratch-link-asked", False)
    st.session_state["scratch-link-asked"] = True
    return before and not state.just_turned()


def _close_panel() -> None:
    """It would lie over what the page says of the set that was chosen in it."""
    st.session_state[PANEL] = False


def offer(chosen: Chosen, adds: str) -> None:
    """What another set would add to an experiment, and the way to it."""
    offered, whole = SOURCES[OFFERED], chosen.whole
    if chosen.source == OFFERED or (whole.shape == offered.shape and {*whole.classes} == {*offered.classes}):
        return  # by its name, or as somebody's own zip
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="offer"):
        st.caption(f"{offered.title} {adds}", width="content")
        label = f"To {offered.title}"
        st.button(
            label, key="offered", type="tertiary", icon=":material/photo_library:", on_click=_turn_to, args=(OFFERED,)
        )


def _turn_to(source: str) -> None:
    st.session_state["data"] = source


def other_size(chosen: Chosen) -> SmallSet | None:
    """What else is one click away: all of its pictures where it is a part, else the part for a lesson, if there is
    one."""
    if chosen.whole is not chosen.data:
        return chosen.whole
    return chosen.whole.less(chosen.lesson) if chosen.lesson else None


def take_size(chosen: Chosen, all_of_it: bool) -> None:
    """From the next run on the experiments are on all of its pictures, or on as many as do for a lesson."""
    st.session_state[_size_key(chosen)] = EVERY if all_of_it else chosen.lesson


def held(chosen: Chosen) -> dict[str, Any]:
    """What the picker's widgets hold, by their keys."""
    keys = ["data", _size_key(chosen), *([CHOSEN_PROJECT] if chosen.source == PROJECT else [])]
    return {key: st.session_state[key] for key in keys}


def _size_key(chosen: Chosen) -> str:
    return f"most-{chosen.source}-{len(chosen.whole.images)}"


def _size(size: int, of: int) -> str:
    return f"all {of:,}" if size == EVERY else f"{size:,}, for a lesson" if size == LESSON else f"{size:,} pictures"


def _title(source: str) -> str:
    return SOURCES[source].title if source in SOURCES else "A project of yours"


def _facts(data: SmallSet, about: str) -> str:
    height, width, channels = data.shape
    kind = "grey" if channels == 1 else "RGB"
    counts = f"{len(data.images):,} to learn from, {len(data.test_images):,} to test with"
    whole = f"{counts} · {len(data.classes)} classes · {width} × {height} px, {kind}"
    return f"{about}  \n{whole}" if about else whole
