"""The projects of this server."""

from __future__ import annotations

import os
from datetime import timedelta

import streamlit as st

from visionlab import limits
from visionlab.errors import log_line
from visionlab.learning.projects.workspace import Workspace


def workspace() -> Workspace:
    """The projects of this server; what is older than the operator keeps it is removed once a day."""
    variables = (limits.WORKSPACE_FOLDER, limits.WORKSPACE.variable, limits.KEEP_DAYS.variable)
    return _workspace(*map(os.environ.get, variables))


@st.cache_resource(max_entries=1, ttl=timedelta(days=1), show_spinner=False)
def _workspace(folder: str | None, limit: str | None, keep: str | None) -> Workspace:
    found = Workspace()  # it looks at the same variables, which are arguments so that another value is another one
    if (days := limits.KEEP_DAYS.value()) and (removed := len(found.clean(timedelta(days=days)))):
        projects = "1 project" if removed == 1 else f"{removed:,} projects"
        log_line(f"Removed {projects} that nobody had opened for {_days(days)} ({limits.KEEP_DAYS.variable}).")
    return found


def kept_for() -> str | None:
    """How long projects are kept, as a sentence; None where it is for good."""
    days = limits.KEEP_DAYS.value()
    return f"A project that nobody opens for {_days(days)} is removed." if days else None


def _days(days: float) -> str:
    return "1 day" if days == 1 else f"{days:g} days"
