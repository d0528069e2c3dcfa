"""One unit, down to the numbers that it is the sum of."""

from __future__ import annotations

from dataclasses import replace
from html import escape

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from visionlab.errors import ModelError
from visionlab.imaging.render import colour
from visionlab.network.inside.trace import Trace, receptive_box, trace_unit
from visionlab.ui.maps import unit_pictures
from visionlab.ui.maps.look import Look
from visionlab.ui.maps.state import Spot
from visionlab.ui.shared.page import told
from visionlab.ui.shared.terms import term
from visionlab.ui.shared.widgets import fixed, ink_on, number, sliding

SHOWN = 5  # contributions, the largest ones
MOST_NUMBERS = 25  # in a patch: a larger one is not written out
SHORT = 3  # decimals in a line
WITH_BIAS = ("convolution", "depthwise", "linear", "norm", "layer norm")
RULES = {
    "convolution": "**{layer}** is the bias, and for each of {count} channels of {source} {size} values times weights.",
    "depthwise": "**{layer}** is the bias, and {size} values of the same channel of {source} times weights.",
    "linear": "**{layer}** is the bias, and each of the {count:,} values of {source} times its weight.",
    "norm": "**{layer}** is the bias, and what {source} says there times the weight of its channel.",
    "relu": "**{layer}** is what {source} says there if that is above zero, and zero if not: here {value}.",
    "relu6": "**{layer}** is what {source} says there, but no less than zero and no more than six: here {value}.",
    "layer norm": "**{layer}** is the bias, and what {source} says there times a weight: both by the mean and the "
    "spread of all its channels there.",
    "scale": "**{layer}** is what {source} says there times the weight of its channel.",
    "sum": "**{layer}** is what {source} says there, and what {joined} said there before.",
    "product": "**{layer}** is what {source} says there times what {joined} says of the whole channel.",
    "concatenation": "**{layer}** is what {source} says there in its channel {first}.",
    "max-pool": "**{layer}** is the largest of the {places} values of {source} under it.",
    "average": "**{layer}** is the mean of the {places} values of {source} under it.",
    "softmax": "**{layer}** is its own share of the exponentials of all {count:,} values of {source}{tempered}.",
}
EXPLAINED = {
    "convolution": term("kernel"),
    "depthwise": term("kernel"),
    "linear": term("dense"),
    "norm": term("batch normalisation"),
    "layer norm": term("layer normalisation"),
    "product": term("gate"),
    "relu": term("ReLU"),
    "relu6": term("ReLU"),
    "max-pool": term("pooling"),
    "average": term("pooling"),
    "softmax": term("softmax"),
}


def traced(look: Look, spot: Spot) -> list[Trace]:
    """The sum that the unit is; of a ReLU's unit also the one that it is before the ReLU.

    Raises ModelError for a layer whose units are no such sums.
    """
    layer = look.net.layer(spot.layer)
    traces = [_trace(look, spot)]
    if layer.rectifies:
        traces.append(_trace(look, replace(spot, layer=traces[0].source)))
    return traces


def _trace(look: Look, spot: Spot) -> Trace:
    return trace_unit(look.net, look.picture.image, spot.layer, spot.channel, *spot.unit, look.side, look.maps)


# --- in a line --------------------------------------------------------------------------------------------------------


def in_short(look: Look, spot: Spot) -> str:
    """The unit's value and what it is made of, in a line of Markdown; the numbers add up as they are written."""
    value = round(float(look.maps[spot.layer].values[spot.channel, *spot.unit]), SHORT)
    try:
        made_of = _made_of(traced(look, spot)[0], value)
    except ModelError:  # of a block or an activation there is nothing more to say
        made_of = ""
    return f"**{fixed(value, SHORT)}**{made_of and f' = {made_of}'}"


def _made_of(trace: Trace, value: float) -> str:
    first = float(trace.patches.flat[0])
    if trace.rule == "relu":
        return f"max(0, {fixed(first, SHORT)})"
    if trace.rule == "relu6":
        return f"min(6, max(0, {fixed(first, SHORT)}))"
    if trace.rule == "max-pool":
        count = trace.patches.size
        values = ", ".join(fixed(each, SHORT) for each in trace.patches.flat) if count <= 4 else f"{count} values"
        return f"the largest of {values}"
    if trace.rule == "average":
        return f"the mean of {trace.patches.size:,} values"
    if trace.rule in ("scale", "product"):
        return f"{number(first)} × {number(float(trace.kernels.flat[0]))}"
    if trace.rule == "concatenation":
        return f"channel {trace.first} of {trace.source}"
    if trace.rule == "softmax":
        own = float(trace.patches[trace.channel, 0, 0])
        return f"{fixed(own, SHORT)} of {fixed(float(trace.patches.sum()), SHORT)}, its share of the exponentials"
    start, what, rest = {
        "sum": (first, trace.source, trace.joined),
        **dict.fromkeys(
            ("norm", "layer norm"),
            (trace.bias, "bias", f"{fixed(trace.kernels.flat[0], SHORT)} × {fixed(first, SHORT)}"),
        ),
    }.get(trace.rule, (trace.bias, "bias", f"{trace.patches.size:,} products"))
    left = round(value - round(start, SHORT), SHORT)
    return f"{fixed(start, SHORT)} ({what}) {'−' if left < 0 else '+'} {fixed(abs(left), SHORT)} ({rest})"


# --- in full ----------------------------------------------------------------------------------------------------------


def show(look: Look, spot: Spot) -> None:
    """What the unit sees, what moves it, what it looks for, and what it adds up; before a ReLU's unit that of its
    convolution.
    """
    where = f", row {spot.unit[0]}, column {spot.unit[1]}" if look.maps[spot.layer].values[0].size > 1 else ""
    what = "channel" if where else "unit"
    st.markdown(f"**One unit: {spot.layer}, {what} {spot.channel}{where}**", help=term("unit"))
    pictures, sums = st.container(), st.container()
    with sums, told():
        traces = traced(look, spot)
        for trace in traces:
            st.markdown(_rule(trace, look.net.temperature), help=EXPLAINED.get(trace.rule))
        _sum(traces[-1], traces[0] if len(traces) > 1 else None)
    with pictures, told():
        box = receptive_box(look.net, spot.layer, *spot.unit, look.side)
        unit_pictures.show(look, spot, box)


def _rule(trace: Trace, temperature: float) -> str:
    return RULES[trace.rule].format(
        layer=trace.layer,
        count=len(trace.totals),
        source=trace.source or "the picture",
        joined=trace.joined,
        first=trace.first,
        value=fixed(trace.value, 4),
        tempered=f", each divided by {temperature:.3g}, the network’s temperature, before" if temperature != 1 else "",
        size=" × ".join(map(str, trace.patches.shape[1:])),
        places=trace.patches[0].size,
    )


def _sum(trace: Trace, after: Trace | None) -> None:
    """The largest contributions with their numbers, the rest as one number, what a ReLU after it makes of the sum, and
    whether the network agrees.
    """
    shown = trace.strongest(SHOWN if trace.patches[0].size <= MOST_NUMBERS else 0)
    if trace.rule == "softmax":  # a share has one part: the unit’s own
        shown = [trace.channel]
    rows = "".join(_row(trace, int(channel)) for channel in shown)
    others = 0 if trace.rule == "softmax" else len(trace.totals) - len(shown)
    if others:
        rest = trace.totals.sum() - trace.totals[shown].sum()
        rows += _plain_row(f"{others:,} more" if len(shown) else "values × weights", fixed(rest, 4, "+"))
    if trace.rule in WITH_BIAS:
        rows += _plain_row("bias", fixed(trace.bias, 4, "+"))
    rows += _plain_row("sum, before the ReLU" if after else "sum", fixed(trace.total, 4), "sum")
    if after:
        rows += _plain_row("after the ReLU", fixed(after.value, 4))
    heads = "".join(f'<th scope="col">{head}</th>' for head in ("", "values", "×", "weights", "=", "products", "sum"))
    whole = f'<table class="trace"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>'
    st.html(sliding(whole, "The unit’s sum"))
    off = abs(trace.total - trace.value)
    own = f"The network’s own number{' before the ReLU' if after else ''} is {fixed(trace.value, 4)}"
    st.caption(
        f":material/check: {own}: the sum agrees to {np.format_float_positional(float(f'{off:.1g}'), trim='-')}."
        if off <= 1e-4 * (1 + abs(trace.value))
        else f":material/warning: {own}: the sum is {off:.2g} off."
    )


def _plain_row(what: str, number: str, kind: str = "") -> str:
    return f'<tr class="{kind}"><th scope="row">{what}</th><td colspan="5"></td><td>{number}</td></tr>'


def _row(trace: Trace, channel: int) -> str:
    if trace.source is None:
        name = ("red", "green", "blue")[channel]
    elif trace.rule == "sum":
        name = (trace.source, trace.joined)[channel]
    else:
        name = f"{'unit' if trace.rule in ('linear', 'softmax') else 'channel'} {trace.first + channel}"
    grids = (trace.patches[channel], trace.kernels[channel], trace.products[channel])
    patch, kernel, product = (_grid(values) for values in grids)
    return (
        f'<tr><th scope="row">{escape(name)}</th><td>{patch}</td><td>×</td><td>{kernel}</td><td>=</td>'
        f"<td>{product}</td><td>{fixed(trace.totals[channel], 4, '+')}</td></tr>"
    )


def _grid(values: NDArray[np.float32]) -> str:
    """The values as a small table whose cells are coloured: blue below zero, orange above."""
    most = float(np.abs(values).max()) or 1.0
    decimals = next(few for few, least in enumerate((1000, 100, 1, 0)) if most >= least)
    colours = colour(0.5 + 0.5 * values / most, "diverging")
    rows = "".join(
        "<tr>"
        + "".join(
            f'<td style="background:rgb({r},{g},{b});color:{ink_on((r, g, b))}">{fixed(value, decimals)}</td>'
            for value, (r, g, b) in zip(line, tints, strict=True)
        )
        + "</tr>"
        for line, tints in zip(values, colours, strict=True)
    )
    return f'<table class="numbers">{rows}</table>'
