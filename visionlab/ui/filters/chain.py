"""The chain of filters that the user builds: what the session remembers of it, and its editor.

The chain lives in the session under values of its own, not in its widgets, so that another page does not end it; the
link holds it, too, so that it can be shared.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from visionlab.errors import ParameterError
from visionlab.imaging.chains import CHAINS
from visionlab.imaging.filter_record import Parameter, Value
from visionlab.imaging.filters import FILTERS
from visionlab.imaging.pipeline import MAX_STEPS, Pipeline
from visionlab.ui.shared.page import sentence

CHAIN = "chain"  # in the link
LONGEST_LINK = 6_000  # characters of the chain; browsers take more, but not every mail program does
UNDO = 30  # changes that can be taken back
DEFAULT = Pipeline([("gaussian_blur", {}), ("canny", {})])


@dataclass(frozen=True)
class Step:
    """One filter of the chain; id names its widgets, wherever in the chain it goes."""

    id: int
    name: str
    values: Mapping[str, Value]
    on: bool = True

    @property
    def title(self) -> str:
        return FILTERS[self.name].title


@dataclass
class Editor:
    """What the session remembers: the chain, how it was before each change, and what was wrong with what was opened."""

    steps: list[Step] = field(default_factory=list)
    past: list[list[Step]] = field(default_factory=list)
    made: int = 0  # ids given so far
    looked_at: int | None = None  # the id of the step whose picture is shown; None: the last one's
    link_problem: str | None = None
    file_problem: str | None = None
    uploads: int = 0  # chain files taken in: a new key empties the uploader

    def pipeline(self) -> Pipeline:
        off = {place for place, step in enumerate(self.steps) if not step.on}
        return Pipeline([(step.name, step.values) for step in self.steps], off)

    def change(self, steps: Iterable[Step]) -> None:
        """Take these steps, and remember those of before."""
        self.past = [*self.past, self.steps][-UNDO:]
        self.steps = list(steps)
        self.link_problem = self.file_problem = None

    def fresh(self, steps: Iterable[Step]) -> list[Step]:
        """The same steps under new ids: their widgets start from their values."""
        return [replace(step, id=self._next_id()) for step in steps]

    def take(self, pipeline: Pipeline) -> None:
        """Put this chain in the place of the one that is there."""
        steps = enumerate(pipeline.steps)
        self.change([Step(self._next_id(), name, values, i not in pipeline.off) for i, (name, values) in steps])
        self.looked_at = None

    def undo(self) -> None:
        if self.past:
            self.steps = self.fresh(self.past.pop())
            self.link_problem = self.file_problem = None
            self.looked_at = None

    def add(self, name: str) -> None:
        if len(self.steps) < MAX_STEPS:
            self.change([*self.steps, Step(self._next_id(), name, FILTERS[name].settings())])
            self.looked_at = None  # what was added should be seen

    def duplicate(self, place: int) -> None:
        if len(self.steps) < MAX_STEPS:
            self.change([*self.steps[: place + 1], *self.fresh([self.steps[place]]), *self.steps[place + 1 :]])

    def move(self, place: int, by: int) -> None:
        steps = list(self.steps)
        steps.insert(place + by, steps.pop(place))
        self.change(steps)

    def remove(self, place: int) -> None:
        self.change([*self.steps[:place], *self.steps[place + 1 :]])

    def look_at(self, step: int) -> None:
        self.looked_at = step

    def _next_id(self) -> int:
        self.made += 1
        return self.made


def current() -> Editor:
    """The session's chain; at first the one that the link holds, or else a blur and its edges."""
    if "filter_chain" not in st.session_state:
        editor = st.session_state["filter_chain"] = Editor()
        link, problem = st.query_params.get(CHAIN), None
        try:
            editor.take(Pipeline.from_json(f'{{"steps": {link}}}') if link else DEFAULT)
        except ParameterError as error:
            editor.take(DEFAULT)
            problem = f"The link’s chain cannot be used: {error}"
        editor.past, editor.link_problem = [], problem
    return st.session_state["filter_chain"]


def remember_in_link(pipeline: Pipeline) -> None:
    """The chain as the link holds it: as in a file, without what is at its default."""
    steps = []
    for place, (name, values) in enumerate(pipeline.steps):
        changed = {p.name: values[p.name] for p in FILTERS[name].parameters if values[p.name] != p.default}
        off = {"on": False} if place in pipeline.off else {}
        steps.append({"filter": name, **({"values": changed} if changed else {}), **off})
    text = json.dumps(steps, separators=(",", ":"))
    if pipeline == DEFAULT or len(text) > LONGEST_LINK:
        st.query_params.pop(CHAIN, None)
    elif st.query_params.get(CHAIN) != text:
        st.query_params[CHAIN] = text


# --- the editor -----------------------------------------------------------------------------------------------------


def ready_made() -> None:
    """A button for each ready-made chain."""
    editor = current()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown("**Ready-made**", width="content")
        for chain in CHAINS.values():
            st.button(
                chain.title, key=f"ready-{chain.name}", help=chain.about, on_click=_take_ready, args=(chain.name,)
            )
    if editor.link_problem:
        sentence(editor.link_problem)


def _take_ready(name: str) -> None:
    current().take(CHAINS[name].pipeline())


def chain_editor() -> dict[int, DeltaGenerator]:
    """A card for each step, and what adds one; {id: room for more in its card}. Sliders' values are taken over."""
    editor = current()
    head, rooms, steps = st.container(horizontal=True, vertical_alignment="center"), {}, []
    for place, step in enumerate(editor.steps):
        with st.container(border=True, key=f"step-{step.id}", gap="small"):
            steps.append(_card(editor, place, step))
            rooms[step.id] = st.container()
    if steps != editor.steps:
        editor.change(steps)
    with head:  # now that it is known whether something can be taken back
        count = len(steps)
        st.markdown(f"**The chain** · {count} filter{'s' * (count != 1)}", width="stretch")
        _icon("undo", "undo", "Take the last change back", editor.undo, disabled=not editor.past)
        _icon("clear", "delete_sweep", "Remove all filters", editor.change, [], disabled=not count)
    _adder(editor)
    return rooms


def _card(editor: Editor, place: int, step: Step) -> Step:
    """One step: its switch, its buttons and its sliders. Gives the step with the values that these have now."""
    entry, last = FILTERS[step.name], len(editor.steps) - 1
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        on = st.toggle(f"{place + 1} · {step.title}", step.on, key=f"on-{step.id}", help=entry.about, width="stretch")
        one, full = step.id, last + 1 >= MAX_STEPS
        _icon(f"up-{one}", "arrow_upward", "Move up", editor.move, place, -1, disabled=place == 0)
        _icon(f"down-{one}", "arrow_downward", "Move down", editor.move, place, 1, disabled=place == last)
        _icon(f"copy-{one}", "content_copy", "Duplicate", editor.duplicate, place, disabled=full)
        _icon(f"remove-{one}", "delete", "Remove", editor.remove, place)
    values = dict(step.values)
    if on and entry.parameters:
        columns = st.columns(min(2, len(entry.parameters)), gap="medium")
        for number, parameter in enumerate(entry.parameters):
            with columns[number % len(columns)]:
                values[parameter.name] = _input(parameter, step)
    return replace(step, values=values, on=on)


def _input(parameter: Parameter, step: Step) -> Value:
    """The slider (or the choice) of one parameter, at the step's value."""
    key, now = f"value-{step.id}-{parameter.name}", step.values[parameter.name]
    label = parameter.title + (f" ({parameter.unit})" if parameter.unit else "")
    if parameter.kind == "choice":
        return st.selectbox(label, parameter.choices, parameter.choices.index(now), key=key, help=parameter.about)
    number = int if parameter.kind == "int" else float
    low, high, step_size = number(parameter.low), number(parameter.high), number(parameter.step)
    chosen = st.slider(label, low, high, number(now), step_size, key=key, help=parameter.about)
    return now if chosen == now else round(chosen, 6)  # 0.3, not 0.30000000000000004: people read it in the code


def _icon(key: str, icon: str, title: str, on_click, *args, disabled: bool = False) -> None:
    st.button(
        "",
        key=key,
        icon=f":material/{icon}:",
        type="tertiary",
        help=title,
        on_click=on_click,
        args=args,
        disabled=disabled,
        width="content",
    )


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
    st.file_uploader(
        "Open a chain that you saved",
        type=["json"],
        key=f"chain-file-{editor.uploads}",
        on_change=_take_file,
        max_upload_size=1,  # MB; Pipeline.from_json() reads far less, and says so
    )
    if editor.file_problem:
        sentence(editor.file_problem)
    st.caption("This page's address holds the chain, too: send it to somebody, and the same chain opens.")


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
