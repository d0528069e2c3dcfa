"""What is judged: a run's head, and what it answered to held-out pictures that the project still has."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from visionlab.errors import BusyError
from visionlab.learning.features.cache import FeatureCache
from visionlab.learning.features.embedding import embed_cached
from visionlab.learning.heads.head import Head
from visionlab.learning.judging.baselines import Baseline, baselines, mean_colours
from visionlab.learning.judging.evaluation import Evaluation, assess
from visionlab.learning.projects.project import Project
from visionlab.learning.projects.rows import PictureInfo
from visionlab.learning.projects.runs import RunInfo
from visionlab.learning.sets.dataset import LazyImages
from visionlab.network.running.classifier import Classifier
from visionlab.ui.shared import cached, jobs
from visionlab.ui.shared.page import sentence
from visionlab.ui.studio import runs

PATIENCE = 0.5  # seconds in which a job may end without its progress being shown


@dataclass(frozen=True, eq=False)
class Case:
    """A run and its pictures, of this moment.

    held_out: n pictures; truth: int64 (n,), indices into the head's classes; probabilities: float32 (n, K).  learned: m
    pictures that it learned from; labels: int64 (m,); taught: int64 (m,), what these were when it did.  A picture that
    was moved to another of the head's classes counts with the new one, one that was moved elsewhere with its old one.
    gone: how many are not in the project any more; moved, elsewhere: how many of these have another label, one of the
    head's and none of them; limit_set_on: how many were held out when it was trained, on which temperature and refusal
    were set.  base: the network that the head reads.  key tells the pictures and their labels apart, `pictures_key` the
    pictures.
    """

    project: Project
    run: RunInfo
    head: Head
    base: Classifier
    held_out: tuple[PictureInfo, ...]
    truth: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    learned: tuple[PictureInfo, ...]
    labels: NDArray[np.int64]
    taught: NDArray[np.int64]
    gone: int
    moved: int
    elsewhere: int
    limit_set_on: int
    key: str
    pictures_key: str

    @property
    def net(self) -> Classifier:
        """The head as a network."""
        return runs.net_of(self.head)

    @property
    def evaluation(self) -> Evaluation:
        """What the answers are worth. Raises ParameterError where nothing is held out."""
        return _evaluation(self.key, self.head.classes, self)

    def images(self, pictures: Sequence[PictureInfo]) -> LazyImages:
        """Decoded at each look."""
        return LazyImages(lambda index: self.project.load(pictures[index]), range(len(pictures)))

    def features(self, pictures: Sequence[PictureInfo], report: Callable[[float], None]) -> NDArray[np.float32]:
        """(n, F) float32, what the head reads; computed where training's cache does not know them."""
        cache = FeatureCache(self.project.known_features)
        run = embed_cached(self.base, self.images(pictures), [each.key for each in pictures], cache)
        for done, total in run:
            report(done / total)
        return run.features


def case_of(project: Project, run: RunInfo) -> Case:
    """The run's case. Raises DatasetError where its head or its answers were not kept."""
    head, outcome = runs.head_of(run), runs.outcome_of(project, run)
    classes, pictures = project.snapshot()
    there = {each.id: each for each in pictures}
    names = {each.id: each.name.casefold() for each in classes}
    places = {name.casefold(): place for place, name in enumerate(outcome.classes)}

    def kept(ids: NDArray[np.int64], labels: NDArray[np.int64]) -> tuple[NDArray[np.bool_], list, NDArray[np.int64]]:
        mask = np.array([each in there for each in ids.tolist()], bool)
        found = [there[each] for each in ids[mask].tolist()]
        old = labels[mask].tolist()
        now = [places.get(names[each.class_id], label) for each, label in zip(found, old, strict=True)]
        return mask, found, np.array(now, np.int64)

    mask, held_out, truth = kept(outcome.pictures, outcome.truth)
    other, learned, labels = kept(outcome.trained_on, outcome.trained_labels)
    moved = (truth != outcome.truth[mask]).sum() + (labels != outcome.trained_labels[other]).sum()
    ids = np.array([each.id for each in (*held_out, *learned)], np.int64)
    same = hashlib.sha256(f"{project.id} {run.id} {len(held_out)} ".encode() + ids.tobytes())
    pictures_key = same.hexdigest()
    groups = np.array([each.group for each in held_out], np.int64)
    same.update(truth.tobytes() + labels.tobytes() + groups.tobytes())
    return Case(
        project,
        run,
        head,
        head.tuned_network(cached.classifier(head.network)),
        tuple(held_out),
        truth,
        outcome.probabilities[mask],
        tuple(learned),
        labels,
        outcome.trained_labels[other],
        int((~mask).sum() + (~other).sum()),
        int(moved),
        runs.relabelled(project, run) - int(moved),
        len(outcome.pictures),
        same.hexdigest(),
        pictures_key,
    )


@st.cache_resource(max_entries=8, show_spinner="Counting what is right …")
def _evaluation(key: str, classes: tuple[str, ...], _case: Case) -> Evaluation:
    names, groups = [each.name for each in _case.held_out], [each.group for each in _case.held_out]
    return assess(_case.truth, _case.probabilities, _case.head.classes, names=names, groups=groups)


# What takes longer ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Seen:
    """What is to be known of the pictures whatever their labels: mean colours (m, 3) and (n, 3) of those that were
    learned from and held out, and how far the latter lie from the training pictures, (n,); None without a refusal."""

    colours: NDArray[np.float32]
    held_colours: NDArray[np.float32]
    distances: NDArray[np.float32] | None


def seen(case: Case) -> Seen | None:
    """That of the case's pictures; None, and its progress on the page, until it is there."""

    def work(job: jobs.Job) -> Iterator[Seen]:
        refusal, every = case.head.refusal, (*case.learned, *case.held_out)
        distances = None
        if refusal is not None:
            distances = refusal.distances(case.features(case.held_out, lambda share: job.report(share / 2)))
        colours = []
        for done, image in enumerate(case.images(every), 1):
            colours.append(mean_colours([image])[0])
            job.report((1 + done / len(every)) / 2)
        of = np.stack(colours)
        yield Seen(of[: len(case.learned)], of[len(case.learned) :], distances)

    job = awaited(f"seen {case.pictures_key}", work, "Looking at the pictures …")
    return job.latest if job else None


def baselines_of(case: Case) -> tuple[Baseline, ...] | None:
    """What the head has to beat, learned from the labels that it learned from, and judged by those of now, as it is;
    None, and its progress on the page, until that is there."""
    looks = seen(case)
    if looks is None:
        return None

    def work(job: jobs.Job) -> Iterator[tuple[Baseline, ...]]:
        learned = case.features(case.learned, lambda share: job.report(share / 2))
        held_out = case.features(case.held_out, lambda share: job.report((1 + share) / 2))
        colours = {"colours": looks.colours, "held_colours": looks.held_colours}
        worth = case.evaluation.report.worth
        yield baselines(learned, case.taught, held_out, case.truth, case.head.classes, **colours, worth=worth)

    job = awaited(f"baselines {case.key} {case.head.classes}", work, "Asking the nearest neighbours …")
    return job.latest if job else None


def awaited(
    subject: str, work: jobs.Work, text: str, so_far: Callable[[jobs.Job], None] | None = None
) -> jobs.Job | None:
    """The job about that subject, begun where this server knows none, once it is done.

    None until then, when its progress and, by so_far, what it has come to is shown, and where it failed or was
    stopped, which is told beside a button that begins again.
    """
    job = jobs.registry().about(subject) or _begun(subject, work)
    if not job.wait(PATIENCE):

        def draw() -> None:
            st.progress(min(job.share, 1.0), "Waiting for its turn …" if job.state == "waiting" else text)
            if so_far:
                so_far(job)

        jobs.watch(job, draw, "Stop", f"stop-{subject}")
        return None
    if job.state == "done":
        return job
    if job.error:
        sentence(job.error)
    st.button(
        "Begin again" if job.error else "Stopped. Begin again",
        key=f"again-{subject}",
        icon=":material/replay:",
        on_click=_begun,
        args=(subject, work),
    )
    return None


def _begun(subject: str, work: jobs.Work) -> jobs.Job:
    with suppress(BusyError):  # another session was quicker, and its job is as good
        jobs.registry().submit(work, subject)
    return jobs.registry().about(subject)


# What the pictures allow ----------------------------------------------------------------------------------------------


def different(labels: Iterable[int], pictures: Sequence[PictureInfo]) -> list[int]:
    """How many different pictures each class has, by their labels: those of a group, a burst for instance, are one."""
    groups: dict[int, set[int]] = {}
    for label, picture in zip(labels, pictures, strict=True):
        groups.setdefault(label, set()).add(picture.group)
    return [len(each) for each in groups.values()]


def too_alike(what: str) -> None:
    """A note that there are too few different pictures for `what`, which more of these pictures would not mend."""
    st.info(
        f"Record another burst of each class, or add other pictures, and train again: {what} needs different pictures "
        "of each class, and those of one burst count as one.",
        icon=":material/burst_mode:",
    )


# What a page says of answers ------------------------------------------------------------------------------------------


def counted(count: int, one: str = "picture", many: str = "") -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"
