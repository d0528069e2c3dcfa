"""The shell's predict and embed: what a network takes pictures for, and sees in them; main registers them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visionlab.cli.answers import plain, print_json, print_sheet, print_tables
from visionlab.cli.cluster import Cluster, Cpus, Gpus, HereDevice, Share, check, end, sharded, there
from visionlab.cli.shared import (
    STDOUT,
    AsJson,
    HeadFile,
    Network,
    Refuse,
    bar,
    base_network,
    check_csv,
    csv_file,
    ending_of,
    head_in,
    network,
    ranged,
    read,
    remark,
)
from visionlab.errors import ImageError, ParameterError
from visionlab.wording import not_read
from visionlab.writing import replacing

if TYPE_CHECKING:
    from visionlab.cluster.shards import Shards
    from visionlab.learning.answers.many import Found, Unreadable

Pictures = Annotated[
    list[str],
    typer.Argument(help="Pictures, and folders of pictures; with --cluster also globs, and s3:// or gs:// addresses."),
]


def predict(
    pictures: Pictures,
    model: Network = None,
    head: HeadFile = None,
    refuse: Refuse = None,
    top: Annotated[
        int | None,
        typer.Option(help="How many classes: 5, and with --words 1, among which the word may be.", callback=ranged(1)),
    ] = None,
    csv: Annotated[
        Path | None, typer.Option(help="Write a line a picture into this .csv, and print nothing; “-” prints them.")
    ] = None,
    words: Annotated[
        bool, typer.Option("--words", help="Grade the answers by the words in the names: dog_3.jpg, cats/1.jpg.")
    ] = False,
    precision: Annotated[
        str, typer.Option(help="float32, or bfloat16: quicker for many pictures where the processor has it.")
    ] = "float32",
    cluster: Cluster = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="With --cluster: the folder for its shards; goes on with them.")
    ] = None,
    form: Annotated[str, typer.Option("--format", help="With --cluster: csv, or parquet.", callback=there)] = "csv",
    cpus: Cpus = 1.0,
    gpus: Gpus = 0.0,
    device: HereDevice = "auto",
    as_json: AsJson = False,
) -> None:
    """What the network takes the pictures for.

    Files that cannot be read are listed on stderr at the end, each with its reason, and have lines with it in the CSV;
    so are those in folders that are no pictures by their endings, which alone leave the exit status at 0.
    """
    from visionlab.learning.answers.many import Found, named_sources, predict_many
    from visionlab.network.running.precision import check_precision, in_precision

    check_precision(precision)
    if cluster:
        if words or as_json or csv or refuse is not None or precision != "float32":
            raise ParameterError("--cluster writes shards: leave out --csv, --json, --words, --refuse and --precision.")
        _predict_there(cluster, pictures, model, head, 5 if top is None else top, out, form, (cpus, gpus))
        return
    if out:
        raise ParameterError(f"--out {out} is for --cluster; --csv FILE is what one machine writes.")
    check_csv(csv, printed=True)
    if csv and (words or as_json):
        raise ParameterError(f"--csv {csv} holds what --json and --words would print. Leave it out, or them.")
    sources, others = named_sources(pictures)
    net = in_precision(network(model, head, device, refuse=refuse), precision)
    top = (1 if words else 5) if top is None else top
    answers = predict_many(net, sources, top, thumbnail=None)
    unreadable: list[Unreadable] = []
    # Answers that are printed as they come would meet the bar on the same terminal.
    with bar(hidden=sys.stdout.isatty() and not words and csv in (None, STDOUT)) as progress:
        looked = _noting(progress.track(answers, len(sources), description="Looking at the pictures"), unreadable)
        found = (each for each in looked if isinstance(each, Found))
        if csv:
            _write_predictions(csv, chain(looked, others), min(top, len(net.labels)), net.refusal is not None)
        elif words:
            print_sheet(net, found, top, as_json)
        elif as_json:
            print_json(found)
        else:
            print_tables(found)
    _tell(unreadable, others, len(sources))


def _predict_there(
    cluster: str,
    pictures: list[str],
    model: str | None,
    head: Path | None,
    top: int,
    out: Path | None,
    form: str,
    each: Share,
) -> None:
    if form not in ("csv", "parquet"):
        raise ParameterError(f"--format {form} is not known. Use csv or parquet.")
    if top < 1:
        raise ParameterError(f"top is {top}. Ask for at least one class.")
    settings = {"top": top}
    end(_there("predict", cluster, pictures, model, head, out, f".{form}", each, **settings))


def _there(
    kind: str,
    cluster: str,
    pictures: list[str],
    model: str | None,
    head: Path | None,
    out: Path | None,
    ending: str,
    each: Share,
    **settings: int,
) -> Shards:
    """The shards of what is at these addresses."""
    if out is None:
        raise ParameterError("--cluster writes shards into a folder: name one with --out.")
    check(cluster)
    from visionlab.cluster.listing import listed
    from visionlab.cluster.many import Work

    net = network(model, head, "cpu")
    data = None if head is None else read(head)
    work = Work(net.name if head is None else head_in(head).network, kind, data, **settings)
    return sharded(cluster, work, listed(pictures), {"addresses": pictures}, out, ending, each)


def embed(
    pictures: Pictures,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Where to write: an .npz; with --cluster the folder for its shards.")
    ],
    model: Network = None,
    cluster: Cluster = None,
    cpus: Cpus = 1.0,
    gpus: Gpus = 0.0,
    device: HereDevice = "auto",
) -> None:
    """The features of pictures, on which heads are trained: what the network sees in them, before it names them.

    The .npz has “files” (N names) and “features” (N, F) float32; a shard is a Parquet file with the columns “file”,
    “features” and “problem”. Files that cannot be read are listed on stderr as by “predict”; an .npz leaves them out.
    """
    if cluster:
        end(_there("embed", cluster, pictures, model, None, out, ".parquet", (cpus, gpus)))
        return
    import numpy as np

    from visionlab.learning.answers.many import Embedded, embed_many, named_sources

    ending_of(out, {"features": [".npz"]})
    sources, others = named_sources(pictures)
    found: list[Embedded] = []
    unreadable: list[Unreadable] = []
    with bar() as progress:
        rows = embed_many(base_network(model, device), sources)
        for each in progress.track(rows, len(sources), description="Looking at the pictures"):
            if isinstance(each, Embedded):
                found.append(each)
            else:
                unreadable.append(each)
    if found:
        features = np.stack([each.features for each in found])
        with replacing(out) as part, part.open("wb") as file:
            np.savez(file, files=np.array([each.name for each in found]), features=features)
        remark(f"{out}: {len(found):,} pictures, {features.shape[1]:,} features each")
    _tell(unreadable, others, len(sources))


def _tell(unreadable: list[Unreadable], others: list[Unreadable], pictures: int) -> None:
    """Which files could not be read, those among them that are no pictures by their endings, and why; where that is not
    all, the command ends with the status that says so."""
    if unreadable and pictures == 1 and not others:
        raise ImageError(f"{Path(unreadable[0].name).name}: {unreadable[0].why}")
    if told := [*unreadable, *others]:
        print(*(f"{plain(each.name)}: {each.why}" for each in told), sep="\n", file=sys.stderr)
        print(f"{not_read(len(told), pictures + len(others))}.", file=sys.stderr)
    if unreadable:
        raise typer.Exit(1)


def _noting(answers: Iterable[Found | Unreadable], unreadable: list[Unreadable]) -> Iterator[Found | Unreadable]:
    """The answers; what could not be read goes into the list, too."""
    from visionlab.learning.answers.many import Unreadable

    for each in answers:
        if isinstance(each, Unreadable):
            unreadable.append(each)
        yield each


def _write_predictions(out: Path, found: Iterator[Found | Unreadable], answers: int, measured: bool) -> None:
    from visionlab.learning.answers.many import write_csv

    with csv_file(out) as file:
        write_csv(found, file, answers, measured)
