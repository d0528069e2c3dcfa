"""The command line, as the tests type it."""

import csv
import json
from pathlib import Path

from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from typer.testing import CliRunner, Result

from visionlab import cli
from visionlab.network.zoo.models import TO_NAME

BUILT_IN = ("--model", TO_NAME[-1], "--device", "cpu")
SCHEMAS = {
    path.name.partition(".")[0]: json.loads(path.read_text(encoding="utf-8"))
    for path in Path(__file__).parents[2].glob("docs/json/*.schema.json")
}
_KNOWN = Registry().with_resources(
    (f"{name}.schema.json", Resource.from_contents(schema)) for name, schema in SCHEMAS.items()
)


def outcome(*arguments: object) -> Result:
    """What came of the command: its output and its exception."""
    return CliRunner().invoke(cli.app, [str(argument) for argument in arguments])


def run(*arguments: object) -> str:
    """What the command prints; its exception is raised."""
    result = outcome(*arguments)
    if result.exception:
        raise result.exception
    return result.stdout


def as_json(*arguments: object):
    """What the command prints with --json, read, and found to be as its schema says."""
    return checked(run(*arguments, "--json"), *arguments)


def checked(told: str, *arguments: object):
    """What such a command has printed, read, and found to be as its schema in docs/json/ says."""
    words = [str(argument) for argument in arguments]
    name = "-".join(words[: 2 if words[0] == "scratch" else 1]) + ("-words" if "--words" in words else "")
    found = json.loads(told)
    Draft202012Validator(SCHEMAS[name], registry=_KNOWN).validate(found)
    return found


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
