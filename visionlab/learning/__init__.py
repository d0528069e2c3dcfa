"""Labelled pictures, heads that learn from them, what these are worth, and what a person takes away.

sets/ → features/ → heads/ → judging/ → takeaway/     projects/ keep all of it on disk
builtin/: the networks that this project trained      scratch/: networks from nothing     answers/: to many pictures
"""
