"""The chain of filters that the user builds: what the session and the link remember of it.

The chain lives in the session under values of its own, not in its widgets, so that another page does not end it; the
link holds it, too, so that it can be shared.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import streamlit as st

from visionlab.errors import ParameterError
from visionlab.imaging.filter_record import Value
from visionlab.imaging.filters import FILTERS
from visionlab.imaging.pipeline import MAX_STEPS, Pipeline
from visionlab.ui.shared.components.live_sliders import Moving, moving

CHAIN = "chain"  # in the link
CONTROL = "value-"  # what the keys of all controls of parameters begin with
LIVE = "live-chain"  # the component that tells which slider is on its way
LONGEST_LINK = 6_000  # characters of the chain; browsers take more, but not every mail program does
UNDO = 30  # changes that can be taken back
ONE_GO = 1.0  # s between two steps of one control that are taken back together, as arrow keys make them
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

    def key(self, parameter: str) -> str:
        """What the control of a parameter is known by."""
        return f"{CONTROL}{self.id}-{parameter}"

    def changed(self, later: Step) -> list[str]:
        """The keys of the controls that hold something else later."""
        keys = [self.key(name) for name, value in self.values.items() if later.values[name] != value]
        return [*keys, *([] if self.on == later.on else [self.switch])]

    @property
    def switch(self) -> str:
        """What its switch is known by."""
        return f"on-{self.id}"

    def held(self, live: Moving | None) -> tuple[Step, bool]:
        """The step with what its controls hold, if they were drawn before, and whether one of them is on its way."""
        values, on_its_way = dict(self.values), False
        for parameter in FILTERS[self.name].parameters:
            now, key = values[parameter.name], self.key(parameter.name)
            value = st.session_state.get(key, now)
            if live and live.key == key and abs(value - live.start) < parameter.step / 2:
                value, on_its_way = live.value, True  # which its slider tells when it is let go
            if value != now:
                values[parameter.name] = value if parameter.kind == "choice" else parameter.near(value)
        return replace(self, values=values, on=st.session_state.get(self.switch, self.on)), on_its_way


@dataclass
class Editor:
    """What the session remembers: the chain, how it was before each change, and what was wrong with what was opened."""

    steps: list[Step] = field(default_factory=list)
    past: list[list[Step]] = field(default_factory=list)
    made: int = 0  # ids given so far
    looked_at: int | None = None  # the id of the step whose picture is shown; None: the last one's
    drag: tuple[str, float] | None = None  # the slider that is on its way, and where it was
    stepped: tuple[str, float] | None = None  # the control that was changed last, not by dragging, and when
    link_problem: str | None = None
    file_problem: str | None = None
    tried: Pipeline | None = None  # what was taken as a thing to try, and may have been changed since
    uploads: int = 0  # chain files taken in: a new key empties the uploader

    def pipeline(self) -> Pipeline:
        off = {place for place, step in enumerate(self.steps) if not step.on}
        return Pipeline([(step.name, step.values) for step in self.steps], off)

    def filters(self) -> list[str]:
        return [step.name for step in self.steps]

    def change(self, steps: Iterable[Step]) -> None:
        """Take these steps, and remember those of before."""
        self.past = [*self.past, self.steps][-UNDO:]
        self.steps = list(steps)
        self.link_problem = self.file_problem = self.drag = self.stepped = None

    def heed(self) -> bool:
        """Take over what the page's controls hold, before they are drawn anew, and put it into the link; whether a
        slider is on its way.

        A slider that is dragged from one end to the other is one change, and so are steps by keys in one go.
        """
        live = moving(LIVE)
        drag = live and (live.key, live.start)
        found = [step.held(live) for step in self.steps]
        steps = [step for step, _ in found]
        changed = [key for old, new in zip(self.steps, steps, strict=True) for key in old.changed(new)]
        if changed:
            # Where it is let go, its own value may come with the news that no slider is on its way any more.
            one_drag = self.drag is not None and changed == [self.drag[0]] and drag in (None, self.drag)
            step = (changed[0], time.monotonic()) if not self.drag and not drag and _one_control(changed) else None
            one_go = step and self.stepped and step[0] == self.stepped[0] and step[1] - self.stepped[1] < ONE_GO
            before = self.past
            self.change(steps)
            self.stepped = step
            if one_drag or one_go:
                self.past = before
        self.drag = drag
        remember_in_link(self.pipeline())
        return any(on_its_way for _, on_its_way in found)

    def fresh(self, steps: Iterable[Step]) -> list[Step]:
        """The same steps under new ids: their widgets start from their values."""
        return [replace(step, id=self._next_id()) for step in steps]

    def take(self, pipeline: Pipeline, tried: bool = False) -> None:
        """Put this chain in the place of the one that is there; the same again is no change to take back."""
        self.tried = pipeline if tried else None
        if pipeline == self.pipeline():
            return
        steps = enumerate(pipeline.steps)
        self.change([Step(self._next_id(), name, values, i not in pipeline.off) for i, (name, values) in steps])
        self.looked_at = None

    def undo(self) -> None:
        if self.past:
            self.steps = self.fresh(self.past.pop())
            self.tried = None
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


def _one_control(changed: list[str]) -> bool:
    return len(changed) == 1 and changed[0].startswith(CONTROL)


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
