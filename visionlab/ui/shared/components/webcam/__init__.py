"""What components share that show a camera: it is asked for, chosen among several, and let go of; and that send its
frames, one at a time."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent
WEBCAM = (FOLDER / "webcam.js").read_text()  # to go before the component's own JavaScript
FRAMES = (FOLDER / "frames.js").read_text()  # after it, where the server hears of frames
WEBCAM_LOOKS = (FOLDER / "webcam.css").read_text()  # before its own CSS
