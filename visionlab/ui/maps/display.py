"""How a layer's channels are shown on the Feature maps page: in which order, in which colours, and what that says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit.delta_generator import DeltaGenerator

from visionlab.imaging.render import colour
from visionlab.network.inside.channels import RANKINGS, channel_change
from visionlab.ui.maps import caches, state
from visionlab.ui.maps.look import Look, View, colours
from visionlab.ui.shared import links
from visionlab.ui.shared.widgets import fixed, plain

CHANGE = "change"  # the order that a second picture adds to RANKINGS
TITLES = {name: ranking.title for name, ranking in RANKINGS.items()} | {CHANGE: "Change between the two"}
SCALES = {"channel": "Each channel", "layer": "Layer", "network": "Network"}


@dataclass(frozen=True)
class Display:
    """How a layer's channels are shown: one of RANKINGS or CHANGE, and one of SCALES."""

    order: str
    scale: str


def held(compared: bool) -> Display | None:
    """What the controls hold before they are drawn; None where this session has not seen them yet."""
    order, scale = st.session_state.get(_order_key(compared)), st.session_state.get("scale")
    return Display(order, scale) if order and scale else None


def _order_key(compared: bool) -> str:
    return "order-of-two" if compared else "order"


def controls(place: DeltaGenerator, views: Sequence[View]) -> Display:
    """Draw them, beside what the colours mean and by what is sorted, and say what they hold."""
    compared = views[0].compares
    orders = [*([CHANGE] if compared else []), *RANKINGS]
    with place:
        links.begin(_order_key(compared), {name: TITLES[name] for name in orders}, "order", orders[0])
        links.begin("scale", SCALES, "scale", "channel")
        unknown = st.container()
    with place, st.container(horizontal=True, vertical_alignment="center"):
        folded, aim = st.popover("Order, brightness", icon=":material/tune:"), st.empty()
        sorted_by, key = st.container(width="content"), st.empty()
    order = folded.selectbox(
        "Order",
        orders,
        format_func=TITLES.get,
        key=_order_key(compared),
        bind="query-params",
        help="\n".join(f"- **{ranking.title}**: {ranking.about}" for ranking in RANKINGS.values()),
    )
    scale = folded.segmented_control(
        "Full colour at the maximum of",
        SCALES,
        default="channel",
        required=True,
        format_func=SCALES.get,
        key="scale",
        bind="query-params",
        help="Zero is white on every scale. Two pictures have the same scale. Two networks have one each, since their "
        "values have no common unit; only probabilities have.",
    )
    if by_class(order):
        with aim:
            _class_picker(views[0].look)
        with unknown:
            _tell_class(views[0].look)
    key.html(_legend(views, scale))
    if order != "number":
        sorted_by.markdown(f":gray[:material/sort: by {_in_a_sentence(TITLES[order])}]")
    return Display(order, scale)


def _in_a_sentence(title: str) -> str:
    return title[0].lower() + title[1:]


def _class_picker(look: Look) -> None:
    """Which class the channels add to."""
    labels, key = look.net.labels, f"class-{look.network.key}"
    st.session_state[key] = look.target
    st.selectbox(
        "Class",
        range(len(labels)),
        format_func=lambda index: labels[index],
        key=key,
        on_change=lambda: state.aim_at(st.session_state[key], labels[st.session_state[key]]),
        label_visibility="collapsed",
        width=220,
    )


def _tell_class(look: Look) -> None:
    """A sentence where the link names a class that the network does not have."""
    wanted, labels = state.linked_class(), look.net.labels
    lacks = wanted is not None and wanted not in labels
    told = links.unknown("class", wanted, labels, labels[look.target]) if lacks else None
    links.tell("class", told, (look.net.name, look.target))


def _legend(views: Sequence[View], scale: str) -> str:
    """The colours from one end to the other, with zero where it is; no blue where nothing is below zero."""
    low = min(float(view.found.values.min()) for view in views) < 0
    ends = np.concatenate([each[:, 1] for each in colours(views, scale)])
    most = fixed(float(ends[0]), 3) if np.ptp(ends) == 0 else "max"
    tints = colour(np.linspace(0 if low else 0.5, 1, 9)[None], caches.PALETTE)[0]
    stops = ", ".join(f"rgb({r}, {g}, {b})" for r, g, b in tints)
    marks = [*([f"−{most}"] if low else []), "0", most]
    words = "".join(f"<span>{mark}</span>" for mark in marks)
    bar = f'<div style="background:linear-gradient(90deg,{stops})"></div>'
    return f'<div class="legend-of-maps" role="img" aria-label="Colours: {", ".join(marks)}">{bar}{words}</div>'


def changes(view: View) -> NDArray[np.float32] | None:
    """How much each channel of the layer changes from the first look to the second; None without a second."""
    return channel_change(*(look.maps[view.spot.layer] for look in view.alike)) if view.compares else None


def by_class(order: str) -> bool:
    """Whether the order is of a class."""
    return order in RANKINGS and RANKINGS[order].by_class


def added(view: View, order: str) -> NDArray[np.float32] | None:
    """What each channel adds to the class, where that is the order; None otherwise, and behind the class's logit.

    Of two pictures it is the first one's class; of two networks each has its own.
    """
    if not by_class(order):
        return None
    first = view.alike[0]
    target = first.target if first.network is view.look.network else view.look.target
    return view.look.contributions(target).layers.get(view.spot.layer)


def ranked(view: View, order: str) -> NDArray[np.int32]:
    """The layer's channels, first the one that comes first in that order; of two pictures by the first one."""
    if order == CHANGE:
        return np.argsort(-changes(view), kind="stable").astype(np.int32)
    first = replace(view, look=view.alike[0])
    known, ranking = added(first, order), RANKINGS[order]
    if ranking.by_class and known is None:
        ranking = RANKINGS["mean"]
    return ranking.order(first.found.values, known).astype(np.int32)


def told_of(view: View, order: str) -> list[str]:
    """What has to be said of the layer: that it is silent, where its channels cannot be put into the order, and what
    they add up to.
    """
    told, look, layer = [], view.look, view.spot.layer
    if not look.maps[layer].values.any():
        told.append(f"{layer} is silent: each of its values is zero on this picture.")
    if not by_class(order):
        return told
    found, label = look.contributions(look.target), plain(look.net.labels[look.target])
    values = found.layers.get(layer)
    if values is None:
        told.append(f"{layer} comes after the logits: its units are in the order of their values.")
    elif not values.any():
        told.append(
            f"No channel of {layer} adds anything to “{label}”: each is silent, or has no gradient to follow. They are "
            "in their own order."
        )
    else:
        total = round(float(values.sum(dtype=np.float64)), 3)
        logit, own = round(found.logit, 3), look.net.transform.crop
        seen = f", as the network predicts, at {own} px," if look.side_of(layer) != own else ""
        why = (
            "Exact: behind this layer the network only weighs and adds up; the rest is biases."
            if layer in found.exact
            else "To first order, gradient × activation: the rest is biases behind this layer, what leads past it, and "
            "what a straight line misses."
        )
        told.append(
            f"To “{label}”{seen} its channels add {fixed(total, 3)}; with the rest, {fixed(logit - total, 3)}, that is "
            f"the logit, {fixed(logit, 3)}. {why}"
        )
    return told
