"""What components share that show a camera: it is asked for, chosen among several, and let go of."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent
WEBCAM = (FOLDER / "webcam.js").read_text()  # to go before the component's own JavaScript
WEBCAM_LOOKS = (FOLDER / "webcam.css").read_text()  # before its own CSS
