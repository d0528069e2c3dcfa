"""Looks that components share: what is there for screen readers alone, and what is hidden."""

from __future__ import annotations

from pathlib import Path

# To go after the component's own CSS, so that what is hidden stays so.
LOOKS = (Path(__file__).parent / "looks.css").read_text()
