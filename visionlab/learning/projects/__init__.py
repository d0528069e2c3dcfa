"""Projects on disk: pictures, labels, runs and heads of one person's task, with undo.

workspace.py (all projects; a drawing of the folders is there) → project.py (one) → rows.py (records and queries),
runs.py, files.py. journal.py writes every changed row down, for undo. as_zip.py takes a project out; intake.py
brings pictures in; outcome.py is what is kept of a run.
"""
