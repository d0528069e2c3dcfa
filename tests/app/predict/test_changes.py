"""Rubbed out or changed unseen, on the Predict page: what the page works out is what the library says of the same."""

import numpy as np
import pytest
from app.conftest import finish_jobs, framing

import visionlab as vl
from visionlab.network.changes.adversarial import adversarial
from visionlab.network.changes.erasing import erase, grey_of
from visionlab.network.explain import explain
from visionlab.network.running.prediction import Answer, probabilities
from visionlab.ui.predict import explanations, fooling, rubbing
from visionlab.ui.predict.explanations import Overlay
from visionlab.ui.shared import cached, jobs
from visionlab.ui.shared.components.eraser import Rubbed
from visionlab.ui.shared.networks import Network
from visionlab.ui.shared.state import Picture


@pytest.fixture(scope="module")
def net() -> vl.Classifier:
    return framing(64)


@pytest.fixture(autouse=True)
def in_the_app(monkeypatch, net):
    monkeypatch.setattr(cached, "classifier", lambda name: net)


def case_of(net: vl.Classifier, image: vl.Image, target: int = 2) -> explanations.Case:
    network = Network(cached.key_of(net), "Tiny", net, "tiny")
    return explanations.case_of(network, Picture("a", f"key of {image.shape}", image), target)


@pytest.mark.parametrize("shape", [(90, 120), (60, 400)])
def test_what_is_left_is_answered_as_the_library_answers_it(net, shape):
    """Of a strip the middle is shown, and rubbed at; the ends stay as they are."""
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    case = case_of(net, image)
    height, width = case.shown.shape[:2]
    mask = np.zeros((height, width), np.float32)
    mask[: height // 2] = 1
    rubbed = Rubbed(7, mask, kept=False)
    erased = rubbing.erased_from(case, rubbed, "grey", 0.5)
    wanted = image.copy()
    first = (image.shape[1] - width) // 2
    wanted[:, first : first + width] = erase(image[:, first : first + width], mask, "grey", 0.5, grey_of(net))
    assert np.array_equal(erased, wanted)
    left, probability = rubbing._answered(case, rubbed, erased, 0.5, 1.0, Overlay(0.7, "inferno"))
    expected = probabilities(net, [wanted])[0]
    assert probability == pytest.approx(float(expected[2]), abs=1e-6)
    best = vl.predict(net, [wanted])[0]
    assert [each.label for each in left.answers][:5] == [each.label for each in best]
    assert net.labels[2] in [each.label for each in left.answers]
    assert left.number == 7


def test_methods_rub_out_what_they_mark(net, monkeypatch):
    few = {name: vl.METHODS[name] for name in ("grad-cam", "occlusion")}
    monkeypatch.setattr(rubbing, "METHODS", few)
    case = case_of(net, vl.load_sample("cat"))
    job = jobs.begun(rubbing._erasing, "session", "net", "cat", 2, "grey", 1.0, case)
    assert job.wait(120)
    assert not job.error
    assert [method for method, _ in job.events] == list(few)
    assert job.share == pytest.approx(1)
    height, width = case.image.shape[:2]
    shape = (256, round(256 * width / height)) if height > width else (round(256 * height / width), 256)
    heat = explain(net, case.image, "occlusion", 2, shape=shape)
    assert np.allclose(dict(job.events)["occlusion"], rubbing.rubbed_out_by(net, case.image, heat, filling="grey"))


def test_the_change_is_the_librarys_and_every_network_is_asked(open_page, net):
    app = open_page("Predict")
    app.segmented_control(key="closer").set_value("Fool it").run()
    app.slider(key="budget").set_value(3).run()
    finish_jobs()
    app.run()
    assert not app.exception
    image = cached.fitted("cat", fooling.WORKED, vl.load_sample("cat"))
    made = adversarial(net, image, budget=3)
    [after] = [each.value for each in app.markdown if each.value.startswith("After: ")]
    now = vl.predict(net, [made.image])[0][0]
    assert after == f"After: **{now.label}**, {now.probability:.1%}."
    assert any("(made for it)" in each.value for each in app.get("html") if hasattr(each, "value"))


def test_what_is_refused_is_so_in_picture_and_table(net):
    """A head that refuses: no class is named where none is answered."""
    sure = np.array([0.65, 0.35], np.float32)
    answers = [Answer(("ant", "bee"), sure, distance, 1.0, 0.05) for distance in (0.5, 2.0)]
    assert [fooling._said(each) for each in answers] == ["**ant**, 65.0%", "**None of these**, at best ant, 65.0%"]
    pictures = dict.fromkeys(fooling.ROWS, answers[0]) | {"after": answers[1]}
    table = fooling._table([fooling.Asked("Mine", pictures)], case_of(net, vl.load_sample("cat")))
    assert table.count("✗") == 1
    assert "None of these ✗<br><small>at best ant, 65.0%</small>" in table


def test_what_is_stopped_for_another_setting_is_begun_anew_when_one_returns(open_page, monkeypatch):
    monkeypatch.setattr(fooling, "PATIENCE", 0)
    app = open_page("Predict")
    app.segmented_control(key="closer").set_value("Fool it").run()
    for budget in (9, 10, 9, 10):
        app.slider(key="budget").set_value(budget).run()
        assert not app.exception
    finish_jobs()
    app.run()
    assert not any("Stopped" in button.label for button in app.button)
    assert any(each.value.startswith("After: ") for each in app.markdown)


@pytest.mark.parametrize(
    ("link", "told"),
    [
        ({"closer": "Fool it", "towards": "unicorn"}, "There is no class to aim at “unicorn”, so “anything else” is"),
        ({"closer": "Fool it", "way": "luck"}, "There is no way “luck”, so “Many small steps” is shown."),
        ({"closer": "Fool it", "budget": "99"}, "A budget of “99” is not offered, so it is 2. Choose from 1 to 16."),
        ({"closer": "Rub it out", "rub": "x"}, "A share of “x” is not offered, so it is 100. Choose from 0 to 100."),
        ({"closer": "Rub it out", "filling": "smoke"}, "There is no filling “smoke”, so “Blurred” is shown."),
    ],
)
def test_what_a_link_asks_for_in_vain_is_told(app, open_page, link, told):
    app.query_params.update(link)
    open_page("Predict")
    assert not app.exception
    assert any(each.value.startswith(told) for each in app.text)
