"""What a server of the app imports beneath visionlab.ui: done once, in the process that servers are forked from.

Nothing of visionlab.ui is here, since what it does at its import it has to do in each server.
"""

import importlib
import pkgutil

import plotly.graph_objects  # noqa: F401
import streamlit.web.bootstrap
import streamlit.web.cli  # noqa: F401

import visionlab

for found in pkgutil.walk_packages(visionlab.__path__, "visionlab."):
    if not found.name.startswith(("visionlab.ui", "visionlab.cli", "visionlab.__main__")):
        importlib.import_module(found.name)
