"""Pictures to look at, a page at a time, each with a few words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from visionlab.learning.projects.project import Project
from visionlab.learning.projects.rows import PictureInfo
from visionlab.ui.shared import cached
from visionlab.ui.shared.widgets import plain

PAGE = 24
TILE, THUMBNAIL = 112, 160  # pixels, as wide as it is shown and as it is kept: that of the project's other gallery
NAME = 16  # characters of a name that there is room for


def gallery(
    project: Project, pictures: Sequence[PictureInfo], words: Sequence[str], key: str, page: int = PAGE
) -> None:
    """Thumbnails of a project's pictures, each with its words, which may be anybody's, and its name; `page` at once."""

    def thumbnail(place: int) -> bytes:
        each = pictures[place]
        return cached.thumbnail(each.digest, THUMBNAIL, partial(project.load, each))

    paged(thumbnail, words, [each.name for each in pictures], key, page)


def paged(
    thumbnail: Callable[[int], bytes], words: Sequence[str], names: Sequence[str], key: str, page: int = PAGE
) -> None:
    """Tiles, `page` of them at once; thumbnail(place) is a JPEG file."""
    place, first = st.container(), 0
    if len(words) > page:
        pages = -(-len(words) // page)
        first = page * (st.pagination(pages, key=f"{key}-{pages}", max_visible_pages=5) - 1)
    shown = range(len(words))[first : first + page]
    with place:
        tiles([thumbnail(each) for each in shown], [words[each] for each in shown], [names[each] for each in shown])


def tiles(thumbnails: Sequence[bytes], words: Sequence[str], names: Sequence[str]) -> None:
    """Small pictures in rows, each with its words and its name, both anybody's."""
    with st.container(horizontal=True, gap="small"):
        for thumbnail, text, name in zip(thumbnails, words, names, strict=True):
            st.image(thumbnail, f"{plain(text)}  \n{plain(short(name))}", width=TILE, alt=name)


def short(name: str) -> str:
    """A name as long as a tile is wide."""
    return name if len(name) <= NAME else f"{name[: NAME // 2]}…{name[-NAME // 2 + 1 :]}"
