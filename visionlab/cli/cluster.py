"""The shell's cluster: networks served by many machines; main registers it."""

from __future__ import annotations

import atexit
import itertools
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visionlab.cli.answers import plain
from visionlab.cli.shared import EXIT_STATUS, LISTED, STDOUT, add, bar, head_in, read, remark
from visionlab.errors import ParameterError
from visionlab.wording import not_read

if TYPE_CHECKING:
    from visionlab.cluster.joining import Joined
    from visionlab.cluster.listing import Named
    from visionlab.cluster.many import Work
    from visionlab.cluster.shards import Shards


app = typer.Typer(no_args_is_help=True, help="Let the machines of a Ray cluster compute.", epilog=EXIT_STATUS)

Address = Annotated[
    str,
    typer.Option(help="Of the cluster: “auto” for this machine’s, ray://host:10001 from outside, host:6379 on a node."),
]


def there(context: typer.Context, param: typer.CallbackParam, value: object) -> object:
    """A callback for an option that a cluster alone heeds: ParameterError where it is given without --cluster."""
    given = context.get_parameter_source(param.name).name == "COMMANDLINE"
    if given and not context.params["cluster"]:  # which is read first
        flag = isinstance(value, bool)
        named = param.secondary_opts[-1] if flag and not value else param.opts[-1]
        raise ParameterError(f"{named}{'' if flag else f' {value}'} is for a cluster: name one with --cluster.")
    return value


def _here(context: typer.Context, value: str) -> str:
    """A callback for --device: ParameterError where it is given with --cluster."""
    if value != "auto" and context.params["cluster"]:
        raise ParameterError(f"--device {value} is for one machine; --gpus says what a cluster’s workers take.")
    return value


Cluster = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        is_eager=True,  # so that `there` knows of it
        metavar="ADDRESS",
        help="Let a Ray cluster do it: “auto” for the one of this machine, or host:6379.",
    ),
]
Cpus = Annotated[
    float,
    typer.Option(help="With --cluster: how many processors each worker takes, or a share of one.", callback=there),
]
Gpus = Annotated[float, typer.Option(help="With --cluster: the share of a GPU that each worker takes.", callback=there)]
HereDevice = Annotated[str, typer.Option(help="Of one machine, without --cluster: auto, cpu or cuda.", callback=_here)]
Share = tuple[float, float]  # of a machine that a worker takes: processors, GPUs


# Of this process, where what went wrong is told by ourselves: what Ray's core writes, and what it tells of nodes.
QUIET = {"RAY_BACKEND_LOG_LEVEL": "fatal", "RAY_DEDUP_LOGS_SKIP_REGEX": "."}


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
    from visionlab.cluster.serving import deploy, name_of, short
    from visionlab.cluster.shelf import digest
    from visionlab.cluster.sizing import Size

    size = Size(least, max(least, 1) if most is None else most, cpus, gpus)
    wanted: list[tuple[str, bytes | None, str]] = [(name, None, "") for name in dict.fromkeys(model or _usual())]
    wanted += [(head_in(path).network, read(path), f"{path.name}, ") for path in head or []]
    names = [name_of(network, None if data is None else digest(data)) for network, data, _ in wanted]
    _tell(short(list(dict.fromkeys(names)), size))
    for network, data, told in wanted:
        remark(f"{deploy(network, size, data, hand_over)}: {told}served")
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
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    from visionlab.cluster.joining import join

    with _hushed():  # Ray's core says in a line of its own that it was told to say less
        return join(address)


@contextmanager
def _hushed() -> Iterator[None]:
    """What is written to this process's stderr meanwhile goes nowhere."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def sharded(
    cluster: str, work: Work, names: Iterable[Named], about: Mapping[str, object], out: Path, ending: str, each: Share
) -> Shards:
    """The shards of all that was named, in a folder, made by the cluster at that address."""
    if out == STDOUT:
        raise ParameterError(f"Shards lie in a folder, which “{out}” does not name. Name one.")
    joined = join(cluster)
    from visionlab.cluster.joining import GoneError
    from visionlab.cluster.many import GOES_ON, begun, run
    from visionlab.cluster.sizing import Size, short

    one = Size(1, 1, *each)
    size = replace(one, most=max(1, int(joined.processors / one.processors)))
    shards = begun(work, names, about, out, ending)
    if len(shards.done) < shards.count:
        _tell(short(size, "1 worker"))
    with bar() as progress:
        task = progress.add_task("Looking at the pictures", total=shards.total)
        try:
            for step in run(work, shards, size):
                progress.update(task, completed=step.done)
        except KeyboardInterrupt:
            print(f"Stopped; {GOES_ON}.", file=sys.stderr)
            atexit.register(_leave, 130)
            raise
        except GoneError:
            atexit.register(_leave, 1)
            raise
    return shards


def _leave(status: int) -> None:
    """Ray would say goodbye to a cluster that is gone, for a quarter of a minute; and what is still asked for would
    begin another one, once Ray has."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def end(shards: Shards) -> None:
    """How many pictures are in the shards. With the exit status of a command that met pictures that cannot be read,
    where it did; some of the files that could not be are told."""
    count = sum(1 for _ in shards.unreadable())
    listed = list(itertools.islice(shards.unreadable(), LISTED))
    pictures = shards.total - count
    inside = f"in {shards.count:,} shard{'' if shards.count == 1 else 's'}"
    remark(f"{shards.folder}: {pictures:,} picture{'' if pictures == 1 else 's'} {inside}")
    for name, why in listed:
        print(f"{plain(name)}: {why}", file=sys.stderr)
    if count:
        more = " The column “problem” tells of all." if count > LISTED else ""
        print(f"{not_read(count, shards.total)}.{more}", file=sys.stderr)
    if count > shards.others:
        raise typer.Exit(1)


add(app, serve)
add(app, stop)
