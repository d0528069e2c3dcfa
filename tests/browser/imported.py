"""What a server of the app imports beneath visionlab.ui: done once, in the process that servers are forked from.

Nothing of visionlab.ui is here, since what it does at its import it has to do in each server; nor what needs Ray, which
nobody has asked for.
"""

import importlib
import pkgutil

import plotly.graph_objects  # noqa: F401
import streamlit.web.bootstrap
import streamlit.web.cli  # noqa: F401

import visionlab

NOT_HERE = {f"visionlab.{room}" for room in ("ui", "cli", "cluster", "__main__")}
for room in pkgutil.iter_modules(visionlab.__path__, "visionlab."):
    if room.name not in NOT_HERE:  # looking for what is in a room imports it
        module = importlib.import_module(room.name)
        for found in pkgutil.walk_packages(getattr(module, "__path__", []), f"{room.name}."):
            importlib.import_module(found.name)
