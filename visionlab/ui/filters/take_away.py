"""What there is to take away: the picture, the chain as code and as a file, a zip of pictures put through it."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from visionlab.imaging.image import JPEG_SIDE, MAX_BYTES, Image
from visionlab.imaging.pipeline import Pipeline
from visionlab.learning.answers.filtering import FORMATS
from visionlab.ui.filters import batch, caches, chain, stages
from visionlab.ui.filters.result import Work, up_to
from visionlab.ui.filters.stages import Shown
from visionlab.ui.shared.widgets import file_name
from visionlab.wording import sized


def show(found: Work, large: Shown | None, pipeline: Pipeline) -> None:
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
    st.caption(
        f"What is in pixels counts at the size at which you chose it: both {how}, as the page does. In Python your "
        "filters come first; all after them reads files of any kind as this page does."
    )


def _download(found: Work, large: Shown | None) -> None:
    if found.coming:
        st.caption("It is being worked out at full size. It can be downloaded when that is done.")
        return
    form = st.segmented_control("As", list(FORMATS), default="PNG", required=True, key="picture-form")
    last = found.shown[-1] if found.shown else None
    _offer(found, last, form, "Download the picture", "filtered", "download-picture")
    if large is not last:  # one that was picked in the middle of the chain
        label = f"Download it after step {large.place}, {large.step.title}"
        _offer(found, large, form, label, f"filtered, step {large.place}", "download-stage")
    total = stages.milliseconds(sum(stage.seconds for stage in found.shown))
    st.caption(f"{_of_formats(found)} The whole chain took {total}.")


def _of_formats(found: Work) -> str:
    """What the one and the other is good for; what is too large to be opened here again."""
    told = "PNG keeps every pixel; JPEG is smaller with photographs, and nearly exact."
    if found.full and len(found.full.png) > MAX_BYTES:
        size = sized(len(found.full.png))
        told += f" This PNG has {size}, and visionlab opens files of at most {MAX_BYTES >> 20} MB."
    return told


def _offer(found: Work, stage: Shown | None, form: str, label: str, what: str, key: str) -> None:
    height, width = stage.size if stage else _original(found).shape[:2]
    ending, encode = FORMATS[form]
    label = f"{label}, {width:,} × {height:,} px"
    if form == "JPEG" and max(height, width) > JPEG_SIDE:
        st.caption(f"{label}: a JPEG is at most {JPEG_SIDE:,} pixels a side. Take the PNG.")
        return
    st.download_button(
        label,
        _encoded(found, stage, form, encode),
        file_name(found.whole.name, what, ending),
        f"image/{form.lower()}",
        icon=":material/download:",
        key=key,
        on_click="ignore",
    )


def _encoded(
    found: Work, stage: Shown | None, form: str, encode: Callable[[Image], bytes]
) -> bytes | Callable[[], bytes]:
    """What a stage has made; a middle one at full size is worked out when it is asked for."""
    if not found.full:
        image = stage.after.image if stage else _original(found)
        return lambda: encode(image)
    if stage is not found.shown[-1]:
        chain_to_it = Pipeline([(step.name, step.values) for step in up_to(found, stage)])
        return lambda: encode(chain_to_it.run(found.whole.image))
    png, key = found.full.png, stage.after.key
    return png if form == "PNG" else lambda: encode(caches.whole(key, png))


def _original(found: Work) -> Image:
    return (found.picture if found.fit else found.whole).image
