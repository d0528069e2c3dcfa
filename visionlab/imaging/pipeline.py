"""Filters in a chain: as JSON, as a shell command, and as Python code that does the same without visionlab."""

from __future__ import annotations

import dis
import inspect
import json
import shlex
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import CodeType
from typing import Any

from visionlab.errors import ParameterError
from visionlab.imaging.filter_record import Value
from visionlab.imaging.filters import find_filter
from visionlab.imaging.guards import file_bytes
from visionlab.imaging.image import Image, check_image, shrunk
from visionlab.imaging.pixels import decoded
from visionlab.wording import quoted

MAX_STEPS = 50  # of a chain that comes as JSON, and on the page
MAX_JSON_BYTES = 100_000  # 50 steps need about 10,000

_HEAD = '''"""A picture pipeline, written by visionlab. Needs opencv-python (or -headless), numpy{also} and pillow.

    python pipeline.py photo.jpg result.png
"""

import struct
import sys
from collections.abc import Callable, Iterable
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageCms, TiffImagePlugin
{imports}
'''

_READING = '''"""decoded(file_bytes(path)): a picture's file as uint8 (height, width, 3) RGB, as visionlab reads it."""

import os
import struct
from collections.abc import Callable, Iterable
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageCms, TiffImagePlugin


'''

_TAIL = """

if __name__ == "__main__":
    picture = decoded(Path(sys.argv[1]).read_bytes())
{fit}    cv2.imwrite(sys.argv[2], cv2.cvtColor(pipeline(picture), cv2.COLOR_RGB2BGR))
"""

_FIT = "    picture = shrunk(picture, {fit})  # what is in pixels was chosen at this size\n"


def reading_as_python() -> str:
    """A Python module that reads a picture's file as load_image() does, and knows no visionlab."""
    functions = dict.fromkeys([*_with_helpers(file_bytes), *_with_helpers(decoded)])
    return _READING + "\n\n".join(map(_source, functions))


@dataclass(frozen=True, eq=False)
class Stage:
    """What one step made of the picture, uint8 (H, W, 3), and the time that it took in seconds."""

    place: int
    name: str
    image: Image
    seconds: float


@dataclass(frozen=True)
class Pipeline:
    """Filters applied one after the other: `steps` are (name in FILTERS, parameter values) pairs.

    Checked when it is made: ParameterError for an unknown filter (with the nearest name) or parameter, or a value out
    of range. Afterwards every step holds the values of all its parameters, defaults included. `off` holds the places,
    from 0, of steps that are switched off: they keep their values, and are passed over.
    """

    steps: Sequence[tuple[str, Mapping[str, Value]]] = ()
    off: Collection[int] = frozenset()

    def __post_init__(self) -> None:
        object.__setattr__(self, "steps", tuple(_check_step(step) for step in self.steps))
        for place in self.off:
            if place not in range(len(self.steps)):
                raise ParameterError(f"A step that is off has a place from 0 to {len(self.steps) - 1}, not {place!r}.")
        object.__setattr__(self, "off", frozenset(self.off))

    def run(self, image: Image) -> Image:
        """The picture after the last step, uint8 (H, W, 3); `image` is left as it is. No steps: a copy."""
        result = check_image(image).copy()
        for stage in self.stages(image):
            result = stage.image
        return result

    def stages(self, image: Image, between: Callable[[float], object] | None = None) -> Iterator[Stage]:
        """The picture after each step that is on, as it is made: one picture at a time, and the time it took.

        between(share) is called now and then within steps that take long; see Filter.apply_between().
        """
        image = check_image(image)
        for place, (name, values) in enumerate(self.steps):
            if place not in self.off:
                start = time.perf_counter()
                entry = find_filter(name)
                image = entry.apply_between(image, between, **values) if between else entry.apply(image, **values)
                yield Stage(place, name, image, time.perf_counter() - start)

    def to_python(self, fit: int | None = None) -> str:
        """A Python module with `def pipeline(image)`, uint8 RGB (H, W, 3) in and out, that knows no visionlab.

        It consists of the very functions that `run` calls, so that both give the same pixels, and, run as a script, of
        those by which load_image() reads a file. With `fit` the script shrinks the picture first, as fit() does, to so
        many pixels on its longest side. Steps that are off are left out.
        """
        steps = [(find_filter(name).function, values) for name, values in self._on()]
        functions: dict[Callable, None] = {}  # a dict keeps order, each once
        for function, _ in steps:
            functions |= dict.fromkeys(_with_helpers(function))
        reading = dict.fromkeys([*_with_helpers(decoded), *([shrunk] if fit else [])])
        sources = [_source(function) for function in functions]
        calls = [
            f"    image = {function.__name__}({', '.join(['image', *_arguments(values)])})"
            for function, values in steps
        ]
        body = "\n".join(["def pipeline(image: np.ndarray) -> np.ndarray:", *calls, "    return image", ""])
        sources = [*sources, body, *(_source(function) for function in reading)]
        modules = sorted({name for function in functions for name in _scipy_modules(function)})
        imports = "".join(f"from scipy import {name}\n" for name in modules)
        head = _HEAD.format(also=", scipy" if modules else "", imports=imports)
        return head + "\n" + "\n\n".join(sources) + _TAIL.format(fit=_FIT.format(fit=fit) if fit else "")

    def to_shell(self, fit: int | None = None) -> str:
        """The command that does the same from a shell; steps that are off are left out."""
        steps = [":".join(filter(None, [name, ",".join(_arguments(values, str))])) for name, values in self._on()]
        options = ["--fit", str(fit)] if fit else []
        return shlex.join(["python", "-m", "visionlab", "filter", "photo.jpg", "result.png", *steps, *options])

    def _on(self) -> list[tuple[str, Mapping[str, Value]]]:
        return [step for place, step in enumerate(self.steps) if place not in self.off]

    def to_json(self) -> str:
        """The chain as text that from_json() reads: each step's filter, its values, and whether it is on."""
        steps = [
            {"filter": name, "on": place not in self.off, "values": values}
            for place, (name, values) in enumerate(self.steps)
        ]
        return json.dumps({"steps": steps}, indent=2) + "\n"

    @classmethod
    def from_json(cls, data: str | bytes) -> Pipeline:
        """The chain that to_json() wrote, or somebody by hand: {"steps": [{"filter": …, "values": {…}, "on": …}, …]}.

        "values" and "on" may be left out. Raises ParameterError, which names the step and the value, for everything
        else: more than MAX_JSON_BYTES or MAX_STEPS, no JSON, another shape, an unknown filter, a value out of range.
        """
        whole = _parse(data)
        if not isinstance(whole, dict) or not isinstance(whole.get("steps"), list):
            raise ParameterError(f'A chain is {{"steps": [{{"filter": "canny"}}, …]}}, not {quoted(whole)}.')
        if len(whole["steps"]) > MAX_STEPS:
            raise ParameterError(f"The chain has {len(whole['steps']):,} steps; at most {MAX_STEPS} are taken.")
        _no_others("The chain", whole, ("steps",))
        steps = [_from_record(place, record) for place, record in enumerate(whole["steps"], 1)]
        off = {place for place, record in enumerate(whole["steps"]) if not record.get("on", True)}
        return cls(steps, off)


def _parse(data: str | bytes) -> Any:
    size = len(data)
    if size > MAX_JSON_BYTES:
        raise ParameterError(f"The chain has {size:,} bytes; at most {MAX_JSON_BYTES:,} are read.")
    try:
        return json.loads(data)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise ParameterError(
            f"The chain is no JSON that can be read ({error.msg} in {where}); save one here to see how it looks."
        ) from error
    except (ValueError, RecursionError) as error:  # bytes that are no text, a number of 5,000 digits, a pit of brackets
        raise ParameterError("The chain is no JSON that can be read; save one here to see how it looks.") from error


def _from_record(place: int, record: Any) -> tuple[str, Mapping[str, Value]]:
    """The step of one JSON object, checked; the message of a ParameterError says which step it is."""
    if not isinstance(record, dict) or "filter" not in record:
        raise ParameterError(f'Step {place} is {{"filter": "canny", "values": {{…}}}}, not {quoted(record)}.')
    _no_others(f"Step {place}", record, ("filter", "values", "on"))
    values = record.get("values", {})
    if not isinstance(values, dict):
        raise ParameterError(f'Step {place} has “values” such as {{"low": 50}}, not {quoted(values)}.')
    if not isinstance(record.get("on", True), bool):
        raise ParameterError(f"Step {place} has “on” true or false, not {quoted(record['on'])}.")
    try:
        return _check_step((record["filter"], values))
    except ParameterError as error:
        raise ParameterError(f"Step {place}: {error}") from error


def _no_others(where: str, record: Mapping[str, Any], known: Sequence[str]) -> None:
    for key in record:
        if key not in known:
            raise ParameterError(f"{where} has {', '.join(f'“{name}”' for name in known)}, and no {quoted(key)}.")


def _check_step(step: tuple[str, Mapping[str, Value]]) -> tuple[str, dict[str, Value]]:
    if not isinstance(step, Sequence) or isinstance(step, str) or len(step) != 2 or not isinstance(step[1], Mapping):
        raise ParameterError(f"A step is a filter’s name and a dict of its parameters, not {quoted(step)}.")
    name, values = step
    return name, find_filter(name).settings(**values)


@cache
def _source(function: Callable) -> str:
    return inspect.getsource(function)


@cache
def _with_helpers(function: Callable) -> list[Callable]:
    """The function, after those of our own that it calls, directly or through one another."""
    found: list[Callable] = []
    for used in _globals(function).values():
        if inspect.isfunction(used) and used is not function and used.__module__.startswith(__package__):
            found += _with_helpers(used)
    return [*found, function]


@cache
def _scipy_modules(function: Callable) -> list[str]:
    """The modules of SciPy that the function uses, as its own module calls them."""
    return [
        name for name, used in _globals(function).items() if inspect.ismodule(used) and used.__name__ == f"scipy.{name}"
    ]


def _globals(function: Callable) -> dict[str, Any]:
    """{name: value} of what the function looks up in its module."""
    names = _global_names(function.__code__)
    return {name: function.__globals__[name] for name in names if name in function.__globals__}


def _global_names(code: CodeType) -> Iterator[str]:
    """Those that a function's code looks up, also in comprehensions and functions within it."""
    for instruction in dis.get_instructions(code):
        if instruction.opname == "LOAD_GLOBAL":
            yield instruction.argval
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _global_names(inner)


def _arguments(values: Mapping[str, Value], written: Callable[[Value], str] = repr) -> list[str]:
    return [f"{name}={written(value)}" for name, value in values.items()]
