"""The editor of the user's own classes: name them, add pictures, take a zip or the ready-made set."""

from __future__ import annotations

import hashlib
from functools import partial

import streamlit as st

from visionlab.errors import DatasetError, ImageError
from visionlab.imaging.image import encode_png, load_image
from visionlab.learning.archive import MAX_ZIP_BYTES, read_zip
from visionlab.learning.dataset import LabelledImages, textures
from visionlab.ui import cached, state
from visionlab.ui.page import roomy_columns, sentence
from visionlab.ui.picture_bar import PICTURE_TYPES
from visionlab.ui.state import Example

SHOWN = 8  # thumbnails a class
ACROSS = 3  # classes in a row
MAX_CLASSES = 24  # that can be named by hand here; a zip may bring more


def class_editor() -> dict[str, list[Example]]:
    """The user's classes and their pictures, as they are now."""
    gathered = state.fine_tune()
    own, archive, ready = st.tabs(["Your own classes", "A zip of folders", "A ready-made set"])
    with own, st.form("add-class", clear_on_submit=True, border=False):
        name, add = st.columns([3, 1], vertical_alignment="bottom")
        name.text_input("Name of a class", key="class-name", placeholder="cat", max_chars=60)
        add.form_submit_button("Add class", on_click=_add_class, icon=":material/add:", width="stretch")
    with archive:
        st.caption("One folder a class, its pictures inside: cats/1.jpg, cats/2.jpg, dogs/1.jpg …")
        st.file_uploader(
            "Zip", type=["zip"], key=_uploader("zip"), on_change=_take_zip,
            max_upload_size=MAX_ZIP_BYTES >> 20, label_visibility="collapsed",
        )  # fmt: skip
    with ready:
        st.caption("24 patches each of brick, grass and gravel: enough to see how it goes.")
        st.button("Use the textures", on_click=_take_textures, icon=":material/texture:")
    for problem in gathered.problems:
        sentence(problem)
    names = list(gathered.classes)
    for start in range(0, len(names), ACROSS):
        for column, name in zip(roomy_columns(ACROSS, f"classes-{start}"), names[start : start + ACROSS], strict=False):
            key = hashlib.sha256(name.encode()).hexdigest()[:12]  # the name itself may hold anything
            with column.container(border=True, height="stretch", key=f"class-{key}"):
                _class_card(name, key, gathered.classes[name])
    return gathered.classes


def _class_card(name: str, key: str, examples: list[Example]) -> None:
    head, remove = st.columns([5, 1], vertical_alignment="center")
    with head:
        st.text(f"{name} · {len(examples)} picture{'s' * (len(examples) != 1)}")
    remove.button(
        "",
        key=f"remove-{key}",
        icon=":material/delete:",
        type="tertiary",
        help="Remove this class",
        on_click=_remove,
        args=(name,),
    )
    if examples:
        shown = [cached.thumbnail(e.digest, 160, partial(load_image, e.data)) for e in examples[:SHOWN]]
        with st.container(horizontal=True, gap="small"):
            for example, thumbnail in zip(examples, shown, strict=False):
                st.image(thumbnail, width=56, alt=example.name)
        if len(examples) > SHOWN:
            st.caption(f"and {len(examples) - SHOWN} more")
    st.file_uploader(
        "Add pictures",
        type=PICTURE_TYPES,
        accept_multiple_files=True,
        key=_uploader(f"add-{key}"),
        on_change=_take_pictures,
        args=(name, f"add-{key}"),
        max_upload_size=20,
        label_visibility="collapsed",
    )


def _uploader(name: str) -> str:
    """The widget key of an uploader: a new one after each time that what it held was taken in, so it starts empty."""
    return f"{name}-{state.fine_tune().taken[name]}"


def _changed(problems: list[str] | None = None) -> None:
    state.fine_tune().problems = problems or []


def _add_class() -> None:
    name = st.session_state["class-name"].strip()
    classes = state.fine_tune().classes
    if not name:
        return _changed(["A class needs a name, such as “cat”."])
    if name.casefold() in {known.casefold() for known in classes}:
        return _changed([f"There is a class “{name}” already: add the pictures to it, or choose another name."])
    if len(classes) >= MAX_CLASSES:
        return _changed([f"{MAX_CLASSES} classes are as many as can be named by hand: bring more in a zip of folders."])
    classes[name] = []
    return _changed()


def _remove(name: str) -> None:
    state.fine_tune().classes.pop(name, None)
    _changed()


def _take_pictures(name: str, uploader: str) -> None:
    files = st.session_state[_uploader(uploader)] or []
    state.fine_tune().taken[uploader] += 1
    examples, problems = state.fine_tune().classes[name], []
    known = {example.digest for example in examples}
    for file in files:
        data = file.getvalue()
        try:
            load_image(data)
        except ImageError as error:
            problems.append(f"{file.name}: {error}")
            continue
        example = Example(file.name, data)
        if example.digest not in known:
            known.add(example.digest)
            examples.append(example)
    _changed(problems)


def _take_zip() -> None:
    file = st.session_state[_uploader("zip")]
    if file is None:
        return
    state.fine_tune().taken["zip"] += 1
    try:
        with st.spinner("Looking at the pictures …"):
            found = read_zip(file)
            LabelledImages.from_uploads(found)  # each is decoded once: a broken one is told here, not while training
    except DatasetError as error:
        _changed([f"{file.name}: {error}"])
        return
    state.fine_tune().classes = {name: [Example(*item) for item in items] for name, items in found.items()}
    _changed()


def _take_textures() -> None:
    data = textures()
    classes: dict[str, list[Example]] = {name: [] for name in data.classes}
    for image, label, name in zip(data.images, data.labels, data.names, strict=True):
        classes[data.classes[label]].append(Example(f"{name}.png", encode_png(image)))
    state.fine_tune().classes = classes
    _changed()
