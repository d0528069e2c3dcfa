"""The editor of a stack of layers: a row a layer, with what it makes of the picture and what it costs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

import streamlit as st

from visionlab.errors import ParameterError
from visionlab.learning.scratch import (
    STACKS,
    LayerShape,
    LayerSpec,
    as_data,
    conv,
    dense,
    dropout,
    from_data,
    pool,
    shapes,
    with_classes,
)
from visionlab.learning.scratch.stack import MOST_LAYERS, PADDINGS, possible
from visionlab.ui.shared.terms import term
from visionlab.ui.shared.widgets import icon_button
from visionlab.wording import quoted

ROWS = "scratch-layers"  # in the session
OURS = "scratch-layers-for"  # there, too: the shape that a stack was picked for, until a person changes it
LINK = "layers"  # in the link: the stack as JSON, once a person has changed it
NEW = {"conv": conv(32), "pool": pool(), "dropout": dropout(0.25), "dense": dense(128)}
NUMBERS = {  # a layer's settings: in LayerSpec, on the page, from, to, step
    "conv": (("out", "filters", 1, 1024, 1), ("size", "px", 1, 15, 1)),
    "pool": (("size", "px", 1, 16, 1),),
    "dropout": (("share", "share", 0.0, 0.95, 0.05),),
    "dense": (("out", "units", 1, 8192, 1),),
}
ABOUT_KINDS = {
    "conv": term("kernel"),
    "pool": term("pooling"),
    "dropout": term("dropout"),
    "dense": term("dense"),
}
TITLES = {
    "convolutional": "The article’s",
    "small": "A small one",
    "fully connected": "Fully connected",
    "linear": "Linear, as softmax",
}


@dataclass(frozen=True)
class Row:
    """A layer in the editor; id tells its widgets from those of others, wherever it is moved."""

    id: int
    spec: LayerSpec


@dataclass(frozen=True)
class Edited:
    """The stack as it is, and why it is impossible, if it is."""

    stack: tuple[LayerSpec, ...]
    problem: str | None
    parameters: int


def take_link() -> None:
    """Before the editor: it begins with the layers that the link holds. Raises ParameterError, once, if they are none
    that it can show."""
    text = st.query_params.get(LINK)
    if not text or ROWS in st.session_state:
        return
    try:
        use(_from_link(text))
    except ParameterError as error:
        del st.query_params[LINK]
        raise ParameterError(f"The link’s layers cannot be used, so these are others. {error}") from error


def _from_link(text: str) -> tuple[LayerSpec, ...]:
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError) as error:  # the latter from brackets in brackets in brackets …
        raise ParameterError(f"{quoted(text)} is no JSON.") from error
    stack = from_data(rows)
    if len(stack) > MOST_LAYERS:
        raise ParameterError(f"The stack has {len(stack):,} layers; at most {MOST_LAYERS} are built.")
    for refused in filter(None, map(_refused, stack)):
        raise ParameterError(refused)
    return stack


def _refused(spec: LayerSpec) -> str | None:
    """A sentence where the layer has a number that it may not have on the page."""
    for name, unit, low, high, _ in NUMBERS[spec.kind]:
        if not low <= (value := getattr(spec, name)) <= high:
            return f"A {spec.kind} layer cannot have {quoted(value)} {unit}; use {low} to {high:,}."
    return None


def in_words(spec: LayerSpec) -> str:
    """“conv 32 (3 px, valid)”, “dense 10”: a layer among the settings of a training."""
    count = f" {spec.out}" if spec.kind in ("conv", "dense") else ""
    of = [f"{spec.size} px"] if spec.kind in ("conv", "pool") else [f"{spec.share:g}"] if spec.kind == "dropout" else []
    of += [spec.padding] if spec.kind == "conv" and spec.padding != PADDINGS[0] else []
    return f"{spec.kind}{count}" + (f" ({', '.join(of)})" if of else "")


def editor(shape: tuple[int, int, int], classes: int) -> Edited:
    """Draw it, for pictures of this shape (height, width, channels) in so many classes."""
    rows = st.session_state.get(ROWS)
    too_large = [name for name, ready in STACKS.items() if not possible(with_classes(ready, classes), shape)]
    first = next((name for name in STACKS if name not in too_large), "linear")
    if rows is None or st.session_state.get(OURS, shape) != shape:
        _load(first)
        rows, st.session_state[OURS] = st.session_state[ROWS], shape
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("Begin with")
        for name in STACKS:
            st.button(TITLES[name], key=f"stack-{name}", on_click=_load, args=(name,), disabled=name in too_large)
    if too_large:
        names = " and ".join(f"“{TITLES[name]}”" for name in too_large)
        need = "needs" if len(too_large) == 1 else "need"
        begun = f" So this begins with “{TITLES[first]}”." if OURS in st.session_state else ""
        st.caption(f"{names} {need} larger pictures than {shape[0]} × {shape[1]}.{begun}")
    stack = tuple(row.spec for row in rows)
    if OURS in st.session_state:
        st.query_params.pop(LINK, None)
    elif not any(map(_refused, stack)):  # the link would not take it
        st.query_params[LINK] = json.dumps(as_data(stack), separators=(",", ":"))
    if stack and stack[-1].kind == "dense":
        stack = with_classes(stack, classes)
    known, problem = _as_far_as_possible(stack, shape)
    place = len(known) if problem else None
    height, width, channels = shape
    st.caption(
        f"The picture: {height} × {width} × {channels}. “same” and “valid” are kinds of padding.", help=term("padding")
    )
    for index, row in enumerate(rows):
        _row(index, row, len(rows), known[index] if index < len(known) else None, stack[index])
        if problem and index == place:
            _impossible(problem)
    if problem and place == len(rows):
        _impossible(problem)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("Add")
        for kind in NEW:
            st.button(kind, key=f"add-{kind}", icon=":material/add:", on_click=_add, args=(kind,))
    total = sum(layer.parameters for layer in known)
    if not problem:
        work = sum(layer.multiplications for layer in known)
        st.markdown(f"**{total:,} parameters**, {work:,} multiplications a picture", help=term("parameters"))
    return Edited(stack, problem, total)


def _as_far_as_possible(stack: Sequence[LayerSpec], shape: tuple[int, int, int]) -> tuple[list[LayerShape], str | None]:
    """What each layer makes of the picture, up to the first that is impossible, and why that is."""
    most = next((place for place, spec in enumerate(stack) if _refused(spec)), len(stack))
    if most < len(stack):
        problem = _refused(stack[most])
    else:
        try:
            return shapes(stack, shape), None
        except ParameterError as error:
            problem = str(error)
    for count in range(most, 0, -1):
        try:
            return shapes([*stack[:count], dense(1)], shape)[:count], problem
        except ParameterError:
            continue
    return [], problem


def _impossible(problem: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="impossible"):
        st.markdown(":red[:material/error:]", width="content")
        st.text(problem, width="stretch")


def _row(index: int, row: Row, count: int, found: LayerShape | None, spec: LayerSpec) -> None:
    last = index == count - 1
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key=f"layer-row-{row.id}"):
        st.markdown(f"**{spec.kind}**", width=95, help=ABOUT_KINDS[spec.kind])
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", width=408):
            _settings(row, spec, last)
        if found:
            flat = found.shape[:2] == (1, 1) and spec.kind in ("dense", "dropout")
            size = " × ".join(map(str, found.shape[2:] if flat else found.shape))
            cost = f"{found.parameters:,}" if found.parameters else "no"
            st.markdown(f":small[→ {size}]", width=110)
            st.markdown(f":small[:gray[{cost} parameters]]", width=150)
        else:
            st.markdown(":small[→ ?]", width=110)
            st.markdown("", width=150)
        for label, icon, where, off in (
            ("Move up", "arrow_upward", -1, index == 0),
            ("Move down", "arrow_downward", 1, last),
            ("Remove", "close", 0, False),
        ):
            of = f"{spec.kind}, layer {index + 1}"
            icon_button(f"{icon}-{row.id}", icon, label, _moved, index, where, of=of, disabled=off)


def _settings(row: Row, spec: LayerSpec, last: bool) -> None:
    """The widgets of a layer, which write into it. The last one has as many units as there are classes."""
    if spec.kind == "dense" and last:
        st.markdown(f":small[{spec.out} units, one a class]", width=185)
        return
    for name, unit, low, _, step in NUMBERS[spec.kind]:
        st.number_input(  # without limits, as Fields has it: _refused judges what is typed
            f"{spec.kind}: {unit}",
            value=type(low)(getattr(spec, name)),  # a share of 0 in a link is an integer
            step=step,
            key=f"{name}-{row.id}",
            on_change=_changed,
            args=(row.id, name),
            label_visibility="collapsed",
            width=105,
        )
        st.markdown(f":small[{unit}]", width=20 if unit == "px" else 44)
    if spec.kind == "conv":
        st.selectbox(
            "Padding",
            PADDINGS,
            index=PADDINGS.index(spec.padding),
            key=f"padding-{row.id}",
            on_change=_changed,
            args=(row.id, "padding"),
            label_visibility="collapsed",
            width=96,
        )


# --- what a person does -----------------------------------------------------------------------------------------------


def use(stack: Sequence[LayerSpec]) -> None:
    """Put this stack into the editor."""
    _keep([Row(_next_id(), spec) for spec in stack])


def _load(name: str) -> None:
    use(STACKS[name])


def _keep(rows: list[Row]) -> None:
    st.session_state[ROWS] = rows
    st.session_state.pop(OURS, None)


def _next_id() -> int:
    st.session_state["scratch-layer-ids"] = found = st.session_state.get("scratch-layer-ids", 0) + 1
    return found


def _changed(row_id: int, name: str) -> None:
    value = st.session_state[f"{name}-{row_id}"]
    _keep([Row(r.id, replace(r.spec, **{name: value})) if r.id == row_id else r for r in st.session_state[ROWS]])


def _add(kind: str) -> None:
    """Before the last layer, which is the one that answers; a conv or a pool before the first dense one."""
    rows = list(st.session_state[ROWS])
    flat = [index for index, row in enumerate(rows) if row.spec.kind == "dense"]
    place = (flat[0] if kind in ("conv", "pool") else flat[-1]) if flat else len(rows)
    rows.insert(place, Row(_next_id(), NEW[kind]))
    _keep(rows)


def _moved(index: int, where: int) -> None:
    """One place up (-1) or down (1); 0 removes it."""
    rows = list(st.session_state[ROWS])
    row = rows.pop(index)
    if where:
        rows.insert(index + where, row)
    _keep(rows)
