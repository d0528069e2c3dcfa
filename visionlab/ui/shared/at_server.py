"""Whether the browser runs on the server's own machine, so that naming its files gives nothing away."""

from __future__ import annotations

from ipaddress import ip_address

import streamlit as st


def at_the_server() -> bool:
    """Whether this session's browser does; through a proxy nobody knows, so then it does not."""
    return is_local(st.context.ip_address) and not {"X-Forwarded-For", "Forwarded"} & set(st.context.headers)


def is_local(address: str | None) -> bool:
    """Whether an address is the server's own; Streamlit says None for 127.0.0.1 and ::1 alone."""
    if address is None:
        return True
    found = ip_address(address)
    return (getattr(found, "ipv4_mapped", None) or found).is_loopback
