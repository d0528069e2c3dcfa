"""Names of a zip that were read in the wrong encoding: the classes and pictures that have them are called anew."""

from __future__ import annotations

from visionlab.learning.projects import rows
from visionlab.learning.projects.project import Project
from visionlab.learning.sets.names import Guess, called


def read_names_as(project: Project, guess: Guess, encoding: str) -> None:
    """Call what came of the zip as its names read in that encoding, one of guess.possible(), and no longer as in
    read_as(); one edit. Where there is a class of that name already, its pictures go there.

    Raises DatasetError for a name that no class may have.
    """
    renamed = guess.renamed(read_as(project, guess), encoding)
    with project._edit() as edit:
        for each in rows.classes(edit.db):
            name = renamed.get(each.name)
            if name is None:
                continue
            others = {other.name.casefold(): other.id for other in rows.classes(edit.db) if other.id != each.id}
            if there := others.get(name.casefold()):
                edit.db.execute("UPDATE pictures SET class_id = ? WHERE class_id = ?", (there, each.id))
                edit.db.execute("DELETE FROM classes WHERE id = ?", (each.id,))
            else:
                fresh = rows.new_name(edit.db, each, name)
                edit.db.execute("UPDATE classes SET name = ? WHERE id = ?", (fresh, each.id))
        for each in rows.pictures(edit.db, "TRUE ORDER BY id"):
            name = called(each.name, renamed)
            if name != each.name:
                edit.db.execute("UPDATE pictures SET name = ? WHERE id = ?", (name, each.id))
        edit.sentence = f"Read the names as {guess.possible()[encoding]}"


def read_as(project: Project, guess: Guess) -> str:
    """The encoding in which the project's classes are called, the guessed one where none is."""
    called = {each.name for each in project.classes()}
    return max(guess.possible(), key=lambda encoding: len(called & {part for n in guess.parts(encoding) for part in n}))
