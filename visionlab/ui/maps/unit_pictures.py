"""One unit in three pictures: what it sees, which of those pixels move it, and what it looks for."""

from __future__ import annotations

import cv2
import numpy as np
import streamlit as st

from visionlab.imaging.image import Image, encode_png
from visionlab.imaging.render import signed_overlay
from visionlab.network.inside.sensitivity import Sensitivity
from visionlab.network.inside.trace import Box
from visionlab.ui.maps import caches, wanted
from visionlab.ui.maps.look import Look
from visionlab.ui.maps.state import Spot
from visionlab.ui.shared.page import roomy_columns
from visionlab.ui.shared.terms import term
from visionlab.ui.shared.widgets import show_exact

SHARP = 360  # pixels: what is smaller is enlarged by whole factors up to about so many
FULL = 99.5  # the percentile of a gradient's sizes that is at full colour: a few pixels would pale all others
ORANGE = (224, 138, 30)


def show(look: Look, spot: Spot, box: Box) -> None:
    view = look.net.transform.at(look.side_of(spot.layer)).view(look.picture.image)
    sees, moves, wants = roomy_columns(3, "unit")
    with sees:
        st.markdown("**It sees**", help=term("receptive field"))
        show_exact(encode_png(framed(view, box)), "What the unit sees of the picture")
        st.caption(_sight(box, view))
    with wants:
        st.markdown("**It looks for**", help=term("what it looks for"))
        wanted.show(look.network, wanted.of_unit(look, spot, box), "wanted-unit", "Draw it for the unit")
    with moves:
        st.markdown("**What moves it**", help=term("gradient"))
        asked = (*look.key[:2], look.side_of(spot.layer), spot.layer, spot.channel, spot.unit)
        found = caches.sensitivity(*asked, look.net, look.picture.image)
        show_exact(encode_png(moved(view, found)), "Which pixels move the unit")
        st.caption(
            "Brighter pixels raise it where it is orange, and lower it where it is blue."
            if found.gradient.any()
            else "Nothing does: its gradient is zero. A unit that is silenced, or at its end, stays where it is."
        )


def _sight(box: Box, view: Image) -> str:
    if (box.height, box.width) == view.shape[:2]:
        return "The whole input."
    return f"{box.height} × {box.width} pixels of the input, from row {box.top} and column {box.left} on."


def framed(view: Image, box: Box) -> Image:
    """The picture as the network sees it, all but the box darkened, and a frame around that."""
    picture = (view * 0.35).astype(np.uint8)
    rows, columns = slice(box.top, box.top + box.height), slice(box.left, box.left + box.width)
    picture[rows, columns] = view[rows, columns]
    scale = _factor(picture)
    picture = np.ascontiguousarray(picture.repeat(scale, 0).repeat(scale, 1))
    corner = (box.left * scale, box.top * scale)
    opposite = ((box.left + box.width) * scale - 1, (box.top + box.height) * scale - 1)
    cv2.rectangle(picture, corner, opposite, ORANGE, 2)
    return picture


def moved(view: Image, found: Sensitivity) -> Image:
    """The gradient over those pixels that the unit sees, and a few around them; zero leaves them grey."""
    box, gradient = found.box, found.brightness
    margin = max(2, max(box.height, box.width) // 8)
    rows = slice(max(0, box.top - margin), box.top + box.height + margin)
    columns = slice(max(0, box.left - margin), box.left + box.width + margin)
    sizes = np.abs(gradient[gradient != 0])
    most = float(np.percentile(sizes, FULL)) if sizes.size else 1.0
    picture = signed_overlay(np.ascontiguousarray(view[rows, columns]), gradient[rows, columns] / most)
    scale = _factor(picture)
    return picture.repeat(scale, 0).repeat(scale, 1)


def _factor(picture: Image) -> int:
    return max(1, SHARP // max(picture.shape[:2]))
