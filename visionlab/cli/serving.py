"""The shell's app: what `make run` serves, from wherever visionlab is installed; main registers it."""

from __future__ import annotations

import errno
import re
import socket
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from visionlab.errors import ParameterError, VisionlabError
from visionlab.wording import shortened

SCRIPT = "streamlit_app.py"
NEEDED = ("streamlit", "plotly", "pandas", "starlette")  # the extra “app” of pyproject.toml
OWN = ["localhost", "127.0.0.1", "::1"]  # names of a machine that only itself answers to
_NAME = re.compile(r"\*|(\*\.)?[\w-]+(\.[\w-]+)*\.?|[0-9a-f:]*:[0-9a-f:.]*", re.ASCII | re.IGNORECASE)
_PACKAGE = Path(__file__).parents[1]
_PLACES = (_PACKAGE / "app", _PACKAGE.parent)  # in an installed library (see setup.py), and in a checkout


def serve(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where the browser finds it.")] = 8501,
    host: Annotated[str, typer.Option(help="The address it listens at: 0.0.0.0 for other machines, too.")] = OWN[0],
    known_as: Annotated[
        list[str] | None,
        typer.Option(
            help="A name by which browsers may reach it, such as lab.example.org, repeatable; without one, any."
        ),
    ] = None,
) -> None:
    r"""The app, for the browser, until Ctrl+C; needs visionlab\[app]."""  # Rich takes [app] for a colour
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        raise VisionlabError(
            f"The app needs {', '.join(missing)}, not installed here. Bring what it needs, in visionlab’s folder: "
            "pip install '.[app]'"
        )
    names = [name for told in known_as or () for name in _names(told)]
    _check_address(host, port)
    from streamlit.web.cli import main

    script = next(place / SCRIPT for place in _PLACES if (place / SCRIPT).is_file())
    usual = dict.fromkeys([*OWN, host]) if host in OWN or host.startswith("127.") else ["*"]
    allowed = [option for name in names or usual for option in ("--server.allowedHosts", name)]
    main(["run", str(script), "--server.port", str(port), "--server.address", host, *allowed])


def _names(told: str) -> list[str]:
    """The names in what was told, of which addresses, with a port or without, have one, and lists several."""
    return [_name(each) for each in re.split(r"[,\s]+", told.strip(", \t\n"))]


def _name(told: str) -> str:
    try:
        found = told if told.count(":") > 1 and "/" not in told and "[" not in told else _of_address(told)
        name = found.encode("idna").decode() if not found.isascii() else found  # as browsers ask for it
    except ValueError:  # of what is no address, or no name
        name = ""
    if not _NAME.fullmatch(name):
        raise ParameterError(f"“{shortened(told)}” is no name of a server; say one, such as lab.example.org.")
    return name


def _of_address(told: str) -> str:
    parts = urlsplit(told if "//" in told else f"//{told}")
    _ = parts.port  # ValueError for what is none
    return "" if parts.username is not None else parts.hostname or ""


def _check_address(host: str, port: int) -> None:
    """Raises ParameterError where nobody can listen there; that the port is taken, Streamlit says."""
    try:
        if not host:  # to a socket, all addresses
            raise OSError(errno.EADDRNOTAVAIL, "nothing is named")
        with closing(socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)) as probe:  # as Streamlit does
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except (OSError, UnicodeError) as error:
        number = getattr(error, "errno", None)
        if number == errno.EADDRINUSE:
            return
        why = getattr(error, "strerror", None) or "it is no name"
        if number == errno.EACCES:
            raise ParameterError(f"Port {port} may not be listened at ({why}); choose one from 1024 on.") from error
        raise ParameterError(
            f"“{shortened(host)}” is no address at which this machine can listen ({why}); name one, such as localhost, "
            "or 0.0.0.0 for other machines, too."
        ) from error
