"""What the session remembers of the Convolution page: one's own kernel, what was shown, what the lab was left at.

Keys, and names in the link, that several modules use are constants here; the key of a control that nobody else asks
stands where it is drawn.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from visionlab.imaging.kernels import KERNELS
from visionlab.ui.shared.state import just_turned, keep_in_link
from visionlab.wording import all_quoted

if TYPE_CHECKING:
    from visionlab.imaging.kernels import Kernel
    from visionlab.ui.convolution.settings import Settings

KERNEL = "kernel"  # the widget that says which kernel is at work; its title is in the link, too
WEIGHTS = "weights"  # in the link: one's own kernel, rows apart by ";", weights by ","
LIKE = "like"  # in the link: what Own says of that
LAB = "lab"  # the component
YOURS = "yours"
BEGUN = ((0.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 0.0))  # one's own kernel before one has made it

Weights = tuple[tuple[float, ...], ...]


@dataclass(frozen=True, eq=False)
class Own:
    """One's own kernel. `edit` is the browser's edit that it came from, None where this side made it; `version` counts
    what this side made, so that the browser knows it for new. `like`: how its response is shown, where that is not by
    its weights. `source`: the preset that was edited, which it is again once all of that has been taken back.
    """

    weights: Weights = BEGUN
    version: int = 0
    edit: float | None = None
    like: str | None = None
    source: str | None = None

    @property
    def name(self) -> str:
        """By what the picker knows it."""
        back = self.source and self.weights == _rows(KERNELS[self.source].weights.tolist())
        return self.source if back else YOURS


def own() -> Own:
    return st.session_state.get("own_kernel") or Own()


def make_own(weights: Sequence[Sequence[float]], like: str | None = None) -> None:
    """These weights become one's own kernel, and that the one at work. Before the picker is drawn."""
    _keep_own(Own(_rows(weights), own().version + 1, like=like))


def take_edits(like: str) -> bool | None:
    """What was done in the lab to the kernel, whose response is shown like that; whether it asked for the range to be
    fitted, None where it did not. Before the controls are drawn.

    Not in callbacks: one that the next run overtakes is never called again, and the edit were lost.
    """
    if edit := _new("edit"):
        former = st.session_state.get(KERNEL)
        source = former if former in KERNELS else own().source
        _keep_own(Own(_rows(edit["weights"]), own().version, edit["stamp"], like, source))
        _take("edit", edit)  # last: a run that is ended before has it done by the next
    if fit := _new("fit"):
        _take("fit", fit)
    return fit["on"] if fit else None


def _new(name: str) -> dict[str, Any] | None:
    """What the lab told last under that name, unless it has been taken."""
    told = (st.session_state.get(LAB) or {}).get(name)
    if not told or told["stamp"] == st.session_state.get(f"{name}_taken"):
        return None
    return dict(told)


def _take(name: str, told: Mapping[str, Any]) -> None:
    st.session_state[f"{name}_taken"] = told["stamp"]


def given(kernel: Kernel) -> tuple[str, float | None]:
    """What the browser knows a kernel by: something new wherever this side has given it another one, and the edit of
    the browser's own that it is."""
    if kernel.name == YOURS:
        return f"{YOURS}-{own().version}", own().edit
    return kernel.name, own().edit if own().name == kernel.name else None


def _keep_own(kernel: Own) -> None:
    st.session_state["own_kernel"] = kernel
    st.session_state[KERNEL] = kernel.name


def _rows(weights: Sequence[Sequence[float]]) -> Weights:
    return tuple(tuple(float(value) for value in row) for row in weights)


def linked_weights() -> str | None:
    """The weights of a link that came from outside, once: what this page wrote into it is none, however late it comes
    back from the browser.
    """
    text = st.query_params.get(WEIGHTS)
    written = st.session_state.setdefault("weights_written", set())
    if not text or text in written:
        return None
    written.add(text)
    return text


def link_weights(text: str | None) -> None:
    """The weights of one's own kernel, and how their response is to be shown; None: a preset is chosen."""
    if text is not None:
        st.session_state.setdefault("weights_written", set()).add(text)
    keep_in_link(WEIGHTS, text)
    keep_in_link(LIKE, own().like if text is not None else None)


def keep_shown(key: str, kernel: Kernel, settings: Settings) -> None:
    """Remember what the Convolution page shows of the picture of that key."""
    st.session_state["shown"] = (key, kernel, settings)


def last_shown(key: str) -> tuple[Kernel, Settings] | None:
    """The kernel and the settings that were shown last, if they were so of this picture."""
    shown = st.session_state.get("shown")
    return shown[1:] if shown and shown[0] == key else None


def _bias(text: str) -> float | None:
    return float(text) if abs(float(text)) <= 10_000 else None  # not a number, neither


def _digit(text: str) -> int | None:
    return int(text) if text in set("0123456") else None


# What the lab was left at, as it stands in the link: its default, and how it is read. What cannot be read is left out.
_LEFT: Mapping[str, tuple[Any, Any]] = {
    "square": (None, lambda text: [int(part) for part in text.split(",")] if text.count(",") == 2 else None),
    "at": (None, lambda text: [int(part) for part in text.split(",")] if text.count(",") == 1 else None),
    "held": (False, lambda text: text == "True" or None),
    "bias": (0, _bias),
    "view": ("window", lambda text: text if text in ("window", "tiles", "shift") else None),
    "stage": (0, _digit),
    "speed": (1, _digit),
    "pace": (2, _digit),
    "shift": (1, lambda text: max(-8, min(8, int(text)))),
}


def lab_left() -> dict[str, Any]:
    """What the lab was left at: told by it, else by the link."""
    told = (st.session_state.get(LAB) or {}).get("left")
    left = dict(told) if told else st.session_state.get("lab_left")
    if left is None:
        left = {name: value for name in _LEFT if (value := _read(name)) is not None}
    st.session_state["lab_left"] = left
    return left


def unread() -> str | None:
    """Before the link is written anew: a sentence on what it asks the lab for and cannot be read."""
    asked = [f"{name}={text}" for name in _LEFT if (text := st.query_params.get(name)) and _read(name) is None]
    if not asked:
        return None
    return f"{all_quoted(asked)} in the link cannot be read, and {'is' if len(asked) == 1 else 'are'} left out."


def set_lab(**left: Any) -> None:
    """Have the lab be as if it had been left so; before it is mounted."""
    st.session_state["lab_left"] = lab_left() | left
    st.session_state["lab_set"] = {"stamp": time.time(), **left}


def take_view() -> None:
    """Before the lab: who comes by a link from another page finds the view that it asks for, whatever was left."""
    view = _read("view")
    if just_turned() and view is not None and view != lab_left().get("view"):
        set_lab(view=view)


def lab_set() -> dict[str, Any] | None:
    return st.session_state.get("lab_set")


def link_lab(subject: str) -> None:
    """What differs from what it begins with goes into the link; a place in another picture than this one does not."""
    left = lab_left()
    if left.get("subject", subject) != subject:
        left = {name: value for name, value in left.items() if name not in ("square", "at", "held")}
    for name, (default, _) in _LEFT.items():
        value = left.get(name, default)
        if value == default or value is None:
            st.query_params.pop(name, None)
        else:
            st.query_params[name] = ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _read(name: str) -> Any:
    try:
        return _LEFT[name][1](st.query_params.get(name, ""))
    except ValueError:
        return None
