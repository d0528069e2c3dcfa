"""The same work from a shell: python -m visionlab --help.

main.py registers what a module a group of commands holds: networks (models), filters (filter), looking (features,
explain), predicting (predict; what it prints is in answers.py), training (train, evaluate, export), scratch, and
serving (app). What they share, options and whole files, is in shared.py. Nothing here imports torch before a command
needs it.
"""

from visionlab.cli.main import app, run

__all__ = ["app", "run"]
