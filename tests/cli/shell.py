"""The command line, as the tests type it."""

import csv

from typer.testing import CliRunner, Result

from visionlab import cli
from visionlab.network.zoo.models import TO_NAME

BUILT_IN = ("--model", TO_NAME[-1], "--device", "cpu")


def outcome(*arguments: object) -> Result:
    """What came of the command: its output and its exception."""
    return CliRunner().invoke(cli.app, [str(argument) for argument in arguments])


def run(*arguments: object) -> str:
    """What the command prints; its exception is raised."""
    result = outcome(*arguments)
    if result.exception:
        raise result.exception
    return result.stdout


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
