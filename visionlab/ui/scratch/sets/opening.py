"""Sets that may take long to open: in the background, watched, and stopped by who does not want to wait."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import streamlit as st

from visionlab.learning.scratch import SmallSet
from visionlab.learning.sets.reading import Progress
from visionlab.ui.shared import jobs

QUEUE = "scratch-opening"
PATIENCE = 1.0  # seconds: most sets are open by then, and nobody sees a bar


class Opening:
    """A set of that title while a job opens it: data is there once it has. The job keeps nothing of it, so the pictures
    are kept as long as this is.

    It is over when this returns, unless that takes longer than PATIENCE.
    """

    def __init__(self, title: str, read: Callable[[Progress], SmallSet]):
        self.title = title
        self.data: SmallSet | None = None

        def work(job: jobs.Job) -> Iterator[None]:
            self.data = read(lambda done, total: job.report(done / total))
            yield

        registry = jobs.registry()
        self.job = registry.find(registry.submit(work, queue=QUEUE))
        self.job.wait(PATIENCE)

    def watch(self, key: str) -> None:
        """Show how far it is, and a button that stops it; the page runs anew at its end."""
        jobs.watch(self.job, self._draw, "Stop", f"stop-opening-{key}")

    def _draw(self) -> None:
        waits = f"Waiting to open {self.title}: other sets are being opened."
        st.progress(self.job.share, waits if self.job.place else f"Opening {self.title}: {self.job.share:.0%}")
