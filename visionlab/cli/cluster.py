"""The shell's cluster: networks served by many machines; main registers it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visionlab.cli.shared import EXIT_STATUS, add, head_in, read, remark

if TYPE_CHECKING:
    from visionlab.cluster.joining import Joined

app = typer.Typer(no_args_is_help=True, help="Let the machines of a Ray cluster compute.", epilog=EXIT_STATUS)

Address = Annotated[
    str,
    typer.Option(help="Of the cluster: “auto” for this machine's, ray://host:10001 from outside, host:6379 on a node."),
]


def serve(
    model: Annotated[
        list[str] | None,
        typer.Option("--model", "-m", help="A network of “models”, repeatable; without, those that pages begin with."),
    ] = None,
    head: Annotated[list[Path] | None, typer.Option(help="A head that “train” saved, repeatable.")] = None,
    least: Annotated[int, typer.Option("--min", help="Replicas of each that are always there.")] = 1,
    most: Annotated[int | None, typer.Option("--max", help="Replicas of each at most; as --min without.")] = None,
    cpus: Annotated[float, typer.Option(help="Processors that a replica takes.")] = 1.0,
    gpus: Annotated[float, typer.Option(help="The share of a GPU that a replica takes, such as 0.5.")] = 0.0,
    hand_over: Annotated[bool, typer.Option(help="Hand weight files to nodes that lack them.")] = True,
    address: Address = "auto",
) -> None:
    """Serve networks, and heads, from a cluster, until “cluster stop”: apps with VISIONLAB_ENGINE set ask them."""
    joined = join(address)
    from visionlab.cluster.serving import Size, deploy

    heads = [(head_in(path), read(path)) for path in head or []]
    size = Size(least, max(least, 1) if most is None else most, cpus, gpus)
    wanted = list(dict.fromkeys(model or ([] if heads else _usual())))
    for name in wanted:
        remark(f"{deploy(name, size, hand_over=hand_over)}: served")
    for (chosen, data), path in zip(heads, head or [], strict=True):
        remark(f"{deploy(chosen.network, size, data, hand_over)}: {path.name}, served")
    remark(f"by {joined.nodes} {'node' if joined.nodes == 1 else 'nodes'} with {joined.processors} processors")


def _usual() -> list[str]:
    from visionlab.network.zoo.models import TO_NAME, TO_OPEN, first_here

    return [first_here(TO_NAME), first_here(TO_OPEN)]


def stop(address: Address = "auto") -> None:
    """Serve nothing any more."""
    join(address)
    from visionlab.cluster.serving import stop

    for name in stop():
        remark(f"{name}: stopped")


def join(address: str) -> Joined:
    """The cluster at that address. Raises ClusterError where it cannot be joined, or there is no Ray here."""
    from visionlab.cluster.choice import check_address

    check_address(address)
    from visionlab.cluster.joining import join

    return join(address)


add(app, serve)
add(app, stop)
