"""A run of a project, from its pictures to what is kept of it: the work of a background job, which needs no browser."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from visionlab.errors import ParameterError, VisionlabError
from visionlab.learning.features.cache import FeatureCache
from visionlab.learning.heads.kinds import stayed_linear
from visionlab.learning.heads.training import Epoch, Fit, fit
from visionlab.learning.judging.evaluation import assess
from visionlab.learning.projects.files import telling, write
from visionlab.learning.projects.outcome import Outcome
from visionlab.learning.projects.project import Project
from visionlab.learning.projects.rows import ClassInfo
from visionlab.learning.projects.runs import CLASSES, RunInfo
from visionlab.learning.sets.dataset import LabelledImages
from visionlab.network.running.classifier import Classifier
from visionlab.network.running.engine import Engine
from visionlab.shortage import shortages_told

LEARNED_FROM = "learned_from"  # in a run's report: what tells apart of which pictures and labels it is
# A checkpoint follows each epoch; one that takes longer to write than the epoch took, so many seconds after the last.
CHECKPOINT_EVERY = 5.0


@dataclass(frozen=True)
class Settings:
    """What a person chose: names in MODELS, KINDS and VIEWS, the share that is held out (None: the set's own validation
    part), the seed, and which share of pictures of its classes the head may refuse."""

    network: str
    kind: str
    views: tuple[str, ...]
    validation: float | None
    seed: int
    refuse: float = 0.05

    @classmethod
    def of(cls, run: RunInfo) -> Settings:
        """Those that a run was begun with."""
        told = run.settings
        chosen = (told["network"], told["kind"], tuple(told["views"]), told["validation"], told["seed"])
        return cls(*chosen, told.get("refuse", cls.refuse))


@dataclass(frozen=True)
class Embedded:
    """So many of all pictures and their views have been through the network, `known` of them before this run."""

    done: int
    total: int
    known: int
    seconds: float

    @property
    def left(self) -> float | None:
        """Seconds until all have; None while nobody knows."""
        fresh = self.done - self.known
        return self.seconds / fresh * (self.total - self.done) if fresh > 0 else None


@dataclass(frozen=True)
class Trained:
    """So many of at most `total` epochs are behind it, `seconds` each; None while nobody knows."""

    done: int
    total: int
    seconds: float | None

    @property
    def left(self) -> float | None:
        """Seconds until all are, at most: it may stop early. None while nobody knows."""
        return None if self.seconds is None else self.seconds * (self.total - self.done)


def noted(settings: Settings, pictures: int) -> dict[str, object]:
    """What is noted of a run when it begins."""
    return {**asdict(settings), "pictures": pictures}


Labels = Sequence[tuple[int, int | None]]  # a picture's id and its class's, each


def labels_of(data: LabelledImages, ids: Sequence[int], classes: Sequence[ClassInfo]) -> Labels:
    """Of what Project.labelled gave, and the project's classes."""
    known = {each.name: each.id for each in classes}
    return [(id, known.get(data.classes[label])) for id, label in zip(ids, data.labels.tolist(), strict=True)]


def learned_from(labels: Labels) -> str:
    """A digest of them, in whatever order, for a run's report."""
    return hashlib.sha256(repr(sorted(labels)).encode()).hexdigest()


def is_of(run: RunInfo, labels: Labels) -> bool:
    """Whether the run learned from these; of a run that did not note that, whether from as many."""
    known = (run.report or {}).get(LEARNED_FROM)
    return run.settings["pictures"] == len(labels) if known is None else known == learned_from(labels)


def train(project: Project, run: str, net: Classifier, engine: Engine | None = None) -> Iterator[Embedded | Trained]:
    """Take up a run that waits or was interrupted, on the pictures and labels of this moment, and note how it goes.

    engine computes features for `net` (None: this process).
    What the person does to the pictures meanwhile does not matter to it. Closing the generator stops the run, which
    keeps the best head so far. Raises what it was ended by, noted as well, where that is a VisionlabError.
    """
    project.continue_run(run)
    state, report, error = "failed", None, None
    try:
        with shortages_told():
            work = _Work(project, run, net, engine)
            try:
                yield from work.steps()
            except GeneratorExit:
                report = work.keep() if work.fit.best else None
                state = "cancelled"
                raise
            report, state = work.keep(), "done"
    except VisionlabError as problem:
        state, error = "failed", str(problem)
        raise
    finally:
        project.end_run(run, state, report, error)


class _Work:
    def __init__(self, project: Project, run: str, net: Classifier, engine: Engine | None = None):
        self.project, self.run = project, run
        self.began = time.monotonic()
        info = project.run(run)
        earlier = epochs_of(info)
        self.before = earlier[-1]["seconds"] if earlier else 0.0
        settings = Settings.of(info)
        data, ids = project.labelled()
        self.ids = np.array(ids, np.int64)
        classes = project.classes()
        known = {each.name: each.id for each in classes}
        self.classes = [known.get(name) for name in data.classes]
        self.learned_from = learned_from(labels_of(data, ids, classes))
        self.cache = _Counting(project.known_features)
        self.checkpoint = project.checkpoint(run)
        options = {
            "kind": settings.kind,
            "views": settings.views,
            "validation": settings.validation,
            "seed": settings.seed,
            "refuse": settings.refuse,
            "cache": self.cache,
            "engine": engine,
        }
        self.fit: Fit
        with suppress(ParameterError, FileNotFoundError):  # of other pictures than these, or damaged: begin again
            self.fit = fit(data, net, resume=self.checkpoint.read_bytes(), **options)
            return
        self.fit = fit(data, net, **options)

    def steps(self) -> Iterator[Embedded | Trained]:
        for done, total in self.fit.prepare():
            yield Embedded(done, total, self.cache.found, self.seconds)
        began, written, took = time.monotonic(), 0.0, 0.0
        epoch_began = began
        for later, epoch in enumerate(self.fit):
            if later == 0:  # beside it went what is done once: its time tells nothing of the others'
                began = time.monotonic()
            self.project.note_epoch(self.run, {**asdict(epoch), "seconds": self.before + self.seconds})
            now = time.monotonic()
            due = written + (CHECKPOINT_EVERY if took > now - epoch_began else 0.0)
            if self.fit.kind.resumable and now >= due:
                with telling():
                    write(self.checkpoint, self.fit.checkpoint())
                written = time.monotonic()
                took = written - now
            seconds = (time.monotonic() - began) / later if later else None
            yield Trained(epoch.index, self.fit.epochs, seconds)
            epoch_began = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    def keep(self) -> dict[str, object]:
        """Keep the best head and what it answers; the report."""
        run, head = self.fit, self.fit.head
        outcome = answers(run, self.ids)
        self.project.keep_head(self.run, head.to_bytes())
        self.project.keep_outcome(self.run, outcome.to_bytes())
        self.checkpoint.unlink(missing_ok=True)
        report: dict[str, object] = {}
        if len(run.held_out):
            features = run.features[run.held_out]
            groups = run.data.groups[run.held_out]
            found = assess(
                *(outcome.truth, outcome.probabilities, outcome.classes),
                groups=groups,
                features=features,
                refusal=head.refusal,
            )
            report = found.summary()
        report[CLASSES], report[LEARNED_FROM] = self.classes, self.learned_from
        counts = {"trained_on": len(run.train), "held_out": len(run.held_out), "best_epoch": run.best.index}
        return {**report, **counts, "stayed_linear": stayed_linear(head), "seconds": self.before + self.seconds}


def answers(run: Fit, ids: NDArray[np.int64]) -> Outcome:
    """What the best head of a run answered; ids (N,) are those of its pictures."""
    labels = run.data.labels
    return Outcome(
        run.data.classes,
        ids[run.held_out],
        labels[run.held_out],
        run.probabilities(),
        ids[run.train],
        labels[run.train],
    )


def epochs_of(run: RunInfo) -> list[Mapping[str, object]]:
    """The epochs that count: where a run went on after it was killed, the later ones of the same numbers."""
    kept: list[Mapping[str, object]] = []
    for told in run.epochs:
        while kept and kept[-1]["index"] >= told["index"]:
            kept.pop()
        kept.append(told)
    return kept


def curve_of(run: RunInfo) -> list[Epoch]:
    """Its epochs, for a chart."""
    names = ("index", "train_loss", "validation_loss", "validation_accuracy")
    return [Epoch(*(told[name] for name in names)) for told in epochs_of(run)]


class _Counting(FeatureCache):
    """A cache that counts what it knew."""

    found = 0

    def find(self, network: str, names: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        known = super().find(network, names)
        self.found += sum(name in known for name in names)
        return known
