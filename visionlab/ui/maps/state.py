"""What the session remembers of the Feature maps page, and its link. Only this module knows the keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from visionlab.network.running.classifier import Classifier


@dataclass(frozen=True)
class Spot:
    """Where in a network one looks: a layer, a channel of it, a unit (row, column) of that; None: not chosen.

    held says that the unit was chosen, and stays where it is while one goes through channels.
    """

    layer: str | None = None
    channel: int | None = None
    unit: tuple[int, int] | None = None
    held: bool = False


def spot() -> Spot:
    """What this session looks at, or what the link says; what the link says of it that is no number is left out."""
    if "spot" in st.session_state:
        return st.session_state["spot"]
    channel = st.query_params.get("channel", "")
    parts = st.query_params.get("unit", "").split(",")
    unit = (int(parts[0]), int(parts[1])) if len(parts) == 2 and all(part.isdecimal() for part in parts) else None
    return Spot(
        st.query_params.get("layer"), int(channel) if channel.isdecimal() else None, unit, held=unit is not None
    )


def was_in(network: str) -> bool:
    """Whether what this session looked at last, if anything, was in the network of that name."""
    return st.session_state.get("spot_network", network) == network


def now_in(network: str) -> None:
    """What this session looks at is in the network of that name."""
    st.session_state["spot_network"] = network


def look_at(spot: Spot) -> None:
    st.session_state["spot"] = spot
    unit = ",".join(map(str, spot.unit)) if spot.held and spot.unit else None
    _tell({"layer": spot.layer, "channel": spot.channel, "unit": unit})


# --- the size of the picture ------------------------------------------------------------------------------------------


def restore_side(key: str, options: Sequence[int], usual: int) -> str | None:
    """Before the widget of that key is drawn: the size that was chosen, or that the link says, if it is among these.

    A sentence where it is not.
    """
    linked = st.query_params.get("side", str(usual))
    wanted = st.session_state.get("wanted_side", int(linked) if linked.isdecimal() else linked) or usual
    if key not in st.session_state:
        st.session_state[key] = wanted if wanted in options else usual
    if wanted in options:
        return None
    sizes = ", ".join(map(str, options))
    return f"Maps at {wanted} px are not offered here, so they are at {usual} px. Choose one of {sizes}."


def remember_side(side: int, usual: int) -> None:
    """After it is drawn: for other networks, and what is not usual for the link, too."""
    st.session_state["wanted_side"] = side if side != usual else None
    _tell({"side": st.session_state["wanted_side"]})


# --- the class that channels add to -----------------------------------------------------------------------------------


def target(net: Classifier) -> int | None:
    """The class that was chosen in this network, or that the link says; None for the most probable one."""
    index, label = st.session_state.get("maps_class", (0, st.query_params.get("class")))
    if label == dict(enumerate(net.labels)).get(index):  # two classes may be called the same
        return index
    return net.labels.index(label) if label in net.labels else None


def aim_at(index: int, label: str) -> None:
    st.session_state["maps_class"] = index, label
    _tell({"class": label})


def _tell(parts: dict[str, object]) -> None:
    """The link says these; None: nothing of it."""
    for name, value in parts.items():
        if value is None:
            st.query_params.pop(name, None)
        else:
            st.query_params[name] = str(value)
