"""The command line, as the tests type it."""

from typer.testing import CliRunner, Result

from visionlab import cli


def outcome(*arguments: object) -> Result:
    """What came of the command: its output and its exception."""
    return CliRunner().invoke(cli.app, [str(argument) for argument in arguments])


def run(*arguments: object) -> str:
    """What the command prints; its exception is raised."""
    result = outcome(*arguments)
    if result.exception:
        raise result.exception
    return result.stdout
