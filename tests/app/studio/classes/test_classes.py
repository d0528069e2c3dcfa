"""The studio's step “Classes”: from an empty page to an answer on one screen, and what is said on the way."""

import io
import re
from types import SimpleNamespace
from urllib.parse import parse_qs

import numpy as np
import pytest
from app.studio_tools import ME, begun, finish, lines, striped, stripes
from PIL import Image as PillowImage
from streamlit.testing.v1 import AppTest

from visionlab.imaging.samples import load_sample
from visionlab.learning.features.embedding import embed
from visionlab.learning.heads.head import Head, load_head
from visionlab.learning.projects import workspace
from visionlab.learning.projects.project import Project
from visionlab.learning.projects.workspace import Workspace
from visionlab.network.running.classifier import Classifier
from visionlab.network.running.prediction import Answer, Prediction, probabilities
from visionlab.ui.shared import cached, jobs, live, networks, widgets
from visionlab.ui.shared.components.burst import Batch
from visionlab.ui.shared.components.camera import Fresh
from visionlab.ui.shared.networks import YOUR_HEAD
from visionlab.ui.shared.server.pages import PAGES
from visionlab.ui.shared.visitor import COOKIE
from visionlab.ui.shared.widgets import plain, probability_bars
from visionlab.ui.studio import runs, uploads
from visionlab.ui.studio.classes import cards, step, trying
from visionlab.ui.studio.judge.case import case_of
from visionlab.ui.studio.pictures import intake
from visionlab.ui.studio.pictures.intake import RECORDED
from visionlab.wording import MISTAKES, percent


def files(kind: int, count: int, first: int = 0) -> list[tuple[str, bytes, str]]:
    return [(f"{kind}-{i}.png", striped(kind, i), "image/png") for i in range(first, first + count)]


def project_of(app: AppTest) -> Project:
    return Workspace().open(app.query_params["project"])


def counts(app: AppTest) -> dict[str, int]:
    return {each.name: each.count for each in project_of(app).classes()}


def drop(app: AppTest, name: str, found: list[tuple[str, bytes, str]]) -> AppTest:
    """Files onto the card of that class."""
    target = next(each for each in app.file_uploader if each.label == f"Pictures of {plain(name)}")
    target.set_value(found).run()
    assert not app.exception
    return app


def name(app: AppTest, text: str) -> AppTest:
    app.text_input(key="new-class").set_value(text)
    next(each for each in app.button if each.label == "Add the classes").click().run()
    assert not app.exception
    return app


def field(app: AppTest, place: str):
    """Where the name of the class at that place is typed."""
    return next(each for each in app.text_input if (each.key or "").startswith(f"class-name-{place}-"))


def html(app: AppTest) -> str:
    return "\n".join(each.value for each in app.get("html"))


@pytest.fixture
def studio(open_page, net, registry) -> AppTest:
    return open_page("Fine-tune")


def test_a_name_that_was_given_elsewhere_is_not_taken_back_by_a_browser_that_is_not_told_yet(studio):
    """Classes are named in one field and another step is chosen before the page has come: sent with what was there."""
    former = field(studio, "place-1")
    name(studio, "cats, dogs")
    assert [field(studio, place).value for place in ("place-1", "place-2")] == ["cats", "dogs"]
    assert field(studio, "place-1").key != former.key, "what the browser holds of the former is of no field any more"
    assert list(counts(studio)) == ["cats", "dogs"]


# --- what comes in ----------------------------------------------------------------------------------------------------


def test_a_zip_on_the_card_of_a_class_is_told_where_whole_sets_come_in(studio, registry, workspace_folder):
    told = (
        "“set.zip” is a zip, and this takes pictures of one class: zips come in under “Or all classes at once: a folder"
    )
    drop(studio, "Class 1", [("set.zip", b"PK\x03\x04", "application/zip")])
    assert told in lines(studio)
    assert any(each.label == cards.WHOLE_SETS for each in studio.expander)
    assert not list(workspace_folder.glob("*/project.sqlite")), "nothing came in"
    for _ in range(2):
        drop(studio, "Class 1", [*files(0, 2), ("Set.ZIP", b"PK\x03\x04", "application/zip")])
        finish(studio, registry)
    assert counts(studio) == {"Class 1": 2, "Class 2": 0}, "what came beside it is in"
    studio.segmented_control(key="step").set_value("Pictures").run()
    uploader = next(each for each in studio.file_uploader if each.label == "Pictures")
    uploader.set_value([("a.zip", b"", "application/zip"), ("b.zip", b"", "application/zip")]).run()
    told = "“a.zip” and 1 more are zips, and this takes pictures of one class: zips come in under “A folder, a zip, a"
    assert told in lines(studio)


def test_the_first_picture_makes_the_project_and_its_classes_are_named_where_they_stand(studio, registry):
    assert "Give each class some pictures" in lines(studio)
    assert studio.button(key="train-here").disabled
    drop(studio, "Class 1", files(0, 3))
    finish(studio, registry)
    assert counts(studio) == {"Class 1": 3, "Class 2": 0}
    assert "“Class 2” has no pictures yet." in lines(studio)
    assert html(studio).count("<img") == 3
    for place, wanted in (("place-1", "across"), ("place-2", "**down**")):
        field(studio, place).set_value(wanted).run()
    assert counts(studio) == {"across": 3, "**down**": 0}, "the widgets of the empty page are those of the project"
    field(studio, "place-2").set_value("ACROSS").run()
    told = "There is a class “across” already; “**down**” keeps its name."
    assert told in lines(studio)
    assert [each.value for each in studio.toast] == ["Not done: the top of the page says why."], (
        "also where one is far below"
    )
    assert field(studio, "place-2").value == "**down**"
    for _ in range(2):
        drop(studio, "**down**", files(1, 4))
        finish(studio, registry)
    assert counts(studio) == {"across": 3, "**down**": 4}
    assert "No new pictures, 4 exact copies left out." in lines(studio), "what is not seen in the card is said"
    assert not studio.button(key="train-here").disabled


def test_what_a_card_says_of_pictures_goes_when_they_are_undone(studio, registry):
    for count in (2, 3):
        drop(studio, "Class 1", files(0, count))
        finish(studio, registry)
    told = "1 picture added, 2 exact copies left out."
    assert told in lines(studio)
    for act, there in (("undo", False), ("redo", True)):
        getattr(project_of(studio), act)()
        studio.run()
        assert (told in lines(studio)) == there


def test_who_has_folders_sees_on_the_empty_page_that_all_classes_come_at_once(studio):
    def whole_set():
        return next(each for each in studio.expander if each.label.startswith("Or all classes at once"))

    assert whole_set().proto.expanded
    assert "A folder" in [each.label for each in whole_set().file_uploader]
    name(studio, "ant, bee")
    assert not whole_set().proto.expanded, "the cards come first then"


def test_a_name_typed_on_the_empty_page_makes_the_project(studio):
    field(studio, "place-2").set_value(" bees ").run()
    assert not studio.exception
    assert counts(studio) == {"Class 1": 0, "bees": 0}
    assert project_of(studio).info().name == "My pictures"


def test_many_classes_in_one_field_and_files_for_all_of_them_at_once(studio, registry):
    name(studio, "ant, bee,, fly ,wasp, moth")
    assert list(counts(studio)) == ["ant", "bee", "fly", "wasp", "moth"]
    assert project_of(studio).info().name == "ant, bee and 3 more"
    gate = jobs.Queue(0)
    registry._queues["pictures"] = gate  # nothing comes in meanwhile
    for number, each in enumerate(counts(studio)):
        drop(studio, each, files(number % 2, 2, 10 * number))
    assert counts(studio) == dict.fromkeys(["ant", "bee", "fly", "wasp", "moth"], 0)
    assert sum("Waiting" in each.proto.text for each in studio.get("progress")) == 5, "each card tells of its own"
    for _ in range(2):
        gate.give_back()
    finish(studio, registry)
    assert set(counts(studio).values()) == {2}
    assert "Waiting" not in "".join(each.proto.text for each in studio.get("progress"))
    name(studio, "Bee, gnat")
    assert "Two classes of the same name" in lines(studio)
    assert len(counts(studio)) == 5, "all of them or none"
    name(studio, " , ")
    assert "A class needs a name" in lines(studio)


@pytest.mark.parametrize("at", ["Classes", "Pictures"])
def test_names_that_cannot_be_added_stay_to_be_mended(studio, at):
    name(studio, "wasp, moth")
    studio.segmented_control(key="step").set_value(at).run()
    for typed, told in (
        ("lemon, pizza, Lemon", "“Lemon” is there twice"),
        ("fly, Wasp", "Two classes of the same name"),
    ):
        studio.text_input(key="new-class").set_value(typed)
        next(each for each in studio.button if each.label.startswith("Add the class")).click().run()
        assert told in lines(studio)
        assert studio.text_input(key="new-class").value == typed
    studio.text_input(key="new-class").set_value("lemon, pizza")
    next(each for each in studio.button if each.label.startswith("Add the class")).click().run()
    assert list(counts(studio)) == ["wasp", "moth", "lemon", "pizza"]
    assert studio.text_input(key="new-class").value == ""


def test_what_is_said_of_pictures_goes_with_them(studio, registry):
    """What came in and could not be read, once that is undone; and what was tried, with the project."""
    name(studio, "ant, bee")
    for _ in range(2):
        drop(studio, "ant", [*files(0, 2), ("broken.png", b"nothing", "image/png")])
        finish(studio, registry)
        assert "broken.png" in lines(studio)
        studio.button(key="undo").click().run()
        assert counts(studio) == {"ant": 0, "bee": 0}
        assert "broken.png" not in lines(studio)
        assert "added" not in lines(studio)


def test_a_picture_that_was_tried_does_not_go_along_into_another_project(studio, registry):
    for number in range(2):
        if number:
            studio.selectbox(key="project-picker").set_value("new").run()
        trained(studio, registry)
        assert "Or drop a picture here." in lines(studio)
        target = next(each for each in studio.file_uploader if each.label == "A picture to try it on")
        target.set_value(files(0, 1, 80)).run()
        assert "Or drop a picture here." not in lines(studio)


def test_who_turns_to_another_project_is_not_told_of_the_run_of_the_last(workspace_folder, open_page, app, net):
    browser = "a" * 32
    found = [stripes(Workspace(workspace_folder).create(title, browser)) for title in ("One", "Other")]
    latest = [begun(each, net).id for each in found]
    app.session_state[COOKIE] = browser
    app.query_params.update(project=found[0].id, step="Judge")
    open_page("Fine-tune")
    for turn in (1, 0, 1):
        app.selectbox(key="project-picker").set_value(found[turn].id).run()
        assert not app.exception
        assert app.selectbox(key="picked-run").value == latest[turn]
        assert not any("There is no run" in each.value for each in app.text)
    app.query_params["run"] = "nonsense"
    app.run()
    assert any("There is no run “nonsense” here" in each.value for each in app.text)


def test_a_project_opens_whatever_its_id(workspace_folder, open_page, app, net, monkeypatch):
    """Streamlit mounts no component whose key holds “__”, and ids are made of any letters, digits, - and _."""
    monkeypatch.setattr(workspace, "secrets", SimpleNamespace(token_urlsafe=lambda size: "a___b" + "_" * 17))
    project = stripes(Workspace(workspace_folder).create("Stripes", ME), 1)
    app.session_state[COOKIE] = ME
    app.query_params["project"] = project.id
    open_page("Fine-tune")
    for each in project.classes():
        assert f"See the pictures of {plain(each.name)}" in [button.label for button in app.button]


def test_a_class_is_removed_and_comes_back(studio, registry):
    name(studio, "ant, bee")
    drop(studio, "ant", files(0, 2))
    finish(studio, registry)
    next(each for each in studio.button if each.label == "Remove “ant” with its pictures").click().run()
    assert counts(studio) == {"bee": 0}
    assert "Add another class" in lines(studio)
    studio.button(key="undo").click().run()
    assert counts(studio) == {"ant": 2, "bee": 0}
    next(each for each in studio.button if each.label == "See the pictures of ant").click().run()
    assert not studio.exception
    assert studio.session_state["step"] == "Pictures"
    assert studio.radio(key="class").value == project_of(studio).classes()[0].id


def test_what_the_browser_refused_is_named_until_the_next_comes_and_what_cannot_be_read_until_it_is_closed(
    studio, registry, monkeypatch
):
    """And while the rest of one drop comes in."""
    told = []  # by the browser
    monkeypatch.setattr(uploads, "drops", lambda key, listed, on_refused: [on_refused(*told.pop()) for _ in told[:]])
    name(studio, "ant, bee")
    uploader = next(each for each in studio.file_uploader if each.label == "Pictures of ant").key
    told.append((uploader, "clip.mp4", "video/mp4 files are not allowed."))
    drop(studio, "ant", [*files(0, 1), ("broken.png", b"nothing", "image/png")])
    finish(studio, registry)
    drop(studio, "bee", files(1, 1))
    finish(studio, registry)
    assert "clip.mp4: video/mp4 files are not allowed." in lines(studio)
    assert "“ant/broken.png” cannot be read" in lines(studio)
    monkeypatch.setattr(intake, "PAUSE", 60.0)
    drop(studio, "ant", files(0, 1, 5))
    finish(studio, registry)
    assert "clip.mp4" not in lines(studio)
    assert "“ant/broken.png” cannot be read" in lines(studio)
    studio.button(key="left-out-seen").click().run()
    assert "broken.png" not in lines(studio)
    drop(studio, "ant", [("worse.png", b"nothing", "image/png")])
    finish(studio, registry)
    assert "“ant/worse.png” cannot be read" in lines(studio)
    monkeypatch.setattr(intake, "PAUSE", 0.0)
    drop(studio, "ant", files(0, 1, 6))
    finish(studio, registry)
    assert "worse.png" in lines(studio), "until it is read"
    assert counts(studio) == {"ant": 3, "bee": 1}


def test_what_the_browser_refused_is_named_on_a_card_of_no_pictures(studio, monkeypatch):
    """There is no project yet, and nothing has come into the class."""
    uploader = next(each for each in studio.file_uploader if each.label.startswith("Pictures of ")).key
    told = [(uploader, "fat.jpg", "File must be 20.0MB or smaller.")]
    monkeypatch.setattr(uploads, "drops", lambda key, listed, on_refused: [on_refused(*told.pop()) for _ in told[:]])
    studio.run()
    studio.run()
    assert "fat.jpg: File must be 20.0MB or smaller." in lines(studio)
    next(each for each in studio.button if each.key.endswith("-seen")).click().run()
    assert "fat.jpg" not in lines(studio)


def test_bursts_of_two_cameras_that_come_together_are_both_whole(studio, registry, monkeypatch):
    coming: dict[str, list[Batch]] = {}
    frames = [[striped(kind, i) for i in range(20)] for kind in range(2)]

    def burst(key, on_batch, label):
        for batch in coming.pop(key, ()):
            on_batch(batch)

    def send(kind: int, number: int) -> None:
        some = tuple(frames[kind][16 * number : 16 * (number + 1)])
        coming[f"burst-place-{kind + 1}"] = [Batch(f"burst {kind}", number, 2, some)]
        studio.run()
        assert not studio.exception

    monkeypatch.setattr(cards, "burst", burst)
    for kind, number in ((0, 0), (1, 0), (0, 1), (1, 1)):
        send(kind, number)
    finish(studio, registry)
    assert counts(studio) == {"Class 1": 20, "Class 2": 20}
    groups = [{each.group for each in project_of(studio).pictures(each.id)} for each in project_of(studio).classes()]
    assert [len(each) for each in groups] == [1, 1]
    studio.button(key="train-here").click().run()
    finish(studio, registry)
    assert "right** on 10 held-out pictures" in lines(studio)
    assert all(each.value for each in studio.caption), "of classes that have as many pictures there is no more to say"
    assert plain("there is one burst") in lines(studio)
    assert plain("another burst would tell more") in lines(studio)
    assert studio.session_state[RECORDED] == {project_of(studio).id}


def test_what_is_done_on_two_cards_of_the_empty_page_at_once_goes_into_one_project(studio, registry, monkeypatch):
    """The second of them comes from a page that does not know of the project yet."""
    coming = {f"burst-place-{kind + 1}": Batch(f"burst {kind}", 0, 1, (striped(kind, 1),)) for kind in range(2)}
    monkeypatch.setattr(
        cards, "burst", lambda key, on_batch, label: on_batch(coming.pop(key)) if key in coming else None
    )
    studio.run()
    finish(studio, registry)
    assert counts(studio) == {"Class 1": 1, "Class 2": 1}
    assert len(Workspace().projects(studio.session_state[COOKIE])) == 1
    studio.selectbox(key="project-picker").set_value("new").run()
    fields = [each for each in studio.text_input if each.key.startswith("class-name-")]
    assert [(each.key, each.proto.default) for each in fields] == [
        ("class-name-place-3-Class 1", "Class 1"),
        ("class-name-place-4-Class 2", "Class 2"),
    ], "of which a browser holds nothing that belongs to another project, and which it never draws empty"
    for empty in ("", " ", "Class 1"):
        field(studio, "place-3").set_value(empty).run()
        assert not studio.exception
        assert "project" not in studio.query_params or studio.query_params["project"] == "new"
    assert len(Workspace().projects(studio.session_state[COOKIE])) == 1
    drop(studio, "Class 2", files(0, 1))
    finish(studio, registry)
    assert counts(studio) == {"Class 1": 0, "Class 2": 1}
    assert len(Workspace().projects(studio.session_state[COOKIE])) == 2


def test_very_many_classes_come_a_page_at_a_time(studio):
    name(studio, ", ".join(f"class {n}" for n in range(60)))
    assert sum(each.label.startswith("Pictures of class") for each in studio.file_uploader) == step.MOST
    assert "1 to 24 of 60 classes" in lines(studio)


# --- training and trying ----------------------------------------------------------------------------------------------


def trained(studio, registry, count: int = 12) -> AppTest:
    name(studio, "across, down")
    for kind, each in enumerate(("across", "down")):
        drop(studio, each, files(kind, count))
        finish(studio, registry)
    studio.button(key="train-here").click().run()
    assert not studio.exception
    return finish(studio, registry)


def test_one_button_trains_what_is_usually_best_and_says_what_it_is_worth(studio, registry, net):
    trained(studio, registry)
    (run,) = project_of(studio).runs()
    assert (run.state, run.settings["kind"], run.settings["validation"]) == ("done", "linear", 0.25)
    told = f"**{percent(run.report['accuracy'])} right** on 6 held-out pictures"
    assert told in lines(studio)
    assert "Train again" in [each.label for each in studio.button]
    drop(studio, "down", files(1, 1, 50))
    finish(studio, registry)
    assert "The pictures have changed since the last training" in lines(studio)
    assert told in lines(studio), "it is still there to be tried"
    studio.button(key="train-here").click().run()
    finish(studio, registry)
    assert len(project_of(studio).runs()) == 2
    assert "since the last training" not in lines(studio)
    project = project_of(studio)
    (across, down), (one, *_) = project.snapshot()
    project.move([one.id], down.id)
    assert "1 label has changed since the last training" in lines(studio.run()), "as many, of other classes"
    studio.button(key="undo").click().run()
    assert "since the last training" not in lines(studio), "they are again what it has learned from"
    project.rename_class(across.id, "level")
    assert "The pictures have changed since" not in lines(studio.run())
    studio.button(key="judge-here").click().run()
    assert studio.session_state["step"] == "Judge"


def test_a_run_that_waits_says_so_and_is_stopped_here(studio, registry):
    name(studio, "across, down")
    for kind, each in enumerate(("across", "down")):
        drop(studio, each, files(kind, 4))
        finish(studio, registry)
    registry._queues["runs"] = jobs.Queue(0)
    studio.button(key="train-here").click().run()
    assert not studio.exception
    assert "Waiting" in studio.get("progress")[0].proto.text
    assert "another server" not in lines(studio)
    studio.button(key="stop-run").click().run()
    finish(studio, registry)
    assert "Stopped before there was a head" in lines(studio)
    assert not studio.button(key="train-here").disabled


def test_another_project_begins_with_its_classes_wherever_one_was(studio):
    name(studio, "ant, bee")
    for first in ("cats", "spoons"):
        studio.segmented_control(key="step").set_value("Judge").run()
        studio.selectbox(key="project-picker").set_value("new").run()
        name(studio, f"{first}, others")
        assert list(counts(studio)) == [first, "others"]
        assert studio.session_state["step"] == "Classes"
        assert "Add a class, or more with commas." in lines(studio)


@pytest.mark.parametrize("typed", ["ant, ANT", ",", "a" * 61])
def test_names_that_cannot_be_make_no_project(studio, typed, workspace_folder):
    name(studio, typed)
    field(studio, "place-1").set_value(" ").run()
    assert not studio.exception
    assert "A class has an empty name" in lines(studio)
    assert "project" not in studio.query_params
    assert not list(workspace_folder.glob("*/project.sqlite"))


def test_few_pictures_are_learned_by_their_means(studio, registry):
    name(studio, "across, down")
    for kind, (each, count) in enumerate({"across": 5, "down": 3}.items()):
        drop(studio, each, files(kind, count))
        finish(studio, registry)
    few = "“across” has 5 pictures, “down” has 3 pictures: what is learned and told of so few is not sure. Add some."
    assert plain(few) in lines(studio)
    assert plain("With fewer than 6 pictures in a class, “Nearest prototype” is usually") in lines(studio)
    studio.button(key="train-here").click().run()
    finish(studio, registry)
    (run,) = project_of(studio).runs()
    assert (run.state, run.settings["kind"]) == ("done", "prototype")


def test_it_is_tried_on_a_picture_with_a_bar_a_class_and_one_for_none(studio, registry, net):
    trained(studio, registry, 24)
    (run,) = project_of(studio).runs()
    head = load_head(run.head)
    assert head.refusal is not None
    image = load_sample("cat")
    row = probabilities(head.as_classifier(net), [image])[0]
    strange = float(head.refusal.distances(embed(net, [image]))[0]) / head.refusal.threshold
    file = io.BytesIO()
    PillowImage.fromarray(image).save(file, "PNG")
    for _ in range(2):
        target = next(each for each in studio.file_uploader if each.label == "A picture to try it on")
        target.set_value([("cat.png", file.getvalue(), "image/png")]).run()
        assert not studio.exception
        bars = html(studio)
        for label, share in zip(("across", "down"), row, strict=True):
            assert f">{label}</span>" in bars
            assert f"{share:.1%}</span>" in bars
        assert bars.index(">across</span>") < bars.index(">down</span>")
        assert (bars.index(">None of these</span>") < bars.index(">across</span>")) == (strange > 1)
        assert f">{'yes' if strange > 1 else 'no'}</span>" in bars
    target = next(each for each in studio.file_uploader if each.label == "A picture to try it on")
    target.set_value([("bad.png", b"nothing", "image/png")]).run()
    assert "bad.png: " in lines(studio)
    assert ">None of these</span>" in html(studio), "what was there stays"
    assert "cat.png" in [each.value for each in studio.text], "and is told from what could not be read"
    studio.segmented_control(key="step").set_value("Judge").run()
    studio.segmented_control(key="look").set_value("None of these").run()
    assert not studio.exception
    assert "bad.png: " not in lines(studio), "it came elsewhere"


def test_a_class_that_is_renamed_is_called_so_wherever_its_head_answers(studio, registry, net):
    """By Judge, the zip and Predict, too; and as it was called before once that is undone."""
    trained(studio, registry)
    app, project = studio, project_of(studio)
    target = next(each for each in app.file_uploader if each.label == "A picture to try it on")
    target.set_value(files(0, 1, 80)).run()
    ids = {each.name: each.id for each in project.classes()}

    def is_called(first: str, second: str) -> None:
        assert not app.exception
        bars = html(app)
        assert 0 < bars.index(f">{first}</span>") < bars.index(f">{second}</span>")
        head = app.session_state["trained_head"].head
        assert head.classes == (first, second)
        assert head.facts["pictures"] == {first: 12, second: 12}
        (run,) = project.runs()
        case = case_of(project, run)
        assert case.head.classes == case.evaluation.report.classes == (first, second)
        assert case.moved == 0
        assert runs.outcome_of(project, run).classes == (first, second)

    is_called("across", "down")
    field(app, "place-1").set_value("lines").run()
    is_called("lines", "down")
    app.button(key="undo").click().run()
    is_called("across", "down")
    project.rename_class(ids["across"], "between")
    project.rename_class(ids["down"], "across")
    app.run()
    is_called("between", "across")
    project.remove_class(ids["across"])
    project.rename_class(ids["down"], "Across")
    (run,) = project.runs()
    assert runs.head_of(run).classes == ("across (removed)", "Across")


def test_a_head_that_was_trained_here_is_told_of_once_and_begins_the_camera_where_one_was_used(
    studio, registry, monkeypatch
):
    told: list[Fresh | None] = []
    monkeypatch.setattr(live, "show", lambda net, key, own, fresh: told.append(fresh))
    trained(studio, registry)
    for recorded in (False, True):
        latest = project_of(studio).runs()[0].id
        assert [each for each in told if each] == [Fresh(latest, start=recorded)]
        told.clear()
        studio.run()
        assert told == [None], "it is not begun again when one comes back"
        told.clear()
        studio.session_state[RECORDED] = {project_of(studio).id}
        if not recorded:
            studio.button(key="train-here").click().run()
            finish(studio, registry)


def test_a_training_that_ends_while_the_page_is_on_its_way_is_told_of_next(studio, registry, monkeypatch):
    told: list[Fresh | None] = []
    monkeypatch.setattr(live, "show", lambda net, key, own, fresh: told.append(fresh))
    trained(studio, registry)
    show = trying.show

    def late(project, run):
        assert all(job.wait(60) for job in list(registry._jobs.values()))
        show(project, run)

    monkeypatch.setattr(trying, "show", late)
    told.clear()
    studio.button(key="train-here").click().run()
    finish(studio, registry)
    assert [each.head for each in told if each] == [project_of(studio).runs()[0].id]


@pytest.mark.parametrize("at", ["Classes", "Train", "Judge", "Take away"])
def test_a_head_is_one_click_from_predict_where_it_has_its_projects_name(workspace_folder, new_app, registry, net, at):
    """Also of a run that was only looked at in a fresh session, and whatever network was picked before."""
    project = stripes(Workspace(workspace_folder).create("Stripes", ME))
    begun(project, net)
    app = new_app()
    app.session_state[COOKIE] = ME
    app.run()
    app.switch_page(PAGES["Predict"].script).run()
    first = app.selectbox(key="network").value
    app.selectbox(key="network").set_value(first).run()
    app.query_params.update(project=project.id, step=at)
    app.switch_page(PAGES["Fine-tune"].script).run()
    assert not app.exception
    assert app.session_state["trained_head"].head.classes == ("across", "**down**")
    (link,) = (each for each in app.get("page_link") if each.proto.label == "Predict with it")
    app.switch_page(PAGES["Predict"].script)
    for name, (value,) in parse_qs(link.proto.query_string).items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    assert "ask" not in app.query_params, "it is asked once"
    picker = app.selectbox(key="network")
    assert picker.value == YOUR_HEAD
    assert "Your own head · Stripes" in picker.options
    assert app.query_params["network"] == "Your own head", "by which a link finds it whatever the project is called"


def test_a_share_that_is_chosen_counts_wherever_the_head_answers(workspace_folder, new_app, registry, net, monkeypatch):
    """In this session, after a reload by the link of before, and in another tab that had the head already."""
    project = stripes(Workspace(workspace_folder).create("Stripes", ME))
    run = begun(project, net)

    def limit(app: AppTest) -> float:
        app.switch_page(PAGES["Predict"].script)
        app.query_params.update(link)
        app.run()
        assert not app.exception
        assert app.selectbox(key="network").value == YOUR_HEAD
        return used[-1].refusal.threshold

    def opened(step: str) -> AppTest:
        app = new_app()
        app.session_state[COOKIE] = browser
        app.run()
        app.query_params.update(project=project.id, step=step, look="None of these")
        app.switch_page(PAGES["Fine-tune"].script).run()
        return finish(app, registry)

    def noted(key: str, head: Head) -> Classifier:
        used.append(head)
        return as_network(key, head)

    browser, link, used, as_network = "a" * 32, {"network": "Your own head"}, [], cached.head_classifier
    monkeypatch.setattr(cached, "head_classifier", noted)
    monkeypatch.setattr(networks, "shown_as", networks.title_of)  # AppTest asks it outside of the session
    here, there = opened("Judge"), opened("Classes")
    before = runs.head_of(run).refusal
    assert limit(there) == before.threshold
    link["head"] = "".join(there.query_params["head"])
    for share in (30, 10):
        next(each for each in here.slider if each.label == MISTAKES).set_value(share).run()
        wanted = before.at(share / 100).threshold
        assert wanted == runs.head_of(run).refusal.threshold
        assert limit(there) == wanted
        reloaded = new_app()
        reloaded.session_state[COOKIE] = browser
        assert limit(reloaded.run()) == wanted
        assert limit(here) == wanted
        here.switch_page(PAGES["Fine-tune"].script)
        here.query_params.update(project=project.id, step="Judge", look="None of these")
        finish(here.run(), registry)


def test_what_is_refused_leads_with_that(monkeypatch):
    shown: list[str] = []
    monkeypatch.setattr(widgets.st, "html", shown.append)
    for strange, names in ((1.2, ["None of these", "a", "b"]), (0.4, ["a", "b", "None of these"]), (None, ["a", "b"])):
        probability_bars([Prediction("a", 0, 1.0), Prediction("b", 1, 0.0)], strange)
        assert re.findall(r'font-weight:\d+">([^<]+)<', shown[-1]) == names
        strong = re.findall(r'font-weight:600">([^<]+)<', shown[-1])
        assert strong == ["None of these" if strange == 1.2 else "a"]
        assert ("#3B8FD6" in shown[-1]) == (strange != 1.2), "what it is not is in no colour"


def test_bars_of_ones_own_classes_stay_in_their_places_where_they_are_few():
    few = Answer(("a", "b", "c"), np.array([0.1, 0.2, 0.7], np.float32))
    assert [each.label for each in live.bars_of(few)] == ["a", "b", "c"]
    many = Answer(tuple("abcdefghijklm"), np.linspace(0, 1, 13).astype(np.float32))
    assert [each.label for each in live.bars_of(many)] == ["m", "l", "k", "j", "i"]


def test_a_run_of_before_is_there_to_be_tried(workspace_folder, new_app, registry, net):
    project = stripes(Workspace(workspace_folder).create("Stripes", ME))
    begun(project, net)
    app = new_app()
    app.session_state[COOKIE] = ME
    app.query_params["project"] = project.id
    app.run()
    app.switch_page("pages/5_Fine_tune.py").run()
    assert not app.exception
    assert app.session_state["step"] == "Classes"
    assert "Try it" in lines(app)
    assert "Train again" in [each.label for each in app.button]
    assert app.session_state["trained_head"].head.classes == ("across", "**down**")


def test_a_step_that_a_link_names_and_that_is_not_there_is_told(new_app, workspace_folder):
    project = stripes(Workspace(workspace_folder).create("Stripes", ME), 2)
    app = new_app()
    app.session_state[COOKIE] = ME
    app.run()
    app.query_params.update(project=project.id, step="Cook")
    app.switch_page(PAGES["Fine-tune"].script).run()
    told = "There is no step “Cook”, so “Classes” is shown. There are Classes, Pictures, Train, Judge, Take away."
    for _ in range(2):
        assert not app.exception
        assert told in [text.value for text in app.text]
        app.run()
    app.segmented_control(key="step").set_value("Train").run()
    assert told not in [text.value for text in app.text]
