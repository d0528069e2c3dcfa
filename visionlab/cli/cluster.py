"""The shell's cluster: networks served by many machines; main registers it."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visionlab.cli.answers import plain
from visionlab.cli.shared import EXIT_STATUS, LISTED, STDOUT, add, bar, head_in, read, remark
from visionlab.errors import ParameterError
from visionlab.wording import not_read

if TYPE_CHECKING:
    from visionlab.cluster.joining import Joined
    from visionlab.cluster.many import Work
    from visionlab.cluster.shards import Shards


app = typer.Typer(no_args_is_help=True, help="Let the machines of a Ray cluster compute.", epilog=EXIT_STATUS)

Address = Annotated[
    str,
    typer.Option(help="Of the cluster: “auto” for this machine's, ray://host:10001 from outside, host:6379 on a node."),
]


Cluster = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        metavar="ADDRESS",
        help="Let a Ray cluster do it: “auto” for the one of this machine, or host:6379.",
    ),
]
Cpus = Annotated[float, typer.Option(help="With --cluster: how many processors each worker takes, or a share of one.")]
Gpus = Annotated[float, typer.Option(help="With --cluster: the share of a GPU that each worker takes.")]
Share = tuple[float, float]  # of a machine that a worker takes: processors, GPUs


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
    from visionlab.cluster.joining import awaited
    from visionlab.cluster.serving import Size, deploy

    heads = [(head_in(path), read(path)) for path in head or []]
    size = Size(least, max(least, 1) if most is None else most, cpus, gpus)
    wanted = list(dict.fromkeys(model or ([] if heads else _usual())))
    for name in wanted:
        _tell(awaited(least * cpus, least * gpus))
        remark(f"{deploy(name, size, hand_over=hand_over)}: served")
    for (chosen, data), path in zip(heads, head or [], strict=True):
        _tell(awaited(least * cpus, least * gpus))
        remark(f"{deploy(chosen.network, size, data, hand_over)}: {path.name}, served")
    remark(f"by {joined.nodes} {'node' if joined.nodes == 1 else 'nodes'} with {joined.processors} processors")


def _tell(sentence: str) -> None:
    if sentence:
        remark(sentence, aside=True)


def _usual() -> list[str]:
    from visionlab.network.zoo.models import TO_NAME, TO_OPEN, first_here

    return [first_here(TO_NAME), first_here(TO_OPEN)]


def stop(address: Address = "auto") -> None:
    """Serve nothing any more."""
    join(address)
    from visionlab.cluster.serving import stop

    for name in stop():
        remark(f"{name}: stopped")


def check(address: str) -> None:
    """Raises ParameterError for what is no address of a cluster, and ClusterError where there is no Ray here."""
    from visionlab.cluster.choice import check_address

    check_address(address)


def join(address: str) -> Joined:
    """The cluster at that address. Raises ClusterError where it cannot be joined, or there is no Ray here."""
    check(address)
    from visionlab.cluster.joining import join

    return join(address)


def sharded(
    cluster: str, work: Work, names: Iterable[str], about: Mapping[str, object], out: Path, ending: str, each: Share
) -> Shards:
    """The shards of all that was named, in a folder, made by the cluster at that address."""
    if out == STDOUT:
        raise ParameterError(f"Shards lie in a folder, which “{out}” does not name. Name one.")
    joined = join(cluster)
    from visionlab.cluster.joining import awaited
    from visionlab.cluster.many import begun, run
    from visionlab.cluster.serving import Size

    shards = begun(work, names, about, out, ending)
    if len(shards.done) < shards.count:
        _tell(awaited(*each))
    with bar() as progress:
        task = progress.add_task("Looking at the pictures", total=shards.total)
        for step in run(work, shards, Size(1, max(1, int(joined.processors / each[0])), *each)):
            progress.update(task, completed=step.done)
    return shards


def end(shards: Shards) -> None:
    """With the exit status of a command that met pictures that cannot be read, where it did; some of them are told."""
    unreadable = list(itertools.islice(shards.unreadable(), LISTED + 1))
    for name, why in unreadable[:LISTED]:
        print(f"{plain(name)}: {why}", file=sys.stderr)
    if unreadable:
        count = sum(1 for _ in shards.unreadable())
        more = " The column “problem” tells of all." if count > LISTED else ""
        print(f"{not_read(count, shards.total)}.{more}", file=sys.stderr)
        raise typer.Exit(1)


add(app, serve)
add(app, stop)
