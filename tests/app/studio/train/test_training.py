"""The studio's step “Train”: a run from its settings to its head, stopped, interrupted, taken up, listed, compared."""

import io
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from app.studio_tools import ME, begun, finish, lines, striped, stripes
from cli.shell import run as shell
from learning.sets.test_dataset import packed, planted
from PIL import Image as PILImage
from streamlit.testing.v1 import AppTest

from visionlab import limits
from visionlab.errors import BusyError, DatasetError
from visionlab.learning.heads import fine_tuning
from visionlab.learning.heads.head import load_head
from visionlab.learning.heads.kinds import KINDS
from visionlab.learning.heads.training import Epoch, Fit, fit
from visionlab.learning.judging.evaluation import assess
from visionlab.learning.judging.metrics import MAJORITY
from visionlab.learning.projects.as_zip import export_zip
from visionlab.learning.projects.intake import Incoming, Intake, from_folder, from_zip, take
from visionlab.learning.projects.outcome import Comparison, Outcome
from visionlab.learning.projects.project import Project
from visionlab.shortage import NO_MEMORY
from visionlab.ui.shared.jobs import Job
from visionlab.ui.shared.widgets import plain
from visionlab.ui.studio import runs
from visionlab.ui.studio.pictures import arrivals
from visionlab.ui.studio.projects import intake_into
from visionlab.ui.studio.train import run as training_run
from visionlab.ui.studio.train import step as training_step
from visionlab.ui.studio.train.run import Embedded, Settings, Trained, epochs_of, noted, train
from visionlab.ui.studio.train.runs_table import _width, verdict


def step(folder: str, project_id: str, picking: bool = True) -> None:
    from visionlab.learning.projects.workspace import Workspace
    from visionlab.ui.shared.page import told
    from visionlab.ui.studio import runs
    from visionlab.ui.studio.train import step as training

    with told():
        project = Workspace(folder).open(project_id)
        training.show(project)
        if picking:
            runs.picked(project)


@pytest.fixture
def app(workspace, project, net, registry) -> AppTest:
    found = AppTest.from_function(step, default_timeout=60, args=(str(workspace.folder), project.id))
    found.run()
    assert not found.exception
    return found


def button(app, label: str):
    return next(button for button in app.button if button.label == label)


def as_bitmap(data: bytes) -> bytes:
    file = io.BytesIO()
    PILImage.open(io.BytesIO(data)).save(file, "BMP")
    return file.getvalue()


def begin(project, **changed) -> str:
    settings = Settings("tiny", **({"kind": "linear", "views": (), "validation": 0.25, "seed": 0} | changed))
    return project.begin_run(noted(settings, 24), waiting=True)


# In the app ---------------------------------------------------------------------------------------------------------


def test_the_sets_own_validation_part_is_held_out_unless_a_share_is_wanted(workspace, net, registry):
    project = workspace.create("In parts", ME)
    came = [
        Incoming(name, f"{seed}.png", partial(striped, kind, seed), part=("train", "validation", "test")[seed % 3])
        for kind, name in enumerate(("across", "down"))
        for seed in range(18)
    ]
    for _ in take(project, came):
        pass
    app = AppTest.from_function(step, default_timeout=60, args=(str(workspace.folder), project.id)).run()
    assert "**12 pictures** to learn from, **12** to check with. The test part, 12 pictures, waits in Judge." in lines(
        app
    )
    app.toggle(key="own-part").set_value(False).run()
    assert "**18 pictures** to learn from, **6** to check with" in lines(app)
    app.toggle(key="own-part").set_value(True).run()
    app.slider(key="refuse").set_value(60).run()
    button(app, "Train").click().run()
    finish(app, registry)
    (run,) = project.runs()
    assert (run.settings["validation"], run.settings["refuse"], run.report["held_out"]) == (None, 0.6, 12)
    assert "With each class counting the same" not in lines(app), "they had as many pictures each"


def test_from_settings_to_a_head(app, registry, project, net):
    assert "**18 pictures** to learn from, **6** to check with" in lines(app)
    button(app, "Train").click().run()
    finish(app, registry)
    (run,) = project.runs()
    assert (run.state, run.error) == ("done", None)
    metrics = {metric.label: metric.value for metric in app.metric}
    assert metrics["Right on held-out pictures"] == f"{run.report['accuracy']:.0%}"
    assert metrics[MAJORITY] == "50%"
    assert metrics["Pictures"] == "18 + 6"
    data, ids = project.labelled()
    expected = fit(data, net, seed=0)
    for _ in expected:
        pass
    assert (
        load_head(run.head).to_bytes() == expected.head.to_bytes() == app.session_state["trained_head"].head.to_bytes()
    )
    outcome = Outcome.from_bytes(project.outcome(run.id))
    np.testing.assert_array_equal(outcome.pictures, np.array(ids)[expected.held_out])
    np.testing.assert_array_equal(outcome.trained_on, np.array(ids)[expected.train])
    found = assess(outcome.truth, outcome.probabilities, outcome.classes)
    assert run.report["accuracy"] == found.report.accuracy
    assert run.report["f1"] == found.f1
    assert len(epochs_of(run)) == KINDS["linear"].epochs
    assert app.query_params["run"] == run.id
    button(app, "Judge it").click().run()
    assert app.session_state["step"] == "Judge"


@pytest.mark.parametrize("parts", [("",), ("train/", "val/")])
@pytest.mark.parametrize("door", ["folder", "zip"])
def test_the_shell_makes_the_same_head_of_a_set_with_copies(
    workspace, net, registry, monkeypatch, tmp_path, parts, door
):
    """Copies within a class, whatever their format, and of what is held out: each counts once, the held-out one."""
    monkeypatch.setattr("visionlab.cli.training.base_network", lambda model, device: net)
    files = {
        f"{part}{name}/{seed}.png": striped(kind, 20 * place + seed)
        for place, part in enumerate(parts)
        for kind, name in enumerate(("across", "down"))
        for seed in range(9)
    }
    files |= {f"{parts[-1]}across/copy {seed}.png": files[f"{parts[0]}across/{seed}.png"] for seed in range(3)}
    files[f"{parts[0]}down/copy.bmp"] = as_bitmap(files[f"{parts[-1]}down/4.png"])
    if door == "zip":
        (path := tmp_path / "set.zip").write_bytes(packed(files))
    else:
        path = planted(tmp_path / "set", files)
    came = workspace.create("Copies", ME)
    last = [*take(came, from_zip(path) if door == "zip" else from_folder(path))][-1]
    assert last.copies == 4
    held_out = 0.25 if len(parts) == 1 else None
    mine = begun(came, net, validation=held_out)
    told = shell("train", path, "-o", tmp_path / "head.safetensors")
    assert (tmp_path / "head.safetensors").read_bytes() == mine.head.read_bytes()
    assert "\n4 exact copies left out.\n" in f"\n{told}"
    assert arrivals.told(last) == f"{last.added} pictures added, 4 exact copies left out."
    app = AppTest.from_function(step, default_timeout=60, args=(str(workspace.folder), came.id)).run()
    counts = f"**{mine.report['trained_on']} pictures** to learn from, **{mine.report['held_out']}** to check with"
    assert counts in lines(app)
    assert f"{last.added} pictures, learned by" in told
    assert all(text in told for text in last.told)


def test_the_same_pictures_settings_and_seed_give_the_same_head(app, registry, project):
    for _ in range(2):
        button(app, "Train").click().run()
        finish(app, registry)
    app.number_input(key="seed").set_value(1).run()
    button(app, "Train").click().run()
    finish(app, registry)
    other, second, first = (run.head.read_bytes() for run in project.runs())
    assert first == second != other
    table = app.dataframe[0].value
    assert list(table["Learned from"]) == [24, 24, 24], "a linear head from all in the end"
    assert list(table["Held out"]) == [6, 6, 6]
    assert "Epoch kept" not in table
    assert list(table["State"]) == ["Done"] * 3


def test_a_seed_that_cannot_be_holds_train_back_and_says_why(app, project):
    for typed, shown in ((-1, "−1"), (2**31, "2,147,483,648")):
        app.number_input(key="seed").set_value(typed).run()
        assert not app.exception
        assert button(app, "Train").disabled
        told = [text.value for text in app.text if "not possible" in text.value]
        assert told == [f"Seed: {shown} is not possible. Use 0 to 2,147,483,647."] * 2, (
            "at the button, and at the field"
        )
    app.number_input(key="seed").set_value(7).run()
    assert not button(app, "Train").disabled
    assert not [text.value for text in app.text if "not possible" in text.value]


def test_labels_that_changed_since_the_training_are_counted(app, registry, project):
    button(app, "Train").click().run()
    finish(app, registry)
    assert "since the last training" not in lines(app)
    across, down = project.classes()
    moved = [each.id for each in project.pictures(across.id)][:2]
    for count, told in enumerate(("1 label has changed since the last training", "2 labels have changed"), 1):
        project.move([moved[count - 1]], down.id)
        app.run()
        assert told in lines(app)
    button(app, "Train").click().run()
    finish(app, registry)
    assert "since the last training" not in lines(app)
    project.remove([project.pictures(down.id)[0].id])
    app.run()
    assert "The pictures have changed since the last training" in lines(app)
    project.undo()
    new = project.add_classes(["neither"])[0]
    project.move(moved, new)
    app.run()
    assert "2 labels have changed" in lines(app), "also where the head knows no such class"
    (project.folder / "runs" / project.runs()[0].id / "outcome.safetensors").unlink()
    app.run()
    assert "The pictures have changed" in lines(app), "of a run that did not keep which they were"


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_be_trained(app, registry, project, kind):
    app.radio(key="kind").set_value(kind).run()
    button(app, "Train").click().run()
    finish(app, registry)
    (run,) = project.runs()
    assert (run.state, run.error, load_head(run.head).facts["kind"]) == ("done", None, kind)
    assert not project.checkpoint(run.id).exists()


def test_pictures_that_still_come_in_are_watched_here_too(app, registry, project):
    """With them, what can be trained changes: the page runs again when they are in."""
    until = threading.Event()

    def work(_: Job) -> Iterator[Intake]:
        yield Intake(32, 100, 30, 2, 0, ())
        until.wait(60)

    key = registry.submit(work, intake_into(project.id))
    app.run()
    assert "32 of 100 pictures looked at, 30 of them new" in [each.proto.text for each in app.get("progress")]
    until.set()
    assert registry.find(key).wait(60)
    app.run()
    assert not app.get("progress")


def test_what_lacks_is_said_before_one_can_start(app, project):
    down = next(each for each in project.classes() if each.name == "**down**")
    project.enable_class(down.id, False)
    app.run()
    assert button(app, "Train").disabled
    assert "1 class is there to learn" in lines(app)
    project.undo()
    pictures = [each.id for each in project.pictures(down.id)]
    project.remove(pictures[1:])
    app.run()
    assert app.radio(key="kind").value == "prototype", "what is possible, and usually best, is chosen beforehand"
    assert not button(app, "Train").disabled
    assert f"{plain('“**down**” has 1 picture beside 12 of “across”')}" in lines(app)
    app.radio(key="kind").set_value("linear").run()
    assert button(app, "Train").disabled
    assert "“**down**” has 1 picture" in "\n".join(text.value for text in app.text), "a name is never read as Markdown"
    assert "Or choose “Nearest prototype”: for it, one is enough." in "\n".join(text.value for text in app.text)
    app.run()
    assert app.radio(key="kind").value == "linear", "what a person chose stays"
    app.radio(key="kind").set_value("prototype").run()
    project.undo()
    app.run()
    assert app.radio(key="kind").value == "prototype", "also once another one would be usual"
    project.remove(pictures[1:])
    app.run()
    assert not button(app, "Train").disabled
    assert "Nobody will know how good the head is" in lines(app)


def test_the_kind_that_is_usual_follows_the_pictures_until_one_is_chosen(app, project):
    down = next(each for each in project.classes() if each.name == "**down**")
    for kept, kind in ((3, "prototype"), (12, "linear"), (3, "prototype")):
        if kept == 12:
            project.undo()
        else:
            project.remove([each.id for each in project.pictures(down.id)][kept:])
        assert app.run().radio(key="kind").value == kind


@pytest.mark.parametrize("count", [1, 3, 5, 6, 9])
def test_that_pictures_are_few_is_told_as_by_the_shell(app, project, net, monkeypatch, tmp_path, count):
    """In the same sentence, and of the same number, at every count, with what follows for the kind of head."""
    monkeypatch.setattr("visionlab.cli.training.base_network", lambda model, device: net)
    down = next(each for each in project.classes() if each.name == "**down**")
    project.remove([each.id for each in project.pictures(down.id)][count:])
    few = f"“**down**” has {count} picture{'s' * (count > 1)} beside 12 of “across”: what is learned and told of so few"
    usual = "With fewer than 6 pictures in a class, “Nearest prototype” is usually better than “Linear”."
    step = lines(app.run())
    assert plain(few) in step
    with (tmp_path / "set.zip").open("wb") as file:
        list(export_zip(project, file))
    told = shell("train", tmp_path / "set.zip", "-o", tmp_path / "h.safetensors")
    assert few in told
    assert (usual in told) == (plain(usual) in step) == (count < 6)


def test_a_head_of_which_nobody_knows_how_good_it_is(app, registry, project):
    down = next(each for each in project.classes() if each.name == "**down**")
    project.remove([each.id for each in project.pictures(down.id)][1:])
    app.radio(key="kind").set_value("prototype").run()
    button(app, "Train").click().run()
    finish(app, registry)
    assert {metric.label: metric.value for metric in app.metric}["Pictures"] == "13 + 0"
    assert len(Outcome.from_bytes(project.outcome(project.runs()[0].id)).pictures) == 0


def test_one_burst_a_class_trains_and_what_its_figure_is_worth_is_said(workspace, net, registry):
    project = workspace.create("Bursts", ME)
    for kind, name in enumerate(("me", "cup")):
        frames = [Incoming(name, f"{seed}.png", partial(striped, kind, seed), name) for seed in range(19)]
        for _ in take(project, frames):
            pass
    app = AppTest.from_function(step, default_timeout=60, args=(str(workspace.folder), project.id)).run()
    worth = plain("Of “me” and “cup” there is one burst: its last pictures are held out.")
    for kind in ("prototype", "linear"):
        app.radio(key="kind").set_value(kind).run()
        assert "**24 pictures** to learn from, **10** to check with" in lines(app)
        assert worth in lines(app)
        button(app, "Train").click().run()
        finish(app, registry)
        assert lines(app).count(worth) == 2, "beside the figure, too"
    assert [run.report["held_out"] for run in project.runs()] == [10, 10]


def test_an_interrupted_run_goes_on(app, registry, project, workspace):
    run = begin(project)
    project._let_go(run)  # as the system does when the server is killed
    app.run()
    assert "was interrupted" in lines(app)
    button(app, "Go on").click().run()
    finish(app, registry)
    assert project.run(run).state == "done"
    assert "was interrupted" not in lines(app)


def test_runs_queue_and_say_so_and_one_that_waits_can_be_stopped(app, registry, project, monkeypatch):
    monkeypatch.setenv(limits.JOBS.variable, "3")
    go = threading.Event()

    def long(_):
        assert go.wait(30)
        yield 1

    for other in "abc":
        registry.submit(long, other, "runs")
    try:
        button(app, "Train").click().run()
        assert app.get("progress")[0].proto.text == "Waiting: 3 other runs are at work."
        assert project.runs()[0].state == "waiting"
        assert not [found for found in app.button if found.label == "Train"], "one run a project"
        button(app, "Stop, and keep the best so far").click().run()
        assert registry.about(f"train {project.id}").wait(60)
        app.run()
        assert project.runs()[0].state == "cancelled"
        assert "Stopped before there was a head" in lines(app)
    finally:
        go.set()


def test_a_figure_of_before_labels_were_corrected_says_so(workspace, project, net, registry):
    """Judge counts with the labels of now, and says another one."""
    run = begun(project, net)
    told = f"{run.report['held_out']} held-out pictures"
    arguments = (str(workspace.folder), project.id, False)
    app = AppTest.from_function(step, default_timeout=60, args=arguments).run()
    assert f"{told}. On others" in lines(app)
    first, second = project.classes()
    picture = next(each for each in project.snapshot()[1] if each.class_id == first.id)
    project.move([picture.id], second.id)
    app.run()
    assert not app.exception
    assert f"{told} when it was trained. On others" in lines(app)
    project.undo()
    app.run()
    assert f"{told}. On others" in lines(app)


def test_two_runs_are_compared_and_removed(app, registry, project):
    for kind in ("linear", "prototype"):
        app.radio(key="kind").set_value(kind).run()
        button(app, "Train").click().run()
        finish(app, registry)
    app.session_state["runs-0"] = {"selection": {"rows": [0, 1], "columns": [], "cells": []}}
    app.run()
    assert not app.exception
    assert "On the 6 pictures that both held out, A is right on" in lines(app)
    button(app, "Remove these 2 runs").click().run()
    assert not app.exception
    assert project.runs() == []
    assert list(project.folder.glob("runs/*")) == []


def test_one_run_a_project_whoever_starts_it(app, registry, project, workspace):
    going_on = begin(project)  # as another server's
    app.run()
    assert "goes on in another server" in lines(app)
    button(app, "Train").click().run()
    assert not app.exception
    assert "goes on in another server" in lines(app)
    assert [run.id for run in project.runs()] == [going_on]
    assert app.query_params["run"] == going_on, "that is looked at"


@pytest.mark.parametrize("ends", [False, True], ids=["at work", "ended meanwhile"])
def test_a_second_click_on_train_watches_the_run_of_the_first(workspace, project, net, registry, monkeypatch, ends):
    """Each click draws the page in a thread of its own: the second may look for a run before the first has begun it."""
    arguments = (str(workspace.folder), project.id, False)
    app = AppTest.from_function(step, default_timeout=60, args=arguments).run()
    button(app, "Train").click().run()
    finish(app, registry)
    (former,) = project.runs()
    go, first = threading.Event(), []
    begin_run = Project.begin_run

    def quicker(project: Project, noted: dict, **options) -> str:
        run = begin_run(project, noted, **options)
        if first:
            return run
        first.append(begin_run(project, noted, **options))
        if ends:
            project.end_run(first[0], "cancelled")

        def long(job: Job) -> Iterator[None]:
            go.wait(60)
            project.end_run(first[0], "cancelled")
            yield

        registry.submit(long, f"train {project.id}")
        return run

    monkeypatch.setattr(Project, "begin_run", quicker)
    try:
        button(app, "Train").click().run()
        assert not app.exception
        assert "being worked on already" not in lines(app)
        assert {run.id for run in project.runs()} == {former.id, first[0]}
        assert app.query_params["run"] == first[0]
        assert button(app, "Stop, and keep the best so far")
        app.query_params["run"] = former.id  # as a browser sends it that clicked before it was told
        app.run()
        assert app.query_params["run"] == (former.id if ends else first[0])
    finally:
        go.set()


def test_a_run_that_failed_says_why_and_the_next_one_is_free(app, registry, project):
    files = [path for path in project.folder.glob("pictures/*/*") if path.is_file()]
    kept = {path: path.read_bytes() for path in files}
    for path in files:
        path.unlink()
    button(app, "Train").click().run()
    finish(app, registry)
    assert "is not in the project any more" in lines(app)
    assert project.runs()[0].state == "failed"
    for path, data in kept.items():
        path.write_bytes(data)
    button(app, "Train").click().run()
    finish(app, registry)
    assert project.runs()[0].state == "done"


def test_a_link_shows_its_run_and_a_link_to_none_the_latest(app, registry, project):
    for _ in range(2):
        button(app, "Train").click().run()
        finish(app, registry)
    latest, first = project.runs()
    app.query_params["run"] = first.id
    app.run()
    assert app.selectbox(key="picked-run").value == first.id
    app.selectbox(key="picked-run").set_value(latest.id).run()
    assert app.query_params["run"] == latest.id
    app.query_params["run"] = "../../nothing"
    for _ in range(2):
        app.run()
        assert not app.exception
        assert app.selectbox(key="picked-run").value == latest.id
        assert "There is no run “../../nothing” here, so the latest one is shown." in [text.value for text in app.text]
    app.selectbox(key="picked-run").set_value(first.id).run()
    assert not [text.value for text in app.text if "There is no run" in text.value]


# The run itself -----------------------------------------------------------------------------------------------------


def test_features_are_known_to_the_next_run(project, net):
    first = [event for event in train(project, begin(project), net) if isinstance(event, Embedded)]
    assert (first[-1].done, first[-1].total, first[-1].known) == (24, 24, 0)
    stripes(project, 17)  # the first 12 of each class are there
    second = [event for event in train(project, begin(project), net) if isinstance(event, Embedded)]
    assert (second[0].done, second[-1].done, second[-1].total, second[-1].known) == (24, 34, 34, 24)


@pytest.mark.parametrize(
    ("latest", "told"),
    [
        (None, "Looking at the pictures …"),
        (Embedded(3, 4, 0, 1.0), "Picture 3 of 4 through the network"),
        (Embedded(4, 4, 4, 1.0), "Fitting …"),
        (Trained(1, 1, None), "Fitting …"),
        (Trained(1, 20, None), "Epoch 1 of at most 20"),
    ],
)
def test_what_goes_on_is_said(latest, told):
    assert training_step._how_far(SimpleNamespace(latest=latest, place=0))[1] == told


def test_where_fine_tuning_found_nothing_better_result_and_table_say_so(app, registry, project, monkeypatch):
    app.radio(key="kind").set_value("fine-tune").run()
    for rate in (1e3, 1e-3):
        monkeypatch.setattr(fine_tuning, "HEAD_RATE", rate)  # the first is so large that nothing gets better
        button(app, "Train").click().run()
        finish(app, registry)
        run = project.runs()[0]
        app.query_params["run"] = run.id
        app.run()
        vain = not load_head(run.head).tuned
        assert ("**is** that linear head" in lines(app)) == vain
        assert next(iter(app.dataframe[0].value["Kind"])) == "Fine-tuning" + " (no better than linear)" * vain
        if rate == 1e3:
            assert vain


def test_which_epoch_was_kept_and_that_it_stopped_early_is_said_where_the_figure_is(app, registry, project):
    app.radio(key="kind").set_value("fine-tune").run()
    button(app, "Train").click().run()
    finish(app, registry)
    (run,) = project.runs()
    kept, last = run.report["best_epoch"], run.epochs[-1]["index"]
    early = (
        f"It stopped early, after epoch {last} of at most 20. Epoch {kept} is kept, the best on the held-out pictures"
    )
    assert runs.stopped_early(run) == (last < 20)
    assert (early if last < 20 else f"Epoch {kept} is kept") in lines(app)
    (table,) = (each.value for each in app.dataframe)
    assert list(table["Epoch kept"]) == [f"{kept} of {last}" + ", stopped early" * (last < 20)]
    assert _width(table["Copies"]) >= 7 * len("Mirrored, Cropped") > _width([None])
    learned = load_head(run.head).facts["trained_on"]
    assert list(table["Learned from"]) == [learned]
    assert list(table["Held out"]) == [6]
    ended = replace(run, epochs=tuple({"index": index} for index in range(1, 9)), report=run.report | {"best_epoch": 2})
    assert "after epoch 8 of at most 20. Epoch 2 is kept" in runs.epochs_told(ended)
    assert "stopped early" not in runs.epochs_told(replace(ended, state="cancelled")), "somebody stopped it"
    assert runs.of_epochs(replace(ended, settings=run.settings | {"kind": "linear"})) == ""


def test_the_time_left_is_that_of_later_epochs(project, net, monkeypatch):
    now, iterated = [0.0], Fit.__iter__

    def slowly(run: Fit) -> Iterator[Epoch]:
        for epoch in iterated(run):
            now[0] += 500 if epoch.index == 1 else 2
            yield epoch

    monkeypatch.setattr(Fit, "__iter__", slowly)
    monkeypatch.setattr(training_run, "time", SimpleNamespace(monotonic=lambda: now[0]))
    first, *later = [each for each in train(project, begin(project, kind="mlp"), net) if isinstance(each, Trained)]
    assert first.left is None
    assert [each.left for each in later] == [2 * (first.total - each.done) for each in later]
    assert len(later) > 2


def test_a_run_that_is_stopped_keeps_the_best_so_far(project, net):
    run = begin(project, kind="mlp")
    steps = train(project, run, net)
    while not isinstance(event := next(steps), Trained) or event.done < 3:
        pass
    steps.close()
    info = project.run(run)
    assert (info.state, len(epochs_of(info))) == ("cancelled", 3)
    assert load_head(info.head).facts["epoch"] <= 3
    assert info.report["held_out"] == 6
    with pytest.raises(BusyError):
        project.continue_run(run)


def killed(project, workspace, net, kind: str, epochs: int):
    """The project as it lies on the disk when the server is killed after so many epochs of a run."""
    run = begin(project, kind=kind)
    steps = train(project, run, net)
    while not isinstance(event := next(steps), Trained) or event.done < epochs:
        pass
    left = workspace.duplicate(project.id, "Left", ME)
    steps.close()
    return left, left.run(run)


@pytest.mark.parametrize("kind", ["mlp", "fine-tune"])
def test_a_killed_run_goes_on_from_its_last_epoch_to_the_same_head(project, workspace, net, kind):
    left, run = killed(project, workspace, net, kind, 3)
    assert (run.state, len(run.epochs)) == ("interrupted", 3)
    events = [event for event in train(left, run.id, net) if isinstance(event, Trained)]
    assert events[0].done == 4
    resumed = left.run(run.id)
    whole = begin(project, kind=kind)
    for _ in train(project, whole, net):
        pass
    whole = project.run(whole)
    assert resumed.state == "done"
    assert load_head(resumed.head).to_bytes() == load_head(whole.head).to_bytes()
    named = ("index", "validation_loss")
    assert [[e[n] for n in named] for e in epochs_of(resumed)] == [[e[n] for n in named] for e in epochs_of(whole)]
    assert resumed.report["seconds"] > run.epochs[-1]["seconds"]


@pytest.mark.parametrize(("writing", "each"), [(0.9, 1), (1.1, 5)])
def test_checkpoints_that_take_longer_to_write_than_an_epoch_are_seldom(project, net, monkeypatch, writing, each):
    """Else a run that is killed loses an epoch at most. By a clock by which an epoch takes a second."""
    clock, written, note = [100.0], [], project.note_epoch

    def passes(seconds: float) -> None:
        clock[0] += seconds

    def write(path: Path, data: bytes) -> None:
        written.append(len(project.run(run).epochs))
        passes(writing)

    monkeypatch.setattr(training_run, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr(training_run, "write", write)
    monkeypatch.setattr(project, "note_epoch", lambda *told: (passes(1.0), note(*told)))
    run = begin(project, kind="fine-tune")
    events = [event for event in train(project, run, net) if isinstance(event, Trained)]
    assert len(events) > 6
    assert written == list(range(1, len(events) + 1, each))


def test_a_killed_run_whose_pictures_changed_begins_again(project, workspace, net):
    left, run = killed(project, workspace, net, "mlp", 3)
    stripes(left, 16)
    events = [event for event in train(left, run.id, net) if isinstance(event, Trained)]
    assert events[0].done == 1
    resumed = left.run(run.id)
    assert (resumed.state, resumed.report["trained_on"]) == ("done", 24)
    assert [epoch["index"] for epoch in epochs_of(resumed)] == list(range(1, events[-1].done + 1))


def test_a_picture_removed_meanwhile_does_not_matter(project, net):
    run = begin(project)
    steps = train(project, run, net)
    next(steps)
    project.remove([each.id for each in project.pictures()[:5]])
    for _ in steps:
        pass
    assert project.run(run).state == "done"
    assert project.run(run).report["trained_on"] == 18
    assert len(project.pictures()) == 19


def test_a_picture_whose_file_is_gone_ends_the_run_in_a_sentence(project, net):
    run = begin(project)
    shutil.rmtree(project.folder / "pictures")
    with pytest.raises(DatasetError):
        for _ in train(project, run, net):
            pass
    info = project.run(run)
    assert (info.state, info.head) == ("failed", None)
    assert "is not in the project any more" in info.error
    assert len(project.pictures()) == 24


def test_a_project_deleted_meanwhile_is_a_sentence(project, workspace, net):
    steps = train(project, begin(project), net)
    next(steps)
    workspace.delete(project.id)
    with pytest.raises(DatasetError, match="not there any more"):
        for _ in steps:
            pass


def test_a_bug_leaves_a_run_that_failed(project, net, monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError

    monkeypatch.setattr(training_run, "assess", broken)
    run = begin(project)
    with pytest.raises(ZeroDivisionError):
        for _ in train(project, run, net):
            pass
    assert project.run(run).state == "failed"


def test_a_full_memory_in_mid_training_is_noted_in_a_sentence_and_the_next_run_is_trained(project, net, monkeypatch):
    def full(*_, **__):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 640 bytes")

    with monkeypatch.context() as patched:
        patched.setattr(training_run, "assess", full)
        run = begin(project)
        with pytest.raises(BusyError, match="not enough memory left"):
            for _ in train(project, run, net):
                pass
        assert (project.run(run).state, project.run(run).error) == ("failed", NO_MEMORY)
    again = begin(project)
    for _ in train(project, again, net):
        pass
    assert project.run(again).state == "done"


def test_verdicts():
    assert "may well be chance (p = 0.29)" in verdict(Comparison(20, 12, 16, 2, 6, 0.2890625))
    assert "is hardly chance (p = 0.002)" in verdict(Comparison(20, 5, 15, 0, 10, 0.001953125))
    assert "same ones" in verdict(Comparison(20, 12, 12, 0, 0, 1.0))
    assert "none of the same" in verdict(Comparison(0, 0, 0, 0, 0, 1.0))
