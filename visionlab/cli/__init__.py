"""The same work from a shell: python -m visionlab --help."""

from visionlab.cli.main import app, run

__all__ = ["app", "run"]
