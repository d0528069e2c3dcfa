import errno
import io
import json
import os
import re
import signal
import sqlite3
import threading
import tracemalloc
import unicodedata
import weakref
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from learning.projects.test_projects import ME, add, class_id, files_of, in_another_process, picture, state
from learning.sets.test_dataset import packed, patched, png
from PIL import Image as PILImage
from skimage import data as photographs

from visionlab.errors import DatasetError, ImageError
from visionlab.imaging.image import MAX_BYTES, encode_jpeg, encode_png, fingerprint
from visionlab.learning.projects import intake, lost
from visionlab.learning.projects.as_zip import export_zip, parts
from visionlab.learning.projects.intake import (
    BATCH,
    Incoming,
    from_browser,
    from_files,
    from_folder,
    from_labelled,
    from_zip,
    labelled,
    take,
)
from visionlab.learning.projects.workspace import Workspace
from visionlab.learning.sets import archive
from visionlab.learning.sets.copies import DECODERS, copies_left_out
from visionlab.learning.sets.dataset import LabelledImages
from visionlab.learning.takeaway.package import labelled_zip
from visionlab.wording import sized


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "projects")


@pytest.fixture
def project(workspace):
    project = workspace.create("Pets", ME)
    add(project, "cats", 1, 2)
    return project


def lies_in(project):
    """Every file of the project but for the database's own, and what the database holds."""
    files = sorted(str(file) for file in project.folder.rglob("*") if not file.name.startswith("project.sqlite"))
    return files, project.snapshot(), project.undoable, project.redoable


def photograph(seed=0, side=160):
    """Smooth shapes of light, as a scene has them: what a perceptual hash is made for."""
    small = np.random.default_rng(seed).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    return np.asarray(PILImage.fromarray(small).resize((side, side), PILImage.Resampling.BICUBIC))


def taken(project, incoming):
    return list(take(project, incoming))


# What comes in -------------------------------------------------------------------------------------------------------


def test_a_folder_comes_in_as_one_edit(project, tmp_path):
    for name, number in {"cats/3.png": 3, "dogs/4.png": 4, "dogs/old/5.png": 5}.items():
        path = tmp_path / "set" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(number))
    *_, last = taken(project, from_folder(tmp_path / "set"))
    assert (last.done, last.total, last.added, last.copies, last.near, last.problems) == (3, 3, 3, 0, 0, ())
    assert state(project) == (
        [("cats", True), ("dogs", True)],
        {"1.png": "cats", "2.png": "cats", "3.png": "cats", "4.png": "dogs", "old/5.png": "dogs"},
    )
    assert project.undo() == "Added 3 pictures"
    assert state(project) == ([("cats", True)], {"1.png": "cats", "2.png": "cats"})
    assert project.redo() == "Added 3 pictures"
    np.testing.assert_array_equal(
        project.labelled()[0].images[-1], LabelledImages.from_folder(tmp_path / "set").images[-1]
    )


def test_progress_is_told_batch_by_batch_and_a_total_only_where_it_is_known(project):
    files = [(f"{number}.png", png(number)) for number in range(10, 10 + 2 * BATCH + 1)]
    steps = taken(project, from_files("cats", files))
    assert [step.done for step in steps] == [BATCH, 2 * BATCH, 2 * BATCH + 1, 2 * BATCH + 1]
    assert {step.total for step in steps} == {2 * BATCH + 1}
    assert [step.added for step in steps] == [step.done for step in steps]
    more = (each for each in from_files("cats", [("x.png", png(1000))]))
    assert [step.total for step in taken(project, more)] == [None, None]
    assert taken(project, []) == [intake.Intake(0, 0, 0, 0, 0, ())]


def test_copies_are_refused_and_counted_whatever_their_format(project):
    bitmap = io.BytesIO()
    PILImage.fromarray(picture(1)).save(bitmap, "BMP")
    before = files_of(project)
    files = [("a copy.bmp", bitmap.getvalue()), ("2.png", encode_png(picture(2))), ("9.png", png(9)), ("9.png", png(9))]
    *_, last = taken(project, from_files("dogs", files))
    assert (last.added, last.copies) == (1, 3)
    assert len(files_of(project)) == len(before) + 1
    *_, last = taken(project, from_files("dogs", files))
    assert (last.added, last.copies) == (0, 4)
    assert project.undoable == "Added 1 picture"  # an intake of nothing is no edit


def test_what_cannot_be_read_is_told_and_stops_nothing(project, tmp_path):
    def refuse():
        raise ImageError("The camera was unplugged.")

    files = [
        ("broken.png", png(7)[:60]),
        ("8.png", png(8)),
        ("gone.png", tmp_path / "gone.png"),
        ("huge", bytes(MAX_BYTES + 1)),
    ]
    *_, last = taken(project, [*from_files("birds", files), Incoming("birds", "frame 1", refuse)])
    assert (last.done, last.added) == (5, 1)
    told = last.problems
    assert [problem.split(" cannot be read: ")[0] for problem in told] == [
        "“birds/broken.png”",
        "“birds/gone.png”",
        "“birds/huge”",
        "“birds/frame 1”",
    ]
    assert "damaged" in told[0]
    assert "cannot be opened" in told[1]
    assert str(tmp_path) not in told[1]
    assert "at most 20 MB" in told[2]
    assert state(project)[1]["8.png"] == "birds"


def test_names_that_are_no_text_become_escapes(project):
    *_, last = taken(
        project, [Incoming("caf\udcff", "\udcfe.png", lambda: png(7)), Incoming("x", "\udcff", lambda: b"")]
    )
    assert state(project)[1][r"\udcfe.png"] == r"caf\udcff"
    assert r"“x/\udcff” cannot be read" in last.problems[0]


def test_names_of_classes_meet_whatever_their_case_and_spelling(project):
    taken(
        project,
        [Incoming(name, f"{n}.png", lambda n=n: png(n)) for n, name in enumerate([" CATS", "Cafe\u0301", "café"], 7)],
    )
    assert [(each.name, each.count) for each in project.classes()] == [("cats", 3), ("Caf\u00e9", 2)]


# All or nothing ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_whoever_stops_asking_leaves_the_project_as_it_was(project, steps):
    before = lies_in(project)
    going = take(project, from_files("dogs", [(f"{n}.png", png(n)) for n in range(10, 10 + 2 * BATCH + 1)]))
    for _ in range(steps):
        next(going)
    going.close()
    assert lies_in(project) == before


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_one_sentence(project, monkeypatch, number):
    before = lies_in(project)
    calls = []

    def full(_):
        calls.append(1)
        if len(calls) > 3:
            raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DatasetError, match="disk is full, so nothing was changed; make room"):
        taken(project, from_files("dogs", [(f"{n}.png", png(n)) for n in range(10, 20)]))
    assert lies_in(project) == before


def test_a_disk_that_fills_while_files_get_their_place_is_one_sentence(project, monkeypatch):
    before = project.snapshot()
    replace = os.replace

    def full(source, target):
        if "pictures" in str(target):
            raise OSError(errno.ENOSPC, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(DatasetError, match="disk is full"):
        add(project, "dogs", 7)
    monkeypatch.undo()
    assert project.snapshot() == before
    assert project.undoable == "Added 2 pictures"
    assert add(project, "dogs", 7).added == 1


def test_a_full_workspace_says_how_full(workspace, project):
    small = Workspace(workspace.folder, limit=workspace.size() + 3000).open(project.id)
    before = lies_in(small)
    with pytest.raises(DatasetError, match=r"take \S+ kB and at least \S+ kB more .* limit for all together is \S+ kB"):
        add(small, "dogs", 7, 8, 9)
    assert lies_in(small) == before
    assert add(small, "dogs", 7).added == 1


@contextmanager
def uploaded(project, *numbers):
    """Pictures as uploads that wait on the disk: what is taken of them, and their folder."""
    with project.receiving() as spool:
        paths = [(f"{number}.png", spool / str(number)) for number in numbers]
        for number, (_, path) in zip(numbers, paths, strict=True):
            path.write_bytes(encode_png(picture(number)))
        yield from_files("dogs", paths), spool


def test_an_upload_takes_room_once_and_what_it_takes_is_told_as_it_is(workspace, project):
    before, one = workspace.size(), len(encode_png(picture(7)))
    room = Workspace(workspace.folder, limit=before + one + one // 2).open(project.id)
    with uploaded(room, 7) as (incoming, spool):
        waiting = workspace.size()
        steps = take(room, incoming, spool)
        next(steps)
        assert workspace.size() - waiting < 1000, "on its way in it is no second file"
        assert room.info().size < before + 1000, "what is on its way in is not in"
        *_, last = steps
    assert last.added == 1
    [taken] = [each for each in room.pictures() if each.name == "7.png"]
    assert fingerprint(room.load(taken)) == taken.key, "it stays where its upload is gone"
    after = workspace.size()
    told = rf"^The projects take {re.escape(sized(after))} and at least \S+ kB more"
    with uploaded(room, 8, 9) as (incoming, spool), pytest.raises(DatasetError, match=told):
        list(take(room, incoming, spool))
    assert workspace.size() == after


def test_a_file_of_somebody_else_is_copied(tmp_path, project):
    (tmp_path / "dogs").mkdir()
    path = tmp_path / "dogs" / "7.png"
    path.write_bytes(encode_png(picture(7)))
    with project.receiving() as spool:
        list(take(project, from_folder(tmp_path / "dogs"), spool))
    assert path.stat().st_nlink == 1


def test_limits_of_pictures_and_classes(project, monkeypatch):
    before = lies_in(project)
    with pytest.raises(DatasetError, match="301 classes; at most 300"):
        taken(project, [Incoming(f"class {n}", f"{n}.png", lambda n=n: png(n)) for n in range(10, 310)])
    monkeypatch.setattr(archive, "MAX_PICTURES", 3)
    with pytest.raises(DatasetError, match="4 pictures; at most 3"):
        add(project, "cats", 7, 8)
    assert lies_in(project) == before


def test_a_project_that_is_deleted_meanwhile(workspace, project):
    going = take(project, from_files("dogs", [(f"{n}.png", png(n)) for n in range(10, 10 + 2 * BATCH)]))
    next(going)
    workspace.delete(project.id)
    with pytest.raises(DatasetError, match="not there any more"):
        list(going)
    assert workspace.projects(ME) == []


def test_a_killed_intake_leaves_what_was_there(workspace, project):
    before = project.snapshot()
    code = """
    folder, project_id = sys.argv[1:]
    project = Workspace(folder).open(project_id)
    files = [(f"{number}.png", encode_png(picture(number))) for number in range(10, 200)]
    steps = take(project, from_files("dogs", files))
    print(next(steps).done, flush=True)
    sys.stdin.readline()
    """
    process = in_another_process(code, workspace.folder, project.id)
    assert process.stdout.readline() == f"{BATCH}\n"
    [staged] = (project.folder / "incoming").iterdir()
    project.tidy()
    assert (
        len([file for file in staged.iterdir() if not file.name.startswith(".")]) == BATCH
    )  # it goes on: nothing is taken from it
    process.send_signal(signal.SIGKILL)
    process.communicate()
    again = workspace.open(project.id)
    assert again.snapshot() == before
    assert again.undoable == "Added 2 pictures"
    assert again.lost() == []
    again.tidy()
    assert list((project.folder / "incoming").iterdir()) == []
    told = "The server ended while 190 pictures of “dogs” came in: none of them is in the project. Bring them in again."
    again.tidy()
    assert again.lost() == [told]
    assert add(again, "dogs", 10).added == 1
    again.tidy()
    assert again.lost() == [told], "until all have come"
    assert add(again, "birds", *range(300, 303)).added == 3
    assert again.lost() == [told], "which others are not"
    again.come({"dogs": 188, "cats": 9})
    assert again.lost() == [told]
    assert add(again, "dogs", 10).copies == 1
    assert again.lost() == [], "they are in: one of them was"


def test_what_was_lost_of_several_classes_goes_with_the_last_of_them_or_once_it_is_read(project):
    lost.note(project.folder, "Lost: “cats”,\n and “dogs”.", {"cats": 2, "dogs": 1})
    (project.folder / "lost.txt").open("a").write("A sentence of an older version.\n")
    assert project.lost() == ["Lost: “cats”, and “dogs”.", "A sentence of an older version."]
    add(project, "cats", 30, 31)
    assert project.lost() == ["Lost: “cats”, and “dogs”."]
    add(project, "dogs", 32)
    assert project.lost() == []
    lost.note(project.folder, "Lost.", {"cats": 5})
    project.forget_lost()
    assert project.lost() == []


def test_an_intake_that_is_killed_while_files_get_their_place_leaves_what_was_there(workspace, project):
    before, files = project.snapshot(), files_of(project)
    code = """
    folder, project_id = sys.argv[1:]
    replace, placed = os.replace, []
    def dying(source, target):
        replace(source, target)
        placed.append(target)
        if sum("pictures" in str(each) for each in placed) == 3:
            os.kill(os.getpid(), signal.SIGKILL)
    os.replace = dying
    add(Workspace(folder).open(project_id), "dogs", *range(10, 20))
    """
    process = in_another_process(code, workspace.folder, project.id)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    again = workspace.open(project.id)
    assert again.snapshot() == before
    assert len(files_of(again)) == len(files) + 3
    again.tidy()
    assert files_of(again) == files
    assert again.lost()[0].startswith("The server ended while 10 pictures of “dogs” came in")
    assert add(again, "dogs", *range(10, 20)).added == 10


def test_an_intake_that_is_killed_once_all_is_in_lost_nothing(workspace, project):
    code = """
    import shutil
    folder, project_id = sys.argv[1:]
    shutil.rmtree = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
    add(Workspace(folder).open(project_id), "dogs", 7)
    """
    process = in_another_process(code, workspace.folder, project.id)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert list((project.folder / "incoming").iterdir())
    project.tidy()
    assert (len(project.keys()), project.lost()) == (3, [])


def test_of_copies_it_is_told_where_the_originals_are(project):
    def of(class_name, *numbers):
        return from_files(class_name, [(f"{number}.png", encode_png(picture(number))) for number in numbers])

    add(project, "dogs", 3)
    came = [*of("dogs", 1, 3, 4, 4), *of("Cats", 2)]
    last = taken(project, came)[-1]
    assert (last.added, last.copies) == (1, 4)
    assert last.told == (
        "The originals of the exact copies: 1 in “cats”, brought as “dogs”; 2 in “dogs”; 1 in “cats”.",
    )


def test_of_what_came_as_several_classes_nothing_is_taken_and_what_is_there_stays(project):
    before = project.snapshot()

    def of(class_name, *numbers):
        return from_files(class_name, [(f"{number}.png", encode_png(picture(number))) for number in numbers])

    assert len(before[1]) == 2  # 1 and 2, cats
    last = taken(project, [*of("dogs", 1, 3, 3, 4), *of("cats", 1, 3), *of("Dogs", 4), *of("pets", 3)])[-1]
    assert (last.added, last.copies) == (1, 3)
    assert last.told == (
        "The originals of the exact copies: 1 in “cats”, brought as “dogs”; 1 in “cats”; 1 in “dogs”.",
        "1 picture is in several classes, the same in each, and is left out of all: dogs/3.png = cats/3.png = "
        "pets/3.png. Leave each in one class.",
        "1 class has no picture of its own, and is left out: pets.",
    )
    classes, pictures = project.snapshot()
    assert [(each.name, each.count) for each in classes] == [("cats", 2), ("dogs", 1)]
    assert pictures[:2] == before[1]
    assert len(files_of(project)) == 3
    last = taken(project, [*of("dogs", 5), *of("cats", 5)])[-1]
    assert (last.added, last.copies, project.snapshot()) == (0, 0, (classes, pictures))
    project.undo()
    assert project.snapshot()[1] == before[1]


def test_two_tabs_bring_the_same_pictures_at_once(workspace, project):
    barrier = threading.Barrier(2, timeout=60)

    def bring(_):
        steps = take(workspace.open(project.id), from_files("dogs", [(f"{n}.png", png(n)) for n in range(10, 40)]))
        next(steps)
        barrier.wait()  # both have looked, neither has taken
        return list(steps)[-1]

    with ThreadPoolExecutor(2) as pool:
        told = list(pool.map(bring, range(2)))
    assert sorted((each.added, each.copies) for each in told) == [(0, 30), (30, 0)]
    assert len(project.snapshot()[1]) == 32


# Memory --------------------------------------------------------------------------------------------------------------


def test_memory_does_not_grow_with_the_number_of_pictures(project, monkeypatch):
    living, most, guard = set(), [0], threading.Lock()
    load = intake.load_image

    def counted(data):
        image = load(data)
        with guard:
            living.add(id(image))
            weakref.finalize(image, living.discard, id(image))
            most[0] = max(most[0], len(living))
        return image

    def made(number):
        grey = np.full((700, 1000, 3), 90, np.uint8)  # 2.1 MB decoded, 10 kB as a JPEG
        grey[:16, : 16 * number] = 10
        return encode_jpeg(grey)

    monkeypatch.setattr(intake, "load_image", counted)
    tracemalloc.start()
    *_, last = taken(project, (Incoming("cats", f"{n}.jpg", partial(made, n)) for n in range(1, 62)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert last.added == 61
    assert 1 <= most[0] <= DECODERS
    assert peak < 10e6 * DECODERS  # all of them: 128 MB


def test_a_zip_is_not_unpacked_before_its_turn(project, tmp_path):
    path = tmp_path / "large.zip"
    with zipfile.ZipFile(path, "w") as file:
        for number in range(60):
            file.writestr(f"cats/{number}.png", encode_png(picture(number + 10, side=500)))  # 0.75 MB each
    assert path.stat().st_size > 40e6
    tracemalloc.start()
    incoming = from_zip(path)
    assert tracemalloc.get_traced_memory()[1] < 1e6
    *_, last = taken(project, incoming)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert last.added == 60
    assert peak < 30e6


# Zips that are none of ours ------------------------------------------------------------------------------------------

ANIMALS = {"cats/1.png": png(11), "dogs/2.png": png(12)}


@pytest.mark.parametrize(
    "data",
    [
        b"PK",
        packed({}),
        packed({**ANIMALS, "../evil.png": png(3)}),
        packed({**ANIMALS, "C:/evil.png": png(3)}),
        packed({**ANIMALS, "..\\evil.png": png(3)}),
        patched(packed(ANIMALS), 6, 8, "<H", 1),
        packed(ANIMALS, zipfile.ZIP_LZMA),
        packed({f"{number}/1.png": b"" for number in range(10_000)}),
        packed({f"cats/{number}.png": b"" for number in range(5001)}),
    ],
    ids=["none", "empty", "..", "drive", "backslash", "encrypted", "lzma", "folders", "pictures"],
)
def test_a_zip_is_refused_by_the_same_sentences(data):
    with pytest.raises(DatasetError) as expected:
        LabelledImages.from_zip(data)
    with pytest.raises(DatasetError) as caught:
        from_zip(data)
    assert str(caught.value) == str(expected.value)


def test_a_bomb_with_a_lying_header_is_one_problem_among_pictures(project):
    bomb = patched(packed({"cats/0.png": bytes(MAX_BYTES + 1), **ANIMALS}, zipfile.ZIP_DEFLATED), 22, 24, "<I", 1000)
    *_, last = taken(project, from_zip(bomb))
    assert last.added == 2
    assert "“cats/0.png” is damaged in the zip" in last.problems[0]


def test_a_picture_that_is_too_large_is_one_problem_among_five_hundred(project, monkeypatch):
    monkeypatch.setattr(archive, "MAX_UNPACKED_BYTES", 10**6)
    huge = {"cats/0.png": bytes(MAX_BYTES + 1)}
    *_, last = taken(project, from_zip(packed({**huge, **ANIMALS}, zipfile.ZIP_DEFLATED)))
    assert (last.done, last.added) == (3, 2)
    assert last.problems == ("“cats/0.png” has 21 MB; at most 20 MB a picture is taken.",)


def test_blank_folders_and_backslashes_come_in_by_every_door(workspace, tmp_path):
    names = [" /1.png", "set\\dogs\\2.png", "set/dogs/3.png"]
    files = {name: png(number) for number, name in enumerate(names, 40)}
    for name, data in files.items():
        (tmp_path / "here" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "here" / name).write_bytes(data)
    browser = [(f"here/{name}", tmp_path / "here" / name) for name in names]
    for came in (from_zip(packed(files)), from_folder(tmp_path / "here"), from_browser(browser)):
        project = workspace.create("Odd", ME)
        *_, last = taken(project, came)
        assert ({each.name: each.count for each in project.classes()}, last.told) == ({"unnamed": 1, "set": 2}, ())


def test_a_hundred_and_one_classes_come_in(project):
    names = [f"food {number}" for number in range(101)]
    *_, last = taken(project, from_zip(packed({f"{name}/{n}.png": png(n) for n, name in enumerate(names, 50)})))
    assert (last.added, len(project.classes())) == (101, 102)


def test_a_plain_zip_comes_in_from_wherever_it_is(project, tmp_path):
    data = packed({f"mydata/{name}": content for name, content in ANIMALS.items()})
    (tmp_path / "a.zip").write_bytes(data)
    for source in (data, tmp_path / "a.zip", io.BytesIO(data)):
        *_, last = taken(project, from_zip(source))
        assert last.added == 2
        project.undo()


# Groups --------------------------------------------------------------------------------------------------------------


def test_pictures_of_one_scene_share_a_group(project):
    scene, other = photograph(1), photograph(2)
    burst = [scene, scene[2:, 2:], np.clip(scene.astype(int) + 20, 0, 255).astype(np.uint8), scene[:, ::-1].copy()]
    files = [(f"{n}.png", encode_png(image)) for n, image in enumerate([*burst, other])]
    *_, last = taken(project, from_files("scene", files))
    assert (last.added, last.near) == (5, 4)
    groups = {each.name: each.group for each in project.pictures(class_id(project, "scene"))}
    assert len({groups[f"{n}.png"] for n in range(4)}) == 1
    assert groups["4.png"] not in {groups[f"{n}.png"] for n in range(4)}
    # A later one joins what is there, and undo parts them again.
    before = project.snapshot()
    *_, last = taken(project, from_files("later", [("5.jpg", encode_jpeg(scene, 60))]))
    assert last.near == 1
    assert project.pictures()[-1].group == groups["0.png"]
    project.undo()
    assert project.snapshot() == before


def test_a_picture_between_two_groups_joins_them(project):
    scene = photograph(3)
    tilted = [np.asarray(PILImage.fromarray(scene).rotate(angle, PILImage.Resampling.BICUBIC)) for angle in (0, 2, 4)]
    files = [(f"{n}.png", encode_png(image)) for n, image in enumerate(tilted)]
    taken(project, from_files("a", [files[0], files[2]]))
    apart = {each.name: each.group for each in project.pictures(class_id(project, "a"))}
    assert apart["0.png"] != apart["2.png"]
    taken(project, from_files("a", [files[1]]))
    together = {each.group for each in project.pictures(class_id(project, "a"))}
    assert together == {min(apart.values())}


def test_what_is_stated_is_believed(project):
    noise = [(f"{n}.png", png(n)) for n in range(20, 26)]
    taken(project, from_files("burst", noise, group="burst of 12:00"))
    assert len({each.group for each in project.pictures(class_id(project, "burst"))}) == 1
    alike = LabelledImages.from_arrays({"a": [photograph(5), photograph(5)[1:]], "b": [photograph(6)]})
    assert len(set(alike.groups.tolist())) == 2
    alike = replace(alike, groups=np.arange(3))
    taken(project, from_labelled(alike))  # a set that says that they are apart, however alike they look
    assert len({each.group for each in project.pictures()[-3:]}) == 3
    assert [each.name for each in project.pictures()[-3:]] == ["a 1.png", "a 2.png", "b 1.png"]


def test_a_burst_never_straddles_a_split(project):
    rng = np.random.default_rng(0)
    for name, seed in (("cats", 50), ("dogs", 60)):
        for scene in range(4):
            frames = [np.clip(photograph(seed + scene) + rng.normal(0, 5, (160, 160, 3)), 0, 255) for _ in range(3)]
            files = [(f"{scene} {n}.png", encode_png(frame.astype(np.uint8))) for n, frame in enumerate(frames)]
            taken(project, from_files(name, files))
    data, _ = project.labelled()
    for seed in range(5):
        scenes = [
            {(name[0], label) for name, label in zip(part.names, part.labels, strict=True) if " " in name}
            for part in data.split(0.25, seed)
        ]
        assert len(scenes[0] | scenes[1]) == 8
        assert not scenes[0] & scenes[1]


# Out and in again ----------------------------------------------------------------------------------------------------


def exported(project):
    file = io.BytesIO()
    steps = list(export_zip(project, file))
    assert [step.done for step in steps] == list(range(1, len(project.snapshot()[1]) + 1))
    return file.getvalue()


def test_out_and_in_again(workspace, project):
    taken(
        project, from_files("zebras", [("a.png", encode_png(photograph(1))), ("a.png", encode_png(photograph(1)[1:]))])
    )
    add(project, "dogs", 5)
    project.enable_class(class_id(project, "dogs"), False)
    data = exported(project)
    again = workspace.create("Again", ME)
    *_, last = taken(again, from_zip(data))
    assert (last.added, last.problems) == (5, ())
    for (classes, pictures), (classes2, pictures2) in [(project.snapshot(), again.snapshot())]:
        assert [(c.name, c.enabled, c.count) for c in classes] == [(c.name, c.enabled, c.count) for c in classes2]
        of, of2 = ({c.id: c.name for c in each} for each in (classes, classes2))
        assert sorted((p.name, of[p.class_id], p.digest) for p in pictures) == sorted(
            (p.name, of2[p.class_id], p.digest) for p in pictures2
        )
        groups = [
            {frozenset(p.digest for p in each if p.group == g.group) for g in each} for each in (pictures, pictures2)
        ]
        assert groups[0] == groups[1]
        assert len(groups[0]) == 4
    manifest = json.loads(zipfile.ZipFile(io.BytesIO(data)).read("manifest.json"))
    assert manifest["format"] == "visionlab-data-1"
    assert manifest["project"] == "Pets"
    assert manifest["classes"][-1] == {"name": "dogs", "enabled": False}
    assert {"file": "zebras/a-2.png", "class": "zebras", "name": "a.png"}.items() <= manifest["pictures"][3].items()
    # To others it is a zip of folders.
    assert LabelledImages.from_zip(data).counts() == {"cats": 2, "dogs": 1, "zebras": 2}


@pytest.mark.parametrize("inside", [False, True])
def test_a_zip_that_the_app_wrote_is_learned_from_as_the_project_is(project, inside):
    project.rename_class(class_id(project, "cats"), "cats: ../mine")
    shifted = [("a.png", encode_png(photograph(1))), ("b.png", encode_png(photograph(1)[1:]))]
    taken(project, from_files("zebras", shifted))
    add(project, "dogs", 5)
    project.enable_class(class_id(project, "dogs"), False)
    data = exported(project)
    if inside:  # of a package, in a folder that a person put around it
        data = packed({"mine/head.safetensors": b"not looked at", "mine/pictures.zip": data})
    found, (expected, _) = labelled_zip(data), project.labelled()
    assert found.classes == expected.classes == ("cats: ../mine", "zebras")
    assert (found.names, found.keys) == (expected.names, expected.keys)
    np.testing.assert_array_equal(found.labels, expected.labels)
    same = [each.groups[:, None] == each.groups for each in (found, expected)]
    np.testing.assert_array_equal(*same)
    assert same[0].sum() == 6, "two of the four are of one group"
    np.testing.assert_array_equal(found.images[3], photograph(1)[1:])


@pytest.mark.parametrize("first", [0, 1])
def test_a_crop_joins_the_group_of_its_picture_whichever_came_first(workspace, first):
    image = photographs.chelsea()
    files = [(f"{n}.png", encode_png(each.copy())) for n, each in enumerate((image, image[15:, :-22]))]
    project = workspace.create("Cats", ME)
    taken(project, from_files("cats", [files[first]]))
    project.remove([project.pictures()[0].id])
    project.undo()  # what is known of its looks is no part of an edit
    *_, last = taken(project, from_files("cats", [files[1 - first]]))
    assert last.near == 1
    assert len({each.group for each in project.pictures()}) == 1
    with closing(sqlite3.connect(project.folder / "project.sqlite")) as db:
        db.execute("DELETE FROM looks")  # as of pictures that an older version took in
        db.commit()
    *_, last = taken(project, from_files("cats", [("2.png", encode_png(image[:, :-16].copy()))]))
    assert len({each.group for each in project.pictures()}) == 1


def test_near_copies_and_what_is_stated_share_a_group():
    data, other = picture(1), picture(2)
    burst = from_files("b", [("3.png", encode_png(other)), ("4.png", encode_png(picture(3)))], group="burst")
    near = [(f"{number}.png", encode_png(each // 2 + number)) for number, each in {1: data, 2: data, 5: other}.items()]
    found = labelled([*from_files("a", near[:2]), *burst, *from_files("b", near[2:])])
    assert found.names == ("1.png", "2.png", "3.png", "4.png", "5.png")
    assert found.groups.tolist() == [0, 0, 2, 2, 2], "a group goes by its first picture"


def test_a_copy_of_a_frame_of_a_burst_is_left_out_as_of_a_project(project):
    frames = [(f"{number}.png", encode_png(picture(number))) for number in (11, 12)]
    came = [*from_files("b", frames, group="burst"), *from_files("b", [("copy.png", frames[0][1])])]
    came += from_files("cats", [("3.png", encode_png(picture(13)))])
    last = taken(project, came)[-1]
    found, (theirs, _) = labelled(came), project.labelled()
    assert found.names == ("11.png", "12.png", "3.png")
    assert found.told == (f"{copies_left_out(last.copies)}.", *last.told)
    assert len({*found.groups[:2].tolist()}) == len({*theirs.groups[np.array(theirs.labels) == 1].tolist()}) == 1


def test_a_picture_that_cannot_be_read_is_left_out_and_named_by_every_door(workspace, tmp_path):
    files = {"a/1.png": png(), "a/2.png": b"x", "b/1.png": png(1), "b/2.heic": b"\0\0\0\x18ftypheic", "c/1.jpg": b""}
    data = packed(files)
    *_, last = taken(workspace.create("Zip", ME), from_zip(data))
    assert len(last.problems) == 3
    for found in (labelled(from_zip(data)), labelled_zip(data), LabelledImages.from_zip(data)):
        assert found.problems == last.problems
        assert found.counts() == {"a": 1, "b": 1}


def test_a_zip_of_no_classes_is_refused():
    with pytest.raises(DatasetError, match="no class folders"):
        labelled_zip(packed({"head.safetensors": b"", "predict.py": b""}))


def test_hostile_names_are_harmless_outside_and_come_back(workspace, project, tmp_path):
    names = ["../up", "a/b", "a:b", "CON", "__MACOSX", ".hidden", "Ä" * 300, "trailing. ", "x\x00y", "manifest.json"]
    incoming = [
        Incoming(name, f"../{name}", lambda number=number: png(number)) for number, name in enumerate(names, 30)
    ]
    taken(project, incoming)
    data = exported(project)
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        for name in file.namelist():
            assert (tmp_path / "out" / name).resolve().is_relative_to(tmp_path / "out")
        file.extractall(tmp_path / "out")
    counts = LabelledImages.from_folder(tmp_path / "out").counts()
    assert sorted(counts.values()) == [1] * len(names) + [2]  # one in each hostile class, and two cats
    again = workspace.create("Again", ME)
    taken(again, from_zip(data))
    assert state(again) == state(project)


def test_a_name_without_an_ending_gets_that_of_its_format(project):
    buffers = {}
    for form in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"):
        PILImage.fromarray(photograph(ord(form[0]), 40)).save(buffers.setdefault(form, io.BytesIO()), form)
    taken(project, from_files("all", [(f"frame {form}", data.getvalue()) for form, data in buffers.items()]))
    with zipfile.ZipFile(io.BytesIO(exported(project))) as file:
        found = sorted(name.split(".")[-1] for name in file.namelist() if name.startswith("all/"))
        assert found == ["bmp", "gif", "jpg", "png", "tif", "webp"]


def test_a_picture_that_was_put_into_the_zip_since_is_taken_by_its_folder(workspace, project):
    data = io.BytesIO(exported(project))
    with zipfile.ZipFile(data, "a") as file:
        file.writestr("birds/3.png", png(3))
    again = workspace.create("Again", ME)
    taken(again, from_zip(data))
    assert state(again)[1] == {"1.png": "cats", "2.png": "cats", "3.png": "birds"}


def test_a_mac_that_packs_the_zip_anew_changes_no_name(workspace, project):
    taken(project, [Incoming("B\u00e4ume", "gr\u00f6\u00dfe.png", lambda: png(9))])
    with zipfile.ZipFile(io.BytesIO(exported(project))) as file:
        spelt = packed({unicodedata.normalize("NFD", name): file.read(name) for name in file.namelist()})
    again = workspace.create("Again", ME)
    taken(again, from_zip(spelt))
    assert state(again) == state(project)


def test_parts_are_bounded_hold_everything_once_and_cut_no_group_that_fits(workspace, project):
    taken(
        project, from_files("a", [(f"{n}.png", encode_png(picture(n, 20 + n))) for n in range(10, 20)], group="burst")
    )
    add(project, "b", *range(30, 50))
    pictures = project.snapshot()[1]
    burst = [each.id for each in pictures if each.name == "10.png" or each.group == pictures[2].group]
    most = sum(each.bytes for each in pictures if each.id in burst) + 1
    found = parts(pictures, most)
    assert sorted(each.id for part in found for each in part) == [each.id for each in pictures]
    assert all(sum(each.bytes for each in part) <= most for part in found)
    assert sum(set(burst) <= {each.id for each in part} for part in found) == 1
    small = parts(pictures, max(each.bytes for each in pictures))
    assert all(sum(each.bytes for each in part) <= max(each.bytes for each in pictures) for part in small)
    again = workspace.create("Again", ME)
    for part in found:
        file = io.BytesIO()
        steps = list(export_zip(project, file, {each.id for each in part}))
        assert steps[-1].done == steps[-1].total == len(part)
        taken(again, from_zip(file))
    assert state(again)[1] == state(project)[1]


def test_an_export_that_is_not_awaited_leaves_no_file(project, tmp_path):
    going = export_zip(project, tmp_path / "out.zip")
    next(going)
    going.close()
    assert [entry.name for entry in tmp_path.iterdir()] == ["projects"]
    list(export_zip(project, tmp_path / "out.zip"))
    assert len(from_zip(tmp_path / "out.zip")) == 2
    with pytest.raises(DatasetError, match=r"cannot be written .No such file or directory"):
        list(export_zip(project, tmp_path / "nowhere" / "out.zip"))
    project.path(project.pictures()[0].digest).unlink()
    with pytest.raises(DatasetError, match=r"“1\.png” is not in the project any more"):
        list(export_zip(project, tmp_path / "other.zip"))
    assert not (tmp_path / "other.zip").exists()


GOOD = {"format": "visionlab-data-1", "project": "x", "classes": [{"name": "cats", "enabled": True}], "pictures": []}
LISTED = {"file": "cats/1.png", "class": "cats", "name": "1.png", "digest": "", "group": 1}


@pytest.mark.parametrize(
    ("manifest", "told"),
    [
        (b"\xff", "none of visionlab’s"),
        (b"[]", "none of visionlab’s"),
        (b"[" * 100_000, "none of visionlab’s"),
        (b"{}", '"format" is missing or unknown'),
        ({**GOOD, "format": "other-3"}, 'its format is "other-3", not "visionlab-data-1"'),
        ({**GOOD, "classes": None}, r"\(it is laid out in another way\)"),
        ({**GOOD, "pictures": [{**LISTED, "class": "dogs"}]}, '"dogs" is missing or unknown'),
        ({**GOOD, "pictures": [{**LISTED, "name": 3}]}, "3 is no text"),
        ({**GOOD, "pictures": [{**LISTED, "group": "x"}]}, 'a group is a number, not "x"'),
        ({**GOOD, "pictures": [{**LISTED, "file": "cats/9.png"}]}, "names “cats/9.png”, which is not in the zip"),
        ({**GOOD, "pictures": [{**LISTED, "file": "../../etc/passwd"}]}, "which is not in the zip"),
    ],
)
def test_a_manifest_of_another_shape_is_told(manifest, told):
    data = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
    with pytest.raises(DatasetError, match=told):
        from_zip(packed({**ANIMALS, "manifest.json": data}))
