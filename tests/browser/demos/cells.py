"""Serves test_cells.py: two pictures of cells, one of them in a fragment, and what they have told."""

import io

import numpy as np
import streamlit as st
from PIL import Image

from visionlab.ui.shared.components.cells import cells


def png(rows: int, columns: int, size: int, gap: int) -> bytes:
    """A picture of rows × columns squares, each of a colour of its own, on grey."""
    pixels = np.full((rows * (size + gap) - gap, columns * (size + gap) - gap, 3), 128, np.uint8)
    for i in range(rows * columns):
        top, left = i // columns * (size + gap), i % columns * (size + gap)
        pixels[top : top + size, left : left + size] = (37 * i % 256, 91 * i % 256, 255 - 53 * i % 256)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


LAYOUTS = {  # rows, columns, count, size, gap
    "mosaic": (8, 8, 62, 30, 2),
    "narrow": (2, 5, 9, 20, 2),
    "one": (1, 1, 1, 7, 0),
    "many": (8, 16, 125, 30, 2),  # at least 40 pixels wide: the demo says so
    "map": (224, 224, 224 * 224, 1, 0),
}

st.set_page_config(layout="wide")
told = st.session_state.setdefault("told", [])


def heard(cell: int) -> None:
    told.append(cell)
    st.session_state.cell = cell


@st.fragment
def second() -> None:
    def keep(cell: int) -> None:
        told.append(f"second {cell}")
        st.session_state.second = cell

    cells(
        png(2, 3, 4, 0),
        rows=2,
        columns=3,
        count=6,
        size=(4, 4),
        pitch=(4, 4),
        names="row {row}, column {column}",
        notes=None,
        chosen=st.session_state.get("second"),
        what="The second",
        tallest=120,
        key="cells-second",
        on_choose=keep,
    )
    st.text(f"second told {told}")


layout = st.radio("Layout", LAYOUTS, horizontal=True)
rows, columns, count, size, gap = LAYOUTS[layout]
single = layout == "map"
cells(
    png(rows, columns, size, gap),
    rows=rows,
    columns=columns,
    count=count,
    size=(size, size),
    pitch=(size + gap, size + gap),
    names="row {row}, column {column}" if single else [f"cell <b>{i}</b>" for i in range(count)],
    notes="unit {index}" if single else [f"note <i>{i}</i>" for i in range(count)],
    chosen=st.session_state.get("cell"),
    what="The first",
    tallest=400,
    key="cells-first",
    on_choose=heard,
    least=40 if layout == "many" else 0,
)
st.text(f"first told {told}")
if st.button("The server chooses"):
    st.session_state.cell = 4
    st.rerun()
second()
