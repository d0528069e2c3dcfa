"""What components share that tell the server of what was done once it has come to rest: somebody may leave before."""

from pathlib import Path

LEAVING = (Path(__file__).parent / "leaving.js").read_text()  # to go before the component's own JavaScript
