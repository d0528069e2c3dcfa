"""The command line: every group of commands has a module, and this one registers them."""

from __future__ import annotations

import signal
import sys
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

    Who ends it by a signal finds nothing half-written: it ends as by an exception.
    """
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        with shortages_told():
            app()
    except VisionlabError as error:
        print(error, file=sys.stderr)
        asked = isinstance(error, ParameterError | ModelError) and not isinstance(error, WeightsError)
        sys.exit(2 if asked else 1)
