"""The shell's app: what `make run` serves, from wherever visionlab is installed; main registers it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from visionlab.errors import VisionlabError

SCRIPT = "streamlit_app.py"
NEEDED = ("streamlit", "plotly", "pandas", "starlette")  # the extra “app” of pyproject.toml
OWN = ["localhost", "127.0.0.1", "::1"]  # names of a machine that only itself answers to
_PACKAGE = Path(__file__).parents[1]
_PLACES = (_PACKAGE / "app", _PACKAGE.parent)  # in an installed library (see setup.py), and in a checkout


def serve(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where the browser finds it.")] = 8501,
    host: Annotated[str, typer.Option(help="The address it listens at: 0.0.0.0 for other machines, too.")] = OWN[0],
    known_as: Annotated[
        list[str] | None, typer.Option(help="A name by which browsers may reach it, repeatable; without one, any.")
    ] = None,
) -> None:
    r"""The app, for the browser, until Ctrl+C; needs visionlab\[app]."""  # Rich takes [app] for a colour
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        raise VisionlabError(
            f"The app needs {', '.join(missing)}, not installed here. Bring what it needs: pip install 'visionlab[app]'"
        )
    from streamlit.web.cli import main

    script = next(place / SCRIPT for place in _PLACES if (place / SCRIPT).is_file())
    names = known_as or (OWN if host in OWN else ["*"])
    allowed = [option for name in names for option in ("--server.allowedHosts", name)]
    main(["run", str(script), "--server.port", str(port), "--server.address", host, *allowed])
