"""Every channel of a layer in numbers, to be sorted by any of them; a row opens its channel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import streamlit as st

from visionlab.ui.maps import caches, state
from visionlab.ui.maps.display import Display, added, changes
from visionlab.ui.maps.look import View
from visionlab.ui.shared.terms import term
from visionlab.ui.shared.widgets import fixed, folded, written


def show(view: View, display: Display) -> None:
    """Folded away: what each channel answers, how it changes between two pictures, what it adds to the class."""
    with folded("Every channel in numbers", ":material/table_rows:", f"every-channel{view.suffix}") as asked:
        if asked:
            _table(view, display)


def _table(view: View, display: Display) -> None:
    look, spot, count = view.look, view.spot, len(view.found.values)
    columns: dict[str, Sequence] = {"Channel": range(count)}
    if view.names_classes:
        columns["Class"] = look.net.labels
    change = changes(view)
    if change is not None:
        columns["Change"] = change
    adds = added(view, display.order)
    if adds is not None:
        columns[f"Adds to “{look.net.labels[look.target]}”"] = adds
    for number, each in enumerate(view.alike, 1):
        of = f", {number}" if view.compares else ""
        known = caches.of_channels(*each.key, spot.layer, each.maps[spot.layer])
        columns |= {f"{name.title()}{of}": known[name] for name in ("mean", "peak", "silent")}
    write = {
        name: "{:.1%}".format if name.startswith("Silent") else partial(fixed, decimals=4)
        for name in columns
        if name not in ("Channel", "Class", "Change")
    }
    formats = {}
    if change is not None:
        most = float(change.max()) or 1.0
        formats["Change"] = st.column_config.ProgressColumn(
            format="%.3f", min_value=0.0, max_value=most, help=term("change")
        )
    key = f"table-{spot.layer}-{count}-{len(columns)}{view.suffix}"

    def choose() -> None:
        rows = st.session_state[key].selection.rows
        if rows:
            state.look_at(replace(spot, channel=int(rows[0])))

    st.dataframe(
        written(columns, write),
        hide_index=True,
        height=320,
        column_config=formats,
        key=key,
        on_select=choose,
        selection_mode="single-row",
    )
    st.caption("Click a heading to sort by it, and a row’s box to open its channel.")
