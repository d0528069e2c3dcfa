"""The chain's editor: what to begin with, a card for each step, what adds one, and the chain as a file."""

from __future__ import annotations

from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from visionlab.errors import ParameterError
from visionlab.imaging.chains import CHAINS, MADE_FOR, Chain
from visionlab.imaging.filter_record import Parameter
from visionlab.imaging.filters import FILTERS
from visionlab.imaging.image import Image
from visionlab.imaging.pipeline import MAX_STEPS, Pipeline
from visionlab.ui.filters.editor import Editor, Step, current
from visionlab.ui.shared.page import sentence
from visionlab.ui.shared.tries import Try, tries
from visionlab.ui.shared.widgets import file_uploader, icon_button

TRIES = (
    (
        "Blur it",
        "blur_on",
        "Drag Sigma: fine detail goes first, and large shapes stay longest. Computers look for things at many such "
        "scales.",
        Pipeline([("gaussian_blur", {"sigma": 6.0})]),
    ),
    (
        "Find edges",
        "border_outer",
        "Drag Sigma of the blur: a little of it and specks are edges, too; much of it and only the largest outlines "
        "are left.",
        Pipeline([("gaussian_blur", {"sigma": 1.5}), ("canny", {"low": 40, "high": 110})]),
    ),
    (
        "Cartoon",
        "palette",
        "Surfaces became even, and yet their borders are sharp: the bilateral filter averages only what is alike. "
        "Switch steps off to see what each of them does.",
        CHAINS["cartoon"].pipeline(),
    ),
    (
        CHAINS["noise_test"].title,
        "healing",
        "The median takes the specks out and leaves the edges. Switch it off, and add a Gaussian blur in its place: "
        "that smears both.",
        CHAINS["noise_test"].pipeline(),
    ),
)  # what the button says, its icon, what to notice, the chain
MUCH = 2.5  # times larger or smaller than what a chain was made for


def beginnings() -> None:
    """Things to try at a first visit; what is wrong with the link, where something is."""
    editor = current()
    offered = [
        Try(label, icon, notice, partial(editor.take, chain, tried=True), _still(editor, chain))
        for label, icon, notice, chain in TRIES
    ]
    tries("Filters", offered)
    if editor.link_problem:
        sentence(editor.link_problem)


def _still(editor: Editor, chain: Pipeline) -> bool:
    """Whether a chain that was tried is still there, with other values maybe, and more after it."""
    return editor.tried == chain and editor.filters()[: len(chain.steps)] == _filters(chain)


def caution(image: Image) -> None:
    """A sentence where a ready-made chain is at work on a picture of quite another size than it was made for, as long
    as something that it says in pixels is as it was made."""
    height, width = image.shape[:2]
    ratio = max(height, width) / MADE_FOR
    chain = next((chain for chain in CHAINS.values() if _reach_of(chain, current().pipeline())), None)
    if chain is None or 1 / MUCH < ratio < MUCH:
        return
    reach = f"{1 / ratio:.1f} times as far here" if ratio < 1 else f"only 1/{ratio:.1f} as far here"
    st.caption(
        f":material/info: “{chain.title}” was made for pictures of about {MADE_FOR:,} pixels a side. On {width:,} × "
        f"{height:,}, what is in px reaches {reach}: {'lower' if ratio < 1 else 'raise'} it."
    )


def nothing_left(after: Image) -> None:
    """A sentence where a chain has made one even colour of the picture: a black page would look like a fault."""
    if (after == after[0, 0]).all():
        colour = "black" if not after.any() else "white" if (after == 255).all() else "of one colour"
        st.caption(
            f":material/info: Everything is {colour}: the chain leaves nothing of the picture. Move a threshold, or "
            "switch steps off one by one to see which of them does it."
        )


def _filters(pipeline: Pipeline) -> list[str]:
    return [name for name, _ in pipeline.steps]


def _reach_of(chain: Chain, pipeline: Pipeline) -> bool:
    """Whether the pipeline has the chain's filters, and a value in pixels that is still the chain's."""
    if _filters(pipeline) != _filters(made := chain.pipeline()):
        return False
    pairs = zip(made.steps, pipeline.steps, strict=True)
    return any(
        parameter.unit == "px" and values[parameter.name] == now[parameter.name]
        for (name, values), (_, now) in pairs
        for parameter in FILTERS[name].parameters
    )


def chain_editor() -> dict[int, DeltaGenerator]:
    """A card for each step, and what adds one; {id: room for more in its card}. Editor.heed() takes their values."""
    editor, rooms = current(), {}
    count = len(editor.steps)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**The chain** · {count} filter{'s' * (count != 1)}", width="stretch")
        _ready_made_ones(editor)
        icon_button("undo", "undo", "Take the last change back", editor.undo, disabled=not editor.past)
        icon_button("clear", "delete_sweep", "Remove all filters", editor.change, [], disabled=not count)
    for place, step in enumerate(editor.steps):
        with st.container(border=True, key=f"step-{step.id}", gap="xsmall"):
            _card(editor, place, step)
            rooms[step.id] = st.container()
    if not count:
        st.caption("No filter: the picture stays as it is. Add one, or begin with a chain that is ready-made.")
    _adder(editor)
    return rooms


def _ready_made_ones(editor: Editor) -> None:
    with st.popover("Ready-made", type="tertiary"):
        for chain in CHAINS.values():
            st.button(
                chain.title,
                key=f"ready-{chain.name}",
                help=chain.about,
                on_click=editor.take,
                args=(chain.pipeline(),),
                width="stretch",
            )


def _card(editor: Editor, place: int, step: Step) -> None:
    """One step: its switch, its buttons and its sliders."""
    entry, last = FILTERS[step.name], len(editor.steps) - 1
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.toggle(f"{place + 1} · {step.title}", step.on, key=step.switch, help=entry.about, width="stretch")
        one, full = step.id, last + 1 >= MAX_STEPS
        of = f"{step.title}, step {place + 1}"
        icon_button(f"up-{one}", "arrow_upward", "Move up", editor.move, place, -1, of=of, disabled=place == 0)
        icon_button(f"down-{one}", "arrow_downward", "Move down", editor.move, place, 1, of=of, disabled=place == last)
        icon_button(f"copy-{one}", "content_copy", "Duplicate", editor.duplicate, place, of=of, disabled=full)
        icon_button(f"remove-{one}", "delete", "Remove", editor.remove, place, of=of)
    if step.on and entry.parameters:
        columns = st.columns(min(2, len(entry.parameters)), gap="medium")
        for number, parameter in enumerate(entry.parameters):
            with columns[number % len(columns)]:
                _input(parameter, step)


def _input(parameter: Parameter, step: Step) -> None:
    """The slider (or the choice) of one parameter, at the step's value."""
    key, now = step.key(parameter.name), step.values[parameter.name]
    label = parameter.title + (f" ({parameter.unit})" if parameter.unit else "")
    if parameter.kind == "choice":
        st.selectbox(label, parameter.choices, parameter.choices.index(now), key=key, help=parameter.about)
        return
    number = int if parameter.kind == "int" else float
    low, high, step_size = number(parameter.low), number(parameter.high), number(parameter.step)
    st.slider(label, low, high, number(now), step_size, key=key, help=parameter.about)


def _adder(editor: Editor) -> None:
    """All filters, by kind or by name; choosing one adds it to the end of the chain."""
    if len(editor.steps) >= MAX_STEPS:
        st.caption(f"The chain has {MAX_STEPS} filters, and takes no more.")
        return
    groups: dict[str, list[str]] = {}
    for name, entry in FILTERS.items():
        groups.setdefault(entry.group, []).append(name)
    with st.popover("Add a filter", icon=":material/add:", type="primary", width="stretch"):
        st.selectbox(
            "By name",
            list(FILTERS),
            index=None,
            format_func=lambda name: FILTERS[name].title,
            key="add-by-name",
            placeholder=f"Type to find one of {len(FILTERS)}",
            on_change=_add_by_name,
        )
        group = st.pills("By kind", list(groups), default=next(iter(groups)), required=True, key="add-group")
        with st.container(horizontal=True, gap="small", key="add-buttons"):
            for name in groups[group]:
                entry = FILTERS[name]
                st.button(entry.title, key=f"add-{name}", help=entry.about, on_click=editor.add, args=(name,))


def _add_by_name() -> None:
    name = st.session_state["add-by-name"]
    if name is not None:
        current().add(name)
        st.session_state["add-by-name"] = None


def save_and_load(pipeline: Pipeline) -> None:
    """The chain as a file, and an uploader for such a file; one that cannot be used leaves the chain as it was."""
    editor = current()
    st.download_button(
        "Save the chain",
        pipeline.to_json(),
        "chain.json",
        "application/json",
        icon=":material/download:",
        key="save",
        on_click="ignore",
    )
    file_uploader(
        "Open a chain that you saved",
        type=["json"],
        key=f"chain-file-{editor.uploads}",
        on_change=_take_file,
        max_upload_size=1,  # MB; Pipeline.from_json() reads far less, and says so
    )
    if editor.file_problem:
        sentence(editor.file_problem)
    st.caption("This page’s address holds the chain, too: send it to somebody, and the same chain opens.")


def _take_file() -> None:
    editor = current()
    file = st.session_state[f"chain-file-{editor.uploads}"]
    if file is None:
        return
    editor.uploads += 1
    try:
        editor.take(Pipeline.from_json(file.getvalue()))
    except ParameterError as error:
        editor.file_problem = f"{file.name}: {error}"
