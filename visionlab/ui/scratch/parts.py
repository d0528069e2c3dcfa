"""What the experiments share: controls, small pictures with words, and the article's figures beside those of now."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from visionlab.errors import VisionlabError
from visionlab.imaging.image import Image, encode_png
from visionlab.imaging.render import colour
from visionlab.learning.judging.metrics import MAJORITY
from visionlab.learning.scratch.small_set import Tested
from visionlab.ui.scratch import runs
from visionlab.ui.shared import links
from visionlab.ui.shared.state import just_turned
from visionlab.ui.shared.terms import term
from visionlab.ui.shared.undisturbed import attempt
from visionlab.ui.shared.widgets import facts, hindrance, number_field, sliding

LOWEST_RATE = 1e-6
UNTESTED = "It was stopped before its first test: how good it is, nobody knows yet."
RAN_AWAY = "Its loss ran away before the first test, so nothing is known of how good it is."

# --- controls -------------------------------------------------------------------------------------------------------


def linked(key: str, titles: Mapping[str, str], what: str) -> None:
    """Before the widget of that key, which is not bound to the link, is drawn: it begins with what the link names, by
    which one may also come back to the page, and goes where the browser's Back and Forward lead. say(key, …) tells the
    link what it holds."""
    usual = next(iter(titles))
    links.begin(key, titles, what, usual)
    wanted = st.query_params.get(key)
    if (just_turned() or wanted != st.session_state.get(f"said-{key}", wanted)) and wanted in titles:
        st.session_state[key] = wanted
    st.session_state.setdefault(key, usual)


def say(key: str, value: str) -> None:
    """Have the link name what the widget of that key, which linked() has begun, holds."""
    st.query_params[key] = st.session_state[f"said-{key}"] = value


def train_button(experiment: str, start: Callable[[], None], problem: str | None = None) -> None:
    """“Train”, or what hinders it; start() may raise a VisionlabError, which is told."""
    # No callback: it would know the settings of the run before, and one may type a number and press the button at once.
    pressed = st.button(
        "Train",
        type="primary",
        icon=":material/play_arrow:",
        key=f"train-{experiment}",
        disabled=problem is not None or runs.busy(experiment),
    )
    if pressed and problem is None:
        attempt(start)
        st.rerun()
    if problem:
        hindrance(problem)


def problem_of(check: Callable[[], object]) -> str | None:
    """What hinders a training: the text of the VisionlabError that check() raises, if it raises one."""
    try:
        check()
    except VisionlabError as error:
        return str(error)
    return None


class Fields:
    """The number fields of a form. problem: a sentence on the first one that holds a number which it may not; held:
    what each of the form's widgets holds, by its key."""

    def __init__(self) -> None:
        self.problem: str | None = None
        self.held: dict[str, Any] = {}

    def number(
        self, label: str, low: float, high: float, value: float, key: str, what: str | None = None, **options: Any
    ) -> Any:
        """An int or a float, as value is one; what: how the sentence calls it, where not by its label."""
        found, problem = number_field(label, low, high, value, key, what, **options)
        self.problem = self.problem or problem
        self.held[key] = found
        return found

    def seed(self, experiment: str) -> int:
        key = f"seed-{experiment}"
        return self.number("Seed", 0, 2**31 - 1, 0, key, persist_state="session", help=term("seed"))

    def rate(self, experiment: str, value: float) -> float:
        return self.number(
            "Learning rate",
            LOWEST_RATE,
            float("inf"),
            value,
            f"rate-{experiment}-{value:g}",
            step=value / 5,  # or a press on “−” or “+” would go from 0.0015 to nothing or to ten times as much
            format="%g",
            persist_state="session",
            help=term("learning rate"),
        )

    def epochs(self, label: str, value: int, key: str) -> int:
        return self.number(label, 1, 200, value, key, persist_state="session", help=term("epoch"))


# --- words ----------------------------------------------------------------------------------------------------------


def notice(text: str) -> None:
    """What to notice, in a sentence or two of Markdown; names of people's own must be plain()."""
    with st.container(border=True):
        st.markdown(f":primary[:material/visibility:] **What to notice.** {text}")


def beside(rows: Sequence[tuple[str, str, str]]) -> None:
    """(what, the article's figure, the one measured now): a row each."""
    table(("", "In the article", "Here, now"), rows)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Plain texts in rows; what is in them is escaped."""
    heads = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    whole = f'<table class="networks"><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>'
    st.html(sliding(whole, ", ".join(filter(None, head))))


def worth(accuracy: float, tested: Tested, others: Mapping[str, str]) -> None:
    """The accuracy on a test part with what it rests on and what it has to beat, and other short facts."""
    low, high = tested.interval(accuracy)
    values = {
        "Right on the test part": f"{accuracy:.1%}",
        "95% interval": f"{low:.1%} to {high:.1%}",
        "Test pictures": f"{tested.pictures:,}",
        MAJORITY: f"{tested.majority:.1%}",
    }
    facts({**values, **others}, {"95% interval": term("95% interval"), MAJORITY: term("baseline")})


def untested(events: Iterable[Any]) -> None:
    """Why nothing is known of how good a training is: these events hold no test."""
    st.caption(RAN_AWAY if any(event.diverged for event in events) else UNTESTED)


# --- pictures -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Tile:
    """A small picture with a word under it, and a paler one; about: what it shows, where no word under it says so."""

    picture: Image
    title: str = ""
    note: str = ""
    about: str = ""


def tiles(shown: Iterable[Tile], width: int = 76) -> None:
    """Small pictures, so many CSS pixels wide, their pixels squares; words are escaped: they may be people's own."""
    figures = "".join(_figure(tile, width) for tile in shown)
    st.html(f'<div style="display:flex;flex-wrap:wrap;gap:.7rem .8rem">{figures}</div>')


def _figure(tile: Tile, width: int) -> str:
    words = "overflow:hidden;text-overflow:ellipsis;white-space:nowrap"
    lines = [f'<div style="{words}" title="{escape(tile.title)}">{escape(tile.title)}</div>'] if tile.title else []
    if tile.note:
        lines.append(f'<div style="{words};opacity:.75">{escape(tile.note)}</div>')
    caption = f'<figcaption style="font-size:.82rem;line-height:1.35;margin-top:.25rem">{"".join(lines)}</figcaption>'
    said = ", ".join(filter(None, (tile.about, tile.title, tile.note)))
    picture = image_tag(tile.picture, said, width)
    return f'<figure style="margin:0;width:{width}px">{picture}{caption if lines else ""}</figure>'


def image_tag(picture: Image, alt: str, width: int) -> str:
    """An <img> that holds the picture itself."""
    data = base64.b64encode(encode_png(picture)).decode()
    style = f"width:{width}px;display:block;image-rendering:pixelated;border-radius:3px"
    return f'<img src="data:image/png;base64,{data}" alt="{escape(alt)}" style="{style}">'


def as_image(picture: NDArray[np.uint8]) -> Image:
    """(H, W, 1 or 3) → (H, W, 3)."""
    return np.ascontiguousarray(np.broadcast_to(picture, (*picture.shape[:2], 3)))


def weights_image(weights: NDArray[np.float32]) -> Image:
    """Signed weights (H, W, C) as a picture: one channel in blue (negative), white (zero) and orange; three as colours,
    grey where they are zero. All but the largest two per cent have colours of their own: pixels that are the same in
    nearly all pictures may have weights beyond all others."""
    most = max(float(np.quantile(abs(weights), 0.98)), 1e-12)
    scaled = 0.5 + weights / (2 * most)
    return (
        colour(scaled[..., 0], "diverging")
        if weights.shape[2] == 1
        else np.rint(255 * scaled.clip(0, 1)).astype(np.uint8)
    )
