"""The whole network on the Feature maps page: every layer with its sizes and what it answers."""

from __future__ import annotations

import streamlit as st

from visionlab.ui.maps.look import Look, multiplications
from visionlab.ui.shared import charts
from visionlab.ui.shared.terms import term


def show(look: Look) -> None:
    """Every layer with its sizes and what it answers, as a table and as lines over depth."""
    statistics = look.statistics
    st.plotly_chart(charts.depth(statistics), config=charts.PLAIN)
    rows = []
    for entry in statistics:
        found = look.maps[entry.layer.name]
        channels, height, width = found.values.shape
        rows.append(
            {
                "Layer": entry.layer.name,
                "Output": f"{channels} × {height} × {width}",
                "Parameters": entry.layer.parameters,
                "Receptive field, px": entry.layer.receptive_field,
                "Stride, px": entry.layer.stride,
                "Multiplications": multiplications(found),
                "Silent": entry.silent,
                "Mean": entry.mean,
                "Spread": entry.spread,
            }
        )
    whole = sum(row["Multiplications"] for row in rows)
    st.dataframe(
        rows,
        hide_index=True,
        column_config={
            "Silent": st.column_config.NumberColumn(format="percent", help=term("silent")),
            "Parameters": st.column_config.NumberColumn(format="localized", help=term("parameters")),
            "Receptive field, px": st.column_config.NumberColumn(help=term("receptive field")),
            "Stride, px": st.column_config.NumberColumn(help=term("stride")),
            "Multiplications": st.column_config.NumberColumn(format="localized", help=term("multiplications")),
            "Mean": st.column_config.NumberColumn(format="%.4f"),
            "Spread": st.column_config.NumberColumn(format="%.4f"),
        },
    )
    count = sum(entry.layer.parameters for entry in statistics)
    st.caption(f"In all {count:,} parameters, and {whole:,} multiplications for a picture of this size.")
