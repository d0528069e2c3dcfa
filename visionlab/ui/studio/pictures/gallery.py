"""The pictures of a class, or of all, a page at a time; and one of them large."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial

import streamlit as st

from visionlab.learning.projects.project import PAGE, Project
from visionlab.learning.projects.rows import ClassInfo, PictureInfo
from visionlab.ui.shared import cached
from visionlab.ui.shared.components.gallery import Tile, gallery
from visionlab.ui.shared.page import told
from visionlab.ui.shared.undisturbed import attempt, follow, keep_followed
from visionlab.ui.shared.widgets import shown_width
from visionlab.ui.studio.pictures import one_class
from visionlab.wording import sized

THUMBNAIL = 160  # pixels
LARGE, TALL = 1000, 560
MATES = 12  # of its group that are shown beside a picture
OPENED = "opened-picture"


def show(
    project: Project,
    classes: Sequence[ClassInfo],
    pictures: Sequence[PictureInfo],
    class_id: int | None,
    key: str = "gallery",
    badges: Mapping[int, str] | None = None,
) -> None:
    """The pictures of that class, or of all, and every change of them. badges: what lies on each, by its id, instead of
    how many are alike."""
    shown = [each for each in pictures if class_id in (None, each.class_id)]
    sizes = Counter(each.group for each in pictures)
    alike = {each.id: f"{sizes[each.group]} alike" for each in shown if sizes[each.group] > 1}
    badges = badges or alike
    index = {each.id: number for number, each in enumerate(classes)}
    place = st.container()
    start = PAGE * (one_class.page_of(len(shown), PAGE, f"page-{key}-{project.id}-{class_id}") - 1)
    tiles = [
        Tile(
            str(each.id),
            each.name,
            cached.thumbnail(each.digest, THUMBNAIL, partial(project.load, each)),
            index[each.class_id],
            badges.get(each.id, ""),
            off=not each.enabled,
        )
        for each in shown[start : start + PAGE]
    ]

    def move(ids: list[str], to: int) -> None:
        attempt(project.move, [int(each) for each in ids], classes[to].id)

    def enable(ids: list[str], on: bool) -> None:
        attempt(project.enable, [int(each) for each in ids], on)

    def remove(ids: list[str]) -> None:
        attempt(project.remove, [int(each) for each in ids])

    with place:
        gallery(
            tiles,
            classes=[each.name for each in classes],
            shown=None if class_id is None else index[class_id],
            key=key,
            on_move=move,
            on_enable=enable,
            on_remove=remove,
            on_open=lambda identity: st.session_state.update({OPENED: int(identity)}),
        )
    opened = st.session_state.pop(OPENED, None)
    if opened is not None and (found := [each for each in pictures if each.id == opened]):
        _large(project, classes, found[0], [each for each in pictures if each.group == found[0].group])


@st.dialog("Picture", width="large")
def _large(project: Project, classes: Sequence[ClassInfo], picture: PictureInfo, group: Sequence[PictureInfo]) -> None:
    names = {each.id: each.name for each in classes}
    look, facts = st.columns([3, 2], gap="medium")
    with look, told():
        image = project.load(picture)
        st.image(cached.picture_bytes(picture.digest, LARGE, image), width=shown_width(image, TALL), alt=picture.name)
    with facts:
        st.text(picture.name)
        st.text(f"{names[picture.class_id]} · {picture.width} × {picture.height} px · {sized(picture.bytes)}")
        _mates(project, [each for each in group if each.id != picture.id])
        others = {key: name for key, name in names.items() if key != picture.class_id}
        to = f"move-to-{picture.id}"
        st.selectbox(
            "Move to", others, None, format_func=others.get, placeholder="Choose a class", key=to,
            on_change=attempt,
            args=(lambda: project.move([picture.id], st.session_state[to]),),
        )  # fmt: skip
        on = f"learn-from-{picture.id}"
        follow(on, lambda: project.picture(picture.id).enabled)
        st.toggle(
            "Learn from it",
            key=on,
            on_change=keep_followed,
            args=(on, lambda chosen: project.enable([picture.id], chosen)),
        )
        args = (project.remove, [picture.id])
        gone = st.button(
            "Remove from the project", icon=":material/delete:", key="remove-picture", on_click=attempt, args=args
        )
    if gone or st.session_state[to] is not None:
        st.rerun()  # which closes the dialog


def _mates(project: Project, mates: Sequence[PictureInfo]) -> None:
    """The others of a picture's group."""
    if not mates:
        return
    st.caption(f"In one group with {len(mates)} other{'s' * (len(mates) != 1)}, alike or of one burst:")
    with st.container(horizontal=True, gap="small"), told():
        for mate in mates[:MATES]:
            look = partial(project.load, mate)
            st.image(cached.thumbnail(mate.digest, THUMBNAIL, look), width=64, alt=mate.name)
