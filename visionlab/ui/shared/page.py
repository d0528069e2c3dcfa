"""What every page starts with: its configuration, the navigation, a strip that says what it is for, and the one place
that shows errors.

    with page("Convolution"):
        picture = image_picker()  # takes its place in the strip
        ...

Each page is self-sufficient: a deep link to a cold server runs that page's script alone.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.errors import StreamlitPageNotFoundError

from visionlab.device import describe
from visionlab.errors import VisionlabError, log_cause
from visionlab.garbage import leave_out_imports
from visionlab.shortage import shortages_told
from visionlab.ui.shared import cached, state
from visionlab.ui.shared.components.focus import keep_focus
from visionlab.ui.shared.components.history import keep_history
from visionlab.ui.shared.components.popovers import reach_popovers
from visionlab.ui.shared.jobs import followed
from visionlab.ui.shared.server.pages import PAGES, SIDEBAR, is_off
from visionlab.ui.shared.undisturbed import drawn_from_all

ASSETS = Path(__file__).parent / "assets"
_strip: ContextVar[DeltaGenerator] = ContextVar("strip")  # of the page that this run of the script is drawing
ICON = ASSETS / "icon.png"  # a file of ours: an icon by name is fetched from a font host


@contextmanager
def page(title: str) -> Iterator[None]:
    """Configure and head the page of that title; inside, a VisionlabError ends the script in one clear sentence."""
    leave_out_imports()
    entry = PAGES[title]
    shown = not all(map(is_off, PAGES))
    st.set_page_config(
        page_title=entry.tab if shown else "visionlab",
        page_icon=str(ICON),
        layout="wide",
        initial_sidebar_state=SIDEBAR,
    )
    state.turn_to(title)
    top = st.container(horizontal=True, vertical_alignment="center", gap="small", key="strip")
    if shown:  # first of all: by it one sees that the page is there
        with top.container(key="strip-heading"):
            st.title(entry.headline, anchor=False)
            st.caption(entry.about)
    keep_history(entry.step)
    reach_popovers()
    keep_focus()
    with st.sidebar:
        _navigation()
    before = _strip.set(top)
    try:
        with told():
            if is_off(title):
                _lead_on(title)
            with drawn_from_all(), followed():
                yield
    finally:
        _strip.reset(before)


def _lead_on(title: str) -> None:
    """From a page that is switched off: the one at “/”, which nobody chose, to one that is on; else by a sentence."""
    first, *others = PAGES.values()
    on = next((each for each in others if not is_off(each.title)), None)
    if title == first.title and on:
        st.switch_page(on.script)
    elif is_off(first.title) and not on:
        sentence("All pages are switched off on this server; its operator can switch them on.")
    else:
        sentence(f"The page “{title}” is switched off on this server.")
    st.stop()


def strip() -> DeltaGenerator:
    """The strip at the top of the page, for what belongs to the whole page: the picture that it works on."""
    return _strip.get()


@contextmanager
def told() -> Iterator[None]:
    """A VisionlabError inside becomes one clear sentence. What is run again by itself, a fragment, needs its own."""
    try:
        with shortages_told():
            yield
    except VisionlabError as error:
        log_cause(error)
        sentence(error)


def sentence(error: VisionlabError | str) -> None:
    """An error for people, as plain text: it may quote a file's name, which must never be read as Markdown."""
    with st.container(border=True, horizontal=True, wrap=False, vertical_alignment="center"):
        st.markdown(":red[:material/error:]", width="content")
        st.text(str(error), width="stretch")


def roomy_columns(spec: int | Sequence[float], key: str, **style) -> list[DeltaGenerator]:
    """st.columns whose columns go on to a new row, rather than become too narrow; key names them on the page."""
    with st.container(key=f"roomy-{key}"):
        return st.columns(spec, **{"gap": "medium", **style})


def head_start(seconds: float) -> None:
    """Let the browser draw what it has been sent so far, before the rest keeps it busy."""
    time.sleep(seconds)


def link(title: str, label: str | None = None, icon: str | None = None, asks: Mapping[str, str] | None = None) -> None:
    """A link to the page of that title; what it asks for there comes before what the session remembers (see
    state.just_turned); nothing where that page is switched off. A page's script run by itself has no other pages: then
    it is plain text."""
    if is_off(title):
        return
    entry = PAGES[title]
    try:
        st.page_link(entry.script, label=label or entry.title, icon=icon or entry.icon, query_params=asks)
    except StreamlitPageNotFoundError:
        st.caption(label or entry.title)


def _navigation() -> None:
    st.markdown("#### :primary[:material/blur_on:] visionlab")
    group = ""
    for entry in PAGES.values():
        if is_off(entry.title):
            continue
        if entry.group != group:
            group = entry.group
            st.caption(group)
        link(entry.title)
    where = cached.where_computed()
    st.caption(f":material/hub: {where.told}" if where.told else f":material/memory: {describe()}")
    if where.problem:  # for the operator, and no more than a line for everybody else
        st.caption(":orange[:material/cloud_off:] Not on the cluster: computed here", help=where.problem)
