"""Near-copies of what came into a project among what lies in its other classes: what is told of them."""

from __future__ import annotations

from collections.abc import Container, Mapping

import numpy as np

from visionlab.learning.projects.project import Project
from visionlab.learning.sets.copies import nearly_in_several_classes


def nearly_in_others(project: Project, fresh: Container[str], paths: Mapping[str, str]) -> str:
    """The sentence on those of these fresh pictures, by their keys, that are nearly the same as one of another class;
    "" where none are. paths: by which the keys of pictures that came now are called."""
    classes, pictures = project.snapshot()
    names = {each.id: each.name for each in classes}
    groups = {each.group for each in pictures if each.key in fresh}
    found = [each for each in pictures if each.group in groups]
    return nearly_in_several_classes(
        np.array([each.group for each in found], np.int64),
        np.array([each.class_id for each in found], np.int64),
        [paths.get(each.key) or f"{names[each.class_id]}/{each.name}" for each in found],
    )
