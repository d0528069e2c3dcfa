"""Copies and near-copies among pictures that come into a project: which one is taken, and what is told of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping
from dataclasses import replace

import numpy as np

from visionlab.learning.projects.project import Project
from visionlab.learning.projects.rows import Arrival
from visionlab.learning.sets.layout import PARTS, folded
from visionlab.learning.sets.similar import nearly_in_several_classes

LISTED = 5  # classes that a sentence names
HELD_BACK = ("", *PARTS)  # of parts that hold one picture, the last of these has it


def nearly_in_others(project: Project, fresh: Container[str], paths: Mapping[str, str]) -> str:
    """The sentence on those of these fresh pictures, by their keys, that are nearly the same as one of another class;
    "" where none are. paths: by which the keys of pictures that came now are called."""
    classes, pictures = project.snapshot()
    names = {each.id: each.name for each in classes}
    groups = {each.group for each in pictures if each.key in fresh}
    found = [each for each in pictures if each.group in groups]
    return nearly_in_several_classes(
        np.array([each.group for each in found], np.int64),
        [each.key for each in found],
        np.array([each.class_id for each in found], np.int64),
        [paths.get(each.key) or f"{names[each.class_id]}/{each.name}" for each in found],
    )


def held_out(first: Arrival, copy: Arrival) -> Arrival:
    """Of a picture and a later copy of it the one that is held out; its file is that of the first, which is there."""
    alike = folded(first.class_name) == folded(copy.class_name) and first.switched_off == copy.switched_off
    if alike and HELD_BACK.index(copy.part) > HELD_BACK.index(first.part):
        return replace(first, part=copy.part, name=copy.name)
    return first


def originals(copies: Counter[tuple[str, str]]) -> str:
    """Where the originals of copies lie, those first that were brought as another class."""
    most = sorted(copies.items(), key=lambda item: (item[0][0].casefold() == item[0][1].casefold(), -item[1]))
    parts = [
        f"{count:,} in “{lies}”" + f", brought as “{came}”" * (came.casefold() != lies.casefold())
        for (came, lies), count in most
    ]
    more = f"; and {len(parts) - LISTED:,} more" if len(parts) > LISTED else ""
    return f"The originals of the exact copies: {'; '.join(parts[:LISTED])}{more}."
