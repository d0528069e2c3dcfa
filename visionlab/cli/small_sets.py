"""What the commands of scratch share: their options, and the set that --data names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from visionlab.cli.answers import plain
from visionlab.cli.shared import bar, left_out, of_names, ranged, remark

if TYPE_CHECKING:
    from visionlab.learning.scratch.small_set import SmallSet

WHERE = "A zip or a folder (one folder a class, MNIST’s files, CIFAR-10), or one of these:"
Source = Annotated[str, typer.Option("--data", help=WHERE)]
Epochs = Annotated[int, typer.Option(help="Passes over the pictures.", callback=ranged(1))]
Rate = Annotated[
    float | None,
    typer.Option(help="The learning rate; the experiment’s own without.", callback=ranged(0, open_ended=True)),
]
Seed = Annotated[int, typer.Option(help="One seed, one result.", callback=ranged(0))]
Pictures = Annotated[
    int | None, typer.Option(help="Learn from so many pictures at most, and test with no more.", callback=ranged(1))
]
Side = Annotated[int | None, typer.Option(help="Bring the pictures to this side in pixels.", callback=ranged(1, 512))]


def small_set(where: str, side: int | None, seed: int, pictures: int | None, names_in: str | None = None) -> SmallSet:
    from visionlab.learning.scratch.data import load

    with bar() as progress:
        task = progress.add_task("Opening the pictures", total=None)
        found = load(
            where, side, seed, lambda done, total: progress.update(task, completed=done, total=total), names_in
        )
    for text in found.told:
        remark(plain(of_names(text)), aside=True)
    left_out(found.problems)
    return found if pictures is None else found.less(pictures, seed)


def enlarged_set(data: SmallSet, as_json: bool) -> SmallSet:
    """As the article's network takes it; that it was enlarged for that is told."""
    from visionlab.learning.scratch.closing import enlarged, enlargement_told

    if told := enlargement_told(data.shape):
        remark(told, aside=as_json)
    return enlarged(data)
