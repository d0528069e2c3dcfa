"""The command line: every group of commands has a module, and this one registers them."""

from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

import visionlab as vl
from visionlab.cli import cluster, exporting, filters, looking, networks, predicting, scratch, serving, training
from visionlab.cli.shared import EXIT_STATUS, ListsNames, add
from visionlab.errors import ModelError, ParameterError, VisionlabError, WeightsError
from visionlab.shortage import shortages_told

app = typer.Typer(no_args_is_help=True, help="See how a computer sees, from a shell.", epilog=EXIT_STATUS)
add(app, networks.models)
add(app, filters.filter_, "filter")
add(app, looking.features)
add(app, predicting.predict)
add(app, predicting.embed)
add(app, looking.explain, cls=ListsNames)
add(app, training.train, cls=ListsNames)
add(app, training.evaluate)
add(app, exporting.export)
add(app, serving.serve, "app")
app.add_typer(scratch.app, name="scratch")
app.add_typer(cluster.app, name="cluster")


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"visionlab {vl.__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """What stands before the name of a command."""


def run() -> None:
    """The command line. What a person can mend is one sentence on stderr, and the exit status says whether the input
    (1) or the request (2) was at fault; bugs surface.

    Who ends it by a signal finds nothing half-written: it ends as by an exception. Where the reader of what is printed
    goes before its end, as “head” does, nothing was at fault.
    """
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    status: str | int | None = 0
    with _printed() as reader_has_gone:
        try:
            with shortages_told():
                app()
        except SystemExit as ended:  # Typer and Rich make one with 1 of any pipe that breaks
            broke = isinstance(ended.__context__, BrokenPipeError)
            status = 0 if broke and reader_has_gone() else ended.code
        except VisionlabError as error:
            print(error, file=sys.stderr)
            asked = isinstance(error, ParameterError | ModelError) and not isinstance(error, WeightsError)
            status = 2 if asked else 1
    sys.exit(status)


@contextmanager
def _printed() -> Iterator[Callable[[], bool]]:
    """Whether the reader of stdout has gone. At its end all is printed, or nobody is there to read it: Python would do
    so after us, and complain."""
    try:
        stdout = os.dup(1)  # Rich puts another file in its place once its pipe is broken
    except OSError:  # closed from the beginning
        yield lambda: False
        return
    if not hasattr(select, "poll"):  # Windows knows no such pipes
        os.close(stdout)
        yield lambda: False
        return
    poll = select.poll()
    poll.register(stdout, 0)
    try:
        yield lambda: any(how & (select.POLLERR | select.POLLHUP) for _, how in poll.poll(0))
        try:
            sys.stdout.flush()
        except BrokenPipeError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 1)
            os.close(nowhere)
    finally:
        os.close(stdout)
