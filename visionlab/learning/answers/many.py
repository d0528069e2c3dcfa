"""Predictions, or features, for any number of pictures, out of folders and zips, one batch after the other."""

from __future__ import annotations

import csv
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO, TextIO, TypeVar
from zipfile import ZipFile, ZipInfo

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from visionlab.errors import DatasetError, ImageError, ParameterError, VisionlabError
from visionlab.imaging.image import GOOD_FORMATS, Image, encode_jpeg, fit, load_image
from visionlab.learning.answers.folders import TELLING, in_folder, left_in_folder, named, why_left_out
from visionlab.learning.features.embedding import features_of
from visionlab.learning.features.source import embedder
from visionlab.learning.sets import archive
from visionlab.learning.sets.copies import DECODERS, Looked, looks_of
from visionlab.network.running.batching import answers, prepared
from visionlab.network.running.classifier import BATCH, Classifier
from visionlab.network.running.engine import Engine, LocalEngine
from visionlab.network.running.prediction import Answer, Prediction

T = TypeVar("T")

THUMBNAIL = 96  # pixels along the longer side
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a cell begins with that a spreadsheet computes


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A picture by its name; load() decodes it, and raises a VisionlabError where it is none."""

    name: str
    load: Callable[[], Image]


@dataclass(frozen=True)
class Found:
    """What the network takes a picture for, most probable class first; thumbnail is a JPEG file, where one was asked
    for; answer is all that it says, also whether it refuses the picture.
    """

    name: str
    predictions: tuple[Prediction, ...]
    thumbnail: bytes | None
    answer: Answer | None = None


@dataclass(frozen=True)
class Unreadable:
    """A picture that could not be read; why is a sentence for people."""

    name: str
    why: str


@dataclass(frozen=True, eq=False)
class Embedded:
    """A picture's features (F,) float32, as heads take them; tells is what tells copies and near-duplicates
    (learning/sets/copies.py), where that was asked for."""

    name: str
    features: NDArray[np.float32]
    tells: Looked | None = None


@dataclass(frozen=True, eq=False)
class _Looked:
    """A picture, no longer whole: as the network wants it, and what else is kept of it."""

    name: str
    input: Tensor
    kept: object


def folder_sources(path: str | os.PathLike[str]) -> list[Source]:
    """The pictures in a folder and the folders in it, by their endings, sorted; hidden ones and litter are left out,
    links are followed.

    Names are the paths, beginning with `path`; a folder that may not be looked into counts as one that cannot be read.
    Raises DatasetError where there is no such folder, or no picture in it.
    """
    return list(_sources(in_folder(Path(path))))


def named_sources(paths: Sequence[str]) -> tuple[list[Source], list[Unreadable]]:
    """The pictures at these paths, those of folder_sources for a folder; and the other files in folders, as left_out
    has them.

    Of several paths a folder without pictures counts as one that cannot be read; alone it raises DatasetError.
    """
    found, others = named(paths)
    return list(_sources(found)), [Unreadable(name, why) for name, why in others]


def _sources(found: Iterable[tuple[str | Path, str]]) -> Iterator[Source]:
    for file, why in found:
        yield Source(str(file), partial(_refuse, why) if why else partial(load_image, file))


def _refuse(why: str) -> Image:
    raise ImageError(why)


def zip_sources(file: str | os.PathLike[str] | bytes | BinaryIO) -> list[Source]:
    """The pictures in a zip (path, bytes or seekable binary file), by their endings, sorted; litter is left out.

    Nothing is unpacked before its turn, nor ever to disk.
    Raises DatasetError for what is no zip, is encrypted, has a hostile entry name, holds no picture, or is over a limit
    of learning/sets/archive.py.
    """
    kept = archive.Kept(file)
    found = archive.pictures_in(kept.archive)
    if not found:
        raise DatasetError(f"The zip holds no picture; put {GOOD_FORMATS} files into it.")
    archive.check_counts({"": found})
    archive.check_unpacked(sum(info.file_size for _, info in found), archive.unpacked_limit(file))
    named = [("/".join(parts), info) for parts, info in sorted(found, key=lambda pair: pair[0])]
    return [Source(name, partial(_unpack, kept, info, name)) for name, info in named]


def left_out(file: str | os.PathLike[str] | bytes | BinaryIO) -> list[Unreadable]:
    """The files in a zip, or in a folder, that zip_sources or folder_sources takes for no pictures, sorted; without
    what systems leave behind. Raises DatasetError for what is neither, is encrypted, or has a hostile entry name."""
    if isinstance(file, str | os.PathLike) and Path(file).is_dir():
        return [Unreadable(str(path), why) for path, why in left_in_folder(Path(file))]
    with archive.opened(file) as opened:
        files = archive.by_path(opened)
        others = [("/".join(path), files[path]) for path in archive.others_in(opened)]
        return [
            Unreadable(name, why_left_out(name, partial(_entry_start, opened, info, name))) for name, info in others
        ]


def _entry_start(opened: ZipFile, info: ZipInfo, name: str) -> bytes:
    """DatasetError where it is damaged in the zip."""
    start = archive.start_of(opened, info, TELLING)
    return start if start or not info.file_size else archive.read_entry(opened, info, name)


def _unpack(kept: archive.Kept, info: ZipInfo, name: str) -> Image:
    return load_image(kept.unpack(info, name))


def predict_many(
    net: Classifier,
    sources: Iterable[Source],
    top: int = 5,
    batch: int = BATCH,
    thumbnail: int | None = THUMBNAIL,
    engine: Engine | None = None,
) -> Iterator[Found | Unreadable]:
    """The `top` most probable classes of each picture, in the order of the sources, as soon as its batch is through.

    Memory does not grow with the number of pictures: at most DECODERS of them are decoded at a time, and only what
    enters the network is kept of them, for this batch and the next, which is read meanwhile. Each has a thumbnail of
    `thumbnail` pixels along its longer side, none where that is None. engine computes for this network (None: this
    process). Raises ParameterError where top or batch is below 1, or thumbnail is no size.
    """
    if top < 1 or batch < 1:
        raise ParameterError(f"top is {top} and batch is {batch}. Both are 1 or more.")
    keep = (lambda _: None) if thumbnail is None else (lambda image: encode_jpeg(fit(image, thumbnail)))
    found = _through(net, iter(sources), batch, keep, answers, engine or LocalEngine(net))
    return (
        each if isinstance(each, Unreadable) else Found(each[0].name, tuple(each[1].top(top)), each[0].kept, each[1])
        for each in found
    )


def embed_many(
    net: Classifier,
    sources: Iterable[Source],
    batch: int = BATCH,
    tells: bool = False,
    engine: Engine | None = None,
) -> Iterator[Embedded | Unreadable]:
    """The features of each picture, in the order of the sources, as soon as its batch is through; with what tells
    copies and near-duplicates, if asked for. Memory and engine as of predict_many. ParameterError for a batch below 1.
    """
    if batch < 1:
        raise ParameterError(f"batch is {batch}. It is 1 or more.")
    own = embedder(net)
    keep = looks_of if tells else (lambda _: None)
    found = _through(own, iter(sources), batch, keep, _features, engine or LocalEngine(own))
    return (each if isinstance(each, Unreadable) else Embedded(each[0].name, each[1], each[0].kept) for each in found)


def _features(net: Classifier, inputs: Sequence[Tensor]) -> NDArray[np.float32]:
    """(N, F) of N pictures that were prepared."""
    return features_of(net, torch.stack(list(inputs))) if inputs else np.zeros((0, 0), np.float32)


def _through(
    net: Classifier,
    sources: Iterator[Source],
    batch: int,
    keep: Callable[[Image], object],
    task: Callable[[Classifier, list[Tensor]], Sequence[T]],
    engine: Engine,
) -> Iterator[tuple[_Looked, T] | Unreadable]:
    """Each picture with what the task gives for it, batch after batch, while the next one is being decoded."""
    pool = ThreadPoolExecutor(DECODERS)
    looked: deque[list[_Looked | Unreadable]] = deque()  # those whose answers are to come

    def begun() -> list[Future[_Looked | Unreadable]]:
        return [pool.submit(_look, net, source, keep) for source in islice(sources, batch)]

    def inputs() -> Iterator[list[Tensor]]:
        coming = begun()
        while coming:
            current, coming = coming, begun()
            looked.append([future.result() for future in current])
            yield [each.input for each in looked[-1] if isinstance(each, _Looked)]

    try:
        for found in engine.map(task, inputs()):
            rows = iter(found)
            for each in looked.popleft():
                yield (each, next(rows)) if isinstance(each, _Looked) else each
    finally:
        pool.shutdown(cancel_futures=True)  # whoever stops asking does not wait for what was to come


def _look(net: Classifier, source: Source, keep: Callable[[Image], object]) -> _Looked | Unreadable:
    try:
        image = source.load()
        return _Looked(source.name, prepared(net, image), keep(image))
    except VisionlabError as error:
        return Unreadable(source.name, str(error))


def write_csv(
    rows: Iterable[Found | Unreadable], file: TextIO, answers: int | None = None, measured: bool | None = None
) -> None:
    """Write a line a picture: file, answer_1, probability_1, answer_2 …, problem; probabilities are 0..1, with six
    decimals, and problem says why a picture could not be read. Of a head that refuses pictures, refused (yes or no),
    distance and limit stand behind the file. How many answers there are, and whether it is of such a head, is told, or
    else is that of the first picture that was read.

    `file` is open as text with newline="". A name or class that begins with =, +, -, @, a tab or a carriage return gets
    a ' before it, since a spreadsheet would compute it (OWASP, “CSV injection”); what is no text in a name, which Linux
    allows, is written as an escape such as \\udcff. Lines end as RFC 4180 has it, by CR LF.
    """
    writer = csv.writer(file)
    coming = iter(rows)
    first: list[Found | Unreadable] = []  # up to one that was read, which says what columns there are
    while (answers is None or measured is None) and (row := next(coming, None)) is not None:
        first.append(row)
        if isinstance(row, Found):
            answers = len(row.predictions) if answers is None else answers
            measured = _refusing(row) if measured is None else measured
    refusing = ["refused", "distance", "limit"] if measured else []
    numbered = [cell for place in range(1, 1 + (answers or 0)) for cell in (f"answer_{place}", f"probability_{place}")]
    writer.writerow(["file", *refusing, *numbered, "problem"])
    for row in chain(first, coming):
        if isinstance(row, Unreadable):
            writer.writerow([_cell(row.name), *("" for _ in (*refusing, *numbered)), _cell(row.why)])
            continue
        cells = (cell for found in row.predictions for cell in (_cell(found.label), f"{found.probability:.6f}"))
        writer.writerow([_cell(row.name), *(_refusal(row.answer) if refusing else ()), *cells, ""])


def _refusing(row: Found) -> bool:
    return row.answer is not None and row.answer.limit is not None


def _refusal(answer: Answer) -> tuple[str, str, str]:
    return "yes" if answer.refused else "no", f"{answer.distance:.6g}", f"{answer.limit:.6g}"


def _cell(text: str) -> str:
    text = text.encode("utf-8", "backslashreplace").decode()
    return f"'{text}" if text.startswith(FORMULA) else text
