"""A zip of pictures put through a chain of filters: another zip, one picture at a time."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO

from visionlab.errors import DatasetError, VisionlabError
from visionlab.imaging.image import GOOD_FORMATS, encode_jpeg, encode_png, load_image
from visionlab.imaging.image import fit as fitted
from visionlab.imaging.pipeline import Pipeline
from visionlab.learning.sets import archive
from visionlab.learning.sets.names import PathParts, free_name

MAX_PICTURES = 1_000
MAX_RESULT_BYTES = 500 * 2**20  # of the zip that is written; it lies on the server's disk until the next one
FORMATS = {"PNG": (".png", encode_png), "JPEG": (".jpg", encode_jpeg)}


@dataclass(frozen=True)
class Progress:
    """So many of the pictures are through; the next one has come so far, 0..1."""

    done: int
    total: int
    part: float = 0.0


@dataclass(frozen=True, eq=False)
class Result:
    """The zip, an open temporary file that ends with the last reference to it, and what could not be taken in, why."""

    file: BinaryIO
    made: int
    left_out: tuple[str, ...]


def filter_zip(
    data: bytes | BinaryIO,
    pipeline: Pipeline,
    form: str,
    fit: int | None = None,
    between: Callable[[float], object] | None = None,
) -> Iterator[Progress | Result]:
    """Put each picture of a zip through the chain; the last thing that comes is the Result.

    `form` is a name in FORMATS. With `fit` each picture is shrunk first to so many pixels on its longest side. Pictures
    keep their path with another ending; one that cannot be read is left out, and named. The zip is written to a
    temporary file without a name: whoever stops asking leaves nothing behind. `between` as of Pipeline.stages().
    Raises DatasetError for what is no zip, holds no picture, or is over a limit here or of learning/sets/archive.py.
    """
    ending, encode = FORMATS[form]
    steps = max(1, len(pipeline.steps) - len(pipeline.off))
    made, left_out, names = 0, [], set()
    result = tempfile.TemporaryFile()  # noqa: SIM115 - it outlives this function
    try:
        with archive.opened(data) as source, zipfile.ZipFile(result, "w", zipfile.ZIP_STORED) as target:
            pictures = _pictures(source)
            for done, (parts, entry) in enumerate(pictures):
                yield Progress(done, len(pictures))
                name = "/".join(parts)
                try:
                    image = load_image(archive.read_entry(source, entry, name))
                    image = image if fit is None else fitted(image, fit)
                    for number, stage in enumerate(pipeline.stages(image, between), 1):
                        image = stage.image
                        yield Progress(done, len(pictures), number / (steps + 1))
                    encoded = encode(image)
                except VisionlabError as error:
                    left_out.append(f"{name}: {error}")
                    continue
                if result.tell() + len(encoded) > MAX_RESULT_BYTES:
                    most = MAX_RESULT_BYTES >> 20
                    raise DatasetError(f"With “{name}” the result has over {most:,} MB; take fewer pictures, or JPEG.")
                target.writestr(free_name(str(PurePosixPath(name).with_suffix(ending)), names), encoded)
                made += 1
        result.seek(0)
    except BaseException:  # also when nobody asks for the next picture: what is half done is of no use
        result.close()
        raise
    yield Progress(len(pictures), len(pictures))
    yield Result(result, made, tuple(left_out))


def _pictures(source: zipfile.ZipFile) -> list[tuple[PathParts, zipfile.ZipInfo]]:
    """(parts of its path, entry) of each picture in the zip."""
    found = archive.pictures_in(source)
    if not found:
        raise DatasetError(f"The zip holds no picture; put {GOOD_FORMATS} files into it.")
    if len(found) > MAX_PICTURES:
        raise DatasetError(f"The zip holds {len(found):,} pictures; at most {MAX_PICTURES:,} are taken.")
    archive.check_unpacked(sum(info.file_size for _, info in found))
    return found
