"""The command line: every group of commands has a module, and this one registers them."""

from __future__ import annotations

import signal
import sys

import typer

from visionlab.cli import filters, looking, networks, predicting, scratch, serving, training
from visionlab.cli.shared import ListsNames
from visionlab.errors import VisionlabError

app = typer.Typer(no_args_is_help=True, add_completion=False, help="See how a computer sees, from a shell.")
app.command()(networks.models)
app.command(name="filter")(filters.filter_)
app.command()(looking.features)
app.command()(predicting.predict)
app.command(cls=ListsNames)(looking.explain)
app.command(cls=ListsNames)(training.train)
app.command()(training.evaluate)
app.command()(training.export)
app.command(name="app")(serving.serve)
app.add_typer(scratch.app, name="scratch")


def run() -> None:
    """The command line. What a person can mend is one sentence on stderr and exit status 1; bugs surface.

    Who ends it by a signal finds nothing half-written: it ends as by an exception.
    """
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        app()
    except VisionlabError as error:
        print(error, file=sys.stderr)
        sys.exit(1)
