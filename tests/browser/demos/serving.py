"""Serves one of the scripts beside it: a component alone on a page."""

from collections.abc import Iterator
from pathlib import Path

from browser.servers import running_server


def serving(script: str) -> Iterator[str]:
    """The address at which it answers, until the iterator is closed."""
    with running_server(Path(__file__).parent / script) as url:
        yield url
