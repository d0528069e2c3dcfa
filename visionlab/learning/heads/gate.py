"""What a head's file may hold. It may come from anybody: what passes here is finite, bounded and of the kind that
everything behind it takes, so that no answer is NaN and no page falls over a name.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from visionlab.errors import DatasetError, HeadError, ParameterError
from visionlab.learning.judging.metrics import Spread
from visionlab.learning.sets.layout import LONGEST_NAME, class_names
from visionlab.network.running.classifier import INTERPOLATIONS, SMALLEST_SIDE, Transform
from visionlab.wording import quoted

LARGEST_SIDE = 2048  # pixels that a file may ask to enlarge every picture to
# Products of these with features stay far from float32's end, through a hidden layer or three tuned ones.
LARGEST, LARGEST_TUNED = 1e6, 1e4
COLDEST, HOTTEST = 1e-3, 1e3  # temperatures; those that are fitted lie within 0.05 and 20


def checked_text(value: object, what: str, name: str) -> str:
    """The value, if it is a text that can be written down. Raises HeadError."""
    if not isinstance(value, str) or len(value) > LONGEST_NAME or not _can_be_written(value):
        raise HeadError(f"{name} is damaged: its {what} is no text of at most {LONGEST_NAME} characters. Save it anew.")
    return value


def checked_classes(names: object, name: str) -> tuple[str, ...]:
    """The classes, as class_names has them. Raises HeadError where they could not have been typed."""
    if not isinstance(names, list):
        raise HeadError(f"{name} is damaged: its classes are no list. Save it anew.")
    try:
        return class_names(checked_text(each, "class", name) for each in names)
    except DatasetError as error:
        raise HeadError(f"{name} is damaged: {error}") from error


def checked_temperature(value: object, name: str) -> float:
    """Raises HeadError where it is no number that logits can be divided by."""
    if not _is_number(value) or not COLDEST <= value <= HOTTEST:
        raise HeadError(
            f"{name} is damaged: its temperature is {_short(value)}, not within {COLDEST:g} and {HOTTEST:,g}. "
            "Save it anew."
        )
    return float(value)


def checked_numbers(values: NDArray, key: str, name: str, largest: float) -> NDArray[np.float32]:
    """The array as float32. Raises HeadError where a number in it is not finite, or larger than `largest`."""
    if values.dtype.kind not in "fiu" or not np.isfinite(values).all():
        raise HeadError(f"{name} is damaged: “{key}” holds what is no finite number. Save it anew.")
    if values.size and max(abs(float(values.min())), abs(float(values.max()))) > largest:
        raise HeadError(f"{name} is damaged: “{key}” holds numbers beyond ±{largest:,.0f}. Save it anew.")
    return values.astype(np.float32)


def checked_transform(transform: Transform, name: str) -> Transform:
    """The transform that a file holds, its lists as tuples. Raises HeadError where no picture can enter by it."""
    sizes, colours = (transform.resize, transform.crop), (transform.mean, transform.std)
    fits = (
        all(type(size) is int for size in sizes)
        and SMALLEST_SIDE <= transform.crop <= transform.resize <= LARGEST_SIDE
        and all(isinstance(values, list | tuple) and len(values) == 3 for values in colours)
        and all(_is_number(value) and abs(value) <= 1e3 for values in colours for value in values)
        and min(transform.std) >= 1e-3
        and transform.interpolation in INTERPOLATIONS
        and type(transform.rounds) is bool
    )
    if not fits:
        raise HeadError(f"{name} is damaged: how pictures enter its network does not fit together. Save it anew.")
    return replace(transform, mean=tuple(transform.mean), std=tuple(transform.std))


def checked_facts(facts: object, classes: int, name: str) -> dict[str, object]:
    """How the head of so many classes came to be, as model cards tell it. Raises HeadError where it cannot be told."""
    if not isinstance(facts, dict) or not _can_be_told(facts):
        raise HeadError(f"{name} is damaged: what it says of its training cannot be told. Save it anew.")
    share, counts = facts.get("validation_accuracy"), facts.get("pictures")
    totals = [facts[key] for key in ("trained_on", "validated_on") if key in facts]
    confusion, seconds = facts.get("confusion"), facts.get("seconds")
    fits = (
        (share is None or (_is_number(share) and 0 <= share <= 1))
        and (not isinstance(counts, Mapping) or all(_is_count(each) for each in counts.values()))
        and all(_is_count(each) for each in totals)
        and (confusion is None or _is_confusion(confusion, classes))
        and (seconds is None or (_is_number(seconds) and seconds >= 0))
        and (facts.get("spread") is None or _is_spread(facts["spread"], confusion))
    )
    if not fits:
        raise HeadError(f"{name} is damaged: the counts of its training do not fit together. Save it anew.")
    return facts


def _can_be_told(value: object) -> bool:
    if isinstance(value, dict):
        return all(map(_can_be_told, value)) and all(map(_can_be_told, value.values()))
    if isinstance(value, list):
        return all(map(_can_be_told, value))
    return _can_be_written(value) if isinstance(value, str) else value is None or _is_number(value, bool)


def _can_be_written(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= c <= "\udfff" for c in text)  # half a character: no file takes it


def _is_number(value: object, *more: type) -> bool:
    return type(value) in (int, float, *more) and abs(value) < 1e15 and math.isfinite(value)


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < 10**9


def _is_confusion(value: object, classes: int) -> bool:
    """Whether it counts one picture or more, by what they are and by what they were taken for."""
    rows = value if isinstance(value, list) else []
    cells = [cell for row in rows if isinstance(row, list) and len(row) == classes for cell in row]
    return len(rows) == classes and len(cells) == classes**2 and all(map(_is_count, cells)) and sum(cells) > 0


def _is_spread(value: object, confusion: list[list[int]] | None) -> bool:
    """Whether it says how many of these pictures are different."""
    try:
        Spread.from_facts(value).check(np.sum(confusion, 1))
    except (ParameterError, TypeError, ValueError, OverflowError):
        return False
    return True


def _short(value: object) -> str:
    return "a number of over 20 digits" if isinstance(value, int) and abs(value) >= 10**20 else quoted(value)
