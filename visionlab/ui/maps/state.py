"""What the session remembers of the Feature maps page, and its link."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from visionlab.network.running.classifier import Classifier
from visionlab.ui.shared.state import unknown_network
from visionlab.wording import shortened

BESIDE = "beside"  # the widget that says which network is looked into beside the first; its title is in the link, too


@dataclass(frozen=True)
class Spot:
    """Where in a network one looks: a layer, a channel of it, a unit (row, column) of that; None: not chosen.

    held says that the unit was chosen, and stays where it is while one goes through channels; beside, that the network
    is the one that the first is compared with.
    """

    layer: str | None = None
    channel: int | None = None
    unit: tuple[int, int] | None = None
    held: bool = False
    beside: bool = False


def spot() -> Spot:
    """What this session looks at, or what the link says; see no_numbers(). Of a network that is not here, nothing: what
    is called so in another one is another unit."""
    return st.session_state.get("spot") or (Spot() if unknown_network() else _linked(beside=False))


def spot_beside(first: Sequence[str]) -> Spot:
    """The same in the network beside the first, while one looks at what `first` names: networks, and the first's layer.

    Nothing is chosen there once one looks at something else.
    """
    if "spot-beside" not in st.session_state:
        return _linked(beside=True)
    of, spot = st.session_state["spot-beside"]
    return spot if of == tuple(first) else Spot(beside=True)


def _linked(beside: bool) -> Spot:
    layer, channel, unit = (st.query_params.get(name, "") for name in _names(beside))
    place = tuple(map(int, unit.split(","))) if _is_place(unit) else None
    number = int(channel) if channel.isdecimal() else None
    return Spot(layer or None, number, place, held=place is not None, beside=beside)


def _is_place(unit: str) -> bool:
    parts = unit.split(",")
    return len(parts) == 2 and all(part.isdecimal() for part in parts)


def no_numbers(beside: bool) -> list[str]:
    """A sentence on each thing that the link would have looked at, where it has to be numbers and is none."""
    if ("spot-beside" if beside else "spot") in st.session_state or (unknown_network() and not beside):
        return []
    _, channel, unit = (st.query_params.get(name, "") for name in _names(beside))
    told = []
    if channel and not channel.isdecimal():
        told.append(f"There is no channel “{shortened(channel)}”: channels are numbered from 0.")
    if unit and not _is_place(unit):
        told.append(f"There is no unit “{shortened(unit)}”: units are called by row and column, as 12,20.")
    return told


def _names(beside: bool) -> list[str]:
    """What a spot's parts are called in the link."""
    return [f"{name}2" if beside else name for name in ("layer", "channel", "unit")]


def was_in(networks: Sequence[str]) -> bool:
    """Whether what this session looked at last, if anything, was in the networks of these names."""
    return st.session_state.get("spot_networks", [*networks]) == [*networks]


def now_in(networks: Sequence[str]) -> None:
    """What this session looks at is in the networks of these names."""
    st.session_state["spot_networks"] = [*networks]


def look_at(spot: Spot) -> None:
    if spot.beside:
        of, _ = st.session_state["spot-beside"]
        st.session_state["spot-beside"] = of, spot
    else:
        st.session_state["spot"] = spot
    unit = ",".join(map(str, spot.unit)) if spot.held and spot.unit else None
    _tell(dict(zip(_names(spot.beside), (spot.layer, spot.channel, unit), strict=True)))


def look_beside(first: Sequence[str], spot: Spot) -> None:
    """As look_at, for the network beside the first, while one looks at what `first` names."""
    st.session_state["spot-beside"] = tuple(first), spot
    look_at(spot)


def nothing_beside() -> None:
    """No other network is looked into: the link says nothing of one."""
    st.session_state.pop("spot-beside", None)
    _tell(dict.fromkeys(_names(beside=True)))


def page_turned_to(name: str) -> tuple[int, int | None]:
    """How often the pages of that name were turned without their widget, and to which one last."""
    return st.session_state.get("turned", {}).get(name, (0, None))


def turn_page(name: str, page: int) -> None:
    times, _ = page_turned_to(name)
    st.session_state.setdefault("turned", {})[name] = times + 1, page


def keep_refused(key: str, why: str) -> None:
    """What the widget of that key was given and cannot take, for the run that follows."""
    st.session_state["refused"] = key, why


def take_refused(key: str) -> str | None:
    if st.session_state.get("refused", ("", ""))[0] != key:
        return None
    return st.session_state.pop("refused")[1]


# --- the network beside the first -------------------------------------------------------------------------------------


def restore_beside(titles: Mapping[str, str]) -> None:
    """Before the widget is drawn, whose options these are: the network that was chosen to look into beside the first,
    else what the link says, else none.
    """
    if BESIDE not in st.session_state:
        wanted = st.session_state.get("chosen_beside")
        if wanted is None:
            linked = st.query_params.get(BESIDE, "")
            wanted = next((name for name, title in titles.items() if linked in (name, title)), "")
            st.session_state["unknown_beside"] = linked if not wanted else None
        st.session_state[BESIDE] = wanted
    if st.session_state[BESIDE] not in titles:  # it has become the first, or is here no longer
        st.session_state[BESIDE] = ""


def unknown_beside() -> str | None:
    """What the link calls a network that is not among those that can be looked into beside the first, until one is."""
    return st.session_state.get("unknown_beside")


def remember_beside(picked: str, title: str) -> None:
    """After it is drawn: for when one comes back to the page, and for the link."""
    st.session_state["chosen_beside"] = picked
    if picked:
        st.session_state["unknown_beside"] = None
    _tell({BESIDE: title if picked else None})


def no_network_beside() -> None:
    """Another picture has been chosen to compare with: one comparison at a time."""
    st.session_state[BESIDE] = ""


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
    index, label = st.session_state.get("maps_class", (0, linked_class()))
    if label == dict(enumerate(net.labels)).get(index):  # two classes may be called the same
        return index
    return net.labels.index(label) if label in net.labels else None


def linked_class() -> str | None:
    """The label that the link gives, until a class is chosen."""
    return None if "maps_class" in st.session_state or unknown_network() else st.query_params.get("class")


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
