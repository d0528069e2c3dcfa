"""Who visits: by what text their browser is known, and whether it runs at the server, whose files it may then name."""

from __future__ import annotations

import os
import re
import secrets
import stat
import zipfile
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import streamlit as st

from visionlab import limits
from visionlab.errors import DatasetError
from visionlab.wording import shortened

COOKIE = "visionlab-owner"  # visionlab.ui.serving keeps it in the browser
WELL_FORMED = re.compile(r"[\w-]{32}", re.ASCII)  # what secrets.token_urlsafe(24) gives
# What proxies add. A relay that adds nothing cannot be told from a browser here: for those there is limits.PATHS.
_FORWARDED = re.compile(r"via|forwarded|x-forwarded.*|x-original-.*|.*real-ip|.*client-ip|.*connecting-ip")
_OF_THE_SYSTEM = ("dev", "proc", "sys")  # folders of devices and processes, which may have no end


def owner() -> str:
    """The text by which this browser is known, the same in all of its sessions; that of a browser which keeps no
    cookies lasts as long as the session.

    Whoever knows it is taken for its owner: it belongs in no link, in no log and on no page.
    """
    known = st.session_state.get(COOKIE) or str(st.context.cookies.get(COOKIE))  # AppTest's are no texts
    st.session_state[COOKIE] = known if WELL_FORMED.fullmatch(known) else secrets.token_urlsafe(24)
    return st.session_state[COOKIE]


def at_the_server() -> bool:
    """Whether this session's browser runs on the server's own machine, and shows a page of that machine's.

    A page of another site is none, though its name may have come to mean this machine (DNS rebinding).
    """
    headers = st.context.headers
    return "Origin" in headers and is_at_server(st.context.ip_address, headers)


def is_at_server(peer: str | None, headers: Mapping[str, str]) -> bool:
    """Whether a request comes from the server's own machine, asks for it by one of its own names, and came straight.

    Where it says from which page it comes, that has to be one of this server. Streamlit's None is 127.0.0.1 or ::1.
    """
    told = {name.lower(): value for name, value in headers.items()}
    if (peer is not None and not _is_loopback(peer)) or any(map(_FORWARDED.fullmatch, told)):
        return False
    host, origin = told.get("host", ""), told.get("origin")
    return is_own_name(host) and (origin is None or origin in (f"http://{host}", f"https://{host}"))


def _is_loopback(address: str) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return (getattr(found, "ipv4_mapped", None) or found).is_loopback


def is_own_name(host: str) -> bool:
    """Whether a machine calls itself so, with a port or without: localhost, or an address that leads back to it."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    return name == "localhost" or _is_loopback(name)


def may_name_files() -> bool:
    """Whether this session may name files of the server's machine: it is there, and the operator does not forbid it."""
    return limits.PATHS.is_on() and at_the_server()


def named(text: str) -> Path:
    """The folder or zip of the server's machine that a person named.

    Raises DatasetError, with the same sentence whatever else is there or not, and where this session may name nothing.
    """
    path = Path(os.path.expanduser(text))  # Path's own fails where nobody has that name
    if not may_name_files() or not text or not _may_be_read(path):
        told = f"“{shortened(text)}” is no folder and no zip that can be opened"
        raise DatasetError(f"{told}; name one, such as /home/me/pictures.")
    return path


def _may_be_read(path: Path) -> bool:
    try:
        parts = Path(os.path.realpath(path)).parts
        kind = path.stat().st_mode  # before it is opened: opening a pipe waits for who writes to it
        if len(parts) < 2 or parts[1] in _OF_THE_SYSTEM:
            return False
        return os.access(path, os.R_OK) and (stat.S_ISDIR(kind) or (stat.S_ISREG(kind) and zipfile.is_zipfile(path)))
    except (OSError, ValueError):
        return False
