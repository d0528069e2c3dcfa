"""Uploads on their way into the studio: each is handed over once, and let go of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.runtime import get_instance
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from visionlab.errors import log_line
from visionlab.learning.projects.files import telling
from visionlab.learning.projects.project import Project
from visionlab.ui.shared.components.drops import drops
from visionlab.ui.shared.undisturbed import attempt, undisturbed
from visionlab.ui.shared.widgets import file_uploader

UPLOADS = "uploads"  # how many uploads this session has taken in, by uploader
REFUSED = "refused-files"  # what the browser did not take, by uploader, with how many uploads that had taken in
OF_CLASSES = "pictures-"  # what the keys of uploaders begin with that bring pictures into a class
SEEN = 200  # files of those that are named at most
NAMED = 4  # lines about files that are shown unfolded
PROBLEMS = 200  # and folded


def of_class(place: str) -> str:
    """The key of the uploader for the class whose widgets are known by that."""
    return OF_CLASSES + place


def uploader(label: str, key: str, act: Callable[[list[UploadedFile]], None], **options: Any) -> None:
    """A file uploader that hands over what came in, act(files), and is then empty again."""
    counts = st.session_state.setdefault(UPLOADS, Counter())
    fresh = f"{key}-{counts[key]}"

    def taken() -> None:
        with undisturbed():  # from the first look on: a run that ends before it has no callback again for these
            found = st.session_state[fresh] or []
            # What was taken in is told as deleted, until the browser knows that this uploader is gone.
            files = [file for file in (found if isinstance(found, list) else [found]) if isinstance(file, UploadedFile)]
            if not files:
                return
            _forget_before(key, counts[key])
            counts[key] += 1
            attempt(act, files)
        # Streamlit would keep them in memory until the session ends.
        session = get_script_run_ctx().session_id
        for file in files:
            get_instance().uploaded_file_mgr.remove_file(session, file.file_id)

    file_uploader(label, key=fresh, on_change=taken, **options)


def spooled(project: Project, files: Sequence[UploadedFile], stack: ExitStack) -> tuple[list[tuple[str, Path]], Path]:
    """The uploads on disk, each with its name, and the folder of them, until the stack is closed: what is in memory can
    then go."""
    with telling():
        folder = stack.enter_context(project.receiving())
        paths = [folder / str(number) for number in range(len(files))]  # the names are somebody's
        for path, file in zip(paths, files, strict=True):
            path.write_bytes(file.getvalue())
    return [(file.name, path) for file, path in zip(files, paths, strict=True)], folder


def watch_refusals() -> None:
    """Note what the browser refuses from now on, of every uploader on the page; and let cards take what is dropped."""

    def note(uploader: str, name: str, why: str) -> None:
        key, _, number = uploader.rpartition("-")
        named = st.session_state.setdefault(REFUSED, {}).setdefault(key, [])
        if len(named) < SEEN:
            named.append((int(number) if number.isdecimal() else 0, f"{name}: {why}"))
            log_line(f"{name}: {why}")

    with st.container(key="unseen-drops"):
        drops(key="drops", listed=OF_CLASSES, on_refused=note)


def refused(key: str) -> list[str]:
    """A line for each file that the browser refused of the uploader of that key, of what came last."""
    return [line for _, line in st.session_state.get(REFUSED, {}).get(key, [])]


def _forget_before(key: str, number: int) -> None:
    """What was refused of earlier uploads is told no longer; what goes with this one was told before it."""
    named = st.session_state.get(REFUSED, {})
    if key in named:
        named[key] = [(of, line) for of, line in named[key] if of >= number]


def forget_refused(key: str) -> None:
    st.session_state.get(REFUSED, {}).pop(key, None)


def listed(lines: Sequence[str], one: str, many: str) -> None:
    """Lines about files, one each, under how many there are; folded where they are many."""
    if not lines:
        return
    heading = f"{len(lines):,} file{'s' * (len(lines) != 1)} {one if len(lines) == 1 else many}"
    with st.expander(heading, expanded=len(lines) <= NAMED):
        st.text("\n".join(lines[:PROBLEMS]))
        if len(lines) > PROBLEMS:
            st.caption(f"and {len(lines) - PROBLEMS:,} more")
