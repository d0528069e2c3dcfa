"""Before and after, the size at which the page works, and what there is to take away of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from visionlab.imaging.image import Image, encode_png
from visionlab.imaging.pipeline import Pipeline
from visionlab.ui.filters import batch, caches, chain, full_size, stages
from visionlab.ui.filters.editor import Editor, Step
from visionlab.ui.filters.stages import Shown
from visionlab.ui.shared import cached
from visionlab.ui.shared.components.compare import compare
from visionlab.ui.shared.components.kept_picture import digest_of, keep_picture
from visionlab.ui.shared.state import Picture
from visionlab.ui.shared.widgets import show_exact


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
    titles = "Before", f"After {', '.join(step.title for step in _up_to(found, large)) or 'no filter'}"
    if _same_shape(found, large):
        shape = original.shape[:2]
        compare(
            cached.picture_bytes(f"{picture.key}-{shape}", max(shape), original),
            caches.stage_jpeg(f"{after.key}-{image.shape}", image),
            shape=shape,
            titles=titles,
            enlarged=False,
            key="before-after",
            exact=_name(after),
        )
        return
    with st.container(horizontal=True, wrap=False, gap="small", key="pictures"):
        for title, shown, key in ((titles[0], original, picture.key), (titles[1], image, after.key)):
            with st.container():
                show_exact(caches.stage_png(f"{key}-{shown.shape}", shown), title)
                st.caption(title)


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


def _up_to(found: Work, large: Shown | None) -> list[Step]:
    """The steps that made the stage that is shown large."""
    return [stage.step for stage in found.shown[: found.shown.index(large) + 1]] if large else []


def size(found: Work) -> None:
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


def take_away(found: Work, large: Shown | None, pipeline: Pipeline) -> None:
    """The picture, the chain as code and as a file, and a zip of pictures put through it: at the size of the page."""
    with st.expander("Download, code, a zip of pictures", icon=":material/download:", key="take-away"):
        picture, code, files, many = st.tabs(
            [
                ":material/image: The picture",
                ":material/code: Python and shell",
                ":material/save: Save, open, share",
                ":material/folder_zip: A zip of pictures",
            ],
            key="take-away-tab",
            on_change="rerun",
        )
        with picture:
            _download(found, large)
        if code.open:  # what colours code takes a browser a third of a second to load
            with code:
                _show_code(found, pipeline)
        with files:
            chain.save_and_load(pipeline)
        with many:
            batch.zip_filter(pipeline, found.fit)


def _show_code(found: Work, pipeline: Pipeline) -> None:
    st.code(pipeline.to_python(found.fit), language="python", height=420)
    if any(stage.step.on for stage in found.shown):
        st.code(pipeline.to_shell(found.fit), language="bash", wrap_lines=True)
    how = f"shrink pictures to {found.fit:,} pixels first" if found.fit else "work at full size"
    st.caption(f"What is in pixels counts at the size at which you chose it: both {how}, as the page does.")


def _download(found: Work, large: Shown | None) -> None:
    if found.coming:
        st.caption("It is being worked out at full size. It can be downloaded when that is done.")
        return
    last = found.shown[-1] if found.shown else None
    _offer(found, last, "Download the picture", "filtered.png", "download-picture")
    if large is not last:  # one that was picked in the middle of the chain
        name = f"filtered-{large.place}-{large.step.name}.png"
        _offer(found, large, f"Download it after step {large.place}, {large.step.title}", name, "download-stage")
    total = stages.milliseconds(sum(stage.seconds for stage in found.shown))
    st.caption(f"The whole chain took {total}.")


def _offer(found: Work, stage: Shown | None, label: str, name: str, key: str) -> None:
    height, width = stage.size if stage else _original(found).shape[:2]
    st.download_button(
        f"{label}, {width:,} × {height:,} px",
        _png(found, stage),
        name,
        "image/png",
        icon=":material/download:",
        key=key,
        on_click="ignore",
    )


def _png(found: Work, stage: Shown | None) -> bytes | Callable[[], bytes]:
    """What a stage has made; a middle one at full size is worked out when it is asked for."""
    if not found.full:
        image = stage.after.image if stage else _original(found)
        return lambda: encode_png(image)
    if stage is found.shown[-1]:
        return found.full.png
    chain_to_it = Pipeline([(step.name, step.values) for step in _up_to(found, stage)])
    return lambda: encode_png(chain_to_it.run(found.whole.image))


def _original(found: Work) -> Image:
    return (found.picture if found.fit else found.whole).image
