"""Those commands of scratch that compare networks: moving-eight and closing; scratch.py adds them."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from visionlab.cli.shared import AsJson, Device, NamesIn, Network, bar, base_network, console, ranged, remark
from visionlab.cli.small_sets import Epochs, Pictures, Seed, Side, Source, enlarged_set, small_set


def moving_eight(
    source: Source = "digits",
    target: Annotated[str, typer.Option(help="The class that is told from all others.")] = "8",
    names_in: NamesIn = None,
    seed: Seed = 0,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Four networks tell a class (an 8, say) from all others, wherever in the picture it is."""
    from visionlab.device import resolve
    from visionlab.learning.scratch.moving_eight import LEARNERS, MovingEight, change_told

    resolve(device)
    found = small_set(source, None, seed, None, names_in)
    if told := change_told(found.shape):
        remark(told, aside=as_json)
    run = MovingEight(found, target, seed, device)
    with bar() as progress:
        tasks = {name: progress.add_task(kind.title, total=1.0) for name, kind in LEARNERS.items()}
        for look in run:
            progress.update(tasks[look.name], completed=look.share)
    curves = {name: [part.tolist() for part in found.curve()] for name, found in run.shifts.items()}
    if as_json:
        told = {
            name: {
                "shift": distances,
                "accuracy": accuracies,
                "interval": [list(run.shifts[name].interval(share)) for share in accuracies],
                "tested": run.shifts[name].tested,
            }
            for name, (distances, accuracies) in curves.items()
        }
        print(json.dumps(told))
        return
    distances = next(iter(curves.values()))[0]
    table = Table("right when shifted by", *(f"{distance} px" for distance in distances))
    for name, (_, accuracies) in curves.items():
        table.add_row(LEARNERS[name].title, *(f"{share:.0%}" for share in accuracies))
    console.print(table)
    print(next(iter(run.shifts.values())).told())


def closing(
    source: Source = "cifar10",
    epochs: Epochs = 10,
    of_each: Annotated[
        int, typer.Option(help="Pictures of each class that transfer learns from.", callback=ranged(1))
    ] = 100,
    tested: Annotated[int, typer.Option(help="Test pictures, at most.", callback=ranged(1))] = 1_000,
    model: Network = None,
    pictures: Pictures = None,
    side: Side = None,
    names_in: NamesIn = None,
    seed: Seed = 0,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Softmax, fully connected, from scratch and transfer, on the same data."""
    from visionlab.learning.judging.metrics import MAJORITY
    from visionlab.learning.scratch.closing import SHOWN, WAYS, Closing

    settings = {"epochs": epochs, "of_each": of_each, "tested": tested, "seed": seed, "device": device}
    net = base_network(model, device)  # before the pictures, which take longer
    found = small_set(source, side, seed, pictures, names_in)
    run = Closing(enlarged_set(found, as_json), net, **settings)
    with bar() as progress:
        tasks = {name: progress.add_task(title, total=1.0) for name, title in WAYS.items()}
        for look in run:
            progress.update(tasks[look.name], completed=look.share)
    rows = list(run.rows.values())
    truth = [run.data.classes[label] for label in run.truth[:SHOWN]]
    answers = {row.name: [run.data.classes[label] for label in row.answers] for row in rows}
    if as_json:
        names = ("name", "pictures", "parameters", "accuracy", "interval")
        ways = [{name: getattr(row, name) for name in names} | {"answers": answers[row.name]} for row in rows]
        seconds = {row.name: row.seconds for row in rows}
        print(json.dumps({"majority": run.majority, "truth": truth, "ways": ways, "seconds": seconds}))
        return
    table = Table("way", "pictures", "parameters", "seconds", "right on the test part", "95% interval")
    table.add_row(MAJORITY, "–", "–", "–", f"{run.majority:.1%}", "–")
    for row in rows:
        low, high = row.interval
        figures = (f"{row.pictures:,}", f"{row.parameters:,}", f"{row.seconds:.1f}", f"{row.accuracy:.1%}")
        table.add_row(WAYS[row.name], *figures, f"{low:.1%} to {high:.1%}")
    console.print(table)
    console.print("on the same test pictures:")
    table = Table("picture", *(WAYS[row.name] for row in rows))
    for names in zip(truth, *answers.values(), strict=True):
        table.add_row(*map(escape, names))
    console.print(table)
