"""The projects of this server, and what a callback does to them: whole, or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import streamlit as st

from visionlab import limits
from visionlab.errors import VisionlabError
from visionlab.learning.projects.workspace import FOLDER_VARIABLE, Workspace
from visionlab.ui.shared import state
from visionlab.ui.shared.undisturbed import undisturbed


def workspace() -> Workspace:
    """The projects of this server; what is older than the operator keeps it is removed once a day."""
    variables = (FOLDER_VARIABLE, limits.WORKSPACE.variable, limits.KEEP_DAYS.variable)
    return _workspace(*map(os.environ.get, variables))


@st.cache_resource(max_entries=1, ttl=timedelta(days=1), show_spinner=False)
def _workspace(folder: str | None, limit: str | None, keep: str | None) -> Workspace:
    found = Workspace()  # it looks at the same variables, which are arguments so that another value is another one
    if days := limits.KEEP_DAYS.value():
        found.clean(timedelta(days=days))
    return found


def attempt(act: Callable[..., Any], *arguments: Any) -> None:
    """For callbacks: do it whole, or keep the sentence that says why not for the run that follows."""
    with undisturbed():
        try:
            act(*arguments)
        except VisionlabError as error:
            state.keep_problem(str(error))
