"""The shell's train, evaluate and export; main registers them."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO
from zipfile import ZipFile

import typer
from rich.table import Table
from rich.text import Text

import visionlab as vl
from visionlab.cli.answers import plain
from visionlab.cli.shared import (
    AsJson,
    Device,
    HeadFile,
    Network,
    Refuse,
    bar,
    base_network,
    console,
    ending_of,
    head_in,
    is_quiet,
    left_out,
    network,
    ranged,
    read,
    remark,
)
from visionlab.errors import ParameterError, UnclearSetError
from visionlab.wording import sized
from visionlab.writing import replacing

if TYPE_CHECKING:
    from visionlab.imaging.image import Image
    from visionlab.learning.heads.training import Fit
    from visionlab.learning.judging.evaluation import Evaluation
    from visionlab.learning.judging.metrics import Report
    from visionlab.learning.sets.dataset import LabelledImages
    from visionlab.network.running.classifier import Classifier

Parts = Annotated[
    bool | None,
    typer.Option("--parts/--classes", help="What unclear folders are: parts of the set, or classes."),
]
NamesIn = Annotated[
    str | None, typer.Option(help="The encoding of a zip's names where it states none, such as cp852; else guessed.")
]

Labelled = Annotated[Path, typer.Argument(help="A folder or a zip of one folder a class, or a zip that the app wrote.")]


def train(
    data: Labelled,
    out: Annotated[Path, typer.Option("--out", "-o", help="Where to write the head (.safetensors).")],
    model: Network = None,
    kind: Annotated[str, typer.Option(help="What is learned:")] = "linear",
    augment: Annotated[
        list[str] | None,
        typer.Option(help="Learn from a view of each picture, too; may be repeated. The kind's own without:"),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(help="The most passes over the pictures; the kind's own without.", callback=ranged(1))
    ] = None,
    validation: Annotated[
        float | None,
        typer.Option(
            help="Share of the pictures that is held out. Without, the set's own validation part, or else:",
            callback=ranged(0, 1),
        ),
    ] = None,
    refuse: Annotated[
        float,
        typer.Option(
            help="Which share of pictures of its classes the head may take for none of these.",
            callback=ranged(0, 1, open_ended=True),
        ),
    ] = 0.05,
    seed: Annotated[int, typer.Option(help="Decides the split, and where learning begins.", callback=ranged(0))] = 0,
    parts: Parts = None,
    names_in: NamesIn = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Train a head on a few pictures of your own."""
    from visionlab.learning.heads.kinds import check_settings
    from visionlab.learning.judging.evaluation import score
    from visionlab.learning.sets.splits import HELD_OUT

    ending_of(out, {"a head": [".safetensors"]})
    views = None if augment is None else tuple(augment)
    check_settings(kind, validation, epochs, views=views, refuse=refuse)  # before the pictures, which take longer
    pictures = _labelled(data, as_json, parts, names_in)
    if few := pictures.few():
        remark(plain(few), aside=as_json)
    share = validation if validation is not None else None if "validation" in pictures.parts else HELD_OUT
    settings = {"kind": kind, "epochs": epochs, "seed": seed, "views": views, "refuse": refuse}
    run = vl.training.fit(pictures, base_network(model, device), validation=share, **settings)
    with bar() as progress:
        task = progress.add_task("Looking at the pictures")
        for done, total in run.prepare():
            progress.update(task, completed=done, total=total)
        progress.update(task, description="Learning", completed=0, total=run.epochs)
        for epoch in run:
            progress.update(task, completed=epoch.index)
    run.head.save(out)
    report = run.report() if len(run.held_out) else None
    tested = pictures.part("test")
    test = score(run.head.as_classifier(run.net), tested, refusal=run.head.refusal) if len(tested) else None
    if as_json:
        told = {"interval": list(report.interval), "confusion": report.confusion.tolist()} if report else {}
        told |= {"balanced_accuracy": report.balanced, "majority": report.majority} if report else {}
        told |= {"test": test.summary()} if test else {}
        print(json.dumps({**run.head.facts, **told, "file": str(out)}))
    elif not is_quiet():
        _print_training(run, out, report, test)


def _print_training(run: Fit, out: Path, report: Report | None, test: Evaluation | None) -> None:
    from visionlab.learning.takeaway.model_card import learned_all

    print(f"{out}: {len(run.data.classes)} classes, {len(run.train) + len(run.held_out)} pictures")
    if report is None:
        print("no picture was held out, so nobody knows how good it is")
    else:
        print("on what was held out:")
        _print_report(report)
        if learned_all(run.head.facts):
            print("the head that was saved has learned this part, too, after it was asked")
    if told := run.head.facts.get("split"):
        print(plain(told))
    if test is not None:
        print("on the test part of the set:")
        _print_evaluation(test)
    print(f"none of these: {run.head.facts['refusal']}")


def evaluate(
    data: Labelled,
    head: HeadFile = None,
    model: Network = None,
    csv: Annotated[
        Path | None, typer.Option(help="Write the mistakes into this file, the worst first, and what cannot be read.")
    ] = None,
    refuse: Refuse = None,
    parts: Parts = None,
    names_in: NamesIn = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """What a head, or a network, is worth on labelled pictures that it has not learned from: others are left out."""
    from visionlab.learning.judging.evaluation import score

    pictures = _labelled(data, as_json, parts, names_in)
    net = network(model, head, device, refuse=refuse)
    with bar() as progress:
        task = progress.add_task("Looking at the pictures", total=len(pictures))
        found = score(
            net,
            pictures,
            refusal=net.refusal,
            progress=lambda done, total: progress.update(task, completed=done, total=total),
        )
    if csv:
        _write_mistakes(csv, net, found, pictures)
    if as_json:
        print(json.dumps(found.summary(), indent=2))
    else:
        _print_evaluation(found)


def _write_mistakes(out: Path, net: Classifier, found: Evaluation, pictures: LabelledImages) -> None:
    """A line a mistake, and one a picture that could not be read, as “predict --csv” writes them; the folder in its
    name is what it is."""
    from visionlab.learning.answers.many import Found, Unreadable, write_csv
    from visionlab.network.running.prediction import Answer

    top, measured = min(3, len(found.classes)), found.distances is not None

    def row(place: int) -> Found:
        far = (float(found.distances[place]), found.threshold) if measured else ()
        answer = Answer(net.labels, found.probabilities[place], *far)
        name = f"{found.classes[found.truth[place]]}/{found.names[place]}"
        return Found(name, tuple(answer.top(top)), None, answer)

    wrong = (row(place) for place in found.worst() if found.predicted[place] != found.truth[place])
    unread = (Unreadable(name, why) for name, why in zip(pictures.unread, pictures.problems, strict=True))
    with replacing(out) as part, part.open("w", encoding="utf-8", newline="") as file:
        write_csv(chain(wrong, unread), file, top, measured)


def _print_evaluation(found: Evaluation) -> None:
    _print_report(found.report)
    if found.distances is not None:
        print(f"{len(found.refused)} of them would be refused as “none of these”")
    if found.left_out:
        print(found.left_out)


def _print_report(report: Report) -> None:
    table = Table("class", "precision", "recall", "F1", "pictures", "taken for")
    for row, name in enumerate(report.classes):
        counts = report.confusion[row]
        if counts.any() or report.confusion[:, row].any():
            others = [column for column in (-counts).argsort(kind="stable") if counts[column] and column != row]
            taken = ", ".join(f"{plain(report.classes[column])} {counts[column]}" for column in others)
            shares = (report.precision[row], report.recall[row], report.f1[row])
            table.add_row(Text(plain(name)), *(f"{share:.3f}" for share in shares), str(counts.sum()), Text(taken))
    console.print(table)
    low, high = report.interval
    print(f"right on {report.accuracy:.1%} of {report.told()} (95 % interval {low:.1%} to {high:.1%})")
    print(f"always naming the most frequent class would be right on {report.majority:.1%}")
    low, high = report.balanced_interval
    print(f"with each class counting the same: {report.balanced:.1%} (95 % interval {low:.1%} to {high:.1%})")


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

    found = read_folder(data)
    for text in found.told:
        print(plain(text), file=sys.stderr)
    with ZipFile(file, "w") as zipped:
        for label, items in found.classes.items():
            for item in items:
                zipped.writestr("/".join(filter(None, (item.part, label, item.name))), read(item.source))


def _labelled(data: Path, as_json: bool, parts: bool | None, names_in: str | None) -> LabelledImages:
    """The pictures of a folder or a zip; what was left out of them is told."""
    from visionlab.learning.takeaway.package import labelled_zip

    if names_in and data.is_dir():
        raise ParameterError(f"--names-in {names_in} is for a zip, and {data} is a folder. Leave it out.")
    try:
        pictures = vl.LabelledImages.from_folder(data, parts) if data.is_dir() else labelled_zip(data, parts, names_in)
    except UnclearSetError as error:
        raise UnclearSetError(error.unclear, "Or say what they are: --parts or --classes.") from error
    for text in pictures.told:
        remark(plain(text), aside=as_json)
    left_out(pictures.problems)
    return pictures


def _images(folder: Path | None) -> Sequence[Image]:
    from visionlab.imaging.samples import SAMPLES
    from visionlab.learning.answers.many import folder_sources
    from visionlab.learning.sets.dataset import LazyImages

    if folder is None:
        return [vl.load_sample(name) for name in SAMPLES]
    sources = folder_sources(folder)
    return LazyImages(lambda index: sources[index].load(), range(len(sources)))
