"""What the session remembers of the Feature maps page: where one looks. Only this module knows the keys."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st


@dataclass(frozen=True)
class Spot:
    """Where in a network one looks: a layer, a channel of it, a unit (row, column) of that; None: not chosen."""

    layer: str | None = None
    channel: int | None = None
    unit: tuple[int, int] | None = None


def spot() -> Spot:
    """What this session looks at, or what the link says; what the link says of it that is no number is left out."""
    if "spot" in st.session_state:
        return st.session_state["spot"]
    channel = st.query_params.get("channel", "")
    unit = st.query_params.get("unit", "").split(",")
    return Spot(
        st.query_params.get("layer"),
        int(channel) if channel.isdecimal() else None,
        (int(unit[0]), int(unit[1])) if len(unit) == 2 and all(part.isdecimal() for part in unit) else None,
    )


def was_in(network: str) -> bool:
    """Whether what this session looked at last, if anything, was in the network of that name."""
    return st.session_state.get("spot_network", network) == network


def now_in(network: str) -> None:
    """What this session looks at is in the network of that name."""
    st.session_state["spot_network"] = network


def look_at(spot: Spot) -> None:
    st.session_state["spot"] = spot
    unit = ",".join(map(str, spot.unit)) if spot.unit else None
    for name, value in {"layer": spot.layer, "channel": spot.channel, "unit": unit}.items():
        if value is None:
            st.query_params.pop(name, None)
        else:
            st.query_params[name] = str(value)
