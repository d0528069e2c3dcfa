"""The projects of this server, and what a callback does to them: whole, or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import streamlit as st

from visionlab.errors import ParameterError, VisionlabError
from visionlab.learning.projects.workspace import FOLDER_VARIABLE, LIMIT_VARIABLE, Workspace
from visionlab.ui.shared import state
from visionlab.ui.shared.undisturbed import undisturbed

KEEP_VARIABLE = "VISIONLAB_KEEP_DAYS"


def workspace() -> Workspace:
    """The projects of this server; what is older than the operator keeps it is removed once a day."""
    return _workspace(*(os.environ.get(name) for name in (FOLDER_VARIABLE, LIMIT_VARIABLE, KEEP_VARIABLE)))


@st.cache_resource(max_entries=1, ttl=timedelta(days=1), show_spinner=False)
def _workspace(folder: str | None, limit: str | None, keep: str | None) -> Workspace:
    found = Workspace()  # it looks at the same variables, which are arguments so that another value is another one
    if days := days_kept():
        found.clean(timedelta(days=days))
    return found


def days_kept() -> float | None:
    """For how long a project that nobody opens is kept, as the operator says; None: for good."""
    told = os.environ.get(KEEP_VARIABLE)
    try:
        days = float(told) if told else None
    except ValueError as error:
        raise ParameterError(f"{KEEP_VARIABLE} is {told!r}; it must be a number of days, such as 90.") from error
    if days is not None and not 0 < days <= 36_500:
        raise ParameterError(f"{KEEP_VARIABLE} is {told}; it must lie between 0 and 36,500 days.")
    return days


def attempt(act: Callable[..., Any], *arguments: Any) -> None:
    """For callbacks: do it whole, or keep the sentence that says why not for the run that follows."""
    with undisturbed():
        try:
            act(*arguments)
        except VisionlabError as error:
            state.keep_problem(str(error))
