import errno
import hashlib
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from visionlab.errors import BusyError, DatasetError, ParameterError
from visionlab.imaging.image import encode_png, fingerprint
from visionlab.learning.projects import journal, place
from visionlab.learning.projects import project as project_module
from visionlab.learning.projects.as_zip import export_zip
from visionlab.learning.projects.files import size_of, telling
from visionlab.learning.projects.intake import from_files, from_zip, labelled, take
from visionlab.learning.projects.workspace import Workspace
from visionlab.learning.sets import archive

ROOT = Path(__file__).parents[3]
ME, OTHER = "a text that only I know", "a text that others know"


def picture(number, side=24):
    return np.random.default_rng(number).integers(0, 256, (side, side + 1, 3), dtype=np.uint8)


def add(project, class_name, *numbers):
    """Pictures n.png into a class; what take() told last."""
    files = [(f"{number}.png", encode_png(picture(number))) for number in numbers]
    return list(take(project, from_files(class_name, files)))[-1]


def class_id(project, name):
    return next(each.id for each in project.classes() if each.name == name)


def picture_ids(project, *names):
    found = {each.name: each.id for each in project.pictures(limit=-1)}
    return [found[name] for name in names]


def state(project):
    """What the project holds, by names: classes in order with their being enabled, and each picture's class."""
    classes, pictures = project.snapshot()
    names = {each.id: each.name for each in classes}
    return [(each.name, each.enabled) for each in classes], {each.name: names[each.class_id] for each in pictures}


def rows_of(project):
    """Every value of every row that edits touch."""
    with closing(sqlite3.connect(project.folder / "project.sqlite")) as db:
        return [db.execute(f"SELECT * FROM {table} ORDER BY id").fetchall() for table in ("classes", "pictures")]


def files_of(project):
    return sorted(file.name for file in (project.folder / "pictures").glob("??/*"))


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "projects")


@pytest.fixture
def pets(workspace):
    project = workspace.create("Pets", ME)
    add(project, "cats", 1, 2, 3)
    add(project, "dogs", 4, 5)
    return project


# Edits, undo and redo ------------------------------------------------------------------------------------------------

NAMES = st.sampled_from(["cats", "dogs", "birds", "fish"])
NUMBERS = st.integers(0, 5)


class Edits(RuleBasedStateMachine):
    """Any edits, undone and redone in any order, against lists and dicts."""

    @initialize()
    def begin(self):
        self.place = tempfile.TemporaryDirectory()
        self.project = Workspace(self.place.name).create("Pets", ME)
        self.classes, self.pictures = [], {}
        # All states so far that undo or redo can reach: (classes, pictures, rows as they lie in the database).
        self.history, self.at, self.sentences = [([], {}, rows_of(self.project))], 0, []

    def teardown(self):
        if hasattr(self, "place"):
            self.place.cleanup()

    def edited(self):
        classes, pictures = [tuple(each) for each in self.classes], dict(self.pictures)
        if (classes, pictures) == self.history[self.at][:2]:
            return  # nothing changed, so nothing may be undone for it, and what can be redone stays
        del self.history[self.at + 1 :], self.sentences[self.at :]
        self.history.append((classes, pictures, rows_of(self.project)))
        self.sentences.append(self.project.undoable)
        self.at += 1

    def names(self):
        return [name for name, _ in self.classes]

    def has(self, count):
        return len(self.classes) >= count

    @rule(name=NAMES, numbers=st.lists(NUMBERS, min_size=1, max_size=3))
    def add_pictures(self, name, numbers):
        told = add(self.project, name, *numbers)
        fresh = {f"{number}.png" for number in numbers} - set(self.pictures)
        assert (told.added, told.copies) == (len(fresh), len(numbers) - len(fresh))
        if fresh and name not in self.names():
            self.classes.append([name, True])
        self.pictures |= dict.fromkeys(fresh, name)
        self.edited()

    @rule(name=NAMES)
    def add_class(self, name):
        if name in self.names():
            with pytest.raises(DatasetError, match="same name"):
                self.project.add_classes([name.upper()])
        else:
            self.project.add_classes([name])
            self.classes.append([name, True])
        self.edited()

    @precondition(lambda self: self.has(1))
    @rule(data=st.data(), name=NAMES)
    def rename_class(self, data, name):
        old = data.draw(st.sampled_from(self.names()))
        if name in self.names() and name != old:
            with pytest.raises(DatasetError, match=f"There is a class “{name}” already; “{old}” keeps its name"):
                self.project.rename_class(class_id(self.project, old), name)
            return
        self.project.rename_class(class_id(self.project, old), name)
        self.classes[self.names().index(old)][0] = name
        self.pictures = {picture: name if of == old else of for picture, of in self.pictures.items()}
        self.edited()

    @precondition(lambda self: self.has(2))
    @rule(data=st.data())
    def merge(self, data):
        source, target = data.draw(st.permutations(self.names()))[:2]
        self.project.merge_classes(class_id(self.project, source), class_id(self.project, target))
        del self.classes[self.names().index(source)]
        self.pictures = {picture: target if of == source else of for picture, of in self.pictures.items()}
        self.edited()

    @precondition(lambda self: self.has(1))
    @rule(data=st.data())
    def remove_class(self, data):
        name = data.draw(st.sampled_from(self.names()))
        self.project.remove_class(class_id(self.project, name))
        del self.classes[self.names().index(name)]
        self.pictures = {picture: of for picture, of in self.pictures.items() if of != name}
        self.edited()

    @precondition(lambda self: self.has(1))
    @rule(data=st.data(), enabled=st.booleans())
    def enable(self, data, enabled):
        name = data.draw(st.sampled_from(self.names()))
        self.project.enable_class(class_id(self.project, name), enabled)
        self.classes[self.names().index(name)][1] = enabled
        self.edited()

    @precondition(lambda self: self.pictures)
    @rule(data=st.data())
    def move(self, data):
        chosen = data.draw(st.lists(st.sampled_from(sorted(self.pictures)), unique=True))
        name = data.draw(st.sampled_from(self.names()))
        self.project.move(picture_ids(self.project, *chosen), class_id(self.project, name))
        self.pictures |= dict.fromkeys(chosen, name)
        self.edited()

    @precondition(lambda self: self.pictures)
    @rule(data=st.data())
    def remove(self, data):
        chosen = data.draw(st.lists(st.sampled_from(sorted(self.pictures)), unique=True))
        self.project.remove(picture_ids(self.project, *chosen))
        self.pictures = {picture: of for picture, of in self.pictures.items() if picture not in chosen}
        self.edited()

    def arrive(self, at):
        self.at = at
        classes, pictures, rows = self.history[at]
        self.classes, self.pictures = [list(each) for each in classes], dict(pictures)
        assert rows_of(self.project) == rows  # ids, groups, hashes, order and all

    @rule()
    def undo(self):
        assert self.project.undo() == (self.sentences[self.at - 1] if self.at else None)
        self.arrive(max(0, self.at - 1))

    @rule()
    def redo(self):
        more = self.at < len(self.sentences)
        assert self.project.redo() == (self.sentences[self.at] if more else None)
        self.arrive(self.at + more)

    @rule()
    def tidy(self):
        self.project.tidy()

    @invariant()
    def agrees(self):
        if not hasattr(self, "project"):
            return
        assert state(self.project) == ([tuple(each) for each in self.classes], self.pictures)
        assert self.project.undoable == (self.sentences[self.at - 1] if self.at else None)
        assert self.project.redoable == (self.sentences[self.at] if self.at < len(self.sentences) else None)
        reachable = {row[3] for _, _, (_, pictures) in self.history for row in pictures}
        assert set(files_of(self.project)) == reachable  # every file that can come back is there, and no other


TestEdits = Edits.TestCase
TestEdits.settings = settings(max_examples=15, stateful_step_count=25, deadline=None)


def test_every_edit_says_what_it_was(pets):
    told = [pets.undoable]
    cats, dogs = class_id(pets, "cats"), class_id(pets, "dogs")
    edits = [
        lambda: pets.move(picture_ids(pets, "1.png", "2.png"), dogs),
        lambda: pets.remove(picture_ids(pets, "1.png")),
        lambda: pets.enable_class(cats, False),
        lambda: pets.enable_class(cats, True),
        lambda: pets.rename_class(cats, " Katzen "),
        lambda: pets.merge_classes(cats, dogs),
        lambda: pets.add_classes(["birds"]),
        lambda: pets.remove_class(class_id(pets, "birds")),
    ]
    for edit in edits:
        edit()
        told.append(pets.undoable)
    assert told == [
        "Added 2 pictures",
        "Moved 2 pictures to “dogs”",
        "Removed 1 picture",
        "Disabled “cats”",
        "Enabled “cats”",
        "Renamed “cats” to “Katzen”",
        "Merged “Katzen” into “dogs”",
        "Added the class “birds”",
        "Removed the class “birds”",
    ]
    assert [pets.undo() for _ in told] == told[::-1]


def test_edits_beyond_the_bound_are_forgotten_with_their_files(workspace, monkeypatch):
    monkeypatch.setattr(journal, "EDITS", 3)
    project = workspace.create("Pets", ME)
    add(project, "cats", 1, 2)
    [gone] = [p.digest for p in project.pictures() if p.name == "1.png"]
    project.remove(picture_ids(project, "1.png"))
    for name in ("a", "b"):
        project.add_classes([name])
    assert gone in files_of(project)  # the removal can still be undone
    project.add_classes(["c"])
    assert files_of(project) == [project.pictures()[0].digest]
    assert [project.undo() for _ in range(4)] == [*(f"Added the class “{name}”" for name in "cba"), None]
    assert state(project) == ([("cats", True)], {"2.png": "cats"})


def test_a_new_edit_after_undo_lets_go_of_what_was_undone(pets):
    before = files_of(pets)
    add(pets, "cats", 6)
    pets.undo()
    assert len(files_of(pets)) == len(before) + 1
    pets.add_classes(["birds"])
    assert pets.redo() is None
    assert files_of(pets) == before


def test_tidying_removes_what_nothing_needs(pets):
    before = files_of(pets)
    stray = pets.path("ab" * 32)
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"x")
    pets.remove(picture_ids(pets, "1.png"))
    pets.tidy()
    assert files_of(pets) == before
    pets.undo()
    assert pets.load(pets.pictures()[0]).shape == (24, 25, 3)


def test_what_is_not_there_is_told_and_changes_nothing(pets):
    before = pets.snapshot()
    cats = class_id(pets, "cats")
    for told, edit in {
        "no class 99": lambda: pets.move(picture_ids(pets, "1.png"), 99),
        "One of the pictures is not": lambda: pets.move([*picture_ids(pets, "1.png"), 99], cats),
        "2 of the pictures are not": lambda: pets.remove([98, 99]),
        "no class 98": lambda: pets.merge_classes(98, cats),
        "into itself": lambda: pets.merge_classes(cats, cats),
        "no class 97": lambda: pets.remove_class(97),
        "no class 96": lambda: pets.rename_class(96, "x"),
        "empty name": lambda: pets.rename_class(cats, " "),
        "“dogs” and “DOGS”": lambda: pets.add_classes(["DOGS "]),
        "no picture 99": lambda: pets.picture(99),
    }.items():
        with pytest.raises(DatasetError, match=told):
            edit()
        assert pets.snapshot() == before
        assert pets.undoable == "Added 2 pictures"


def test_a_class_too_many(workspace, monkeypatch):
    monkeypatch.setattr(archive, "MAX_CLASSES", 3)
    project = workspace.create("Many", ME)
    for number in range(3):
        project.add_classes([str(number)])
    with pytest.raises(DatasetError, match="4 classes; at most 3"):
        project.add_classes(["one more"])


# Pictures ------------------------------------------------------------------------------------------------------------


def test_pictures_are_kept_as_they_came(pets):
    data = encode_png(picture(1))
    first = pets.pictures()[0]
    assert (first.name, first.width, first.height, first.bytes) == ("1.png", 25, 24, len(data))
    assert first.digest == hashlib.sha256(data).hexdigest()
    assert first.key == fingerprint(picture(1))
    assert pets.path(first.digest).read_bytes() == data
    np.testing.assert_array_equal(pets.load(first), picture(1))
    assert pets.picture(first.id) == first


def test_pages_of_a_gallery(pets):
    cats = class_id(pets, "cats")
    assert [each.name for each in pets.pictures(offset=2, limit=2)] == ["3.png", "4.png"]
    assert [each.name for each in pets.pictures(cats, offset=1)] == ["2.png", "3.png"]
    assert [(each.name, each.count) for each in pets.classes()] == [("cats", 3), ("dogs", 2)]


def test_what_is_learned_from(pets):
    pets.move(picture_ids(pets, "1.png"), class_id(pets, "dogs"))
    pets.add_classes(["birds"])
    pets.enable_class(class_id(pets, "birds"), False)
    data, ids = pets.labelled()
    assert data.classes == ("cats", "dogs")
    assert data.names == ("2.png", "3.png", "1.png", "4.png", "5.png")
    assert data.labels.tolist() == [0, 0, 1, 1, 1]
    assert data.keys == tuple(fingerprint(image) for image in data.images)
    assert data.groups.tolist() == [pets.picture(number).group for number in ids]
    assert [pets.picture(number).name for number in ids] == list(data.names)
    np.testing.assert_array_equal(data.subset([2]).images[0], picture(1))
    with pytest.raises(DatasetError, match="class “birds” has no pictures; add some, or disable it"):
        pets.labelled(enabled_only=False)
    pets.enable_class(class_id(pets, "dogs"), False)
    with pytest.raises(DatasetError, match="1 class is there to learn; two or more"):
        pets.labelled()


def test_a_file_that_vanished_is_named_without_its_place(pets):
    data, _ = pets.labelled()
    pets.path(pets.pictures()[1].digest).unlink()
    assert data.images[0].shape == (24, 25, 3)
    with pytest.raises(DatasetError, match=r"^“2.png” is not in the project any more"):
        data.images[1]


def test_a_picture_that_is_removed_while_it_is_learned_from_can_still_be_read(pets):
    data, _ = pets.labelled()
    pets.remove(picture_ids(pets, "1.png"))
    np.testing.assert_array_equal(data.images[0], picture(1))


# The workspace -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "project_id",
    [
        "",
        ".",
        "..",
        "../..",
        "/etc",
        "owners",
        "a" * 22,
        "../" + "a" * 19,
        "a" * 21 + "\n",
        "ä" * 22,
        "a/" * 11,
        None,
        3,
    ],
)
def test_an_id_that_is_none_never_becomes_a_path(workspace, pets, project_id):
    with pytest.raises(DatasetError, match="no such project here"):
        workspace.open(project_id)
    with pytest.raises(DatasetError, match="no such project here"):
        workspace.delete(project_id)
    assert workspace.open(pets.id).info().name == "Pets"


def test_tidying_makes_no_folder_of_a_project_anew_that_is_deleted_at_this_moment(workspace, monkeypatch):
    project = workspace.create("Begun for a zip", ME)

    class Slow(FileLock):
        def acquire(self, *how, **more):
            workspace.delete(project.id)  # by who brought the zip, in the thread of the job
            return super().acquire(*how, **more)

    with project.receiving():
        monkeypatch.setattr(project_module, "FileLock", Slow)
        with pytest.raises(DatasetError, match="not there any more"):
            project.tidy()
    assert project.id not in workspace
    assert not project.folder.exists()


def test_what_is_left_of_a_projects_folder_is_no_project(workspace, pets):
    ghost = workspace.folder / ("g" * 22) / "incoming"
    ghost.mkdir(parents=True)
    assert pets.id in workspace
    assert "g" * 22 not in workspace
    with pytest.raises(DatasetError, match="no such project"):
        workspace.open("g" * 22)


def test_a_folder_beside_the_projects_is_no_project(workspace, pets):
    link = "../" + pets.id
    with pytest.raises(DatasetError, match="no such project"):
        workspace.open(link)
    (workspace.folder / "a-file-of-22-characters"[:22]).write_text("x")
    with pytest.raises(DatasetError, match="no such project"):
        workspace.open("a-file-of-22-characters"[:22])


def test_ids_are_of_chance_and_projects_are_their_owners(workspace, pets):
    theirs = workspace.create("Theirs", OTHER)
    assert len(pets.id) == len(theirs.id) == 22
    assert pets.id != theirs.id
    assert [info.id for info in workspace.projects(ME)] == [pets.id]
    assert [info.id for info in workspace.projects(OTHER)] == [theirs.id]
    assert workspace.projects("nobody's text at all") == []
    with pytest.raises(ParameterError, match="has 3 characters"):
        workspace.projects("abc")
    assert not any(ME.encode() in file.read_bytes() for file in workspace.folder.rglob("*") if file.is_file())
    assert not any(ME in str(file) for file in workspace.folder.rglob("*"))


def test_a_list_tells_names_counts_and_sizes(workspace, pets):
    other = workspace.create(" Birds ", ME)
    pets.add_classes(["fish"])
    first, second = workspace.projects(ME)  # the one that was changed last
    assert (first.name, first.pictures, first.classes) == ("Pets", 5, 3)
    assert (second.name, second.pictures, second.classes) == ("Birds", 0, 0)
    assert first.created < second.created < first.changed
    assert first.size == size_of(pets.folder) > sum(each.bytes for each in pets.pictures())
    other.rename("Vögel")
    assert other.info().name == "Vögel"
    for rename in (other.rename, lambda name: workspace.create(name, ME)):
        with pytest.raises(DatasetError, match="empty name"):
            rename("  ")
    assert len(workspace.projects(ME)) == 2


def test_a_project_outlives_the_objects_that_stand_for_it(workspace, pets):
    again = Workspace(workspace.folder).open(pets.id)
    assert again.snapshot() == pets.snapshot()
    assert again.undo() == "Added 2 pictures"
    assert pets.redoable == "Added 2 pictures"


def test_a_duplicate_goes_its_own_way(workspace, pets):
    run = pets.begin_run({"kind": "linear"})
    pets.keep_head(run, b"head")
    pets.end_run(run, "done", {"accuracy": 0.5})
    alone = workspace.size()
    copy = workspace.duplicate(pets.id, "Pets, again", OTHER)
    assert copy.snapshot() == pets.snapshot()
    assert copy.runs()[0].head.read_bytes() == b"head"
    assert copy.runs()[0].head != pets.runs()[0].head
    assert [info.name for info in workspace.projects(OTHER)] == ["Pets, again"]
    pictures = sum(each.bytes for each in pets.pictures())
    assert workspace.size() - alone <= size_of(pets.folder) - pictures  # they are on disk once
    assert copy.undo() == "Added 2 pictures"
    copy.remove_class(class_id(copy, "cats"))
    copy.tidy()
    assert len(pets.snapshot()[1]) == 5
    workspace.delete(pets.id)
    copy.undo()
    np.testing.assert_array_equal(copy.load(copy.pictures()[0]), picture(1))
    with closing(sqlite3.connect(copy.folder / "project.sqlite")) as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_deleting_leaves_nothing(workspace, pets):
    assert pets.id in workspace
    workspace.delete(pets.id)
    assert pets.id not in workspace
    assert workspace.projects(ME) == []
    assert [file for file in workspace.folder.rglob("*") if file.is_file()] == []
    for use in (pets.classes, pets.undo, lambda: pets.add_classes(["x"]), lambda: add(pets, "cats", 9)):
        with pytest.raises(DatasetError, match="not there any more"):
            use()


def test_cleaning_takes_what_nobody_opened(workspace, pets):
    old, busy, fresh = (workspace.create(name, ME) for name in ("Old", "Busy", "Fresh"))
    run = busy.begin_run({})
    for project in (old, busy, pets):
        os.utime(project.folder / "opened", (0, 0))
    left = workspace.folder / (".new-" + "a" * 22)
    left.mkdir()
    os.utime(left, (0, 0))
    workspace.open(pets.id)  # counts as use
    assert [info.name for info in workspace.clean(timedelta(days=30))] == ["Old"]
    assert {info.id for info in workspace.projects(ME)} == {pets.id, busy.id, fresh.id}
    assert not left.exists()
    busy.end_run(run, "done")
    waiting = busy.begin_run({}, waiting=True)
    assert workspace.clean(timedelta(days=30)) == []
    busy.end_run(waiting, "cancelled")
    assert [info.name for info in workspace.clean(timedelta(days=30))] == ["Busy"]
    assert Workspace(workspace.folder / "none").clean(timedelta()) == []


def test_a_workspace_without_room_duplicates_nothing(workspace, pets):
    small = Workspace(workspace.folder, limit=workspace.size())
    with pytest.raises(
        DatasetError, match=r"^The projects take .* kB and at least .* kB more are needed, but the limit"
    ):
        small.duplicate(pets.id, "Copy", ME)
    assert len(small.projects(ME)) == 1


def test_where_a_workspace_is_and_how_large(tmp_path, monkeypatch):
    monkeypatch.setenv("VISIONLAB_WORKSPACE", str(tmp_path / "here"))
    monkeypatch.setenv("VISIONLAB_WORKSPACE_LIMIT", "1.5")
    assert (Workspace().folder, Workspace().limit) == (tmp_path / "here", 1_500_000_000)
    assert not (tmp_path / "here").exists()
    monkeypatch.delenv("VISIONLAB_WORKSPACE")
    monkeypatch.delenv("VISIONLAB_WORKSPACE_LIMIT")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    if sys.platform == "linux":
        assert Workspace().folder == tmp_path / "visionlab" / "projects"
    assert Workspace().limit == 20 * 10**9
    for told in ("much", "inf", "nan", "-1", "0"):
        monkeypatch.setenv("VISIONLAB_WORKSPACE_LIMIT", told)
        with pytest.raises(ParameterError):
            Workspace()


VERSIONS = [  # and the columns that came later
    (1, ("part", "switched_off", "confirmed")),
    (2, ("switched_off", "confirmed")),
    (3, ("confirmed",)),
    (4, ("confirmed",)),
]


@pytest.mark.parametrize(("version", "later"), VERSIONS)
def test_a_project_of_an_older_version_is_brought_up_to_this_one(workspace, version, later):
    project = workspace.create("Pets", ME)
    add(project, "cats", 1, 2)
    project.remove([project.pictures()[0].id])
    old = {table: tuple(c for c in columns if c not in later) for table, columns in journal.JOURNALLED.items()}
    with sqlite3.connect(project.folder / "project.sqlite", isolation_level=None) as db:
        for event in ("INSERT", "UPDATE", "DELETE"):
            db.execute(f"DROP TRIGGER pictures_{event}")
        for column in later:
            db.execute(f"ALTER TABLE pictures DROP COLUMN {column}")
        db.executescript(journal._triggers("pictures", old["pictures"]))
        if version < 4:
            db.execute("DROP TABLE looks")
        for which in ("before", "after"):
            for column in later:
                db.execute(f"UPDATE changes SET {which} = json_remove({which}, '$.{column}') WHERE of = 'pictures'")
        db.execute(f"PRAGMA user_version = {version}")
    for _ in range(2):
        again = workspace.open(project.id)
    assert [(each.part or "", each.enabled) for each in again.pictures()] == [("", True)]
    again.undo()  # what the journal kept of before
    assert len(again.pictures()) == 2
    add(again, "dogs", 3)
    again.undo()
    again.redo()
    assert [each.name for each in again.pictures()] == ["1.png", "2.png", "3.png"]


def test_pictures_are_switched_off_and_on_and_their_zip_says_so(workspace, pets, tmp_path):
    one = pets.pictures()[0]
    pets.enable([one.id], False)
    assert [each.enabled for each in pets.pictures()[:2]] == [False, True]
    assert one.id not in pets.labelled()[1]
    assert {*pets.labelled(enabled_only=False)[1]} == {*pets.labelled()[1], one.id}
    assert (pets.undo(), pets.picture(one.id).enabled) == ("Switched 1 picture off", True)
    assert (pets.redo(), pets.picture(one.id).enabled) == ("Switched 1 picture off", False)
    for _ in export_zip(pets, tmp_path / "pets.zip"):
        pass
    again = workspace.create("Again", ME)
    for _ in take(again, from_zip(tmp_path / "pets.zip")):
        pass
    assert [each.name for each in again.pictures() if not each.enabled] == [one.name]
    assert len(labelled(from_zip(tmp_path / "pets.zip"))) == len(pets.labelled()[1]), "and so the shell knows it"
    pets.enable([one.id], True)
    assert one.id in pets.labelled()[1]
    mine = [each.id for each in pets.pictures() if each.class_id == one.class_id]
    pets.enable(mine, False)
    with pytest.raises(DatasetError, match="has no pictures"):
        pets.labelled()
    pets.remove([one.id])
    with pytest.raises(DatasetError, match="not in the project any more"):
        pets.enable([one.id], True)


def test_a_picture_is_confirmed_in_its_class_until_it_is_moved(pets):
    one, other = pets.pictures()[0], pets.classes()[1].id
    for _ in range(2):
        pets.confirm([one.id])
        assert [each.id for each in pets.pictures() if each.confirmed] == [one.id]
        assert pets.undo() == "Left 1 picture where it is"
        assert not pets.picture(one.id).confirmed
    pets.redo()
    pets.move([one.id], other)
    assert not pets.picture(one.id).confirmed
    pets.undo()
    assert pets.picture(one.id).confirmed
    with pytest.raises(DatasetError, match="not in the project any more"):
        pets.confirm([10**6])


def test_several_classes_are_one_edit(workspace):
    project = workspace.create("Insects", ME)
    assert project.add_classes(["ant", " bee "]) == [each.id for each in project.classes()]
    assert [each.name for each in project.classes()] == ["ant", "bee"]
    with pytest.raises(DatasetError, match="same name"):
        project.add_classes(["fly", "ANT"])
    assert project.undo() == "Added 2 classes"
    assert project.classes() == []


def test_databases_that_cannot_be_used(workspace, pets):
    other = workspace.create("Birds", ME)
    with closing(sqlite3.connect(pets.folder / "project.sqlite")) as db:
        db.execute("PRAGMA user_version = 7")
    with pytest.raises(DatasetError, match="of version 7; this visionlab opens version 5"):
        workspace.open(pets.id)
    (pets.folder / "project.sqlite").write_bytes(b"no database at all" * 99)
    with pytest.raises(DatasetError, match="database is damaged"):
        workspace.open(pets.id)
    assert [info.id for info in workspace.projects(ME)] == [other.id]  # the others are there


def test_a_full_disk_in_the_database_is_a_sentence(tmp_path):
    def fill(db):
        with telling():
            db.execute("INSERT INTO t VALUES (zeroblob(100000))")

    with closing(sqlite3.connect(tmp_path / "small.sqlite")) as db:
        db.execute("PRAGMA max_page_count = 3")
        db.execute("CREATE TABLE t (x)")
        with pytest.raises(DatasetError, match="disk is full, so nothing was changed"):
            fill(db)


def test_a_disk_without_one_free_byte_is_a_sentence(workspace, pets, monkeypatch):
    """As SQLite tells it where not even its -shm file finds room; seen on a full tmpfs."""

    class Full(sqlite3.Connection):
        def execute(self, query, *values):
            if query.startswith("BEGIN"):
                error = sqlite3.OperationalError("disk I/O error")
                error.sqlite_errorname = "SQLITE_IOERR_SHMSIZE"
                raise error
            return super().execute(query, *values)

    def full(address, *rest, **options):
        return connect(address, *rest, **options, factory=sqlite3.Connection if "immutable" in address else Full)

    connect, before = sqlite3.connect, state(pets)
    monkeypatch.setattr(journal.sqlite3, "connect", full)
    for act in (pets.undo, lambda: pets.add_classes(["fish"]), lambda: add(pets, "cats", 9)):
        with pytest.raises(DatasetError, match="full to the last byte, so nothing was changed"):
            act()
    assert state(workspace.open(pets.id)) == before, "it is seen all the same"
    log = pets.folder / "project.sqlite-wal"
    log.write_bytes(b"what is not in the file yet")
    with pytest.raises(DatasetError, match="full to the last byte"):
        pets.classes()
    log.unlink()
    workspace.delete(pets.id)  # which makes room
    assert workspace.projects(ME) == []


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (errno.EACCES, "cannot be written to .Permission denied"),
        (errno.EROFS, "VISIONLAB_WORKSPACE"),
        (errno.ENOENT, "any more"),
    ],
)
def test_what_the_system_refuses_is_a_sentence(pets, monkeypatch, number, told):
    def refuse(*_, **__):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(tempfile, "mkdtemp", refuse)
    with pytest.raises(DatasetError, match=told):
        add(pets, "cats", 9)


def no_folder(kind: str, tmp_path: Path) -> Path:
    """A path at which no workspace can be made."""
    (tmp_path / "file").write_text("mine")
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing" / "there")
    (tmp_path / "ring").symlink_to(tmp_path / "ring")
    paths = {
        "a file": "file",
        "below a file": "file/projects",
        "a dangling link": "dangling",
        "a ring": "ring/projects",
    }
    return {"too long": tmp_path / ("x" * 300), "nobody's": Path("/proc/projects")}.get(kind) or tmp_path / paths[kind]


@pytest.mark.parametrize("kind", ["a file", "below a file", "a dangling link", "a ring", "too long", "nobody's"])
def test_a_workspace_that_can_be_no_folder_is_a_sentence(kind, tmp_path):
    there = no_folder(kind, tmp_path)
    sentence = "The projects’ folder cannot be written to .* name another one in .* VISIONLAB_WORKSPACE"
    with pytest.raises(DatasetError, match=sentence):
        Workspace(there).create("pets", ME)
    with pytest.raises(DatasetError, match=sentence):
        place.check(there)
    assert (tmp_path / "file").read_text() == "mine"


def test_looking_whether_a_workspace_can_be_written_leaves_nothing(tmp_path):
    there = tmp_path / "not" / "yet" / "there"
    place.check(there)
    assert not list(tmp_path.iterdir())
    Workspace(there).create("pets", ME)
    before = sorted(there.iterdir())
    place.check(there)
    assert sorted(there.iterdir()) == before


def test_an_edit_that_waits_too_long_says_so(pets, monkeypatch):
    monkeypatch.setattr(journal, "PATIENCE", 0.05)
    with closing(sqlite3.connect(pets.folder / "project.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(BusyError, match="still going on; try again"):
            pets.add_classes(["birds"])
        assert len(pets.classes()) == 2  # looking does not wait
    assert pets.add_classes(["birds"])


# Several at once -----------------------------------------------------------------------------------------------------


def in_another_process(code, *arguments):
    """That code, in a Python that finds visionlab and these helpers; its standard input and output are pipes."""
    helpers, module = "learning.projects.test_projects", "visionlab.learning.projects.intake"
    prelude = f"import sys\nfrom {helpers} import *\nfrom {module} import Incoming\n"
    return subprocess.Popen(
        [sys.executable, "-c", prelude + textwrap.dedent(code), *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_two_processes_write_at_once(workspace, pets):
    code = """
    folder, project_id, mark = sys.argv[1:]
    project = Workspace(folder).open(project_id)
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(15):
        project.add_classes([f"{mark} {number}"])
        add(project, "cats", 100 * int(mark) + number, 7)
    """
    both = [in_another_process(code, workspace.folder, pets.id, mark) for mark in (1, 2)]
    for process in both:
        assert process.stdout.readline() == "ready\n"
    for process in both:
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [process.wait(120) for process in both] == [0, 0]
    for process in both:
        process.communicate()
    classes, pictures = pets.snapshot()
    assert len(classes) == 2 + 30
    assert len(pictures) == 5 + 30 + 1  # the one that both bring is there once
    while pets.undo():
        pass
    assert pets.snapshot() == ([], [])
    with closing(sqlite3.connect(pets.folder / "project.sqlite")) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []


def test_threads_edit_undo_and_tidy_at_once(workspace, pets):
    def work(mark):
        project = workspace.open(pets.id)
        for number in range(8):
            add(project, "cats", 1000 * (mark + 1) + number)
            project.tidy()
            project.labelled()[0].images[0]
            if number % 2:
                project.undo()
                project.redo()

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(work, range(3)))
    assert {each.digest for each in pets.snapshot()[1]} <= set(files_of(pets))
    for each in pets.snapshot()[1]:
        assert pets.load(each).shape == (24, 25, 3)


# Runs ----------------------------------------------------------------------------------------------------------------


def test_what_a_killed_run_had_half_written_goes_and_what_a_living_one_writes_stays(pets):
    living, killed = pets.begin_run({}), pets.begin_run({})
    parts = [pets.checkpoint(run).with_name("checkpoint.part") for run in (living, killed)]
    for part in parts:
        part.write_bytes(b"half")
    pets.checkpoint(killed).write_bytes(b"whole")
    pets._let_go(killed)  # as where its process is killed
    pets.tidy()
    assert [part.exists() for part in parts] == [True, False]
    assert pets.checkpoint(killed).read_bytes() == b"whole"


def test_the_end_of_a_run_whose_project_was_deleted_makes_nothing_anew(workspace, pets):
    run, lost = pets.begin_run({}), pets.begin_run({})
    pets._let_go(lost)  # as where its process is killed
    with pets._database.reading() as db:
        rows = db.execute("SELECT * FROM runs").fetchall()
        workspace.delete(pets.id)
        assert {each["id"]: pets._info(db, each).state for each in rows} == {run: "running", lost: "interrupted"}
    for use in (
        lambda: pets.note_epoch(run, {}),
        lambda: pets.keep_head(run, b"head"),
        lambda: pets.end_run(run, "done"),
    ):
        with pytest.raises(DatasetError, match="not there any more"):
            use()
    assert not pets._is_alive(run), "its lock is given back"
    assert not pets.folder.exists()
    assert workspace.projects(ME) == []


def test_two_processes_clean_at_once(workspace, pets, monkeypatch):
    other = Workspace(workspace.folder)
    os.utime(pets.folder / "opened", (0, 0))
    delete = workspace.delete

    def too_late(project_id):
        other.delete(project_id)
        delete(project_id)

    monkeypatch.setattr(workspace, "delete", too_late)
    assert workspace.clean(timedelta(days=30)) == []
    assert workspace.projects(ME) == []


def test_a_run_from_its_beginning_to_its_end(pets):
    run = pets.begin_run({"kind": "linear", "seed": np.int64(3)})
    assert pets.run(run).state == "running"
    for index in range(3):
        pets.note_epoch(run, {"index": index, "loss": np.float32(0.5)})
    pets.checkpoint(run).write_bytes(b"so far")
    assert pets.run(run).head is None
    pets.keep_head(run, b"the head")
    pets.end_run(run, "done", {"confusion": np.eye(2, dtype=int)})
    second = pets.begin_run({}, waiting=True)
    assert [each.id for each in pets.runs()] == [second, run]  # the latest first
    ended = pets.run(run)
    assert (ended.state, ended.settings) == ("done", {"kind": "linear", "seed": 3})
    assert ended.epochs == tuple({"index": index, "loss": 0.5} for index in range(3))
    assert ended.report == {"confusion": [[1, 0], [0, 1]]}
    assert ended.head.read_bytes() == b"the head"
    assert ended.started < ended.ended
    assert pets.run(second).state == "waiting"
    pets.continue_run(second)
    assert pets.run(second).state == "running"
    pets.end_run(second, "failed", error="There was no room.")
    assert (pets.run(second).state, pets.run(second).error) == ("failed", "There was no room.")
    pets.remove_run(run)
    assert [each.id for each in pets.runs()] == [second]
    assert [each.name for each in (pets.folder / "runs").iterdir()] == [second]
    assert pets.undoable == "Added 2 pictures"  # runs are no edits


def test_what_a_run_does_not_take(pets):
    run = pets.begin_run({})
    for use in (pets.run, pets.keep_head, pets.checkpoint, pets.note_epoch, pets.remove_run, pets.continue_run):
        with pytest.raises(DatasetError, match=r"no run “\.\./\.\.”"):
            use("../..", *([b""] if use == pets.keep_head else [{}] if use == pets.note_epoch else []))
    with pytest.raises(BusyError, match="still goes on"):
        pets.remove_run(run)
    with pytest.raises(BusyError, match="is running"):
        pets.continue_run(run)
    with pytest.raises(ParameterError, match="not as 'waiting'"):
        pets.end_run(run, "waiting")
    pets.end_run(run, "cancelled")


def test_of_two_that_take_up_a_run_one_gets_it(pets):
    run = pets.begin_run({}, waiting=True)
    barrier = threading.Barrier(4, timeout=60)

    def take_up(_):
        barrier.wait()
        try:
            pets.continue_run(run)
        except BusyError as error:
            return str(error)

    with ThreadPoolExecutor(4) as pool:
        told = sorted(map(str, pool.map(take_up, range(4))))
    assert told[0] == "None"
    assert all("The run is running" in each for each in told[1:])
    pets.end_run(run, "done")


def test_a_run_whose_process_was_killed_is_interrupted_and_goes_on(workspace, pets):
    code = """
    folder, project_id = sys.argv[1:]
    project = Workspace(folder).open(project_id)
    run = project.begin_run({"seed": 1})
    project.note_epoch(run, {"index": 0})
    print(run, flush=True)
    sys.stdin.readline()
    """
    process = in_another_process(code, workspace.folder, pets.id)
    run = process.stdout.readline().strip()
    assert pets.run(run).state == "running"  # in that process
    assert pets.interrupted() == []
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert [each.id for each in pets.interrupted()] == [run]
    pets.continue_run(run)
    pets.note_epoch(run, {"index": 1})
    assert pets.run(run).state == "running"
    assert pets.interrupted() == []
    assert [epoch["index"] for epoch in pets.run(run).epochs] == [0, 1]
    pets.end_run(run, "done")
    assert pets.run(run).state == "done"
