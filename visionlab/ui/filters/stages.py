"""The pictures of a chain of filters, at the size that the page works at: computed step by step, kept, and shown."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from visionlab.imaging.image import Image, middle
from visionlab.imaging.operations.frequencies import FOURIER
from visionlab.ui.filters import caches
from visionlab.ui.filters.editor import Step, current
from visionlab.ui.shared import cached
from visionlab.ui.shared.page import sentence
from visionlab.ui.shared.state import Picture
from visionlab.ui.shared.widgets import folded, show_exact

LONGEST = 1024  # pixels: what the page works on, unless at full size
MOST_PIXELS = 16_000_000  # of a stage on the page, where a chain enlarges
THUMBNAIL, SPECTRUM = 136, 320  # pixels
TALLEST = 2  # of a thumbnail's longer side to its shorter one: of a strip, the middle is enough to tell it by
THINNEST = 24  # of a picture's longer side to its shorter one, or it would be shown as a hair


@dataclass(frozen=True, eq=False)
class Shown:
    """A stage on the page: the step that it is of, what came in, and what came out; keys stand for them in caches.

    At full size what came in and out are as they are shown, shrunk; `size` is (height, width) of the whole.
    """

    place: int
    step: Step
    before: Picture
    after: Picture
    size: tuple[int, int]
    seconds: float


def at_work(picture: Picture) -> Picture:
    """The picture at the size that the page works on."""
    return Picture(picture.name, f"{picture.key}-{LONGEST}", cached.fitted(picture.key, LONGEST, picture.image))


def not_thin(image: Image) -> Image:
    """The picture, or a very long one with each row (or column) repeated, so that there is something to see."""
    height, width = image.shape[:2]
    repeats = max(height, width) // (THINNEST * min(height, width))
    return image if repeats < 2 else np.repeat(image, repeats, axis=int(width < height))


def stages(picture: Picture, steps: Iterable[Step]) -> list[Shown]:
    """The picture after each step that is on. A step that changes leaves those before it in the cache."""
    now, found = picture, []
    for place, step in enumerate(steps, 1):
        if not step.on:
            continue
        told = json.dumps([now.key, step.name, dict(step.values)])
        key = hashlib.sha256(told.encode()).hexdigest()
        stage = caches.filter_stage(key, step.name, step.values, now.image)
        after = Picture(step.title, key, stage.image)
        height, width = stage.image.shape[:2]
        found.append(Shown(place, step, now, after, (height, width), stage.seconds))
        if height * width > MOST_PIXELS:
            break  # as caution() says
        now = after
    return found


def caution(shown: list[Shown]) -> None:
    """A sentence where the page works no further than to the last stage, which is too large for more."""
    if shown and math.prod(shown[-1].size) > MOST_PIXELS:
        height, width = shown[-1].size
        sentence(
            f"After {shown[-1].step.title} the picture has {width:,} × {height:,} pixels, and the page stops here at "
            f"{MOST_PIXELS // 10**6} megapixels; enlarge less to see the rest."
        )


def spectra(shown: Iterable[Shown], rooms: Mapping[int, DeltaGenerator]) -> None:
    """Under each Fourier filter, the spectrum of what comes into it and what it takes out of that."""
    for stage in shown:
        if stage.step.name in FOURIER:
            key = f"spectrum-{stage.step.id}"
            with rooms[stage.step.id], folded("Its spectrum", ":material/graphic_eq:", key) as asked:
                if not asked:
                    continue
                image, values = stage.before.image, stage.step.values
                png = caches.spectrum_png(stage.after.key, stage.step.name, SPECTRUM, values, image)
                show_exact(png, f"The spectrum before {stage.step.title}", width=SPECTRUM * 3 // 4)
                st.caption(
                    "The spectrum of what comes in: slow waves in the middle, fast ones outside. Blue is taken out."
                )


def looked_at(shown: list[Shown]) -> Shown | None:
    """The stage that is to be large: the one that was picked, else the last."""
    step = current().looked_at
    return next((stage for stage in shown if stage.step.id == step), shown[-1] if shown else None)


def filmstrip(shown: list[Shown], large: Shown | None) -> None:
    """Each stage small; its button shows it large, and says the time that it took."""
    with st.container(horizontal=True, gap="small", key="filmstrip"):
        for stage in shown:
            with st.container(width=THUMBNAIL, gap="xsmall"):
                title, one = stage.step.title, stage.step.id
                image = np.ascontiguousarray(middle(not_thin(stage.after.image), TALLEST))
                thumbnail = cached.picture_bytes(f"{stage.after.key}-{image.shape}", THUMBNAIL * 2, image)
                st.image(thumbnail, width="stretch", alt=f"Stage {stage.place}: {title}")
                st.button(
                    f"{stage.place} · {title}",
                    key=f"look-{one}",
                    type="primary" if stage is large else "secondary",
                    help=f"Show this stage large. It took {milliseconds(stage.seconds)}.",
                    on_click=current().look_at,
                    args=(one,),
                    width="stretch",
                )


def milliseconds(seconds: float) -> str:
    """A time as people read it: 0.4 ms, 12 ms, 1,200 ms."""
    return f"{1000 * seconds:,.1f} ms" if seconds < 0.01 else f"{1000 * seconds:,.0f} ms"
