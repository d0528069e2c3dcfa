"""The shell's “scratch”: networks trained from nothing; main adds it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from visionlab.cli.comparing import closing, moving_eight
from visionlab.cli.shared import (
    EXIT_STATUS,
    AsJson,
    Device,
    ListsNames,
    NamesIn,
    add,
    bar,
    console,
    ranged,
    remark,
)
from visionlab.cli.small_sets import Epochs, Pictures, Rate, Seed, Side, Source, enlarged_set, small_set
from visionlab.errors import ParameterError

if TYPE_CHECKING:
    from visionlab.learning.scratch.divergence import Diverged
    from visionlab.learning.scratch.small_set import Tested
    from visionlab.learning.scratch.training import Training

app = typer.Typer(
    no_args_is_help=True, help="Networks trained from nothing, as five articles do it.", epilog=EXIT_STATUS
)


def download(
    downloaded: Annotated[str, typer.Argument(metavar="NAME", help="One of these:")],
) -> None:
    """Download a set, through torchvision."""
    from visionlab.learning.scratch import data

    with bar() as progress:
        task = progress.add_task(downloaded)
        for done, total in data.download(downloaded):
            progress.update(task, completed=done, total=total)
    remark(f"{downloaded} is here: use --data {downloaded}")


def numbers(
    source: Source = "digits",
    label: Annotated[str | None, typer.Option(help="The class of the picture; the first without.")] = None,
    number: Annotated[int, typer.Option(help="Which of its training pictures, from 1.", callback=ranged(1))] = 1,
    side: Side = None,
    names_in: NamesIn = None,
    as_json: AsJson = False,
) -> None:
    """Everything is a number: a picture as the grid that a network gets, one a channel."""
    found = small_set(source, side, 0, None, names_in)
    picture = found.picture(found.classes[0] if label is None else label, number)
    if as_json:
        print(json.dumps(picture.tolist()))
        return
    channels = ("grey",) if picture.shape[2] == 1 else ("red", "green", "blue")
    for place, channel in enumerate(channels):
        print(channel)
        for row in picture[..., place]:
            print(" ".join(f"{value:3d}" for value in row))


def softmax(
    source: Source = "digits",
    settings: Annotated[str, typer.Option(help="“article” (as it has them) or “better”.")] = "better",
    steps: Annotated[
        int | None, typer.Option(help="Steps of gradient descent; the settings’ own without.", callback=ranged(1))
    ] = None,
    rate: Rate = None,
    pictures: Pictures = None,
    side: Side = None,
    names_in: NamesIn = None,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Softmax regression: a linear template a class."""
    from visionlab.learning.scratch.softmax import SETTINGS, Softmax

    if settings not in SETTINGS:
        raise ParameterError(f"There are no settings “{settings}”. There are {', '.join(SETTINGS)}.")
    changed = {"steps": steps, "rate": rate}
    chosen = replace(SETTINGS[settings], **{name: value for name, value in changed.items() if value is not None})
    run = Softmax(small_set(source, side, seed, pictures, names_in), chosen, seed)
    looks = []
    with bar() as progress:
        task = progress.add_task("Learning", total=chosen.steps)
        for step in run:
            progress.update(task, completed=step.index)
            if step.test_accuracy is not None:
                looks.append({"step": step.index, "loss": step.loss, "test_accuracy": step.test_accuracy})
    if as_json:
        _stop_if(run.diverged)
        rests_on = _rests_on(run.data.tested, looks[-1]["test_accuracy"])
        print(json.dumps({"parameters": run.parameters, "looks": looks, **rests_on}))
    elif looks:
        table = Table("step", "loss", "right on the test part")
        for look in looks:
            table.add_row(str(look["step"]), f"{look['loss']:.3f}", f"{look['test_accuracy']:.1%}")
        console.print(table)
        print(run.data.tested.told(looks[-1]["test_accuracy"]))
    _stop_if(run.diverged)


def convnet(
    source: Source = "cifar10",
    stack: Annotated[
        str, typer.Option(help="convolutional (the article’s), small, fully connected, linear, or a JSON file.")
    ] = "convolutional",
    epochs: Epochs = 10,
    rate: Rate = None,
    pictures: Pictures = None,
    side: Side = None,
    names_in: NamesIn = None,
    seed: Seed = 0,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """A stack of layers, the article's convolutional network without another."""
    from visionlab.device import resolve
    from visionlab.learning.scratch.closing import can_be_enlarged
    from visionlab.learning.scratch.stack import CONVOLUTIONAL, STACKS, from_data, with_classes
    from visionlab.learning.scratch.training import RATE, Training

    layers = STACKS[stack] if stack in STACKS else from_data(_rows(stack))  # before the pictures, which take longer
    resolve(device)
    found = small_set(source, side, seed, pictures, names_in)
    if layers is CONVOLUTIONAL or can_be_enlarged(found.shape):  # other stacks take what the article's cannot
        found = enlarged_set(found, as_json)
    layers = with_classes(layers, len(found.classes))
    run = Training(layers, found, epochs, rate=RATE if rate is None else rate, seed=seed, device=device)
    if not as_json:
        table = Table("layer", "output", "parameters", "multiplications")
        for layer in run.network.layers:
            size = "×".join(map(str, layer.shape))
            table.add_row(layer.name, size, f"{layer.parameters:,}", f"{layer.multiplications:,}")
        console.print(table)
    _watch(run)
    _print_epochs(run, as_json)
    _stop_if(run.diverged)


def birds(
    source: Source = "cifar10",
    target: Annotated[str, typer.Option(help="The class that is told from all others.")] = "bird",
    threshold: Annotated[
        float, typer.Option(help="The probability from which on it is said to be one.", callback=ranged(0, 1))
    ] = 0.5,
    epochs: Epochs = 10,
    pictures: Pictures = None,
    side: Side = None,
    names_in: NamesIn = None,
    seed: Seed = 0,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Bird or not, and why accuracy alone misleads."""
    from visionlab.device import resolve
    from visionlab.learning.scratch.birds import Birds

    resolve(device)
    run = Birds(small_set(source, side, seed, pictures, names_in), target, epochs, seed=seed, device=device)
    _watch(run.training)
    _stop_if(run.training.diverged)
    found = run.at(threshold)
    if as_json:
        names = {"always_no": "always_no", "balanced": "balanced_accuracy", "majority": "majority"}
        names |= {name: name for name in ("accuracy", "precision", "recall")}
        shares = {told: getattr(found, name) for name, told in names.items()}
        told = {name: None if share != share else share for name, share in shares.items()}
        print(json.dumps({"threshold": threshold, **told, "interval": list(found.interval)}))
        return
    low, high = found.interval
    balanced = "not to be had" if found.balanced != found.balanced else f"{found.balanced:.1%}"
    print(f"always saying no would be right on {found.always_no:.1%} of the test pictures")
    print(f"balanced accuracy {balanced} (50% is chance)")
    print(f"right on {found.accuracy:.1%} (95% interval {low:.1%} to {high:.1%})")
    if found.precision != found.precision:  # NaN: 0 of 0
        print(f"no test picture reaches the threshold of {threshold:g}")
        return
    recall = "not to be had" if found.recall != found.recall else f"{found.recall:.1%}"  # no test picture is one
    print(f"precision {found.precision:.1%}, recall {recall} at a threshold of {threshold:g}")


def cost(
    width: Annotated[int, typer.Option(help="Of the picture, in pixels.", callback=ranged(1))] = 256,
    height: Annotated[int, typer.Option(help="Of the picture, in pixels.", callback=ranged(1))] = 256,
    units: Annotated[int, typer.Option(help="Of the fully connected layer.", callback=ranged(1))] = 1_000,
    filters: Annotated[int, typer.Option(help="Of the convolutional layer.", callback=ranged(1))] = 32,
    kernel: Annotated[int, typer.Option(help="Their side in pixels, at most the picture’s.", callback=ranged(1))] = 3,
    as_json: AsJson = False,
) -> None:
    """What a fully connected and a convolutional layer cost, for any size of an RGB picture."""
    from visionlab.learning.scratch.cost import convolutional, fully_connected

    both = {
        "fully connected": fully_connected(height, width, units=units),
        "convolutional": convolutional(height, width, filters=filters, kernel=kernel),
    }
    rows = {
        name: {
            "weights": layer.weights,
            "parameters": layer.parameters,
            "multiplications": layer.multiplications,
            "bytes in float32": layer.bytes(4),
            "bytes in float64": layer.bytes(8),
        }
        for name, layer in both.items()
    }
    if as_json:
        print(json.dumps(rows))
        return
    table = Table("", *rows)
    for what in rows["convolutional"]:
        table.add_row(what, *(f"{row[what]:,}" for row in rows.values()))
    console.print(table)


for each in (download, numbers, softmax, convnet, moving_eight, birds, cost, closing):
    add(app, each, cls=ListsNames)


def _rows(path: str) -> object:
    from visionlab.learning.scratch.stack import STACKS

    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ParameterError(f"“{path}” is no stack: use {', '.join(STACKS)}, or a JSON file of layers.") from error


def _watch(run: Training) -> None:
    with bar() as progress:
        task = progress.add_task("Learning", total=run.epochs)
        for look in run.looks():
            progress.update(task, completed=look.passes)


def _stop_if(diverged: Diverged | None) -> None:
    if diverged:
        raise ParameterError(str(diverged))


def _rests_on(tested: Tested, accuracy: float) -> dict[str, object]:
    return {"interval": list(tested.interval(accuracy)), "tested": tested.pictures, "majority": tested.majority}


def _print_epochs(run: Training, as_json: bool) -> None:
    from visionlab.learning.scratch.training import below_test

    names = ("index", "train_loss", "train_accuracy", "test_loss", "test_accuracy")
    if as_json:
        _stop_if(run.diverged)
        parameters = sum(layer.parameters for layer in run.network.layers)
        epochs = [{name: getattr(epoch, name) for name in names} for epoch in run.history]
        seconds = [epoch.seconds for epoch in run.history]
        rests_on = _rests_on(run.data.tested, run.history[-1].test_accuracy)
        print(json.dumps({"parameters": parameters, "epochs": epochs, **rests_on, "seconds": seconds}))
        return
    if not run.history:
        return
    table = Table("epoch", "loss", "right in training", "right on the test part", "seconds")
    for epoch in run.history:
        shares = f"{epoch.train_accuracy:.1%}", f"{epoch.test_accuracy:.1%}"
        table.add_row(str(epoch.index), f"{epoch.train_loss:.3f}", *shares, f"{epoch.seconds:.1f}")
    console.print(table)
    print(run.data.tested.told(run.history[-1].test_accuracy))
    if told := below_test(run.history[-1], [layer.spec for layer in run.network.layers]):
        remark(told)
