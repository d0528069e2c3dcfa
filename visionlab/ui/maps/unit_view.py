"""One unit, down to the numbers that it is the sum of."""

from __future__ import annotations

from dataclasses import replace
from html import escape

import cv2
import numpy as np
import streamlit as st
from numpy.typing import NDArray

from visionlab.imaging.image import Image, encode_png
from visionlab.imaging.render import colour
from visionlab.network.inside.trace import Box, Trace, trace_unit
from visionlab.ui.maps.look import Look
from visionlab.ui.maps.state import Spot
from visionlab.ui.shared.terms import term
from visionlab.ui.shared.widgets import show_exact

SHOWN = 5  # contributions, the largest ones
MOST_NUMBERS = 25  # in a patch: a larger one is not written out
RULES = {
    "convolution": "**{layer}** is the bias, and for each of {count} channels of {source} {size} values times weights.",
    "depthwise": "**{layer}** is the bias, and {size} values of the same channel of {source} times weights.",
    "linear": "**{layer}** is the bias, and each of the {count:,} values of {source} times its weight.",
    "relu": "**{layer}** is what {source} says there if that is above zero, and zero if not: here {value:.4f}.",
    "relu6": "**{layer}** is what {source} says there, but no less than zero and no more than six: here {value:.4f}.",
    "sum": "**{layer}** is what {source} says there, and what {added} said there before.",
    "max-pool": "**{layer}** is the largest of the {places} values of {source} under it.",
    "average": "**{layer}** is the mean of the {places} values of {source} under it.",
    "softmax": "**{layer}** is its own share of the exponentials of all {count:,} values of {source}.",
}
EXPLAINED = {
    "convolution": term("kernel"),
    "depthwise": term("kernel"),
    "linear": term("dense"),
    "relu": term("ReLU"),
    "relu6": term("ReLU"),
    "max-pool": term("pooling"),
    "average": term("pooling"),
    "softmax": term("softmax"),
}


def framed(view: Image, box: Box) -> Image:
    """The picture as the network sees it, all but the box darkened, and a frame around that."""
    picture = (view * 0.35).astype(np.uint8)
    rows, columns = slice(box.top, box.top + box.height), slice(box.left, box.left + box.width)
    picture[rows, columns] = view[rows, columns]
    scale = max(1, 640 // max(view.shape[:2]))
    picture = np.ascontiguousarray(picture.repeat(scale, 0).repeat(scale, 1))
    corner = (box.left * scale, box.top * scale)
    opposite = ((box.left + box.width) * scale - 1, (box.top + box.height) * scale - 1)
    cv2.rectangle(picture, corner, opposite, (224, 138, 30), 2)
    return picture


def show(look: Look, spot: Spot) -> None:
    """What the unit sees, and what it adds up; before a ReLU's unit that of its convolution.

    Raises ModelError for a layer whose units are no such sums.
    """
    traces = [_trace(look, spot)]
    if traces[0].rule in ("relu", "relu6"):
        traces.append(_trace(look, replace(spot, layer=traces[0].source)))
    where = f", row {spot.unit[0]}, column {spot.unit[1]}" if look.maps[spot.layer].values[0].size > 1 else ""
    what = "channel" if where else "unit"
    st.markdown(f"**One unit: {spot.layer}, {what} {spot.channel}{where}**", help=term("unit"))
    view = look.net.transform.at(look.side).view(look.picture.image)
    box = traces[0].box
    with st.container(horizontal=True, gap="medium"):
        show_exact(encode_png(framed(view, box)), "What the unit sees of the picture", width=190)
        with st.container():
            st.markdown(_sight(box, view), help=term("receptive field"))
            for trace in traces:
                st.markdown(_rule(trace), help=EXPLAINED.get(trace.rule))
    _sum(traces[-1])


def _sight(box: Box, view: Image) -> str:
    if (box.height, box.width) == view.shape[:2]:
        return "It sees the whole input."
    return f"It sees {box.height} × {box.width} pixels of the input, from row {box.top} and column {box.left} on."


def _rule(trace: Trace) -> str:
    return RULES[trace.rule].format(
        layer=trace.layer,
        count=len(trace.totals),
        source=trace.source or "the picture",
        added=trace.added,
        value=trace.value,
        size=" × ".join(map(str, trace.patches.shape[1:])),
        places=trace.patches[0].size,
    )


def _trace(look: Look, spot: Spot) -> Trace:
    return trace_unit(look.net, look.picture.image, spot.layer, spot.channel, *spot.unit, look.side, look.maps)


def _sum(trace: Trace) -> None:
    """The largest contributions with their numbers, the rest as one number, and whether the network agrees."""
    shown = trace.strongest(SHOWN if trace.patches[0].size <= MOST_NUMBERS else 0)
    rows = "".join(_row(trace, int(channel)) for channel in shown)
    others = len(trace.totals) - len(shown)
    if others:
        rest = trace.totals.sum() - trace.totals[shown].sum()
        what = f"{others:,} more" if len(shown) else "values × weights"
        rows += f'<tr><th scope="row">{what}</th><td colspan="5"></td><td>{rest:+.4f}</td></tr>'
    if trace.rule in ("convolution", "depthwise", "linear"):
        rows += f'<tr><th scope="row">bias</th><td colspan="5"></td><td>{trace.bias:+.4f}</td></tr>'
    rows += f'<tr class="sum"><th scope="row">sum</th><td colspan="5"></td><td>{trace.total:.4f}</td></tr>'
    heads = "".join(f'<th scope="col">{head}</th>' for head in ("", "values", "", "weights", "", "products", "sum"))
    st.html(f'<table class="trace"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>')
    off = abs(trace.total - trace.value)
    st.caption(
        f":material/check: The network’s own number is {trace.value:.4f}: the sum agrees to {off:.1g}."
        if off <= 1e-4 * (1 + abs(trace.value))
        else f":material/warning: The network’s own number is {trace.value:.4f}: the sum is {off:.2g} off."
    )


def _row(trace: Trace, channel: int) -> str:
    if trace.source is None:
        name = ("red", "green", "blue")[channel]
    elif trace.added is not None:
        name = (trace.source, trace.added)[channel]
    else:  # a pool looks at its own channel alone
        what = "unit" if trace.patches[0].size == 1 else "channel"
        name = f"{what} {channel if len(trace.totals) > 1 else trace.channel}"
    grids = (trace.patches[channel], trace.kernels[channel], trace.products[channel])
    patch, kernel, product = (_grid(values) for values in grids)
    return (
        f'<tr><th scope="row">{escape(name)}</th><td>{patch}</td><td>×</td><td>{kernel}</td><td>=</td>'
        f"<td>{product}</td><td>{trace.totals[channel]:+.4f}</td></tr>"
    )


def _grid(values: NDArray[np.float32]) -> str:
    """The values as a small table whose cells are coloured: blue below zero, orange above."""
    most = float(np.abs(values).max()) or 1.0
    decimals = 2 if most >= 1 else 3
    colours = colour(0.5 + 0.5 * values / most, "diverging")
    rows = "".join(
        "<tr>"
        + "".join(
            f'<td style="background:rgb({r},{g},{b});color:{"#fff" if 0.3 * r + 0.6 * g + 0.1 * b < 130 else "#111"}">'
            f"{value:.{decimals}f}</td>"
            for value, (r, g, b) in zip(line, tints, strict=True)
        )
        + "</tr>"
        for line, tints in zip(values, colours, strict=True)
    )
    return f'<table class="numbers">{rows}</table>'
