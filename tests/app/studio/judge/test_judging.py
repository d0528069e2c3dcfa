"""The studio's step “Judge”: the figures are those of the library, the pictures those behind them."""

import io
import sqlite3
import zipfile
from contextlib import closing
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from app.studio_tools import ME, begun, finish, lines, striped, stripes
from streamlit.testing.v1 import AppTest

from visionlab.errors import DatasetError
from visionlab.learning.features.embedding import embed
from visionlab.learning.judging.baselines import Baseline, baselines, mean_colours
from visionlab.learning.judging.evaluation import assess, score
from visionlab.learning.judging.refusal import still_counted
from visionlab.learning.judging.suspects import LabelCheck, Suspect, suspected_labels
from visionlab.learning.projects.intake import Incoming, take
from visionlab.learning.projects.outcome import Outcome
from visionlab.learning.sets.dataset import LabelledImages
from visionlab.ui.shared.widgets import plain
from visionlab.ui.studio import runs
from visionlab.ui.studio.judge import answers
from visionlab.ui.studio.judge import labels as judging_labels
from visionlab.ui.studio.judge import step as judge
from visionlab.ui.studio.judge.case import case_of
from visionlab.ui.studio.judge.gallery import NAME, short
from visionlab.wording import MISTAKES


def step(folder: str, project_id: str, look: str) -> None:
    import streamlit as st

    from visionlab.learning.projects.workspace import Workspace
    from visionlab.ui.shared.page import told
    from visionlab.ui.studio.judge import step as judge

    st.session_state.setdefault("look", look)
    with told():
        judge.show(Workspace(folder).open(project_id))


@pytest.fixture
def look(workspace, project, registry):
    """Open the step at one of its sections, and wait until all is there."""

    def go(name: str = "Mistakes") -> AppTest:
        app = AppTest.from_function(step, default_timeout=60, args=(str(workspace.folder), project.id, name)).run()
        return finish(app, registry)

    return go


@pytest.fixture
def run(project, net):
    return begun(project, net)


@pytest.fixture
def case(project, run):
    return case_of(project, run)


def test_a_project_without_a_run_says_what_comes_first(look):
    assert "Nothing is trained yet" in lines(look())


def test_the_sentence_and_the_bars_are_those_of_the_library(look, project, case, net):
    app = look(judge.OVERVIEW)
    outcome = Outcome.from_bytes(project.outcome(case.run.id))
    found = assess(outcome.truth, outcome.probabilities, outcome.classes)
    low, high = found.report.interval
    right = int((outcome.probabilities.argmax(1) == outcome.truth).sum())
    assert f"{found.report.accuracy:.0%} are right" in lines(app)
    assert f"{right} of {len(outcome.truth)} held-out pictures" in lines(app)
    assert f"between **{low:.0%}** and **{high:.0%}**" in lines(app)
    learned, held_out = (list(case.images(part)) for part in (case.learned, case.held_out))
    expected = baselines(
        embed(net, learned),
        outcome.trained_labels,
        embed(net, held_out),
        outcome.truth,
        outcome.classes,
        colours=mean_colours(learned),
        held_colours=mean_colours(held_out),
    )
    assert judge.against(found, expected) in lines(app)
    assert {each.value for each in app.caption if "gone" in each.value} == set()


def test_the_sentence_and_the_bars_count_a_group_as_one_picture(look, project, case):
    with closing(sqlite3.connect(project.folder / "project.sqlite")) as db:
        db.executemany("UPDATE pictures SET group_id = class_id WHERE id = ?", [(each.id,) for each in case.held_out])
        db.commit()
    app, now = look(judge.OVERVIEW), case_of(project, case.run)
    low, high = now.evaluation.report.interval
    assert low < case.evaluation.report.interval[0]
    assert f"of {len(case.held_out)} held-out pictures, 2 different, which it" in lines(app)
    assert f"between **{low:.0%}** and **{high:.0%}**" in lines(app)


@pytest.mark.parametrize("name", [judge.OVERVIEW, "Labels"])
def test_a_class_of_few_pictures_does_not_hide_behind_one_of_many(look, project, case, name):
    counted_the_same = "With each class counting the same"
    assert counted_the_same not in lines(look(name))
    uneven = replace(case.head, facts=case.head.facts | {"pictures": {"cats": 60, "dogs": 6, "none yet": 0}})
    told = runs.each_class(uneven, 0.9, (0.55, 1.0))
    assert "The smallest class had 6 pictures, the largest 60." in told
    assert f"{counted_the_same}, it is right on 90% (55% to 100%)" in told
    project.keep_head(case.run.id, uneven.to_bytes())
    assert counted_the_same in lines(look(name))


@pytest.mark.parametrize("name", [judge.OVERVIEW, "Mistakes"])
def test_a_figure_that_is_worth_less_says_so(look, project, case, name):
    told = "Of “cats” there is one burst: its last pictures are held out."
    assert plain(told) not in lines(look(name))
    project.keep_head(case.run.id, replace(case.head, facts=case.head.facts | {"split": told}).to_bytes())
    assert plain(told) in lines(look(name))


def pattern(right: int, of: int, begin: int = 0) -> np.ndarray:
    """bool (of,): so many in a row are right, from that place on, and around the end."""
    return np.roll(np.arange(of) < right, begin)


@pytest.mark.parametrize(
    ("head", "colour", "groups", "told"),
    [
        (pattern(12, 20), pattern(12, 20), None, "no better than the best baseline, **colour** (60%), but on so few"),
        (pattern(22, 25), pattern(23, 25), None, "no better than the best baseline, **colour** (92%), but on so few"),
        (pattern(12, 18), pattern(18, 18), None, "warning:] That is clearly worse than the best baseline, **colour**"),
        (pattern(2, 20), None, None, "warning:] That is clearly worse than the best baseline, **chance** (50%)"),
        (pattern(16, 18), pattern(12, 18), None, "**colour** (67%), but on so few pictures it may be chance"),  # 4 : 0
        (pattern(18, 18), pattern(12, 18), None, "clearly better than the best baseline, **colour** (67%)"),  # 6 : 0
        (pattern(18, 18), pattern(12, 18), np.arange(18) % 2 + np.arange(18) // 4 * 2, "may be chance"),  # 3 : 0
        (pattern(15, 20), pattern(11, 20, 9), None, "may be chance"),  # 9 : 5
        (
            pattern(20, 20),
            pattern(20, 20),
            None,
            "The best baseline, **colour** (100%), has all of them right, too: these",
        ),
        (pattern(20, 20), None, None, "clearly better than the best baseline, **chance** (50%)"),
        (pattern(13, 20), None, None, "**chance** (50%), but on so few pictures it may be chance"),
    ],
)
def test_what_is_said_beside_the_best_baseline(head, colour, groups, told):
    truth = np.arange(len(head)) % 2
    found = assess(truth, np.eye(2)[np.where(head, truth, 1 - truth)], ("a", "b"), groups=groups)
    known = [Baseline("chance", "Chance", "", 0.5, (0.5, 0.5))]
    if colour is not None:
        known.append(Baseline("colour", "Colour", "", colour.mean(), (0, 1), colour))
    said = judge.against(found, known)
    assert told in said
    assert ("warning" in said) == ("clearly worse" in said), "chance is no reason to be warned"


def test_removed_and_moved_pictures_are_told_of_and_do_not_count(look, project, case):
    gone, moved = case.held_out[0], case.held_out[1]
    project.remove([gone.id])
    other = next(each.id for each in project.classes() if each.id != moved.class_id)
    project.move([moved.id], other)
    now = case_of(project, case.run)
    assert len(now.held_out) == len(case.held_out) - 1
    assert (now.gone, now.moved) == (1, 1)
    assert now.truth[0] != case.truth[1]
    np.testing.assert_array_equal(now.truth[1:], case.truth[2:])
    np.testing.assert_array_equal(now.probabilities, case.probabilities[1:])
    told = lines(look())
    assert f"{len(now.held_out)} held-out pictures" in told
    assert "1 picture of this run is gone and left out; 1 has another label since" in told
    project.undo()
    project.undo()
    assert case_of(project, case.run).key == case.key
    project.move([moved.id], project.add_classes(["neither"])[0])
    assert (case_of(project, case.run).moved, case_of(project, case.run).elsewhere) == (0, 1)
    assert "1 is now of a class that it does not know, and counted as before" in lines(look())


def test_why_there_is_no_temperature_is_said(look, case, monkeypatch):
    assert case.head.temperature == 1
    assert "of fewer than 20 held-out pictures" in lines(look("How sure"))
    monkeypatch.setattr(answers, "TEMPERATURE_FROM", 12)
    assert "none did better" in lines(look("How sure"))


def test_a_renamed_class_keeps_its_pictures(project, case):
    project.rename_class(project.classes()[0].id, "sideways")
    now = case_of(project, case.run)
    assert (now.key, now.moved) == (case.key, 0)


def test_without_held_out_pictures_labels_and_a_test_folder_are_left(look, project, case):
    project.remove([each.id for each in case.held_out])
    app = look("Labels")
    assert f"it was right on {case.run.report['accuracy']:.0%} of 12 held-out pictures" in lines(app)
    assert "None of these is in the project any more." in lines(app)
    assert "nobody knows how good it is" in judge._unjudged({}, known=True), "of a head that never was"
    assert [each.options for each in app.segmented_control] == [list(judge.UNJUDGED)]


@pytest.mark.parametrize("kept", [True, False])
def test_without_held_out_pictures_the_share_is_chosen_by_what_the_head_keeps(look, project, case, kept):
    project.remove([each.id for each in case.held_out])
    refusal = case.head.refusal
    if not kept:
        bare = replace(refusal, held_out=[], groups=[], asked=None)
        project.keep_head(case.run.id, replace(case.head, refusal=bare).to_bytes())
        outcome = replace(
            runs.outcome_of(project, case.run), pictures=[], truth=[], probabilities=np.zeros((0, 2), np.float32)
        )
        project.keep_outcome(case.run.id, outcome.to_bytes())
    app = look("None of these")
    found = [each for each in app.slider if each.label == MISTAKES]
    if not kept:
        assert not found
        assert "Nobody kept by which pictures the limit was set." in lines(app)
        return
    assert found[0].value == round(100 * refusal.chosen)
    assert case.head.facts["refusal"] in lines(app)
    found[0].set_value(30).run()
    assert not app.exception
    after = runs.head_of(project.run(case.run.id)).refusal
    assert after.threshold == refusal.at(0.3).threshold
    assert after.promise(0.3) in lines(app)


def test_head_and_baselines_have_learned_from_the_same_labels(look, project, case):
    before = lines(look(judge.OVERVIEW))
    (told,) = (line for line in before.splitlines() if "best baseline" in line)
    moved = case.learned[:5]
    first, other = project.classes()
    for each in moved:
        project.move([each.id], other.id if each.class_id == first.id else first.id)
    app = look(judge.OVERVIEW)
    assert "5 have another label since" in lines(app)
    assert told in lines(app), "no held-out label has changed, and none that was learned from then"
    assert "The baselines, too, learn from the labels that it was trained with." in lines(app)


def test_without_the_training_pictures_there_are_no_baselines(look, project, case):
    project.remove([each.id for each in case.learned])
    app = look(judge.OVERVIEW)
    assert "are right" in lines(app)
    assert "best baseline" not in lines(app)
    assert "12 pictures of this run are gone" in lines(app)


def test_answers_that_were_not_kept(look, project, run):
    next(each for each in (project.folder / "runs" / run.id).iterdir() if "outcome" in each.name).unlink()
    app = look()
    assert "was not kept" in lines(app)
    with pytest.raises(DatasetError, match="not kept"):
        runs.outcome_of(project, run)


@pytest.mark.parametrize("name", [judge.OVERVIEW, *judge.LOOKS])
def test_every_section_opens(look, run, name):
    assert not look(name).exception


def test_a_class_at_a_threshold(look, case):
    app = look("A class")
    rows = app.dataframe[0].value
    np.testing.assert_allclose(rows["Recall"], case.evaluation.report.recall)
    app.selectbox(key="judged-class").set_value(1)
    app.slider(key="judged-threshold").set_value(90)
    app.run()
    four = case.evaluation.quadrants(1, 0.9)
    told = lines(app)
    assert f"**False negatives** · {len(four.false_negatives)}" in told
    assert f"**True positives** · {len(four.true_positives)}" in told
    assert "\\*\\*down\\*\\*" in told, "a class's name is no Markdown"


@pytest.fixture
def two_doubts(monkeypatch):
    """The first and the third picture of a run count as doubtful, the third more so."""

    def doubtful(features, labels, groups, classes, seed=0, progress=None) -> LabelCheck:
        assert len(features) == len(labels) == len(groups) == 24
        assert classes == ["1", "2"]
        progress(1, 1)
        found = tuple(Suspect(place, labels[place], 1 - labels[place], 0.75, 0.25) for place in (2, 0))
        return LabelCheck(found, len(labels), 30, 20, 10)

    monkeypatch.setattr(judging_labels, "check_labels", doubtful)


def looked_at(app) -> str:
    return next(each.proto.text for each in app.get("progress") if "doubtful" in each.proto.text)


def test_suspected_labels_are_accepted_left_and_undone(look, project, case, two_doubts):
    third, first = case.held_out[2], case.held_out[0]
    app = look("Labels")
    assert looked_at(app) == "0 of 2 doubtful labels looked at"
    assert third.name in lines(app)
    assert "75% sure" in lines(app)
    app.button(key="accept-doubt").click().run()
    moved = project.picture(third.id)
    assert {moved.class_id, third.class_id} == {each.id for each in project.classes()}
    assert project.undoable.startswith("Moved 1 picture")
    assert looked_at(app) == "1 of 2 doubtful labels looked at"
    assert first.name in lines(app)
    assert "may find more" not in lines(app), "before all are looked at"
    app.button(key="leave-doubt").click().run()
    assert project.picture(first.id).class_id == first.class_id
    assert looked_at(app) == "2 of 2 doubtful labels looked at"
    assert not [each for each in app.button if each.key == "accept-doubt"]
    assert "“Check again” may find more" in lines(app)
    train = app.button(key="go-to-train")
    assert (train.label, train.help) == ("Go to Train", "With 1 label changed since this head was trained.")
    train.click().run()
    assert app.session_state["step"] == "Train"
    for _ in range(2):
        assert project.undo() == "Left 1 picture where it is"
        app.run()
        assert looked_at(app) == "1 of 2 doubtful labels looked at"
        assert first.name in lines(app)
        app.button(key="leave-doubt").click().run()
        assert looked_at(app) == "2 of 2 doubtful labels looked at"
    project.undo()
    project.undo()
    app.run()
    assert looked_at(app) == "0 of 2 doubtful labels looked at"
    assert third.name in lines(app), "what was taken back is doubtful again"
    project.remove([third.id])
    app.run()
    assert looked_at(app) == "0 of 1 doubtful label looked at"


def test_labels_that_were_changed_since_the_check_leave_it_and_it_says_how_old_it_is(
    look, project, case, two_doubts, registry
):
    first, third, other = case.held_out[0], case.held_out[2], case.held_out[5]
    app = look("Labels")
    assert "since this check" not in lines(app)
    ids = [each.id for each in project.classes()]
    for count, picture in enumerate((other, third, first), 1):
        project.move([picture.id], next(each for each in ids if each != picture.class_id))
        app.run()
        told = (
            "1 label has changed since this check." if count == 1 else f"{count} labels have changed since this check."
        )
        assert told in lines(app)
        assert looked_at(app) == f"{count - 1} of 2 doubtful labels looked at"
    assert not [each for each in app.button if each.key == "accept-doubt"]
    app.button(key="check-labels").click().run()
    finish(app, registry)
    assert "since this check" not in lines(app)
    assert looked_at(app) == "0 of 2 doubtful labels looked at", "it asked of the labels as they are"


def test_heads_that_are_too_weak_to_judge_labels_do_not(look, case, monkeypatch):
    weak = LabelCheck((Suspect(0, 0, 1, 0.75, 0.25),), 24, 30, 14, 10)
    monkeypatch.setattr(judging_labels, "check_labels", lambda *_, **__: weak)
    app = look("Labels")
    assert "**14** of them" in lines(app)
    assert "too weak to judge labels" in lines(app)
    assert not [each for each in app.button if each.key == "accept-doubt"]


def test_labels_can_be_checked_again(look, project, case, two_doubts, registry):
    app = look("Labels")
    for _ in range(2):
        app.button(key="leave-doubt").click().run()
    assert "2 of 2" in looked_at(app)
    assert "may find more" not in lines(app), "nothing was changed, so it would find the same"
    project.undo()
    app.run()
    app.button(key="check-labels").click().run()
    finish(app, registry)
    assert looked_at(app) == "1 of 2 doubtful labels looked at", "what was left is not asked again"


def test_the_doubts_are_those_of_the_library(look, project, case, net):
    assert "No label looks wrong" in lines(look("Labels"))
    pictures = (*case.held_out, *case.learned)
    features, groups = embed(net, list(case.images(pictures))), [each.group for each in pictures]
    assert not suspected_labels(features, [each.class_id - 1 for each in pictures], groups, ("1", "2"))


def test_a_learning_curve_that_cannot_be_drawn_says_why(look, project, case):
    down = project.classes()[1].id
    every = (*case.learned, *case.held_out)
    project.remove([each.id for each in every if each.class_id == down])
    assert "pictures of two classes or more" in lines(look("More pictures?"))


def test_another_project_begins_with_how_good_it_is(look, workspace, run, net, registry):
    app = look("Labels")
    other = stripes(workspace.create("Another", ME))
    begun(other, net)
    app.args = (str(workspace.folder), other.id, "Labels")
    finish(app, registry)
    assert app.segmented_control(key="look").value == judge.OVERVIEW
    app.segmented_control(key="look").set_value("Labels").run()
    finish(app, registry)
    assert app.segmented_control(key="look").value == "Labels", "and stays where one goes"


@pytest.mark.parametrize("name", ["Labels", "More pictures?"])
def test_of_one_burst_a_class_a_note_says_what_would_help(look, project, run, name):
    with closing(sqlite3.connect(project.folder / "project.sqlite")) as db:
        db.execute("UPDATE pictures SET group_id = class_id")
        db.commit()
    app = look(name)
    assert [each.value for each in app.info if "Record another burst of each class" in each.value]
    assert not [each for each in app.button if each.label == "Begin again"], "that would not help"
    assert "Add pictures." not in lines(app)


def test_grad_cam_of_right_ones_and_wrong_ones(look, case):
    app = look("Where it looks")
    right = int(((case.truth == 0) & (case.evaluation.predicted == 0)).sum())
    assert f"**Right** · {right} picture" in lines(app)


def zipped(first: int, broken: bool = False) -> tuple[str, bytes, str]:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        for kind, name in enumerate(("across", "**down**", "strangers")):
            for seed in range(first, first + 3):
                packed.writestr(f"{name}/{seed}.png", striped(kind % 2, seed + 50 * (kind // 2)))
        if broken:
            packed.writestr("across/broken.png", b"nothing")
    return "elsewhere.zip", file.getvalue(), "application/zip"


def test_a_test_folder_is_scored_on_its_own(look, case, registry, project):
    app = look("A test folder")

    def zip_uploader():
        return next(each for each in app.file_uploader if each.label.startswith("A zip"))

    upload = zipped(100)
    with zipfile.ZipFile(io.BytesIO(upload[1])) as zipped_files:
        files = [(f"elsewhere/{name}", zipped_files.read(name), "image/png") for name in zipped_files.namelist()]
    zip_uploader().set_value(upload).run()
    finish(app, registry)
    expected = score(case.net, LabelledImages.from_zip(upload[1]), refusal=case.head.refusal)
    told = lines(app)
    assert "elsewhere.zip" in told
    assert told.count(f"{expected.report.accuracy:.0%} are right") >= 1
    assert "6 pictures" in told
    for each in expected.report.sentences():
        assert f"{each}." in told, "as the shell and the card have it"
    [figures] = [each.value for each in app.dataframe if "Recall" in each.value]
    assert list(figures["Recall"]) == expected.report.recall.tolist()
    assert "3 pictures of “strangers” left out" in told
    assert len(project.pictures(limit=100)) == 24, "nothing of it is kept"
    next(each for each in app.file_uploader if each.label.startswith("A folder")).set_value(files).run()
    finish(app, registry)
    assert lines(app) == told.replace("elsewhere.zip", "elsewhere"), "a folder is scored as a zip of it is"
    assert not list((project.folder / "incoming").iterdir())
    zip_uploader().set_value(zipped(100, broken=True)).run()
    finish(app, registry)
    assert "“across/broken.png” cannot be read" in lines(app)
    assert [each.label for each in app.expander] == ["1 file could not be read"]
    assert f"{expected.report.accuracy:.0%} are right" in lines(app), "the others are scored all the same"
    zip_uploader().set_value(zipped(0)).run()
    finish(app, registry)
    assert "The head has learned all of these 6 pictures, so they cannot tell how good it is." in lines(app)
    assert "elsewhere.zip" not in lines(app), "no figure"


def test_a_stopped_job_can_be_begun_again(look, registry, run, monkeypatch):
    from visionlab.errors import ParameterError

    def fails(*_: object, **__: object) -> None:
        raise ParameterError("No labels today.")

    monkeypatch.setattr(judging_labels, "check_labels", fails)
    app = look("Labels")
    assert "No labels today." in lines(app)
    monkeypatch.undo()
    app = next(each for each in app.button if each.label == "Begin again").click().run()
    finish(app, registry)
    assert "No labels today." not in lines(app)


def test_names_are_as_long_as_a_tile_is_wide():
    assert short("a.png") == "a.png"
    assert len(short("x" * 300 + ".png")) == NAME
    assert short("x" * 300 + ".png").endswith(".png")


def test_the_share_that_is_refused_is_chosen_here_too(look, project, case):
    before = case.head.refusal
    app = look("None of these")
    slider = next(each for each in app.slider if each.label == MISTAKES)
    assert slider.value == round(100 * before.chosen) == 5
    assert case.head.facts["refusal"] in lines(app), "as the shell and the card have it"
    assert "; 19 or more allow 5%." in lines(app), "what was asked for, which so few do not allow"
    slider.set_value(30).run()
    assert not app.exception
    after = runs.head_of(project.run(case.run.id)).refusal
    assert after.threshold == before.at(0.3).threshold < before.threshold
    assert after.promise(0.3) in lines(app)
    features = embed(case.base, list(case.images(case.held_out)))
    refused = after.refuses(features)
    right = int((case.evaluation.predicted == case.truth)[refused].sum())
    assert still_counted(int(refused.sum()), right, "12 pictures") in lines(app), "what is right counts them"


def test_what_is_set_is_not_undone_by_a_run_of_before(look, project, case, monkeypatch):
    def share() -> int:
        return next(each for each in app.slider if each.label == MISTAKES).value

    app = look("None of these")
    next(each for each in app.slider if each.label == MISTAKES).set_value(12).run()
    with monkeypatch.context() as patched:
        patched.setattr(judge, "case_of", lambda *_: case)  # as a run has it that began before
        app.run()
        assert share() == 12
    project.keep_head(case.run.id, case.head.refusing(0.2).to_bytes())  # in another tab
    app.run()
    assert share() == 20


@pytest.mark.parametrize("share", [3, 15, 29, 80])
def test_the_share_that_was_chosen_is_what_a_new_session_shows(look, project, case, share):
    app = look("None of these")
    next(each for each in app.slider if each.label == MISTAKES).set_value(share).run()
    told = case.head.refusal.promise(share / 100)
    assert told in lines(app)
    for _ in range(2):
        app = look("None of these")
        slider = next(each for each in app.slider if each.label == MISTAKES)
        assert slider.value == share
        assert told in lines(app)
    set_so = case.head.refusing(share / 100)
    older = replace(set_so, refusal=replace(set_so.refusal, asked=None))  # of before it was kept
    project.keep_head(case.run.id, older.to_bytes())
    assert told.partition(". ")[0] in lines(look("None of these")), "its limit is what it was"


def test_a_test_folder_follows_the_share(look, project, case, registry):
    app = look("A test folder")
    next(each for each in app.file_uploader if each.label.startswith("A zip")).set_value(zipped(100)).run()
    finish(app, registry)
    told = set()
    for share in (0.05, 0.3, 0.6, 0.9):
        head = case.head.refusing(share)
        project.keep_head(case.run.id, head.to_bytes())
        expected = score(runs.net_of(head), LabelledImages.from_zip(zipped(100)[1]), refusal=head.refusal)
        said = lines(app.run())
        assert expected.refusals_told in said
        assert plain(expected.left_out) in said, "as many strangers, too"
        told |= {expected.refusals_told, expected.left_out}
    assert len(told) > 3, "the shares differ in what they refuse"


def test_the_test_part_of_a_set_is_scored_like_a_test_folder(look, project, case, registry):
    came = [
        Incoming(name, f"t{seed}.png", partial(striped, kind, 200 + seed), part="test")
        for kind, name in enumerate(("across", "**down**"))
        for seed in range(3)
    ]
    for _ in take(project, came):
        pass
    app = look("A test folder")
    app.button(key="test-part").click().run()
    finish(app, registry)
    assert "The test part of the set" in lines(app)
    assert "of 6 pictures" in lines(app)
