"""Looks that components share: what is there for screen readers alone, what is hidden, what fades where more lies,
buttons, and ink that can be read."""

from __future__ import annotations

from pathlib import Path

# To go after the component's own CSS, so that what is hidden stays so.
LOOKS = (Path(__file__).parent / "looks.css").read_text()
# To go before the component's own CSS: its buttons, also two modes of which one is on.
BUTTONS = (Path(__file__).parent / "buttons.css").read_text()
# To go before the component's own JavaScript.
INK = (Path(__file__).parent / "ink.js").read_text()  # inkOn()
FADES = (Path(__file__).parent / "fades.js").read_text()  # fade()
