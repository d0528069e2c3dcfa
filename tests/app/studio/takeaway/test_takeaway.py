"""The studio's step “Take away”: what is packed, and what is opened again."""

import io
import json
import sqlite3
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from app.studio_tools import ME, begun, finish, lines
from streamlit.testing.v1 import AppTest
from tiny import tiny_classifier

from visionlab.imaging.samples import load_sample
from visionlab.learning.heads.head import load_head
from visionlab.learning.projects.as_zip import export_zip
from visionlab.learning.projects.workspace import Workspace
from visionlab.learning.takeaway import export
from visionlab.learning.takeaway import package as package_module
from visionlab.learning.takeaway.export import Parity
from visionlab.learning.takeaway.package import Package, pack
from visionlab.ui.shared import cached, widgets
from visionlab.ui.shared.networks import YOUR_HEAD
from visionlab.ui.shared.server import store
from visionlab.ui.shared.visitor import COOKIE
from visionlab.ui.studio.judge.case import case_of
from visionlab.ui.studio.takeaway import opening as takeaway_open
from visionlab.ui.studio.takeaway import packing
from visionlab.ui.studio.takeaway.packing import Ready, in_words
from visionlab.ui.studio.train.run import LEARNED_FROM


def step(folder: str, project_id: str) -> None:
    from visionlab.learning.projects.workspace import Workspace
    from visionlab.ui.shared import state
    from visionlab.ui.shared.page import sentence, told
    from visionlab.ui.studio.takeaway import step as takeaway

    with told():
        takeaway.show(Workspace(folder).open(project_id))
    if problem := state.take_problem():
        sentence(problem)


@pytest.fixture
def workspace(tmp_path, monkeypatch) -> Workspace:
    found = Workspace(tmp_path / "workspace")
    monkeypatch.setattr(store, "workspace", lambda: found)
    return found


@pytest.fixture
def app(workspace, project, net, registry) -> AppTest:
    found = AppTest.from_function(step, default_timeout=60, args=(str(workspace.folder), project.id))
    found.session_state[COOKIE] = ME
    return found


@pytest.fixture
def run(project, net):
    return begun(project, net)


def upload(app: AppTest, name: str, data: bytes) -> AppTest:
    opener = next(each for each in app.file_uploader if "packed here" in each.label)
    return opener.set_value((name, data, "application/octet-stream")).run()


def training_of(run):
    """What the step packs of it beside its head."""
    began = datetime.fromtimestamp(run.started, UTC).isoformat(timespec="seconds")
    return {"seconds": run.report["seconds"], takeaway_open.BEGAN: began}


def package(project, run, net, pictures: bool, older: bool = False) -> bytes:
    """older: as packages were before training.json."""
    head, training = load_head(run.head), training_of(run)
    if older:
        head, training = replace(head, facts=head.facts | training), None
    file, labelled = io.BytesIO(), io.BytesIO() if pictures else None
    if labelled is not None:
        for _ in export_zip(project, labelled):
            pass
    for _ in pack(head, net, file, [load_sample("cat")], pictures=labelled, training=training):
        pass
    return file.getvalue()


def test_a_run_whose_answers_are_lost_is_not_packed(app, project, run):
    next(each for each in run.head.parent.iterdir() if "outcome" in each.name).unlink()
    app.run()
    assert "was not kept" in lines(app)
    assert "packed here" in app.file_uploader[-1].label, "what was taken away can still be opened"


def test_packed_checked_and_handed_out(app, registry, project, run):
    app.run()
    app.checkbox(key="with-pictures").check().run()
    app.button(key="pack").click().run()
    finish(app, registry)
    ready = registry.about(f"package of {project.id} {run.id}").latest
    assert isinstance(ready, Ready)
    case = case_of(project, run)
    assert ready.parity.pictures == len(case.held_out)
    assert ready.parity.holds
    assert in_words(ready.parity) in lines(app)
    assert "### A classifier of 2 classes" in lines(app)
    with zipfile.ZipFile(io.BytesIO(ready.read())) as zipped:
        names = set(zipped.namelist())
        assert zipped.read("model-card.md").decode() == ready.card
        assert zipped.read("model.onnx") == ready.read("model.onnx")
    assert names >= {"head.safetensors", "model.onnx", "predict.py", "labels.txt", "pictures.zip"}
    assert f"Right on {case.evaluation.report.accuracy:.1%}" in ready.card
    assert ready.read("head.safetensors") == case.head.to_bytes() == run.head.read_bytes(), "as it comes alone"
    assert json.loads(ready.read("training.json")) == training_of(run)
    assert f"- seconds: {run.report['seconds']:.4g}" in ready.card
    app.checkbox(key="with-pictures").uncheck().run()
    assert app.button(key="pack"), "what was packed is another zip than the one that is asked for"


def test_an_export_that_answers_differently_is_not_handed_out(app, registry, run, monkeypatch):
    def differs(*_: object, **__: object):
        yield Parity(1, 0.3, 0, 0.0)

    monkeypatch.setattr(export, "parities", differs)
    app.run().button(key="pack").click().run()
    finish(app, registry)
    assert "answers differently" in lines(app)
    assert app.button(key="pack")
    assert not [each for each in app.get("download_button") if "zip" in each.proto.label]


def test_a_full_disk_is_one_sentence(app, registry, run, monkeypatch):
    def full(*_: object, **__: object):
        raise OSError(28, "No space left on device")
        yield

    monkeypatch.setattr(packing, "pack", full)
    app.run().button(key="pack").click().run()
    finish(app, registry)
    assert "The disk is full" in lines(app)


def test_pictures_that_could_not_come_back_are_not_packed(app, registry, project, run, monkeypatch):
    pictures = sum(each.bytes for each in project.snapshot()[1])
    monkeypatch.setattr(package_module, "MAX_BYTES", pictures - 1)
    app.run()
    app.checkbox(key="with-pictures").check().run()
    app.button(key="pack").click().run()
    finish(app, registry)
    assert lines(app).count("cannot be opened again; pack it without them") == 1
    assert not registry.about(f"package of {project.id} {run.id}").events, "none was packed"
    monkeypatch.setattr(package_module, "MAX_BYTES", pictures + 1)  # room for these, but not for the network, too
    app.button(key="pack").click().run()
    finish(app, registry)
    assert lines(app).count("cannot be opened again; pack it without them") == 1
    app.checkbox(key="with-pictures").uncheck().run()
    app.button(key="pack").click().run()
    finish(app, registry)
    assert "onnxruntime and PyTorch agree" in lines(app)


@pytest.mark.parametrize(("upload", "most"), [(1, 2**20), (1000, 1000 * 2**20), (4000, package_module.MAX_BYTES)])
def test_what_can_come_back_is_what_both_the_server_and_the_library_take(monkeypatch, upload, most):
    monkeypatch.setattr(widgets.st, "get_option", {"server.maxUploadSize": upload}.get)
    assert takeaway_open.most_bytes() == most


def test_downloads_at_the_same_time_get_all_bytes(project, run, net, registry):
    case = case_of(project, run)
    packing._begin(case, whole=True)
    job = registry.about(f"package of {project.id} {run.id}")
    assert job.wait(60)
    ready = job.latest
    whole, model = ready.read(), ready.read("model.onnx")
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ready.read, [None, "model.onnx"] * 40)) == {whole, model}


def test_few_of_many_pictures_are_compared(project, run, net, registry, monkeypatch):
    monkeypatch.setattr(packing, "COMPARED", 5)
    case = case_of(project, run)
    packing._begin(case, whole=False)
    job = registry.about(f"package of {project.id} {run.id}")
    assert job.wait(60)
    assert job.latest.parity.pictures == 4  # every third of 12


@pytest.mark.parametrize("older", [False, True])
def test_a_package_becomes_a_project_with_its_run(app, registry, workspace, project, run, net, older):
    with closing(sqlite3.connect(project.folder / "project.sqlite")) as db:
        db.execute("UPDATE runs SET started = started - 90000")  # a day ago and an hour
        db.commit()
    run = project.run(run.id)
    upload(app.run(), "striped.zip", package(project, run, net, pictures=True, older=older))
    finish(app, registry)
    assert "“striped” is a project of yours now: 24 pictures" in lines(app)
    app.button(key="go-to-opened").click().run()
    found = workspace.open(app.session_state["project"])
    assert found.id != project.id
    assert app.session_state["step"] == "Classes", "where one adds to them"
    assert [each.id for each in workspace.projects(app.session_state[COOKIE])] == [found.id]
    assert found.keys() == project.keys()
    (first,) = found.runs()
    assert first.state == "done"
    assert older or first.head.read_bytes() == run.head.read_bytes()
    assert first.report == {name: run.report[name] for name in first.report}
    assert first.report.keys() >= {"accuracy", "balanced_accuracy_interval", "f1", "held_out", "trained_on", "seconds"}
    assert first.started == int(run.started), "its date is the training's"
    case = case_of(found, first)
    assert (len(case.held_out), len(case.learned), case.gone) == (0, 24, 0)
    names = {each.id: each.name for each in found.classes()}
    assert [names[each.class_id] for each in case.learned] == [case.head.classes[label] for label in case.labels]


@pytest.mark.parametrize("name", ["head.safetensors", "package.zip"])
def test_a_head_alone_becomes_ones_own(app, workspace, project, run, net, name):
    data = run.head.read_bytes() if name.startswith("head") else package(project, run, net, pictures=False)
    upload(app.run(), name, data)
    assert not app.exception
    assert app.session_state["trained_head"].head.to_bytes() == run.head.read_bytes()
    assert f"{name} is your own head now: across, **down**." in lines(app)
    assert app.session_state["picked_network"] == YOUR_HEAD, "“Try it” opens the Predict page with it"
    assert [each.id for each in workspace.projects(ME)] == [project.id]


@pytest.mark.parametrize(("name", "data"), [("x.zip", b"no zip"), ("x.safetensors", b"nothing"), ("x.zip", None)])
def test_what_is_no_package_is_refused_in_a_sentence(app, workspace, project, name, data):
    if data is None:
        file = io.BytesIO()
        zipfile.ZipFile(file, "w").close()
        data = file.getvalue()
    upload(app.run(), name, data)
    assert not app.exception
    assert any(word in lines(app) for word in ("is no zip", "no head of this app", "holds no head"))
    assert "trained_head" not in app.session_state
    assert [each.id for each in workspace.projects(ME)] == [project.id]


def test_a_zip_of_pictures_is_told_which_door_takes_it(app, project):
    file = io.BytesIO()
    for _ in export_zip(project, file):
        pass
    upload(app.run(), "striped.zip", file.getvalue())
    assert not app.exception
    assert "This zip holds pictures and no head. “A zip”, in the steps Classes and Pictures, takes it." in lines(app)


@pytest.mark.parametrize("told", ["9999-12-31T00:00:00+00:00", "0001-01-01", "yesterday", 5, None])
def test_a_date_that_cannot_be_is_none(project, run, told):
    head = load_head(run.head)
    assert takeaway_open._began(replace(head, facts=head.facts | {takeaway_open.BEGAN: told})) is None


def test_a_head_of_other_weights_is_refused(app, project, run, net, monkeypatch):
    data = run.head.read_bytes()
    other = tiny_classifier(seed=1)
    app.run()
    monkeypatch.setattr(cached, "classifier", lambda name: other)
    upload(app, "mine.safetensors", data)
    assert "other weights" in lines(app)
    assert app.session_state["trained_head"].of == project.info().name, "that of the run stays"
    assert takeaway_open.OPENED not in app.session_state


def test_pictures_that_do_not_fit_leave_no_project(app, registry, workspace, project, run, net):
    app.run()
    data = package(project, run, net, pictures=True)
    workspace.limit = 1
    upload(app, "striped.zip", data)
    assert "the limit for all together" in lines(app), "before anything is unpacked"
    assert not registry._jobs
    assert [each.id for each in workspace.projects(ME)] == [project.id]


def test_a_stopped_opening_leaves_no_project(app, workspace, project, run, net):
    from visionlab.ui.studio.takeaway.opening import _restore

    file = io.BytesIO(package(project, run, net, pictures=True))
    opening = _restore(workspace, ME, "again", file, lambda share: None)
    next(opening)
    opening.close()
    assert [each.id for each in workspace.projects(ME)] == [project.id]


def test_hostile_facts_of_a_head_harm_nothing(workspace, project, run, net):
    from visionlab.ui.studio.takeaway.opening import _keep_run

    head = replace(load_head(run.head), facts={"kind": ["x"], "views": 5, "epoch": {}})
    _keep_run(project, Package(head, None))
    newest = project.runs()[0]
    assert newest.settings["kind"] == "linear"
    assert {name: told for name, told in newest.report.items() if name != LEARNED_FROM} == {
        "trained_on": 24,
        "held_out": 0,
        "stayed_linear": False,
        "seconds": None,
        "classes": [each.id for each in project.classes()],
    }
    np.testing.assert_array_equal(case_of(project, newest).labels, np.repeat([0, 1], 12))


def test_how_the_export_compared_in_words():
    told = "onnxruntime and PyTorch agree to 3e-7 on 49 pictures: no probability differs by more."
    assert in_words(Parity(49, 3.2e-7, 49)) == told
    assert "1 picture:" in in_words(Parity(1, 0.0, 1))


def test_what_was_packed_is_another_package_once_another_share_is_refused(project, run):
    case = case_of(project, run)
    other = replace(case.head, facts={**case.head.facts, "refusal": "About 20% …"})
    assert packing._key(case, False) == packing._key(replace(case, head=replace(case.head)), False)
    assert packing._key(case, False) != packing._key(replace(case, head=other), False)
