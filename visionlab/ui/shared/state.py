"""Typed access to what the session remembers. Only this module knows the keys."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import streamlit as st

from visionlab.imaging.image import Image, load_image
from visionlab.learning.heads.head import Head

if TYPE_CHECKING:
    from visionlab.imaging.kernels import Kernel
    from visionlab.ui.convolution.response_settings import Settings

SAMPLE = "sample"  # the widget that says which picture is looked at; a sample's name is in the link, too
YOURS = "yours"
NETWORK = "network"  # the widget that says which network is at work; its title is in the link, too
GALLERY = 24  # uploads that a session remembers
COUNT = "count"  # the widget that says how many classes are listed, and how many are where nobody chose
USUAL_COUNT = 5
PROJECT = "project"  # in the link: the id of a project of the fine-tuning studio


@dataclass(frozen=True, eq=False)
class Picture:
    """The picture that all pages work on. key is the SHA-256 of what was uploaded, or the sample's name."""

    name: str
    key: str
    image: Image


@dataclass(frozen=True, eq=False)
class TrainedHead:
    """The head that this session trained or opened last; key is the SHA-256 of its file."""

    key: str
    head: Head


def restore_choice(options: Sequence[str]) -> None:
    """Before the widget is drawn: what was chosen on another page, else what the link says, else the first option."""
    wanted = st.session_state.get(SAMPLE) or st.session_state.get("chosen_sample") or st.query_params.get(SAMPLE)
    st.session_state[SAMPLE] = wanted if wanted in options else options[0]


def remember_choice(picked: str) -> None:
    """After it is drawn: for other pages, and a sample for the link, too."""
    st.session_state["chosen_sample"] = picked
    if picked == YOURS:
        st.query_params.pop(SAMPLE, None)
    else:
        st.query_params[SAMPLE] = picked


def uploaded() -> Picture | None:
    return st.session_state.get("uploaded")


def keep_upload(picture: Picture, encoded: bytes) -> None:
    """It becomes the picture of all pages; encoded, a picture file, is what is kept of it when the next one comes."""
    st.session_state["uploaded"] = picture
    gallery = st.session_state.setdefault("gallery", {})
    gallery.pop(picture.key, None)
    gallery[picture.key] = (picture.name, encoded)
    while len(gallery) > GALLERY:
        del gallery[next(iter(gallery))]


def gallery() -> dict[str, str]:
    """{key: name} of the pictures uploaded so far, the oldest first."""
    return {key: name for key, (name, _) in st.session_state.get("gallery", {}).items()}


def from_gallery(key: str) -> Picture:
    """One of them, as large as it was kept."""
    name, encoded = st.session_state["gallery"][key]
    return Picture(name, f"{key}-kept", load_image(encoded))


def choose_upload(key: str) -> None:
    """An earlier upload becomes the picture again."""
    mine = uploaded()
    if mine is None or mine.key != key:
        st.session_state["uploaded"] = replace(from_gallery(key), key=key)


def taken_uploads() -> set[str]:
    """The files of the uploader that have been taken in, by the ids that Streamlit gave them."""
    return st.session_state.get("taken_uploads", set())


def keep_taken_uploads(ids: set[str]) -> None:
    st.session_state["taken_uploads"] = ids


def upload_error() -> str | None:
    return st.session_state.get("upload_error")


def keep_upload_error(text: str | None) -> None:
    st.session_state["upload_error"] = text


def restore_network(titles: Mapping[str, str]) -> None:
    """Before the widget is drawn, whose options these are: what a person picked on whichever page, or the link says,
    else the first.
    """
    drawn, held = st.session_state.get("drawn_network"), st.session_state.get(NETWORK)
    if drawn is None:
        linked = st.query_params.get(NETWORK)
        picked = next((name for name, title in titles.items() if linked in (name, title)), None)
    elif held not in (None, drawn):  # not told by the widget's callback: a run that overtakes it loses the call
        picked = held
    else:
        picked = st.session_state.get("picked_network")
    st.session_state["picked_network"] = picked
    st.session_state[NETWORK] = picked if picked in titles else next(iter(titles))


def remember_network(name: str, title: str) -> None:
    """After it is drawn: for other pages, and what was picked for the link, too."""
    st.session_state["drawn_network"] = name
    if name == st.session_state["picked_network"]:
        st.query_params[NETWORK] = title
    else:
        st.query_params.pop(NETWORK, None)


def restore_count(most: int) -> None:
    """Before the widget is drawn: as many as a person wanted to see, of as many as this network has.

    Only the first time the widget reads the link itself.
    """
    held, drawn = st.session_state.get(COUNT), st.session_state.get("drawn_count")
    if drawn is None:
        return
    if held not in (None, drawn):
        st.session_state["wanted_count"] = held
    st.session_state[COUNT] = min(st.session_state["wanted_count"], most)


def remember_count(count: int, most: int) -> None:
    """After it is drawn."""
    if "drawn_count" not in st.session_state:  # all of a few are no sign that a person wants to see no more than these
        st.session_state["wanted_count"] = count if count < most else max(count, USUAL_COUNT)
    st.session_state["drawn_count"] = count


@dataclass(frozen=True, eq=False)
class KernelEdit:
    """Weights that the user wrote over those of the kernel of that name. version counts up, so that a table shown for
    one version ends with it."""

    name: str
    weights: tuple[tuple[float, ...], ...]
    version: int


def kernel_edit(name: str) -> KernelEdit | None:
    edit = st.session_state.get("kernel_edit")
    return edit if edit and edit.name == name else None


def kernel_version() -> int:
    return st.session_state.get("kernel_version", 0)


def edit_kernel(name: str, weights: Sequence[Sequence[float]]) -> None:
    """These weights take the place of the kernel's own, in a table of their own."""
    reset_kernel()
    rows = tuple(tuple(float(value) for value in row) for row in weights)
    st.session_state["kernel_edit"] = KernelEdit(name, rows, kernel_version())


def reset_kernel() -> None:
    """The kernel as it was, in a new table."""
    st.session_state["kernel_version"] = kernel_version() + 1
    st.session_state.pop("kernel_edit", None)
    st.query_params.pop("weights", None)


def keep_shown(key: str, kernel: Kernel, settings: Settings) -> None:
    """Remember what the Convolution page shows of the picture of that key."""
    st.session_state["shown"] = (key, kernel, settings)


def last_shown(key: str) -> tuple[Kernel, Settings] | None:
    """The kernel and the settings that were shown last, if they were so of this picture."""
    shown = st.session_state.get("shown")
    return shown[1:] if shown and shown[0] == key else None


def linked_square() -> tuple[int, int, int] | None:
    """Where the link says that the lab's square is: left, top, side in pixels; None where it says nothing usable."""
    parts = st.query_params.get("square", "").split(",")
    return tuple(map(int, parts)) if len(parts) == 3 and all(part.isdecimal() for part in parts) else None


def link_square(square: tuple[int, int, int] | None) -> None:
    if square:
        st.query_params["square"] = ",".join(map(str, square))


def forget_square() -> None:
    st.query_params.pop("square", None)


@dataclass(frozen=True)
class Spot:
    """Where in a network one looks: a layer, a channel of it, a unit (row, column) of that; None: not chosen."""

    layer: str | None = None
    channel: int | None = None
    unit: tuple[int, int] | None = None


def spot() -> Spot:
    """What this session looks at, or what the link says; what the link says of it that is no number is left out."""
    if "spot" in st.session_state:
        return st.session_state["spot"]
    channel = st.query_params.get("channel", "")
    unit = st.query_params.get("unit", "").split(",")
    return Spot(
        st.query_params.get("layer"),
        int(channel) if channel.isdecimal() else None,
        (int(unit[0]), int(unit[1])) if len(unit) == 2 and all(part.isdecimal() for part in unit) else None,
    )


def look_at(spot: Spot) -> None:
    st.session_state["spot"] = spot
    unit = ",".join(map(str, spot.unit)) if spot.unit else None
    for name, value in {"layer": spot.layer, "channel": spot.channel, "unit": unit}.items():
        if value is None:
            st.query_params.pop(name, None)
        else:
            st.query_params[name] = str(value)


def trained_head() -> TrainedHead | None:
    return st.session_state.get("trained_head")


def keep_head(head: Head, run: str | None = None) -> None:
    """The head becomes a network of this session, on every page; that of a run only when it is first seen."""
    if run is None or st.session_state.get("kept_run") != run:
        st.session_state["kept_run"] = run or st.session_state.get("kept_run")
        st.session_state["trained_head"] = TrainedHead(hashlib.sha256(head.to_bytes()).hexdigest(), head)


def head_error() -> str | None:
    return st.session_state.get("head_error")


def keep_head_error(text: str | None) -> None:
    st.session_state["head_error"] = text


def project_id() -> str | None:
    """The project that the link names, else the one that this session worked on last."""
    return st.query_params.get(PROJECT) or st.session_state.get(PROJECT)


def keep_project(project_id: str) -> None:
    """It becomes the project of this session, and of the link."""
    st.query_params[PROJECT] = st.session_state[PROJECT] = project_id


def forget_project() -> None:
    st.query_params.pop(PROJECT, None)
    st.session_state.pop(PROJECT, None)


def keep_problem(text: str) -> None:
    """What a callback could not do, to be told once by the run that follows."""
    st.session_state["problem"] = text


def take_problem() -> str | None:
    return st.session_state.pop("problem", None)
