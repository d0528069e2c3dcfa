"""Projects on disk: pictures, labels, runs and heads of one person's task, with undo.

workspace.py holds all projects (a drawing of the folders is there), place.py says where they lie, project.py is one of
them, by its rows.py (records and queries), runs.py and files.py. journal.py writes every changed row down, for undo.
as_zip.py takes a project out; intake.py brings pictures in, each once; near_copies.py tells which are nearly in other
classes, too, lost.py what did not come, left_out.py what was not taken; renaming.py mends their names; outcome.py is
what is kept of a run.
"""
