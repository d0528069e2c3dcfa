"""Typed access to what the session remembers for all pages.

What one page alone remembers stands in its room, and the key of a widget that nobody else asks where it is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from visionlab.imaging.image import Image, load_image

SAMPLE = "sample"  # the widget that says which picture is looked at; a sample's name is in the link, too
YOURS = "yours"
SECOND = "second"  # the widget that says which picture is compared with it; a sample's name is in the link, too
NETWORK = "network"  # the widget that says which network is at work; its title is in the link, too
ASKED = "ask"  # in a link from another page: the name of the network that is to be at work, whatever was picked before
GALLERY, GALLERY_BYTES = 24, 48 << 20  # uploads that a session remembers, and of how many bytes, as they came
HEAD = "head"  # in the link: which own head is at work
PROJECT = "project"  # in the link: the id of a project of the fine-tuning studio
RUN = "run"  # in the link: which of its runs is looked at


@dataclass(frozen=True, eq=False)
class Picture:
    """The picture that all pages work on. key is the SHA-256 of what was uploaded, or the sample's name."""

    name: str
    key: str
    image: Image


def restore_choice(options: Sequence[str]) -> None:
    """Before the widget is drawn: what was chosen on another page, else what the link says, else the first option."""
    wanted = st.session_state.get(SAMPLE) or st.session_state.get("chosen_sample")
    if wanted is None:
        wanted = linked_once(SAMPLE)
        if wanted not in (None, *options):
            st.session_state["missed_picture"] = wanted
    st.session_state[SAMPLE] = wanted if wanted in options else options[0]


def missed_picture() -> str | None:
    """What the link asks for in vain, until another picture is chosen or another page is opened: YOURS, or the name of
    no sample."""
    return st.session_state.get("missed_picture")


def remember_choice(picked: str) -> None:
    """After it is drawn: for other pages, and for the link."""
    if st.session_state.get("chosen_sample") not in (None, picked):
        st.session_state.pop("missed_picture", None)
    st.session_state["chosen_sample"] = picked
    keep_in_link(SAMPLE, picked)


def restore_second(options: Sequence[str]) -> None:
    """Before the widget is drawn, and after the link: the picture that was chosen to compare with, else none."""
    if SECOND not in st.session_state:
        st.session_state[SECOND] = st.session_state.get("chosen_second", "")
    if st.session_state[SECOND] not in options:  # it has become the first, or is of another session
        st.session_state[SECOND] = ""


def remember_second(picked: str, in_link: bool) -> None:
    """After it is drawn: for when one comes back to the page, and for the link."""
    st.session_state["chosen_second"] = picked
    if in_link:
        st.query_params[SECOND] = picked
    else:
        st.query_params.pop(SECOND, None)


def no_second() -> None:
    """In a widget's callback: something else has been chosen to compare with."""
    st.session_state[SECOND] = ""


def uploaded() -> Picture | None:
    return st.session_state.get("uploaded")


def picture_key() -> str | None:
    """The key of the picture that all pages work on, as it was chosen last; None before."""
    chosen, mine = st.session_state.get("chosen_sample"), uploaded()
    return mine.key if chosen == YOURS and mine else chosen


def keep_upload(picture: Picture, encoded: bytes) -> None:
    """It becomes the picture of all pages; encoded, its file, is kept when the next one comes."""
    st.session_state["uploaded"] = picture
    st.session_state.pop("missed_picture", None)
    st.session_state[SAMPLE] = st.session_state["chosen_sample"] = YOURS  # the former is lost where no bar is drawn
    gallery = st.session_state.setdefault("gallery", {})
    gallery.pop(picture.key, None)
    gallery[picture.key] = (picture.name, encoded)
    while len(gallery) > GALLERY or (len(gallery) > 1 and _bytes_of(gallery) > GALLERY_BYTES):
        del gallery[next(iter(gallery))]


def gallery() -> dict[str, str]:
    """{key: name} of the pictures uploaded so far, the oldest first."""
    return {key: name for key, (name, _) in st.session_state.get("gallery", {}).items()}


def from_gallery(key: str) -> Picture:
    """One of them, the very same pixels as when it came."""
    mine = uploaded()
    if mine and mine.key == key:
        return mine
    name, encoded = st.session_state["gallery"][key]
    return Picture(name, key, load_image(encoded))


def _bytes_of(gallery: Mapping[str, tuple[str, bytes]]) -> int:
    return sum(len(encoded) for _, encoded in gallery.values())


def choose_upload(key: str) -> None:
    """An earlier upload becomes the picture again."""
    st.session_state["uploaded"] = from_gallery(key)


def taken_uploads() -> set[str]:
    """The files of the uploader that have been taken in, by the ids that Streamlit gave them."""
    return st.session_state.get("taken_uploads", set())


def keep_taken_uploads(ids: set[str]) -> None:
    st.session_state["taken_uploads"] = ids


def is_news_of_refused(stamp: float | None) -> bool:
    """Whether that was not known: when the browser refused files last."""
    news = stamp != st.session_state.get("refused_uploads")
    st.session_state["refused_uploads"] = stamp
    return news


def turn_to(page: str) -> None:
    """Another page than before has nothing to say of what was refused on that one, or was asked for there in vain."""
    st.session_state["just_turned"] = st.session_state.get("page") != page
    if just_turned():
        st.session_state["page"] = page
        st.session_state.pop("upload_error", None)
        st.session_state.pop("missed_picture", None)


def just_turned() -> bool:
    """Whether this run is the first on its page, come from another: what its link asks for is new then."""
    return st.session_state.get("just_turned", False)


def upload_error(at: str | None = None) -> str | None:
    """What could not be used of what came in last, if that came there."""
    where, text = st.session_state.get("upload_error", (None, None))
    return text if where == at else None


def keep_upload_error(text: str | None, at: str | None = None) -> None:
    st.session_state["upload_error"] = (at, text)


def restore_network(titles: Mapping[str, str]) -> None:
    """Before the widget is drawn, whose options these are: what a person picked on whichever page, or the link says,
    else the first.
    """
    drawn, held = st.session_state.get("drawn_network"), st.session_state.get(NETWORK)
    if drawn is None:
        picked = _linked_network(titles)
    elif held not in (None, drawn):  # not told by the widget's callback: a run that overtakes it loses the call
        picked = held
    else:
        picked = st.session_state.get("picked_network")
    st.session_state["picked_network"] = picked
    st.session_state[NETWORK] = picked if picked in titles else next(iter(titles))


def wanted_network(titles: Mapping[str, str]) -> str | None:
    """Where no widget is drawn: which of these a person picked on another page, or the link names; kept in the link,
    and for the pages that follow."""
    if st.session_state.get("drawn_network") is None and (linked := _linked_network(titles)):
        st.session_state["picked_network"] = st.session_state["drawn_network"] = linked
    wanted = st.session_state.get("picked_network")
    if wanted not in titles:
        return None
    keep_in_link(NETWORK, titles[wanted])
    return wanted


def _linked_network(titles: Mapping[str, str]) -> str | None:
    linked = st.query_params.get(NETWORK) or st.query_params.pop("model", None)  # as the shell calls it
    found = next((name for name, title in titles.items() if linked in (name, title)), None)
    if linked:
        st.session_state["unknown_network"] = linked if found is None else None
        st.session_state["unknown_head"] = st.query_params.get(HEAD) if found is None else None
    return found


def unknown_network() -> str | None:
    """What the link calls a network that is not among those that a page offers; None once a person has picked one."""
    picked = st.session_state.get("picked_network")
    return st.session_state.get("unknown_network") if picked is None else None


def asked_of_another() -> bool:
    """Whether what a link says of an answer was asked of another picture or network than what is shown instead."""
    return missed_picture() is not None or unknown_network() is not None


def pick_asked_network(titles: Mapping[str, str]) -> None:
    """Before the widget is drawn: the network that a link of another page asks for, once, as if it had been picked."""
    if (asked := st.query_params.pop(ASKED, None)) in titles:
        pick_network(asked)


def pick_network(name: str) -> None:
    """As if a person had picked it; before the widget is drawn."""
    for key in ("picked_network", "drawn_network", NETWORK):
        st.session_state[key] = name


def remember_network(name: str, title: str) -> None:
    """After it is drawn: for other pages, and what was picked for the link, too; what that names in vain stays in it,
    to be told again after a reload."""
    st.session_state["drawn_network"] = name
    keep_in_link(NETWORK, title if name == st.session_state["picked_network"] else unknown_network())


def linked_once(name: str) -> str | None:
    """What the link that the session began with says of that, the first time that it is asked for, else None.

    For what depends on the picture or the network, and is not to follow a person to another one.
    """
    asked = st.session_state.setdefault("asked_of_link", set())
    if name in asked:
        return None
    asked.add(name)
    return st.query_params.get(name)


def keep_in_link(name: str, value: str | None) -> None:
    """None: it is as usual, and the link says nothing of it."""
    if value is None:
        st.query_params.pop(name, None)
    else:
        st.query_params[name] = value


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
