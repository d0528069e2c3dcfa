"""The same work from a shell: python -m visionlab --help.

main.py registers what a module a group of commands holds: networks.py (models), filters.py (filter), looking.py
(features, explain), predicting.py (predict, embed; what it prints is in answers.py), training.py (train, evaluate),
exporting.py (export), scratch.py (scratch; comparing.py holds those that compare networks, small_sets.py what they
share), serving.py (app), and cluster.py (cluster). What all share, options and whole files, is in shared.py. Nothing
here imports torch before a command needs it.
"""

from visionlab.cli.main import app, run

__all__ = ["app", "run"]
