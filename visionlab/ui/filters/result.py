"""Before and after, also pixel by pixel, and the size at which the page works."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

import numpy as np
import streamlit as st

from visionlab.imaging.image import Image
from visionlab.ui.filters import caches, full_size, stages
from visionlab.ui.filters.editor import Editor, Step
from visionlab.ui.filters.stages import Shown
from visionlab.ui.shared import cached
from visionlab.ui.shared.components.compare import Part, compare, looked_at
from visionlab.ui.shared.components.kept_picture import digest_of, keep_picture
from visionlab.ui.shared.state import Picture
from visionlab.ui.shared.widgets import show_exact

COMPARED = "before-after"  # the component that shows both


@dataclass(frozen=True, eq=False)
class Work:
    """What the page has made of the picture: its stages, at the size that `fit` says (None: full size).

    `full` is the finished work at full size; `coming` is the key of such work that is not there yet, and the stages are
    those of the smaller picture until then.
    """

    whole: Picture
    picture: Picture
    shown: list[Shown]
    fit: int | None
    coming: str | None = None
    full: full_size.Result | None = None


def work(whole: Picture, editor: Editor, on_its_way: bool) -> Work:
    """The picture after each step, at the size that was chosen; a slider on its way is followed at the small one."""
    picture = stages.at_work(whole)
    at_full_size = full_size.wanted()
    if not at_full_size or picture.image.shape == whole.image.shape:
        return Work(whole, picture, stages.stages(picture, editor.steps), None if at_full_size else stages.LONGEST)
    pipeline = editor.pipeline()
    on = [step for step in editor.steps if step.on]
    told = json.dumps([whole.key, [(step.name, dict(step.values)) for step in on]])
    key = hashlib.sha256(told.encode()).hexdigest()
    if not on:
        return Work(whole, picture, [], None)
    full = full_size.find(whole, pipeline, key, begin=not on_its_way)
    if full is None:
        return Work(whole, picture, stages.stages(picture, editor.steps), None, coming=key)
    before, shown = picture, []
    places = [place for place, step in enumerate(editor.steps, 1) if step.on]
    for place, step, part in zip(places, on, full.parts, strict=True):
        after = Picture(step.title, f"{key}-{place}", part.shown)
        shown.append(Shown(place, step, before, after, part.size, part.seconds))
        before = after
    return Work(whole, picture, shown, None, full=full)


def before_and_after(found: Work, large: Shown | None) -> None:
    """One over the other with a line between them; side by side where a step has changed the picture's shape.

    The one after comes as a JPEG, which is there at once; exactly() sends it pixel by pixel.
    """
    picture, after = found.picture, large.after if large else found.picture
    image, original = stages.not_thin(after.image), stages.not_thin(picture.image)
    titles = "Before", f"After {', '.join(step.title for step in up_to(found, large)) or 'no filter'}"
    if _same_shape(found, large):
        shape = original.shape[:2]
        exact = _pixel_by_pixel(found, large)
        compare(
            cached.picture_bytes(f"{picture.key}-{shape}", max(shape), original),
            caches.stage_jpeg(f"{after.key}-{image.shape}", image),
            shape=shape,
            titles=titles,
            enlarged=False,
            key=COMPARED,
            exact=_name(after),
            whole=exact and exact[0].shape[:2],
            part=exact and _part(picture.key, after.key, *exact),
        )
        return
    with st.container(horizontal=True, wrap=False, gap="small", key="pictures"):
        for title, shown, key in ((titles[0], original, picture.key), (titles[1], image, after.key)):
            with st.container():
                show_exact(caches.stage_png(f"{key}-{shown.shape}", shown), title)
                st.caption(title)


def _pixel_by_pixel(found: Work, large: Shown | None) -> tuple[Image, Image] | None:
    """Before and after with all their pixels, where these are at hand: of full size that is the last stage."""
    if found.full is None:
        before, after = found.picture.image, (large.after if large else found.picture).image
    elif large is found.shown[-1]:
        before, after = found.whole.image, caches.whole(large.after.key, found.full.png)
    else:
        return None
    return (before, after) if stages.not_thin(before) is before else None


def _part(before_key: str, after_key: str, before: Image, after: Image) -> Part | None:
    """Of both, what somebody looks at pixel by pixel."""
    look = looked_at(COMPARED)
    if look is None:
        return None
    box = look.box(*before.shape[:2])
    rows, columns = box
    told = f"{before.shape}, {rows.start}:{rows.stop}, {columns.start}:{columns.stop}"
    return Part(
        look,
        caches.stage_jpeg(f"{before_key}, {told}", np.ascontiguousarray(before[box]), 95),
        caches.stage_png(f"{after_key}, {told}", np.ascontiguousarray(after[box])),
        rows.start,
        columns.start,
    )


def exactly(found: Work, large: Shown | None) -> None:
    """The picture after, every pixel kept, in the place of what before_and_after() has shown at first."""
    if _same_shape(found, large):
        after = large.after if large else found.picture
        image = stages.not_thin(after.image)
        keep_picture(caches.stage_png(f"{after.key}-{image.shape}", image), "exact-after", _name(after))


def _same_shape(found: Work, large: Shown | None) -> bool:
    return large is None or large.size in (found.picture.image.shape[:2], found.whole.image.shape[:2])


def _name(after: Picture) -> str:
    """What the picture after is kept under by the browser."""
    return digest_of(after.key.encode())


def up_to(found: Work, large: Shown | None) -> list[Step]:
    """The steps that made the stage that is shown large."""
    return [stage.step for stage in found.shown[: found.shown.index(large) + 1]] if large else []


def size(found: Work, large: Shown | None) -> None:
    """At what size the page works, and the switch for it."""
    height, width = found.whole.image.shape[:2]
    small = found.picture.image.shape[:2]
    whole = f"{width:,} × {height:,} px"
    with st.container(horizontal=True, wrap=False, vertical_alignment="center", key="size"):
        if small == (height, width):
            told = f"Worked on at {whole}, all that the picture has."
        elif found.fit:
            told = f"Worked on at {small[1]:,} × {small[0]:,} of {width:,} × {height:,} px."
        elif found.coming:
            told = f"This is {small[1]:,} × {small[0]:,} px, until {width:,} × {height:,} is ready."
        else:
            told = f"Worked on at its full size, {whole}, and shown smaller."
            if large is found.shown[-1]:
                told = f"Worked on at its full size, {whole}: “1 : 1” shows single pixels."
        st.caption(told, width="stretch")
        st.toggle(
            "At full size",
            width="content",
            key=full_size.SWITCH,
            bind="query-params",
            persist_state="session",
            help=f"Otherwise the page, its code, its downloads and its zip work on at most {stages.LONGEST:,} pixels a "
            "side, so that the result follows your sliders. What is in pixels, such as a blur’s sigma, reaches less "
            "far in a larger picture.",
        )
    if found.coming:
        full_size.progress(found.coming, [stage.step.name for stage in found.shown])
