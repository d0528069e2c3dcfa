"""The shell's export; main registers it."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO
from zipfile import ZipFile

import typer

import visionlab as vl
from visionlab.cli.answers import plain
from visionlab.cli.shared import Device, Refuse, bar, base_network, ending_of, head_in, read, remark
from visionlab.errors import ParameterError
from visionlab.wording import sized

if TYPE_CHECKING:
    from visionlab.imaging.image import Image


def export(
    head: Annotated[Path, typer.Argument(help="A head that “train” saved.")],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="A .zip with all that it takes to use it, or an .onnx file.")
    ],
    pictures: Annotated[
        Path | None, typer.Option(help="A folder of pictures on which the export must answer alike; samples without.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="A folder with one folder a class, to put into the zip, for training on.")
    ] = None,
    refuse: Refuse = None,
    device: Device = "auto",
) -> None:
    """The head with its whole network, to be used without this project, checked to answer alike."""
    ending = ending_of(out, {"all that it takes to use it": [".zip"], "the network alone": [".onnx"]})
    if data and ending == ".onnx":
        raise ParameterError(f"An ONNX file holds no pictures: leave out --data {data}, or write a .zip.")
    chosen = head_in(head, refuse)
    net = chosen.base(lambda name: base_network(name, device))
    images = _images(pictures)
    with bar() as progress:
        task = progress.add_task("Exporting the network", total=len(images))
        if ending == ".onnx":
            from visionlab.learning.takeaway.export import export_checked

            for found in export_checked(chosen.as_classifier(net), out, images):
                progress.update(task, description="Comparing it with the original", completed=found.pictures)
        else:
            from visionlab.learning.takeaway.package import pack

            with tempfile.TemporaryFile() as labelled:
                if data:
                    _zip_folder(data, labelled)
                for step in pack(chosen, net, out, images, pictures=labelled if data else None):
                    progress.update(task, description=step.doing, completed=step.done, total=step.of)
                    found = step.parity
    remark(f"{out}: {sized(out.stat().st_size)}")
    remark(f"the same answers as the original: {found}")


def _zip_folder(data: Path, file: BinaryIO) -> None:
    from visionlab.learning.sets.archive import read_folder
    from visionlab.learning.sets.kinds import parts_told

    found = read_folder(data)
    for text in (*parts_told(item.part for items in found.classes.values() for item in items), *found.told):
        remark(plain(text), aside=True)
    with ZipFile(file, "w") as zipped:
        for label, items in found.classes.items():
            for item in items:
                zipped.writestr("/".join(filter(None, (item.part, label, item.name))), read(item.source))


def _images(folder: Path | None) -> Sequence[Image]:
    from visionlab.imaging.samples import SAMPLES
    from visionlab.learning.answers.many import folder_sources
    from visionlab.learning.sets.dataset import LazyImages

    if folder is None:
        return [vl.load_sample(name) for name in SAMPLES]
    sources = folder_sources(folder)
    return LazyImages(lambda index: sources[index].load(), range(len(sources)))
