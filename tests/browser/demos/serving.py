"""Serves one of the scripts beside it: a component alone on a page."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser.servers import running_server

HERE = Path(__file__).parent


def serving(script: str) -> Iterator[str]:
    """The address at which it answers, until the iterator is closed; in a page without Streamlit, too, at /blank."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VISIONLAB_DEMO", str(HERE / script))
        with running_server(HERE / "beside_blank.py") as url:
            yield url
