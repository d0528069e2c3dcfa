"""What a link asks for and is not there: one sentence, for as long as what is shown instead is shown."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from difflib import get_close_matches

import streamlit as st

from visionlab.ui.shared.page import sentence
from visionlab.wording import shortened

FEW = 12  # so many can be listed


def begin(key: str, titles: Mapping[str, str], what: str, usual: str | None = None) -> None:
    """Before the widget of that key, whose options these are, {name: title}: it begins with what the link names, by
    name or title. Where there is no such thing, a sentence says so while `usual`, with which it begins else, is chosen.
    """
    wanted, told = st.query_params.get(key), None
    by_name = st.session_state.setdefault("link-by-name", set())
    if key in by_name & {*st.session_state}:
        st.session_state[key] = st.session_state[key]  # what is bound to the link writes its title there
        by_name.remove(key)
    if key not in st.session_state and wanted:
        found = next((name for name, title in titles.items() if wanted in (name, title)), None)
        if found is None:
            told = unknown(what, wanted, [name for name in titles if name], titles[usual] if usual else None)
        else:
            st.session_state[key] = found
            if wanted != titles[found]:  # which is no word of Streamlit’s, that takes it out of the link
                by_name.add(key)
    tell(key, told, st.session_state.get(key, usual))


def unknown(what: str, wanted: str, known: Collection[str], instead: str | None = None) -> str:
    """A sentence: that there is no such thing, what is shown instead, and what there is or may have been meant."""
    shown = f", so “{instead}” is shown" if instead else ""
    if len(known) <= FEW:
        hint = f" There are {', '.join(known)}."
    else:
        hint = "".join(f" Did you mean “{near}”?" for near in get_close_matches(wanted, known, 1))
    return f"There is no {what} “{shortened(wanted)}”{shown}.{hint}"


def number(key: str, what: str, least: float, most: float, shown: float) -> None:
    """Before the link is written anew: a sentence where it asks for another number than from the least to the most.
    Of what is shown whole, only whole ones.
    """
    wanted, told = st.query_params.get(key), None
    if wanted:
        try:
            possible = least <= type(shown)(wanted) <= most
        except ValueError:
            possible = False
        if not possible:
            told = (
                f"{what} “{shortened(wanted)}” is not offered, so it is {shown:g}. Choose from {least:g} to {most:g}."
            )
    tell(key, told, shown)


def tell(key: str, told: str | None, shown: Hashable) -> None:
    """The sentence, where there is one; and in later runs again, until something else is shown."""
    kept = f"told-of-link-{key}"
    if told:
        st.session_state[kept] = told, shown
    text, instead = st.session_state.get(kept, (None, None))
    if text and instead == shown:
        sentence(text)
    else:
        st.session_state.pop(kept, None)
