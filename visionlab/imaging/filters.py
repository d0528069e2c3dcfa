"""The FILTERS table: which classic filters there are, and what may be set in each. Its entries lie by subject."""

from __future__ import annotations

from difflib import get_close_matches

from visionlab.errors import ParameterError
from visionlab.imaging.filter_record import Filter, Parameter, Value
from visionlab.imaging.operations.black_and_white import BLACK_AND_WHITE
from visionlab.imaging.operations.edges import EDGES
from visionlab.imaging.operations.effects import EFFECTS
from visionlab.imaging.operations.frequencies import FREQUENCIES
from visionlab.imaging.operations.geometry import GEOMETRY
from visionlab.imaging.operations.morphology import MORPHOLOGY
from visionlab.imaging.operations.sharpening import SHARPENING
from visionlab.imaging.operations.smoothing import SMOOTHING
from visionlab.imaging.operations.tone import TONE
from visionlab.wording import quoted, shortened

__all__ = ["FILTERS", "Filter", "Parameter", "Value", "find_filter"]

FILTERS: dict[str, Filter] = {
    **SMOOTHING,
    **EDGES,
    **SHARPENING,
    **BLACK_AND_WHITE,
    **MORPHOLOGY,
    **TONE,
    **FREQUENCIES,
    **GEOMETRY,
    **EFFECTS,
}


def find_filter(name: str) -> Filter:
    """The filter of that name; ParameterError with the nearest names, or some of them, where there is none."""
    if not isinstance(name, str):
        raise ParameterError(f"A filter’s name is a text such as “canny”, not {quoted(name)}.")
    if name in FILTERS:
        return FILTERS[name]
    near = get_close_matches(shortened(name), FILTERS, n=1)
    some = ", ".join(list(FILTERS)[:8])
    hint = f"Did you mean “{near[0]}”?" if near else f"There are {some} and {len(FILTERS) - 8} more."
    raise ParameterError(f"“{shortened(name)}” is no filter. {hint}")
