"""The studio's projects and pictures: what comes in, what is done to it, what is undone, and what is refused."""

import io
import json
import os
import threading
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Radio, Selectbox
from zipped import unmarked

from visionlab import limits
from visionlab.errors import DatasetError, ParameterError
from visionlab.imaging.image import MAX_BYTES, encode_png
from visionlab.learning.projects.intake import Intake
from visionlab.learning.projects.project import PAGE, Project
from visionlab.learning.projects.workspace import Workspace
from visionlab.learning.sets.dataset import LabelledImages
from visionlab.learning.sets.ready_made import READY_MADE
from visionlab.ui.shared import jobs, visitor
from visionlab.ui.shared.components.burst import Batch
from visionlab.ui.shared.server.pages import PAGES
from visionlab.ui.shared.visitor import COOKIE
from visionlab.ui.shared.widgets import plain
from visionlab.ui.studio import projects
from visionlab.ui.studio.classes import training
from visionlab.ui.studio.pictures import arrivals, as_zip, gallery, intake
from visionlab.ui.studio.pictures import step as pictures
from visionlab.ui.studio.pictures.arrivals import told as outcome
from visionlab.wording import sized_apart

BEGIN = "Or name your classes, with commas."  # where there is no project
HOSTILE = "![x](http://elsewhere.io/x) **b** :red[c] $d$ `e` <i>f</i>"


def noisy(kind: int, seed: int) -> bytes:
    rows, columns = np.mgrid[:64, :64]
    wave = (np.sin(rows / 2), np.sin(columns / 2), np.sin(rows / 5))[kind] * 60
    picture = 128 + wave[..., None] + np.random.default_rng(seed).normal(0, 60, (64, 64, 3))
    return encode_png(picture.clip(0, 255).astype(np.uint8))


def files(kind: int, count: int) -> list[tuple[str, bytes, str]]:
    return [(f"{kind}-{i}.png", noisy(kind, 1000 * kind + i), "image/png") for i in range(count)]


def zipped(entries: dict[str, bytes], name: str = "set.zip") -> tuple[str, bytes, str]:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, data in entries.items():
            archive.writestr(path, data)
    return name, buffer.getvalue(), "application/zip"


def shown(app: AppTest) -> str:
    """All text that a person reads."""
    return "\n".join(each.value for kind in (app.text, app.markdown, app.caption) for each in kind)


def button(app: AppTest, label: str):
    return next(each for each in app.button if each.label == label)


def uploader(app: AppTest, label: str):
    return next(each for each in app.file_uploader if each.label == label)


@pytest.fixture(autouse=True)
def registry(monkeypatch) -> jobs.Registry:
    """A registry that the test can look into: AppTest keeps its own caches."""
    known = jobs.Registry()
    monkeypatch.setattr(jobs, "registry", lambda: known)
    return known


@pytest.fixture
def finish(registry):
    """Wait until what comes in is in, then look again."""

    def go(app: AppTest) -> AppTest:
        for job in list(registry._jobs.values()):
            assert job.wait(60)
        app.run()
        assert not app.exception
        return app

    return go


def project_of(app: AppTest) -> Project:
    return Workspace().open(app.query_params["project"])


def counts(app: AppTest) -> dict[str, int]:
    return {each.name: each.count for each in project_of(app).classes()}


def named(app: AppTest, *names: str) -> AppTest:
    """A project whose first classes have these names, at the step Pictures."""
    app.text_input(key="new-class").set_value(", ".join(names))
    button(app, "Add the classes").click().run()
    return at_pictures(app)


def at_pictures(app: AppTest) -> AppTest:
    app.segmented_control(key="step").set_value("Pictures").run()
    assert not app.exception
    return app


def look_at(app: AppTest, name: str) -> None:
    ids = {each.name: each.id for each in project_of(app).classes()}
    app.radio(key="class").set_value(ids[name]).run()


@pytest.fixture
def studio(open_page, finish) -> AppTest:
    """A project with eight pictures of cats and six of dogs."""
    app = named(open_page("Fine-tune"), "cats", "dogs")
    for kind, (name, count) in enumerate({"cats": 8, "dogs": 6}.items()):
        look_at(app, name)
        uploader(app, "Pictures").set_value(files(kind, count)).run()
        finish(app)
    assert counts(app) == {"cats": 8, "dogs": 6}
    return app


@pytest.fixture
def acts(monkeypatch) -> dict:
    """What the gallery was mounted with last: tiles, and what it calls."""
    mounted = {}
    monkeypatch.setattr(gallery, "gallery", lambda tiles, **rest: mounted.update(rest, tiles=tiles))
    return mounted


# --- beginning ------------------------------------------------------------------------------------------------------


def test_nothing_is_made_before_something_is_added(open_page, workspace_folder):
    app = open_page("Fine-tune")
    assert BEGIN in shown(app)
    assert not workspace_folder.exists()
    assert "project" not in app.query_params
    assert [each.label for each in app.selectbox] == ["Set"]
    assert [each.value for each in app.text_input][:2] == ["Class 1", "Class 2"]


def test_from_two_names_to_what_can_be_trained(open_page, finish):
    app = named(open_page("Fine-tune"), "cats", " ")
    assert counts(app) == {"cats": 0}
    assert "Another class is needed" in shown(app)
    app.text_input(key="new-class").set_value("dogs")
    next(each for each in app.button if each.form_id == "add-class").click().run()
    assert counts(app) == {"cats": 0, "dogs": 0}
    assert app.radio(key="class").value == project_of(app).classes()[1].id, "what was added is looked at"
    assert "“cats”, “dogs”: two pictures or more" in shown(app)
    uploader(app, "Pictures").set_value(files(1, 3)).run()
    finish(app)
    assert "3 pictures added." in shown(app)
    assert "“cats”: two pictures or more" in shown(app)
    look_at(app, "cats")
    uploader(app, "Pictures").set_value(files(0, 2)).run()
    finish(app)
    assert "5 pictures · 2 classes" in shown(app)
    app.button(key="to-training").click().run()
    assert not app.exception
    assert app.session_state["step"] == "Train"


def test_what_comes_in_parts_is_told_as_one_and_no_longer_than_until_the_next_is_done(studio, finish, monkeypatch):
    def bring(name: str, found: list) -> None:
        look_at(studio, name)
        uploader(studio, "Pictures").set_value(found).run()
        finish(studio)

    monkeypatch.setattr(intake, "PAUSE", 0.0)
    bring("cats", files(0, 11)[8:])
    assert "3 pictures added." in shown(studio)
    monkeypatch.setattr(intake, "PAUSE", 60.0)
    bring("cats", files(0, 12)[11:])
    assert "4 pictures added." in shown(studio)
    bring("dogs", files(1, 8)[6:])
    assert "2 pictures added." in shown(studio), "that is another drop"
    project_of(studio).remove([project_of(studio).pictures()[0].id])
    studio.run()
    assert "added" not in shown(studio)
    monkeypatch.setattr(intake, "PAUSE", 0.0)
    bring("cats", files(0, 13)[12:])
    assert "1 picture added." in shown(studio)


def test_a_ready_made_set_is_a_project(open_page, finish):
    app = open_page("Fine-tune")
    app.button(key="use-ready-made").click().run()
    finish(app)
    assert counts(app) == {"brick": 24, "grass": 24, "gravel": 24}
    assert projects.info_of(project_of(app)).name == "Textures"
    assert "72 pictures added" in shown(app)


def test_a_zip_is_a_project_and_a_zip_that_the_app_wrote_comes_back_whole(open_page, finish, registry, studio):
    source = project_of(studio)
    source.enable_class(source.classes()[1].id, False)
    studio.run()
    studio.button(key="make-zip").click().run()
    finish(studio)
    ready = registry.about(f"zip of {source.id}").latest
    data = ready.read(0)
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        assert len(json.loads(packed.read("manifest.json"))["pictures"]) == 14
    assert any(each.label.startswith("Download the zip") for each in studio.get("download_button"))
    studio.selectbox(key="project-picker").set_value(projects.NEW).run()
    uploader(studio, "A zip").set_value(("my pets.zip", data, "application/zip")).run()
    finish(studio)
    again = project_of(studio)
    assert again.id != source.id
    assert projects.info_of(again).name == "my pets"
    assert [(each.name, each.count, each.enabled) for each in again.classes()] == [
        ("cats", 8, True),
        ("dogs", 6, False),
    ]
    names = [each.name for each in Workspace().projects(studio.session_state[COOKIE])]
    assert names == ["my pets", "cats and dogs"]


def test_of_a_zip_that_was_packed_with_a_head_the_pictures_come(open_page, finish):
    _, pictures, _ = zipped({"cats/1.png": noisy(0, 1), "cats/2.png": noisy(0, 2), "dogs/1.png": noisy(1, 1)})
    app = open_page("Fine-tune")
    uploader(app, "A zip").set_value(zipped({"head.safetensors": b"a head", "pictures.zip": pictures})).run()
    finish(app)
    assert counts(app) == {"cats": 2, "dogs": 1}


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ({"pets/cats/a.png": 0, "pets/cats/deep/b.png": 0, "pets/dogs/c.png": 1, "pets/loose.png": 1}, [2, 1]),
        ({"cats/a.png": 0, "cats/b.png": 0}, [2]),
        ({"../../etc/a.png": 0, "pets/cats/b.png": 0, "/pets/dogs/c.png": 1}, None),
    ],
)
def test_a_folder_brings_its_sub_folders_as_classes(open_page, finish, folder, expected):
    app = open_page("Fine-tune")
    found = [(name, noisy(kind, i), "image/png") for i, (name, kind) in enumerate(folder.items())]
    uploader(app, "A folder").set_value(found).run()
    finish(app)
    made = list(counts(app).values())
    assert made == expected if expected else sum(made) <= 3
    assert all(part not in "".join(counts(app)) for part in ("..", "/"))


def test_parts_of_a_set_are_joined_and_what_was_left_out_is_told(open_page, finish):
    app = open_page("Fine-tune")
    names = [f"pets/{part}/{kind}/{i}.png" for part in ("train", "val") for kind in ("ants", "bees") for i in range(2)]
    entries = {name: noisy(0, number) for number, name in enumerate(names)}
    uploader(app, "A zip").set_value(zipped(entries | {"LICENSE": b"MIT", "pets/loose.png": noisy(1, 1)})).run()
    finish(app)
    assert counts(app) == {"ants": 4, "bees": 4}
    assert {each.part for each in project_of(app).pictures()} == {"train", "validation"}
    assert "1 file is no picture, and is left out: LICENSE." in shown(app)
    assert "1 picture lies beside the class folders, and is left out: pets/loose.png." in shown(app)


def test_a_picture_in_several_classes_is_told_as_by_the_library_and_is_in_none(open_page, finish):
    app = open_page("Fine-tune")
    entries = {f"{kind}/{i}.png": noisy(n, i) for n, kind in enumerate(("ants", "bees")) for i in range(5)}
    packed = zipped(entries | {f"bees/wrong {i}.png": entries[f"ants/{i}.png"] for i in range(2)})
    uploader(app, "A zip").set_value(packed).run()
    finish(app)
    data = LabelledImages.from_zip(packed[1])
    assert counts(app) == data.counts() == {"ants": 3, "bees": 5}
    [told] = data.told
    assert told.startswith(
        "2 pictures are in several classes, the same in each, and are left out of all: ants/0.png = "
    )
    assert told in shown(app)
    assert "8 pictures added." in shown(app)


@pytest.mark.parametrize("door", ["A zip", "A folder", "path"])
@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("They are parts of the set", {"ants": 2, "bees": 2, "wasps": 1}),
        ("They are classes", {"train": 2, "val": 3}),
        ("Bring in nothing", None),
    ],
)
def test_where_it_is_not_clear_whether_folders_are_classes_it_is_asked(
    open_page, finish, tmp_path, monkeypatch, door, answer, expected
):
    monkeypatch.setattr(visitor, "at_the_server", lambda: True)
    app = open_page("Fine-tune")
    names = ["train/ants/0.png", "train/bees/1.png", "val/ants/2.png", "val/bees/3.png", "val/wasps/4.png"]
    entries = {name: noisy(0, number) for number, name in enumerate(names)}
    if door == "A zip":
        uploader(app, "A zip").set_value(zipped(entries)).run()
    elif door == "A folder":
        uploader(app, "A folder").set_value([(f"set/{n}", data, "image/png") for n, data in entries.items()]).run()
    else:
        for name, data in entries.items():
            (tmp_path / "set" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "set" / name).write_bytes(data)
        app.text_input(key="named-path").set_value(str(tmp_path / "set"))
        button(app, "Bring it in").click().run()
    finish(app)
    assert "“train” and “val” may be classes, or parts of the set" in shown(app)
    button(app, answer).click().run()
    finish(app)
    assert "may be classes" not in shown(app)
    if expected is None:
        assert BEGIN in shown(app) or "cannot be opened" in shown(app)
    else:
        assert counts(app) == expected


# --- what is refused ------------------------------------------------------------------------------------------------


def test_broken_and_repeated_pictures_are_told_and_left_out(studio, finish):
    good = files(0, 1)[0]
    look_at(studio, "cats")
    batch = [("bad.png", b"nothing", "image/png"), good, ("new.png", noisy(0, 77), "image/png")]
    uploader(studio, "Pictures").set_value(batch).run()
    finish(studio)
    assert "1 picture added, 1 exact copy left out." in shown(studio)
    assert "“cats/bad.png” cannot be read" in shown(studio)
    assert [each.label for each in studio.expander if "left out" in each.label] == ["1 file was left out"]
    studio.button(key="intake-seen").click().run()
    assert "1 picture added" not in shown(studio)
    assert "“cats/bad.png” cannot be read" in shown(studio), "the project keeps it"
    studio.button(key="left-out-seen").click().run()
    assert "bad.png" not in shown(studio)
    assert counts(studio)["cats"] == 9


@pytest.mark.parametrize("leaves", [False, True])
def test_what_was_left_out_is_told_in_every_session_until_it_is_read(open_page, new_app, finish, leaves):
    kept = {f"{kind}/{i}.png": noisy(n, i) for n, kind in enumerate(("ants", "bees")) for i in range(2)}
    heavy = b"\xff\xd8" + bytes(MAX_BYTES)
    others = {"ants/fat.jpg": heavy, "ants/odd.heic": b"\0\0\0\x18ftypheic", "bees/doc.pdf": b"%PDF-1.4"}
    app = open_page("Fine-tune")
    uploader(app, "A zip").set_value(zipped(kept | others)).run()
    project = project_of(app)
    if leaves:  # before it has ended, and another session comes
        app = new_app()
    finish(app)
    for step in ("Classes", "Pictures", "Judge", "Classes"):
        app.query_params.update(project=project.id, step=step)
        app.switch_page(PAGES["Fine-tune"].script).run()
        assert not app.exception
        for told in ("“ants/fat.jpg” has", "“ants/odd.heic” cannot be read", "is left out: bees/doc.pdf."):
            assert told in shown(app), step
    assert [each.label for each in app.expander if "left out" in each.label] == ["2 files were left out"]
    app.button(key="left-out-seen").click().run()
    for each in (app, new_app()):
        each.query_params.update(project=project.id)
        each.switch_page(PAGES["Fine-tune"].script).run()
        assert "fat.jpg" not in shown(each)
        assert "doc.pdf" not in shown(each)


@pytest.mark.parametrize("act", ["train", "step"])
def test_what_came_in_is_told_no_longer_than_until_the_next_act(studio, finish, act):
    look_at(studio, "dogs")
    uploader(studio, "Pictures").set_value(files(1, 9)[6:]).run()
    finish(studio)
    assert "3 pictures added." in shown(studio.run())
    project = project_of(studio)
    if act == "train":
        project.begin_run({"kind": "linear", "network": "tiny"}, waiting=True)
    else:
        studio.segmented_control(key="step").set_value("Judge").run()
        studio.segmented_control(key="step").set_value("Pictures")
    studio.run()
    assert not studio.exception
    assert "pictures added" not in shown(studio)


def test_names_of_a_zip_that_were_guessed_wrong_are_read_another_way(studio, finish):
    names = ("žába/první.png", "kočka/druhá.png", "cats/third.png")
    data = unmarked({name: noisy(2, 50 + number) for number, name in enumerate(names)}, "cp1250")
    uploader(studio, "A zip").set_value(("animals.zip", data, "application/zip")).run()
    finish(studio)
    assert counts(studio) == {"cats": 9, "dogs": 6, "koèka": 1, "žába": 1}

    def picker():
        return next(each for each in studio.selectbox if "not marked" in each.label)

    assert any(each.startswith("Western (CP1252): ") and "koèka" in each for each in picker().options)
    picker().set_value("cp1250").run()
    assert not studio.exception
    assert counts(studio) == {"cats": 9, "dogs": 6, "kočka": 1, "žába": 1}
    assert {each.name for each in project_of(studio).snapshot()[1]} >= {"první.png", "druhá.png", "third.png"}
    assert picker().value == "cp1250"
    assert project_of(studio).undoable == "Read the names as Central European (Windows-1250)"
    studio.button(key="undo").click().run()
    assert counts(studio)["koèka"] == 1
    assert picker().value == "cp1252"
    project_of(studio).add_classes(["kočka"])
    picker().set_value("cp1250").run()
    assert counts(studio) == {"cats": 9, "dogs": 6, "žába": 1, "kočka": 1}, "what is there already takes its pictures"


@pytest.mark.parametrize(
    ("entries", "why"),
    [
        ({"../../evil/a.png": b"x", "cats/b.png": b"x"}, "../../evil/a.png"),
        ({f"folder {i}/a.png": b"x" for i in range(301)}, "301 classes"),
        ({"a.png": b"x"}, "no class folders"),
    ],
)
def test_a_hostile_zip_leaves_the_project_as_it_was(studio, finish, caplog, entries, why):
    before = project_of(studio).snapshot()
    uploader(studio, "A zip").set_value(zipped(entries)).run()
    finish(studio)
    assert why in shown(studio)
    assert [why in line for line in caplog.messages if why in line] == [True], "a line of the log, and one only"
    assert project_of(studio).snapshot() == before
    assert not list((project_of(studio).folder / "incoming").iterdir())


def test_a_full_workspace_says_so(studio, finish, monkeypatch, caplog):
    monkeypatch.setenv("VISIONLAB_WORKSPACE_LIMIT", "0.0001")
    studio.run()
    before = project_of(studio).snapshot()
    uploader(studio, "A zip").set_value(zipped({f"c/{i}.png": noisy(0, 500 + i) for i in range(5)})).run()
    finish(studio)
    assert "the limit for all together" in shown(studio)
    assert len([line for line in caplog.messages if "the limit for all together" in line]) == 1
    assert project_of(studio).snapshot() == before


@pytest.mark.parametrize("packed", [False, True])
def test_who_sits_at_the_server_names_a_folder_or_a_zip_there(studio, finish, tmp_path, monkeypatch, packed):
    assert "named-path" not in [each.key for each in studio.text_input], "nobody else does"
    monkeypatch.setattr(visitor, "at_the_server", lambda: True)
    entries = {f"c/{i}.png": noisy(0, 500 + i) for i in range(5)}
    folder = tmp_path / "mine"
    (folder / "c").mkdir(parents=True)
    (tmp_path / "empty" / "d").mkdir(parents=True)
    for name, data in entries.items():
        (folder / name).write_bytes(data)
    (tmp_path / "mine.zip").write_bytes(zipped(entries)[1])
    before = counts(studio)
    studio.run()
    for named, told in {
        "": "“” is no folder and no zip",
        "~nobody-of-this-name/x": "is no folder and no zip",
        "x" * 5000: "is no folder and no zip",
        str(tmp_path / "nowhere"): "is no folder and no zip that can be opened",
        str(folder / "c" / "0.png"): "is no folder and no zip",
        str(tmp_path / "empty"): "There are no pictures in these folders",
    }.items():
        studio.text_input(key="named-path").set_value(named)
        button(studio, "Bring it in").click().run()
        assert told in shown(studio) + shown(finish(studio))
        assert counts(studio) == before
    studio.text_input(key="named-path").set_value("/dev/zero")
    button(studio, "Bring it in").click().run()
    assert "“/dev/zero” is no folder" in shown(studio)
    assert "There are no pictures in these folders" not in shown(studio)  # that was of what was tried before
    studio.text_input(key="named-path").set_value(str(tmp_path / ("mine.zip" if packed else "mine")))
    button(studio, "Bring it in").click().run()
    finish(studio)
    assert counts(studio) == {**before, "c": 5}


def test_a_set_that_is_downloaded_tells_how_far_it_is_and_stops_when_asked(studio, registry, monkeypatch):
    project = project_of(studio)
    before, stopped, arriving = project.snapshot(), threading.Event(), threading.Event()

    class Slow:
        def fetch(self):
            try:
                while True:
                    yield 3, 10
                    arriving.set()
            finally:
                stopped.set()

    chosen = READY_MADE["cifar10"]
    monkeypatch.setitem(READY_MADE, "cifar10", replace(chosen, online=Slow()))
    studio.selectbox(key="ready-made").set_value("cifar10").run()
    button(studio, "Use this set").click().run()
    assert arriving.wait(60)
    studio.run()
    assert "Downloading the set: 30%" in [each.proto.text for each in studio.get("progress")]
    button(studio, "Cancel").click().run()
    assert stopped.wait(60)
    assert registry.about(f"pictures into {project.id}").wait(60)
    studio.run()
    assert "Cancelled; the project is as it was." in shown(studio)
    assert project.snapshot() == before


def test_a_set_without_a_network_is_a_sentence(studio, finish, monkeypatch, tmp_path):
    def unreachable(*_, **__):
        raise OSError(101, "Network is unreachable")

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("visionlab.learning.sets.online_sets.urlopen", unreachable)
    before = project_of(studio).snapshot()
    studio.selectbox(key="ready-made").set_value("fashion").run()
    button(studio, "Use this set").click().run()
    finish(studio)
    assert "Fashion-MNIST could not be downloaded (Network is unreachable); try later" in shown(studio)
    assert project_of(studio).snapshot() == before


# --- a set that comes to nothing ------------------------------------------------------------------------------------


def refuses(*_, **__):
    raise OSError(101, "Network is unreachable")


def is_full(*_, **__):
    raise OSError(28, "No space left on device")


class Junk(io.BytesIO):
    """An answer of another file than the one that was asked for."""

    length, status = 0, 200

    def __init__(self, *_, **__):
        super().__init__(b"<html>Not here any more</html>")


def begins_again(app: AppTest, told: str) -> None:
    """The person is where they can begin, reads why, once, and has no project that nothing came into."""
    assert BEGIN in shown(app)
    assert shown(app).count(told) == 1
    assert "There is no such project" not in shown(app)
    before = [each.name for each in Workspace().projects(app.session_state[COOKIE])]
    assert before in ([], ["cats and dogs"])
    if before:
        assert app.selectbox(key="project-picker").options == [*before, "New project …"]
        assert app.selectbox(key="project-picker").value == projects.NEW


@pytest.fixture(params=[False, True], ids=["no project yet", "another project"])
def beginning(request, open_page) -> AppTest:
    """The page on which one begins."""
    if not request.param:
        return open_page("Fine-tune")
    studio = request.getfixturevalue("studio")
    return studio.selectbox(key="project-picker").set_value(projects.NEW).run()


@pytest.mark.parametrize(
    ("name", "place", "fault", "told"),
    [
        (
            "fashion",
            "sets.online_sets.urlopen",
            refuses,
            "Fashion-MNIST could not be downloaded (Network is unreachable)",
        ),
        (
            "cifar10",
            "sets.online_sets.urlopen",
            Junk,
            "CIFAR-10 could not be downloaded (what arrived is not the published",
        ),
        ("cifar10", "sets.online_sets.NamedTemporaryFile", is_full, "(No space left on device); make room on the disk"),
        ("textures", "projects.intake.write", is_full, "The disk is full, so nothing was changed"),
    ],
)
def test_a_ready_made_set_that_fails_leaves_no_project(
    beginning, finish, monkeypatch, tmp_path, name, place, fault, told
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with monkeypatch.context() as patched:
        patched.setattr(f"visionlab.learning.{place}", fault)
        beginning.selectbox(key="ready-made").set_value(name).run()
        beginning.button(key="use-ready-made").click().run()
        begins_again(finish(beginning), told)
    beginning.run()
    begins_again(beginning, told)
    beginning.selectbox(key="ready-made").set_value("textures").run()
    beginning.button(key="use-ready-made").click().run()
    finish(beginning)
    assert counts(beginning) == {"brick": 24, "grass": 24, "gravel": 24}
    assert told not in shown(beginning)


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        ({"a.png": b"x"}, "no class folders"),
        ({"head.safetensors": b"x", "predict.py": b"x"}, "This zip holds a head and no pictures. “Open what you took"),
        ({"cats/a.txt": b"x"}, "There are no pictures in these folders"),
        (
            {"cats/a.png": b"x", "cats/b.png": b"y"},
            "None of these 2 pictures can be read; of the first one: “cats/a.png”",
        ),
    ],
)
def test_a_zip_without_pictures_leaves_no_project(beginning, finish, entries, told):
    uploader(beginning, "A zip").set_value(zipped(entries)).run()
    begins_again(finish(beginning), told)


def test_a_zip_that_is_refused_while_a_panel_is_drawn_is_told_for_what_it_is(open_page, finish, monkeypatch):
    app, drawn, looked = open_page("Fine-tune"), threading.Event(), threading.Event()
    read, draw, came, forget = intake.incoming_zip, training.show, projects._came_into, projects._forget_lists

    def late(*arguments):  # in the job: not before the page draws the project that was made for the zip
        assert drawn.wait(60)
        return read(*arguments)

    def taken_away(project, *arguments):
        if project is not None:
            drawn.set()
            while project.id in Workspace():
                threading.Event().wait(0.01)
            project.runs()
        return draw(project, *arguments)

    def forgotten():  # the last that the job does before it is over
        if threading.current_thread() in {job._thread for job in jobs.registry()._jobs.values()}:
            looked.wait(60)
        forget()

    def looks(project_id):
        looked.set()
        return came(project_id)

    monkeypatch.setattr(intake, "incoming_zip", late)
    monkeypatch.setattr(training, "show", taken_away)
    monkeypatch.setattr(projects, "_forget_lists", forgotten)
    monkeypatch.setattr(projects, "_came_into", looks)
    try:
        uploader(app, "A zip").set_value(zipped({"a.png": b"x"})).run()
        assert "not there any more" not in shown(app)
        begins_again(app, "no class folders")
    finally:
        looked.set()
    finish(app)


@pytest.fixture
def only_turn(registry, monkeypatch):
    """The server lets one job of a kind work at once, and somebody else's does: an event that ends it."""
    monkeypatch.setenv(limits.JOBS.variable, "1")
    go = threading.Event()

    def long(job):
        assert go.wait(60)
        yield 1

    for queue in ("pictures", ""):
        registry.submit(long, queue=queue)
    yield go
    go.set()


def test_of_two_visitors_the_second_is_told_that_it_waits_and_nothing_is_lost(
    only_turn, open_page, new_app, finish, monkeypatch
):
    monkeypatch.setattr(arrivals, "SOON", 0.0)
    visitors = [open_page("Fine-tune"), new_app()]
    visitors[1].switch_page(PAGES["Fine-tune"].script).run()
    for number, each in enumerate(visitors):
        entries = {f"{name}/{n}.png": noisy(kind, 10 * number + n) for kind, name in enumerate("ab") for n in (0, 1)}
        uploader(each, "A zip").set_value(zipped(entries)).run()
        assert not each.exception
        assert [one.proto.text for one in each.get("progress")] == ["Waiting: others are bringing in pictures, too …"]
    only_turn.set()
    assert [counts(finish(each)) for each in visitors] == [{"a": 2, "b": 2}] * 2
    assert visitors[0].query_params["project"] != visitors[1].query_params["project"]


def test_over_the_limit_of_a_project_a_sentence_has_it_and_what_is_there_stays(studio, finish, monkeypatch, caplog):
    bytes_there = sum(each.bytes for each in project_of(studio).snapshot()[1])
    monkeypatch.setenv(limits.PROJECT.variable, f"{(bytes_there + 10) / 10**9:.9f}")
    look_at(studio, "cats")
    uploader(studio, "Pictures").set_value(files(2, 1)).run()
    finish(studio)
    [told] = [each.value for each in studio.text if "taken in one project" in each.value]
    assert "The project’s pictures would take " in told
    assert f"at most {sized_apart(10**12, bytes_there + 10)[1][:3]}" in told
    assert any("taken in one project" in each for each in caplog.messages)
    assert counts(studio) == {"cats": 8, "dogs": 6}


def test_what_would_be_downloaded_is_told_to_be_switched_off(open_page, finish, monkeypatch, tmp_path, registry):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv(limits.DOWNLOADS.variable, "off")
    app = open_page("Fine-tune")
    app.selectbox(key="ready-made").set_value("cifar10").run()
    app.button(key="use-ready-made").click().run()
    begins_again(app, limits.DOWNLOADS_OFF)
    assert not registry._jobs
    app.selectbox(key="ready-made").set_value("textures").run()  # which comes with the project
    app.button(key="use-ready-made").click().run()
    finish(app)
    assert counts(app) == {"brick": 24, "grass": 24, "gravel": 24}


def test_a_zip_that_is_cut_off_is_told_by_the_name_that_it_has_for_who_brings_it(beginning, finish, caplog):
    _, data, kind = zipped({f"{name}/0.png": noisy(0, 1) for name in ("cats", "dogs")})
    uploader(beginning, "A zip").set_value(("my pets.zip", data[:-40], kind)).run()
    begins_again(finish(beginning), "“my pets.zip” is a zip that looks cut off")
    assert "(BadZipFile: " in caplog.text
    assert "“0”" not in caplog.text  # as it is called on the disk


@pytest.fixture
def slow_to_end(monkeypatch):
    """An intake that came to nothing has taken its project away, and ends no sooner than somebody waits for that."""
    gone, awaited = threading.Event(), threading.Event()
    delete, wait, go_to = Workspace.delete, jobs.Job.wait, intake.go_to

    def delete_slowly(workspace, project_id):
        delete(workspace, project_id)
        gone.set()
        assert awaited.wait(60)

    def waited_for(job, *seconds):
        awaited.set()
        return wait(job, *seconds)

    def go_when_gone(project_id):
        assert gone.wait(60)
        go_to(project_id)

    monkeypatch.setattr(Workspace, "delete", delete_slowly)
    monkeypatch.setattr(jobs.Job, "wait", waited_for)
    monkeypatch.setattr(intake, "go_to", go_when_gone)
    yield
    awaited.set()


def false_size() -> tuple[str, bytes, str]:
    """A zip whose contents say of its picture that it is larger than it is."""
    name, data, kind = zipped({"cats/a.png": noisy(0, 1)})
    place = data.index(b"PK\x01\x02") + 20
    return name, data[:place] + b"\xff\xff\x0f\0" * 2 + data[place + 8 :], kind


@pytest.mark.parametrize(
    ("file", "told"),
    [
        (zipped({"../../x.png": b"x"}), "has no plain path; entries must be like cats/1.jpg"),
        (false_size(), "“cats/a.png” is damaged in the zip"),
    ],
    ids=["leads outside", "false sizes"],
)
def test_what_is_refused_at_once_says_why_and_leaves_no_link(beginning, slow_to_end, file, told):
    uploader(beginning, "A zip").set_value(file).run()
    for _ in range(2):
        assert not beginning.exception
        begins_again(beginning, told)
        assert beginning.query_params["project"] in ([projects.NEW], projects.NEW)
        beginning.run()
    named(beginning, "ant", "bee")
    assert told not in shown(beginning)
    assert counts(beginning) == {"ant": 0, "bee": 0}


def test_a_folder_without_classes_at_the_server_says_why(beginning, slow_to_end, tmp_path, monkeypatch):
    monkeypatch.setattr(visitor, "at_the_server", lambda: True)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.txt").write_text("x")
    beginning.run()
    beginning.text_input(key="named-path").set_value(str(tmp_path / "mine"))
    button(beginning, "Bring it in").click().run()
    assert not beginning.exception
    begins_again(beginning, "There are no class folders")
    for _ in range(2):
        beginning.text_input(key="named-path").set_value("/dev/zero")
        button(beginning, "Bring it in").click().run()
        begins_again(beginning, "“/dev/zero” is no folder and no zip")
        assert "There are no class folders" not in shown(beginning), "that was of what was tried before"


def test_a_project_that_goes_while_it_is_drawn_says_why(open_page, registry, monkeypatch):
    go_on, bar = threading.Event(), projects._bar

    class Failing:
        def fetch(self):
            yield 3, 10
            assert go_on.wait(60)
            raise DatasetError("No such luck.")

    def late(project, *others):
        if project and go_on.is_set():
            assert registry.about(f"pictures into {project.id}").wait(60)
        bar(project, *others)

    monkeypatch.setitem(READY_MADE, "cifar10", replace(READY_MADE["cifar10"], online=Failing()))
    app = open_page("Fine-tune")
    app.selectbox(key="ready-made").set_value("cifar10").run()
    app.button(key="use-ready-made").click().run()
    monkeypatch.setattr(projects, "_bar", late)
    open_project = Workspace.open

    def opened(workspace, project_id):
        found = open_project(workspace, project_id)
        go_on.set()  # it is there, and goes before the rest is drawn
        return found

    monkeypatch.setattr(Workspace, "open", opened)
    app.run()
    assert not app.exception
    assert "not there any more" not in shown(app)
    begins_again(app, "No such luck.")


def test_a_disk_that_is_full_before_a_zip_is_on_it_leaves_no_project(beginning, monkeypatch):
    monkeypatch.setattr(Project, "receiving", is_full)
    uploader(beginning, "A zip").set_value(zipped({"cats/a.png": noisy(0, 1)})).run()
    assert not beginning.exception
    begins_again(beginning, "The disk is full, so nothing was changed")


def test_a_set_that_is_stopped_leaves_no_project(beginning, registry, monkeypatch):
    arriving = threading.Event()

    class Slow:
        def fetch(self):
            while True:
                yield 3, 10
                arriving.set()

    monkeypatch.setitem(READY_MADE, "cifar10", replace(READY_MADE["cifar10"], online=Slow()))
    beginning.selectbox(key="ready-made").set_value("cifar10").run()
    beginning.button(key="use-ready-made").click().run()
    assert arriving.wait(60)
    beginning.run()
    assert projects.info_of(project_of(beginning)).name == "CIFAR-10"
    job = registry.about(f"pictures into {project_of(beginning).id}")
    button(beginning, "Cancel").click().run()
    assert job.wait(60)
    beginning.run()
    assert not beginning.exception
    begins_again(beginning, "Cancelled: nothing was kept.")
    assert ":material/error:" not in shown(beginning)


def test_a_project_that_got_a_class_meanwhile_stays(open_page, registry, monkeypatch):
    go_on = threading.Event()

    class Failing:
        def fetch(self):
            yield 3, 10
            assert go_on.wait(60)
            raise DatasetError("No such luck.")

    monkeypatch.setitem(READY_MADE, "cifar10", replace(READY_MADE["cifar10"], online=Failing()))
    app = open_page("Fine-tune")
    app.selectbox(key="ready-made").set_value("cifar10").run()
    app.button(key="use-ready-made").click().run()
    project = project_of(app)
    project.add_classes(["cats"])
    go_on.set()
    assert registry.about(f"pictures into {project.id}").wait(60)
    app.run()
    assert not app.exception
    assert counts(app) == {"cats": 0}
    assert shown(app).count("No such luck.") == 1


# --- the set out, and bursts ----------------------------------------------------------------------------------------


def test_a_large_data_set_is_saved_in_parts(studio, registry, finish, monkeypatch):
    project = project_of(studio)
    pictures = project.snapshot()[1]
    monkeypatch.setattr(as_zip, "PART", sum(each.bytes for each in pictures) // 2)
    button(studio, "Save the pictures as a zip").click().run()
    finish(studio)
    labels = [each.proto.label for each in studio.get("download_button")]
    ready = registry.about(f"zip of {project.id}").latest
    count = len(ready.files)
    assert count > 1
    assert [label.partition(" · ")[0] for label in labels] == [
        f"Download part {n} of {count}" for n in range(1, count + 1)
    ]
    names = []
    for number in range(count):
        with zipfile.ZipFile(io.BytesIO(ready.read(number))) as part:
            names += [name for name in part.namelist() if name != "manifest.json"]
    assert len(names) == len(pictures)


def test_a_cancelled_intake_leaves_the_project_as_it_was(studio, registry, monkeypatch, finish):
    before = project_of(studio).snapshot()
    monkeypatch.setattr("visionlab.learning.projects.intake.BATCH", 2)
    submit = registry.submit

    def cancelled_after_its_first_report(work, **about):
        def first(job):
            for event in work(job):
                job.cancel()
                yield event

        return submit(first, **about)

    monkeypatch.setattr(registry, "submit", cancelled_after_its_first_report)
    uploader(studio, "A zip").set_value(zipped({f"c/{i}.png": noisy(0, 500 + i) for i in range(9)})).run()
    finish(studio)
    assert "Cancelled; the project is as it was." in shown(studio)
    assert project_of(studio).snapshot() == before
    assert not list((project_of(studio).folder / "incoming").iterdir())


def test_one_intake_at_a_time(studio, registry):
    project = project_of(studio)
    until = threading.Event()

    def work(_: jobs.Job):
        yield Intake(32, 100, 30, 2, 0, ())
        until.wait(60)

    key = registry.submit(work, f"pictures into {project.id}")
    studio.run()
    assert not studio.exception
    assert "32 of 100 pictures looked at, 30 of them new" in [each.proto.text for each in studio.get("progress")]
    assert uploader(studio, "A zip").disabled
    until.set()
    assert registry.find(key).wait(60)


# --- edits ----------------------------------------------------------------------------------------------------------


def test_every_edit_of_a_class_is_undone_and_redone(studio):
    project = project_of(studio)
    cats, dogs = (each.id for each in project.classes())
    look_at(studio, "cats")

    studio.text_input(key=f"name-class-{cats}-cats").set_value("kittens")
    next(each for each in studio.button if each.form_id == f"rename-class-{cats}").click().run()
    assert counts(studio) == {"kittens": 8, "dogs": 6}
    studio.toggle(key=f"enable-class-{cats}").set_value(False).run()
    assert [each.enabled for each in project.classes()] == [False, True]
    assert "Another class is needed" in shown(studio)
    studio.button(key="undo").click().run()
    assert studio.toggle(key=f"enable-class-{cats}").value is True
    studio.selectbox(key=f"merge-class-{cats}").set_value(dogs).run()
    assert counts(studio) == {"dogs": 14}
    assert studio.radio(key="class").value == pictures.ALL, "the class that was looked at is gone"
    assert "Merged" in studio.button(key="undo").help
    studio.button(key="undo").click().run()
    look_at(studio, "kittens")
    studio.button(key=f"remove-class-{cats}").click().run()
    assert counts(studio) == {"dogs": 6}
    for expected in ({"kittens": 8, "dogs": 6}, {"cats": 8, "dogs": 6}):
        studio.button(key="undo").click().run()
        assert counts(studio) == expected
    studio.button(key="redo").click().run()
    assert counts(studio) == {"kittens": 8, "dogs": 6}
    assert not studio.exception


def told(app: AppTest, widget: Radio | Selectbox, label: str) -> None:
    """A run for a browser that says this label is chosen, be it there or not."""
    state = WidgetState(id=widget.id, string_value=label)
    widget.__class__ = type("Told", (type(widget),), {"_widget_state": property(lambda _: state)})
    app.run()
    assert not app.exception


def test_a_browser_that_is_a_run_behind_tells_labels_of_before(studio):
    """It says by its label what is chosen, and a label's count may have changed since."""
    look_at(studio, "dogs")
    dogs, project = studio.radio(key="class").value, studio.query_params["project"]
    told(studio, studio.radio(key="class"), "dogs · 0")
    assert studio.radio(key="class").value == dogs, "what is looked at stays"
    told(studio, studio.radio(key="class"), "birds · 3")
    assert studio.radio(key="class").value == dogs
    told(studio, studio.radio(key="class"), "All · 8")
    assert studio.radio(key="class").value == pictures.ALL, "also what was clicked under a label of before"
    told(studio, studio.selectbox(key="project-picker"), "A name of before")
    assert studio.query_params["project"] == project


def test_a_name_that_is_taken_is_refused_in_a_sentence(studio):
    cats = project_of(studio).classes()[0].id
    look_at(studio, "cats")
    studio.text_input(key=f"name-class-{cats}-cats").set_value(" DOGS ")
    next(each for each in studio.button if each.form_id == f"rename-class-{cats}").click().run()
    told = "There is a class “dogs” already; “cats” keeps its name."
    assert told in shown(studio)
    assert counts(studio) == {"cats": 8, "dogs": 6}
    studio.run()
    assert told not in shown(studio), "it is told once"


def test_the_gallery_moves_removes_and_opens(studio, acts):
    look_at(studio, "cats")
    assert [tile.name for tile in acts["tiles"]] == [f"0-{i}.png" for i in range(8)]
    assert (acts["shown"], acts["classes"]) == (0, ["cats", "dogs"])
    ids = [tile.id for tile in acts["tiles"]]
    acts["on_move"](ids[:2], 1)
    assert counts(studio) == {"cats": 6, "dogs": 8}
    acts["on_enable"](ids[3:5], False)
    studio.run()
    assert [tile.name for tile in acts["tiles"] if tile.off] == ["0-3.png", "0-4.png"]
    assert studio.button(key="undo").help.startswith("Undo: Switched 2 pictures off")
    acts["on_remove"](ids[2:3])
    assert counts(studio) == {"cats": 5, "dogs": 8}
    studio.run()
    assert len(acts["tiles"]) == 5
    studio.session_state[gallery.OPENED] = int(ids[0])
    studio.run()
    assert not studio.exception
    assert "0-0.png" in shown(studio)
    assert "dogs · 64 × 64 px" in shown(studio)
    studio.toggle(key=f"learn-from-{ids[0]}").set_value(False).run()
    assert not project_of(studio).picture(int(ids[0])).enabled
    cats = project_of(studio).classes()[0].id
    studio.session_state[gallery.OPENED] = int(ids[0])
    studio.run()
    studio.selectbox(key=f"move-to-{ids[0]}").set_value(cats).run()
    assert counts(studio) == {"cats": 6, "dogs": 7}


def test_pages_of_a_large_class(open_page, finish, acts):
    app = open_page("Fine-tune")
    uploader(app, "A zip").set_value(zipped({f"many/{i:03}.png": noisy(0, i) for i in range(2 * PAGE + 5)})).run()
    at_pictures(finish(app))
    assert [len(acts["tiles"]), acts["shown"]] == [PAGE, None]
    key = f"page-gallery-{project_of(app).id}-None"
    app.session_state[key] = 3
    app.run()
    assert [tile.name for tile in acts["tiles"]] == [f"{i:03}.png" for i in range(2 * PAGE, 2 * PAGE + 5)]
    assert "121 to 125 of 125" in shown(app)
    project = project_of(app)
    project.remove([int(tile.id) for tile in acts["tiles"]])
    app.run()
    assert not app.exception
    assert app.session_state[key] == 2, "a page that is gone is not asked for"


def test_near_duplicates_are_badged_and_counted(open_page, finish, acts):
    app = open_page("Fine-tune")
    rng = np.random.default_rng(5)
    scene = np.kron(rng.integers(0, 256, (8, 8, 3)), np.ones((12, 12, 1))).astype(np.uint8)
    lighter = (scene * 0.9 + 20).astype(np.uint8)
    entries = {
        "a/1.png": encode_png(scene),
        "a/2.png": encode_png(lighter),
        "b/3.png": noisy(1, 3),
        "b/4.png": noisy(0, 4),
    }
    uploader(app, "A zip").set_value(zipped(entries)).run()
    finish(app)
    assert "4 pictures added, 2 near-duplicates kept together in groups." in shown(app)
    at_pictures(app)
    assert "2 pictures are near-duplicates, or of one burst, in 1 group." in shown(app)
    assert [tile.badge for tile in acts["tiles"]] == ["2 alike", "2 alike", "", ""]


def test_a_burst_is_one_group_and_one_edit(studio, monkeypatch, registry):
    import streamlit as st

    kept: dict = {}
    monkeypatch.setattr(st, "session_state", kept)
    project = project_of(studio)
    frames = [noisy(2, i) for i in range(20)]
    intake.take_batch(lambda: (project, "cats"), "burst", Batch("lost", 0, 2, (noisy(2, 99),)))
    intake.take_batch(lambda: (project, "cats"), "burst", Batch("one", 0, 2, tuple(frames[:16])))
    assert all(job.over for job in intake.coming(project)), "the burst has not come to its end"
    intake.take_batch(lambda: (project, "cats"), "burst", Batch("one", 1, 2, tuple(frames[16:])))
    assert all(job.wait(60) for job in intake.coming(project))
    came = project.pictures()[14:]
    assert len(came) == 20
    assert len({each.group for each in came}) == 1
    assert project.undo() == "Added 20 pictures"
    assert len(project.pictures()) == 14


# --- projects -------------------------------------------------------------------------------------------------------


def test_a_project_is_renamed_duplicated_and_deleted(studio):
    first = project_of(studio)
    studio.text_input(key=f"name-{first.id}-cats and dogs").set_value("Pets")
    next(each for each in studio.button if each.form_id == "rename-project").click().run()
    assert first.info().name == "Pets"
    studio.button(key="duplicate").click().run()
    second = project_of(studio)
    assert second.id != first.id
    assert second.info().name == "Pets (copy)"
    assert len(second.pictures()) == 14
    studio.button(key="delete").click().run()
    assert "14 pictures" in shown(studio)
    assert len(Workspace().projects(studio.session_state[COOKIE])) == 2, "it asks first"
    studio.button(key="delete-really").click().run()
    assert not studio.exception
    assert [each.id for each in Workspace().projects(studio.session_state[COOKIE])] == [first.id]
    assert project_of(studio).id == first.id


def test_of_two_projects_of_one_name_each_can_be_picked(studio):
    first = project_of(studio)
    second = Workspace().create("cats and dogs", studio.session_state[COOKIE])
    projects._forget_lists()
    for wanted in (second, first):
        studio.run()
        picker = studio.selectbox(key="project-picker")
        assert picker.options[:2] == ["cats and dogs", "cats and dogs (2)"]
        picker.set_value(wanted.id).run()
        assert project_of(studio).id == wanted.id


def test_what_works_on_a_project_stops_when_it_is_deleted(studio, registry):
    project = project_of(studio)
    run, ended = project.begin_run({}), threading.Event()

    def work(job: jobs.Job):
        try:
            while not ended.is_set():
                yield
                ended.wait(0.01)
        finally:
            project.end_run(run, "cancelled")

    training = registry.find(registry.submit(work, f"train {project.id}"))
    other = registry.find(registry.submit(lambda _: iter(lambda: ended.wait(0.01), True), "train another one"))
    studio.button(key="delete").click().run()
    studio.button(key="delete-really").click().run()
    assert training.wait(60)
    assert training.error == "The project is not there any more; open another one, or make one."
    assert not other.over
    ended.set()
    assert other.wait(60)
    assert not studio.exception
    assert BEGIN in shown(studio)
    assert not project.folder.exists()


def test_another_session_finds_it_by_its_link_alone(studio, new_app):
    project = project_of(studio)
    app = new_app()
    app.run()
    app.switch_page(PAGES["Fine-tune"].script).run()
    assert BEGIN in shown(app)
    app.query_params["project"] = project.id
    app.run()
    assert "opened by its link" in shown(app)
    assert app.selectbox(key="project-picker").value == project.id
    assert not [each for each in app.button if each.key == "delete"], "it is not theirs to delete"
    app.button(key="duplicate").click().run()
    assert project_of(app).id != project.id
    assert counts(app) == counts(studio)


def test_from_a_new_project_one_goes_back_to_the_one_whose_link_one_came_by(studio, new_app):
    project = project_of(studio)
    app = new_app()
    app.run()
    app.query_params["project"] = project.id
    app.switch_page(PAGES["Fine-tune"].script).run()
    for _ in range(2):
        app.selectbox(key="project-picker").set_value("new").run()
        assert BEGIN in shown(app)
        app.selectbox(key="project-picker").set_value(project.id).run()
        assert project_of(app).id == project.id
        assert "opened by its link" in shown(app)
    app.selectbox(key="project-picker").set_value("new").run()
    named(app, "ant", "bee")
    assert len(app.selectbox(key="project-picker").options) == 3
    studio.button(key="delete").click().run()
    studio.button(key="delete-really").click().run()
    app.run()
    assert not app.exception
    assert len(app.selectbox(key="project-picker").options) == 2, "its own and a new one"


@pytest.mark.parametrize("link", ["A" * 22, "../../etc", "owners", HOSTILE])
def test_a_link_that_leads_nowhere(studio, link):
    mine = project_of(studio).id
    studio.query_params["project"] = link
    studio.run()
    assert not studio.exception
    assert shown(studio).count("There is no such project here") == 1
    studio.selectbox(key="project-picker").set_value(mine).run()
    assert counts(studio) == {"cats": 8, "dogs": 6}


def test_projects_that_nobody_opens_are_removed_after_the_time_that_is_told(studio, monkeypatch, caplog):
    monkeypatch.setenv(limits.KEEP_DAYS.variable, "30")
    studio.run()
    assert "A project that nobody opens for 30 days is removed." in shown(studio)
    project = project_of(studio)
    os.utime(project.folder / "opened", (0, 0))
    monkeypatch.setenv(limits.KEEP_DAYS.variable, "31")  # another value is looked at anew
    studio.run()
    assert not studio.exception
    assert not project.folder.exists()
    assert "Removed 1 project that nobody had opened for 31 days (VISIONLAB_KEEP_DAYS)." in caplog.messages
    [told] = [each.value for each in studio.text if "There is no such project here" in each.value]
    assert told.endswith(" A project that nobody opens for 31 days is removed."), "its link still goes around"
    monkeypatch.setenv(limits.KEEP_DAYS.variable, "1")
    studio.run()
    assert "that nobody opens for 1 day is removed" in shown(studio)
    assert sum(each.startswith("Removed") for each in caplog.messages) == 1, "where none is, there is no line"


@pytest.mark.parametrize("told", ["soon", "-1", "0", "nan"])
def test_a_keeping_time_that_is_none_is_refused(monkeypatch, told):
    monkeypatch.setenv(limits.KEEP_DAYS.variable, told)
    with pytest.raises(ParameterError, match="days"):
        limits.KEEP_DAYS.value()


def test_names_are_shown_as_they_are(open_page, finish):
    app = named(open_page("Fine-tune"), HOSTILE, "dogs")
    look_at(app, HOSTILE)
    uploader(app, "Pictures").set_value(files(0, 2)).run()
    finish(app)
    read = [each.value for each in (*app.markdown, *app.caption)] + [each.help or "" for each in app.button]
    read += app.radio(key="class").options
    assert any("elsewhere" in each for each in read)
    assert not any("![x]" in each or ":red[c]" in each or "**b**" in each or "<i>" in each for each in read)


# --- small things ---------------------------------------------------------------------------------------------------


def test_plain_text_for_markdown():
    assert plain("cats & dogs, 2") == "cats \\& dogs\\, 2"
    assert plain("a\n\n# b") == "a \\# b"
    assert "http://" not in plain("http://x.y").replace("\\", "")
    assert plain("schöne Katzen") == "schöne Katzen"


def test_an_intake_in_one_line():
    assert outcome(Intake(3, 3, 0, 3, 0, ())) == "No new pictures, 3 exact copies left out."
    assert outcome(Intake(1, 1, 1, 0, 1, ())) == "1 picture added, 1 near-duplicate kept together in groups."
