"""A card a class: its name, its pictures, and what brings more of them: files, and a camera of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from html import escape

import streamlit as st

from visionlab.imaging.image import MAX_BYTES
from visionlab.learning.projects.project import Project
from visionlab.learning.projects.rows import ClassInfo, PictureInfo
from visionlab.ui.shared import cached
from visionlab.ui.shared.components.burst import burst
from visionlab.ui.shared.components.gallery import address
from visionlab.ui.shared.undisturbed import attempt
from visionlab.ui.shared.widgets import icon_button, icon_only, plain
from visionlab.ui.studio.pictures import arrivals, intake, one_class
from visionlab.ui.studio.projects import LONGEST_NAME
from visionlab.ui.studio.uploads import of_class, uploader

THUMBNAIL = 96  # pixels, of which half as many are shown
WHOLE_SETS = "Or all classes at once: a folder, a zip, a ready-made set"
BEGIN = "Drop about twenty pictures here, choose files, or record them."
SHOWN = 12  # pictures of a class: the latest ones


@dataclass(frozen=True)
class Card:
    """A class, or a place for one while there is no project. place: what its widgets are known by."""

    place: str
    name: str
    count: int = 0
    enabled: bool = True
    class_id: int | None = None


# Gives the project, which it makes where there is none, and the name of the card's class in it, which may be a new one.
Into = Callable[[str | None], tuple[Project, str]]


def cards_of(project: Project, classes: Sequence[ClassInfo]) -> list[Card]:
    return [
        Card(one_class.place_of(project.id, each.id), each.name, each.count, each.enabled, each.id) for each in classes
    ]


def show(card: Card, into: Into, project: Project | None = None, pictures: Sequence[PictureInfo] = ()) -> None:
    """One card; pictures are those of its class, the oldest first."""
    with st.container(border=True, gap="xsmall", key=f"card-{card.place}"):
        _heading(card, into, project)
        with st.container(key=f"row-{card.place}"):  # of one height, so that what is below stays where it is
            if project is None or card.class_id is None or not arrivals.watch_class(project, card.class_id):
                _strip(card, project, pictures[: -SHOWN - 1 : -1])
        with st.container(horizontal=True, gap="small", key=f"ways-{card.place}"):
            uploader(
                f"Pictures of {plain(card.name)}",
                of_class(card.place),
                lambda files: intake.take_pictures(partial(into, None), files, WHOLE_SETS),
                type=None,  # what is no picture is told by its name, and pictures without an ending come in
                accept_multiple_files=True,
                max_upload_size=MAX_BYTES >> 20,
                label_visibility="collapsed",
            )
            burst(
                key=f"burst-{card.place}",
                on_batch=lambda batch: attempt(intake.take_batch, partial(into, None), card.place, batch),
                label="Camera",
            )
        with st.container():  # also where it holds nothing: a camera stays on where it is
            if project is not None and card.class_id is not None:
                arrivals.show_class(project, card.class_id, of_class(card.place), card.count, WHOLE_SETS)
            else:
                arrivals.show_refused(of_class(card.place), WHOLE_SETS)


def _heading(card: Card, into: Into, project: Project | None) -> None:
    # By its name, too: of a class that was named elsewhere, a browser that is not yet told holds the former name.
    key = f"class-name-{card.place}-{card.name}"
    if st.session_state.get(key, card.name) != card.name:  # else what is being typed there would be lost
        st.session_state[key] = card.name

    def rename() -> None:
        if st.session_state[key] != card.name:
            into(st.session_state[key])

    heading = {"horizontal": True, "wrap": False, "vertical_alignment": "center", "gap": "xsmall"}
    with st.container(**heading, key=f"heading-{card.place}"):
        st.text_input(
            "Name of the class",
            card.name,  # with which a browser draws the field whenever it does
            key=key,
            max_chars=LONGEST_NAME,
            label_visibility="collapsed",
            on_change=attempt,
            args=(rename,),
        )
        if project is None or card.class_id is None:
            return
        st.caption(f"{card.count:,}" if card.enabled else f"{card.count:,} · off", width="content")
        icon_button(
            f"see-{card.place}",
            "photo_library",
            f"See the pictures of {plain(card.name)}",
            _see,
            project,
            card.class_id,
            help="See its pictures: sort, switch off, remove",
        )
        # In two places, one after the other: the next card comes to where this one was.
        options = {
            "icon": ":material/close:",
            "type": "tertiary",
            "help": "Remove the class",
            "key": f"ask-{card.place}",
        }
        with icon_only(f"remove-{card.place}").popover(f"Remove {plain(card.name)} …", **options):
            st.button(
                f"Remove “{plain(card.name)}” with its pictures",
                icon=":material/delete:",
                key=f"remove-{card.place}",
                on_click=attempt,
                args=(project.remove_class, card.class_id),
            )
            st.caption("It can be undone.")


def _see(project: Project, class_id: int) -> None:
    st.session_state["step"] = "Pictures"
    st.session_state[one_class.looked_at(project)] = class_id


def _strip(card: Card, project: Project | None, pictures: Sequence[PictureInfo]) -> None:
    """The pictures in a row that is slid, the latest first."""
    if project is None or not pictures:
        st.html(f'<div class="strip empty">{BEGIN}</div>')
        return
    looks = [(each, partial(project.load, each)) for each in pictures]
    shown = "".join(
        f'<img src="{address(cached.thumbnail(each.digest, THUMBNAIL, look), f"{card.place}/{each.id}")}" '
        f'alt="{escape(each.name)}" title="{escape(each.name)}"{"" if each.enabled else " class=off"}>'
        for each, look in looks
    )
    st.html(f'<div class="strip" tabindex="0" role="group" aria-label="Pictures">{shown}</div>')
