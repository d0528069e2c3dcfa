"""The shell's train and evaluate; main registers them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

import visionlab as vl
from visionlab.cli.answers import plain
from visionlab.cli.cluster import Cluster, Cpus, Gpus, HereDevice, Share, check, sharded, there
from visionlab.cli.shared import (
    AsJson,
    Device,
    HeadFile,
    NamesIn,
    Network,
    Refuse,
    bar,
    base_network,
    check_csv,
    console,
    csv_file,
    ending_of,
    is_quiet,
    left_out,
    network,
    of_names,
    ranged,
    remark,
)
from visionlab.errors import DatasetError, ParameterError, TooFewError, UnclearSetError
from visionlab.wording import MISTAKES

if TYPE_CHECKING:
    from visionlab.learning.heads.training import Fit
    from visionlab.learning.judging.evaluation import Evaluation
    from visionlab.learning.judging.metrics import Report
    from visionlab.learning.sets.dataset import LabelledImages
    from visionlab.network.running.classifier import Classifier

Parts = Annotated[
    bool | None,
    typer.Option("--parts/--classes", help="What unclear folders are: parts of the set, or classes."),
]
PLAIN = ("linear", "mlp", "prototype")  # kinds of heads that features alone are enough for

Labelled = Annotated[Path, typer.Argument(help="A folder or a zip of one folder a class, or a zip that the app wrote.")]


def train(
    data: Annotated[
        str,
        typer.Argument(
            help="A folder or a zip of one folder a class, or a zip that the app wrote; or s3:// and gs://."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Where to write the head (.safetensors).")],
    model: Network = None,
    kind: Annotated[
        str | None, typer.Option(help="What is learned; without, what is usually best for as many pictures. There are:")
    ] = None,
    augment: Annotated[
        list[str] | None,
        typer.Option(help="Learn from a view of each picture, too; may be repeated. The kind’s own without:"),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(help="The most passes over the pictures; the kind’s own without.", callback=ranged(1))
    ] = None,
    validation: Annotated[
        float | None,
        typer.Option(
            help="Share of the pictures that is held out. Without, the set’s own validation part, or else:",
            callback=ranged(0, 1),
        ),
    ] = None,
    refuse: Annotated[
        float,
        typer.Option(help=f"{MISTAKES}: a share, of which 0.05 is 5 in 100.", callback=ranged(0, 1, open_ended=True)),
    ] = 0.05,
    seed: Annotated[int, typer.Option(help="Decides the split, and where learning begins.", callback=ranged(0))] = 0,
    parts: Parts = None,
    names_in: NamesIn = None,
    cluster: Cluster = None,
    shards: Annotated[
        Path | None,
        typer.Option(help="With --cluster: the folder for the features; beside the head without.", callback=there),
    ] = None,
    cpus: Cpus = 1.0,
    gpus: Gpus = 0.0,
    streamed: Annotated[
        bool | None,
        typer.Option(
            "--streamed/--in-memory",
            help="With --cluster: read the features again and again, or hold them.",
            callback=there,
        ),
    ] = None,
    device: HereDevice = "auto",
    as_json: AsJson = False,
) -> None:
    """Train a head on a few pictures of your own, or with --cluster on very many."""
    from visionlab.learning.heads.kinds import check_settings, usual_kind, why_usual
    from visionlab.learning.judging.evaluation import score

    ending_of(out, {"a head": [".safetensors"]})
    views = None if augment is None else tuple(augment)
    check_settings(kind, validation, epochs, views=views, refuse=refuse)  # before the pictures, which take longer
    settings = {"kind": kind, "epochs": epochs, "seed": seed, "views": views, "refuse": refuse}
    if cluster:
        if names_in or views or kind not in (None, *PLAIN):
            raise ParameterError(f"--cluster trains {' and '.join(PLAIN)} heads, of folders, without views.")
        folder = shards or out.with_suffix(".features")
        run, pictures = _trained_there(
            cluster, data, model, parts, validation, folder, (cpus, gpus), streamed, as_json, settings
        )
    else:
        pictures = _labelled(Path(data), as_json, parts, names_in)
        with _saying_kind(kind):
            run = vl.training.fit(pictures, base_network(model, device), validation=validation, **settings)
    unasked = kind is None and run.kind is usual_kind(pictures)
    for text in filter(None, (pictures.few(), why_usual(pictures) if unasked else "")):
        remark(plain(text), aside=as_json)
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


def _trained_there(
    cluster: str,
    data: str,
    model: str | None,
    parts: bool | None,
    validation: float | None,
    folder: Path,
    each: Share,
    streamed: bool | None,
    as_json: bool,
    settings: dict[str, object],
) -> tuple[Fit, LabelledImages]:
    """A run on features that a cluster computes, and the pictures; what was left out of them is told."""
    check(cluster)
    from visionlab.cluster import training
    from visionlab.cluster.listing import Named
    from visionlab.cluster.many import Work
    from visionlab.device import free_memory

    net = base_network(model, "cpu")
    with _asking():
        found = training.labelled(data, parts)
    names = map(Named, training.names_of(found))
    shards = sharded(cluster, Work(net.name, "train"), names, training.about(found), folder, ".parquet", each)
    if streamed is None:
        streamed = not training.fits(shards, free_memory(net.device))
    if streamed and settings["kind"] not in (None, "linear"):
        raise ParameterError(f"Features that do not fit into memory make a linear head, no {settings['kind']} one.")
    asked = {name: settings[name] for name in ("seed", "refuse")} if streamed else settings
    with _saying_kind(settings["kind"]):
        run, pictures = training.fitted(found, shards, net, streamed=streamed, validation=validation, **asked)
    _told(pictures, as_json)
    return run, pictures


def _print_training(run: Fit, out: Path, report: Report | None, test: Evaluation | None) -> None:
    from visionlab.learning.heads.kinds import stayed_linear
    from visionlab.learning.takeaway.model_card import STAYED, learned_all
    from visionlab.network.zoo.models import title_of

    pictures = len(run.train) + len(run.held_out)
    way = f"learned by “{run.kind.title}” on {title_of(run.net.name)}"
    print(f"{out}: {len(run.data.classes)} classes, {pictures} pictures, {way}")
    if stayed_linear(run.head):
        print(STAYED)
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
        Path | None, typer.Option(help="Write the mistakes into this .csv, the worst first, and what cannot be read.")
    ] = None,
    refuse: Refuse = None,
    parts: Parts = None,
    names_in: NamesIn = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """What a head, or a network, is worth on labelled pictures that it has not learned from: others are left out."""
    from visionlab.learning.judging.evaluation import score

    check_csv(csv)  # what is printed are the figures
    loaded = cache(partial(network, model, head, device, refuse=refuse))  # after the pictures, which may be refused
    pictures = _labelled(data, as_json, parts, names_in, lambda: loaded().labels)
    net = loaded()
    with bar() as progress:
        task = progress.add_task("Looking at the pictures", total=len(pictures))
        try:
            found = score(
                net,
                pictures,
                refusal=net.refusal,
                progress=lambda done, total: progress.update(task, completed=done, total=total),
            )
        except DatasetError:
            if csv:
                _write_mistakes(csv, net, None, pictures)
            raise
    if csv:
        _write_mistakes(csv, net, found, pictures)
    if as_json:
        print(json.dumps(found.summary(), indent=2))
    else:
        _print_evaluation(found)


def _write_mistakes(out: Path, net: Classifier, found: Evaluation | None, pictures: LabelledImages) -> None:
    """A line a mistake, and one a picture that could not be read, as “predict --csv” writes them, by its path in the
    set: a folder there is what it is. found: None where no picture could be counted."""
    from visionlab.learning.answers.many import Found, Unreadable, write_csv
    from visionlab.network.running.prediction import Answer

    top, measured = min(3, len(net.labels)), net.refusal is not None

    def row(place: int) -> Found:
        far = (float(found.distances[place]), found.threshold) if measured else ()
        answer = Answer(net.labels, found.probabilities[place], *far)
        return Found(pictures.paths[found.places[place]], tuple(answer.top(top)), None, answer)

    worst = found.worst() if found else ()
    wrong = (row(place) for place in worst if found.predicted[place] != found.truth[place])
    unread = (Unreadable(name, why) for name, why in zip(pictures.unread, pictures.problems, strict=True))
    with csv_file(out) as file:
        write_csv(chain(wrong, unread), file, top, measured)


def _print_evaluation(found: Evaluation) -> None:
    _print_report(found.report)
    if told := found.refusals_told:
        print(told)
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
    for told in report.sentences():
        print(told[0].lower() + told[1:])


def _labelled(
    data: Path, as_json: bool, parts: bool | None, names_in: str | None, classes: Callable[[], Sequence[str]] = tuple
) -> LabelledImages:
    """The pictures of a folder or a zip, of these classes if any are known; what was left out of them is told."""
    from visionlab.learning.takeaway.package import labelled_zip

    if names_in and data.is_dir():
        raise ParameterError(f"--names-in {names_in} is for a zip, and {data} is a folder. Leave it out.")
    with _asking():
        folder = data.is_dir()
        found = vl.LabelledImages.from_folder(data, parts) if folder else labelled_zip(data, parts, names_in, classes)
    _told(found, as_json)
    return found


@contextmanager
def _asking() -> Iterator[None]:
    """An UnclearSetError inside says how to answer in a shell."""
    try:
        yield
    except UnclearSetError as error:
        raise UnclearSetError(error.unclear, "Or say what they are: --parts or --classes.") from error


@contextmanager
def _saying_kind(asked: object) -> Iterator[None]:
    """A TooFewError inside says by which option of the shell one picture a class is enough; a ParameterError does where
    a kind was asked for, since it is that which cannot be."""
    from visionlab.learning.heads.kinds import one_is_enough

    try:
        yield
    except TooFewError as error:
        name = one_is_enough().name
        told = TooFewError(error.too_few, f"Or take --kind {name}: for it, one is enough.")
        raise (told if asked is None else ParameterError(str(told))) from error


def _told(pictures: LabelledImages, as_json: bool) -> None:
    """What was left out of the pictures."""
    for text in pictures.told:
        remark(plain(of_names(text)), aside=as_json)
    left_out(pictures.problems)
