"""The whole network on the Feature maps page: every layer with its sizes and what it answers."""

from __future__ import annotations

from functools import partial

import streamlit as st

from visionlab.ui.maps.look import Look, multiplications
from visionlab.ui.shared import charts
from visionlab.ui.shared.terms import term
from visionlab.ui.shared.widgets import fixed, written


def show(look: Look) -> None:
    """Every layer with its sizes and what it answers, as a table and as lines over depth."""
    statistics = look.statistics
    st.text(f"{look.network.title} at {look.side} px, and what it answers to {look.picture.name}")
    st.plotly_chart(charts.depth(statistics), config=charts.PLAIN)
    layers = [entry.layer for entry in statistics]
    maps = [look.maps[layer.name] for layer in layers]
    shapes = [(*found.values.shape[1:], len(found.values)) for found in maps]  # as everywhere on the page
    columns = {
        "Layer": [layer.name for layer in layers],
        "Output": [" × ".join(map(str, shape)) for shape in shapes],
        "Parameters": [layer.parameters for layer in layers],
        "Receptive field, px": [layer.receptive_field for layer in layers],
        "Stride, px": [layer.stride for layer in layers],
        "Multiplications": [multiplications(found) for found in maps],
        "Silent": [entry.silent for entry in statistics],
        "Mean": [entry.mean for entry in statistics],
        "Spread": [entry.spread for entry in statistics],
    }
    whole, count = sum(columns["Multiplications"]), sum(columns["Parameters"])
    counted = ("Parameters", "Receptive field, px", "Stride, px", "Multiplications")
    write = dict.fromkeys(counted, "{:,.0f}".format) | {"Silent": "{:.1%}".format}
    write |= {name: partial(fixed, decimals=4) for name in ("Mean", "Spread")}
    explained = {
        "Silent": term("silent"),
        "Parameters": term("parameters"),
        "Receptive field, px": term("receptive field"),
        "Stride, px": term("stride"),
        "Multiplications": term("multiplications"),
    }
    st.dataframe(
        written(columns, write),
        hide_index=True,
        column_config={name: st.column_config.NumberColumn(help=text) for name, text in explained.items()},
    )
    st.caption(f"In all {count:,} parameters, and {whole:,} multiplications for a picture of this size.")
