"""A test folder: pictures that were never in the project, in a zip of one folder a class, scored on their own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import streamlit as st

from visionlab.imaging.image import encode_jpeg, fit
from visionlab.learning import archive
from visionlab.learning.dataset import LabelledImages
from visionlab.learning.evaluation import Evaluation, score
from visionlab.ui import charts, evaluation_charts, jobs
from visionlab.ui.page import roomy_columns, sentence
from visionlab.ui.studio.judging_case import Case, counted
from visionlab.ui.studio.judging_gallery import PAGE, THUMBNAIL, tiles
from visionlab.ui.studio.pictures_intake import uploader
from visionlab.ui.widgets import plain


@dataclass(frozen=True, eq=False)
class Scored:
    """What came of the file of that name; thumbnails of the worst mistakes, JPEG files, by their places."""

    name: str
    evaluation: Evaluation
    thumbnails: dict[int, bytes]


def show(case: Case) -> None:
    """Zip in, figures out; nothing of it is kept in the project."""
    st.markdown("**How good is it on pictures from elsewhere?**")
    subject = f"test of {case.project.id} {case.run.id}"
    job = jobs.registry().about(subject)
    busy = job is not None and not job.over
    uploader(
        "A zip with one folder a class, named like the classes",
        "test-folder",
        lambda files: _begin(case, subject, files),
        type=["zip"],
        max_upload_size=archive.MAX_ZIP_BYTES >> 20,
        disabled=busy,
    )
    if busy:
        jobs.watch(job, lambda: st.progress(min(job.share, 1.0), "Scoring the pictures …"), "Stop", "stop-test")
    elif job is None:
        st.caption("Photographs of another day, another camera or another place tell the most. They are not kept.")
    elif job.error:
        sentence(job.error)
    elif isinstance(job.latest, Scored):
        _result(job.latest)
    else:
        st.caption("Stopped before all was scored.")


def _begin(case: Case, subject: str, files: Sequence[BinaryIO]) -> None:
    [file], net, refusal = files, case.net, case.head.refusal

    def work(job: jobs.Job) -> Iterator[Scored]:
        data = LabelledImages.from_zip(file)
        found = score(net, data, lambda done, of: job.report(done / of), refusal=refusal)
        # What could not be scored is left out of the evaluation, so that its places are not those of the pictures.
        known = {label.casefold() for label in net.labels}
        own = [i for i, label in enumerate(data.labels) if data.classes[label].casefold() in known]
        worst = [place for place in found.worst() if found.predicted[place] != found.truth[place]][:PAGE]
        yield Scored(file.name, found, {int(p): encode_jpeg(fit(data.images[own[p]], THUMBNAIL), 80) for p in worst})

    jobs.registry().submit(work, subject)


def _result(scored: Scored) -> None:
    found = scored.evaluation
    report = found.report
    low, high = report.interval
    st.text(scored.name)
    left, right = roomy_columns([1, 1.15], "details-test", gap="large")
    with left:
        st.subheader(f"{report.accuracy:.0%} are right", anchor=False)
        st.markdown(
            f"{int(np.trace(report.confusion)):,} of {counted(len(found.truth))}. On other pictures like these, expect "
            f"between **{low:.0%}** and **{high:.0%}** (95 % interval). Mean F1: {found.f1:.2f}."
        )
        if found.distances is not None:
            st.markdown(f"{counted(len(found.refused))} would be refused as none of these.")
        if found.left_out:
            st.markdown(plain(found.left_out))
    with right:
        st.plotly_chart(evaluation_charts.confusion(report), config=charts.PLAIN, key="test-confusion")
    if scored.thumbnails:
        st.markdown("**The worst mistakes first**")
        places = list(scored.thumbnails)
        words = [f"{found.classes[found.predicted[p]]}, {found.probabilities[p].max():.0%}" for p in places]
        tiles(list(scored.thumbnails.values()), words, [found.names[p] for p in places])
