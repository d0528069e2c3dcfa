"""The shell's predict: what a network takes pictures for, one or very many; main registers it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import visionlab as vl
from visionlab.cli.answers import plain, print_json, print_sheet, print_tables
from visionlab.cli.shared import AsJson, Device, HeadFile, Network, Refuse, bar, network, ranged, remark
from visionlab.errors import ImageError, ParameterError
from visionlab.writing import replacing

if TYPE_CHECKING:
    from visionlab.learning.answers.many import Found, Source, Unreadable


def predict(
    pictures: Annotated[list[Path], typer.Argument(help="Pictures, and folders of pictures.")],
    model: Network = None,
    head: HeadFile = None,
    refuse: Refuse = None,
    top: Annotated[
        int | None,
        typer.Option(help="How many classes: 5, and with --words 1, among which the word may be.", callback=ranged(1)),
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="Write a line a picture into this file, and print nothing.")] = None,
    words: Annotated[
        bool, typer.Option("--words", help="Grade the answers by the words in the names: dog_3.jpg, cats/1.jpg.")
    ] = False,
    precision: Annotated[
        str, typer.Option(help="float32, or bfloat16: quicker for many pictures where the processor has it.")
    ] = "float32",
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """What the network takes the pictures for.

    Those that cannot be read are counted and listed on stderr at the end, and have lines with the reason in the CSV; so
    have files in folders that are no pictures by their endings, and are left out.
    """
    from visionlab.learning.answers.many import Found, left_out, predict_many
    from visionlab.learning.sets.kinds import no_pictures
    from visionlab.network.running.precision import check_precision, in_precision

    check_precision(precision)
    if csv and (words or as_json):
        raise ParameterError(f"--csv {csv} holds what --json and --words would print. Leave it out, or them.")
    sources = _sources(pictures)
    others = [each for path in pictures if path.is_dir() for each in left_out(path)]
    net = in_precision(network(model, head, device, refuse=refuse), precision)
    top = (1 if words else 5) if top is None else top
    answers = predict_many(net, sources, top, thumbnail=None)
    unreadable: list[Unreadable] = []
    # Answers that are printed as they come would meet the bar on the same terminal.
    with bar(hidden=sys.stdout.isatty() and not (csv or words)) as progress:
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
    for told in filter(None, no_pictures([each.name for each in others])):
        remark(plain(told), aside=True)
    if unreadable and len(sources) == 1:
        raise ImageError(f"{Path(unreadable[0].name).name}: {unreadable[0].why}")
    if unreadable:
        print(*(f"{plain(each.name)}: {each.why}" for each in unreadable), sep="\n", file=sys.stderr)
        print(f"{len(unreadable)} of {len(sources)} pictures could not be read.", file=sys.stderr)
        raise typer.Exit(1)


def _sources(paths: list[Path]) -> list[Source]:
    from visionlab.learning.answers.many import Source, folder_sources

    found = []
    for path in paths:
        found += folder_sources(path) if path.is_dir() else [Source(str(path), partial(vl.load_image, path))]
    return found


def _noting(answers: Iterable[Found | Unreadable], unreadable: list[Unreadable]) -> Iterator[Found | Unreadable]:
    """The answers; what could not be read goes into the list, too."""
    from visionlab.learning.answers.many import Unreadable

    for each in answers:
        if isinstance(each, Unreadable):
            unreadable.append(each)
        yield each


def _write_predictions(out: Path, found: Iterator[Found | Unreadable], answers: int, measured: bool) -> None:
    from visionlab.learning.answers.many import write_csv

    with replacing(out) as part, part.open("w", encoding="utf-8", newline="") as file:
        write_csv(found, file, answers, measured)
