"""Which network each page begins with, what a person picks instead, and what is said where the best is not here."""

import hashlib
import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
import safetensors.torch
import streamlit as st
import wheels
from app.conftest import finish_jobs
from streamlit.testing.v1 import AppTest
from tiny import tiny_classifier
from wheels import only_from, packed_state

from visionlab.network.files import weights
from visionlab.network.files.weight_file import WeightFile
from visionlab.network.zoo.models import MODELS, TO_NAME, TO_OPEN
from visionlab.ui.shared.server.pages import PAGES

BUILT_IN = TO_NAME[-1]
LABELS = [f"kind {i}" for i in range(7)]


@cache
def opened() -> bytes:
    """A weight file, as tiny as can be."""
    return safetensors.torch.save(tiny_classifier().module.state_dict(), {"labels": json.dumps(LABELS)})


@pytest.fixture
def folder(tmp_path, monkeypatch, built_in_alone) -> Path:
    """An own folder of weights, with the built-in network in it; what is best for names comes as a tiny package."""
    folder, offered = tmp_path / "weights", tmp_path / "offered"
    folder.mkdir()
    offered.mkdir()
    for path in built_in_alone.glob("*.safetensors"):
        (folder / path.name).symlink_to(path)
    monkeypatch.setenv("VISIONLAB_WEIGHTS", str(folder))

    def become(name: str, file: WeightFile) -> None:
        small = MODELS[name].transform.at(64)
        plain = {"labels": None, "wordnet_ids": None, "build": None, "head": None, "embedding": "relu7"}
        monkeypatch.setitem(MODELS, name, replace(MODELS[name], file=file, transform=small, **plain))

    content, file = packed_state(tiny_classifier(seed=1).module.state_dict())
    become(TO_NAME[0], file)
    (offered / wheels.NAME).write_bytes(content)
    only_from(monkeypatch, offered)

    become(TO_OPEN[0], WeightFile("opened.safetensors", sha256=hashlib.sha256(opened()).hexdigest()))
    monkeypatch.setitem(MODELS, TO_NAME[0], replace(MODELS[TO_NAME[0]], labels=lambda: tuple(LABELS)))
    st.cache_resource.clear()  # the networks of another test are not these
    return folder


@pytest.fixture
def both(folder) -> None:
    """The best for either use is here."""
    weights.fetch(MODELS[TO_NAME[0]].file)
    (folder / "opened.safetensors").write_bytes(opened())


def go(app, title: str):
    app.switch_page(PAGES[title].script).run()
    assert not app.exception
    return app


def picked(app) -> str:
    return app.selectbox(key="network").value


def told(app) -> str:
    return "\n".join(each.value for each in app.markdown)


def test_a_page_begins_with_the_best_for_what_it_does(open_page, both):
    app = open_page("Home")
    captions = "\n".join(each.value for each in app.caption)
    assert f"{MODELS[TO_OPEN[0]].title} stacks thirteen" in captions
    assert f"Here another network answers: {MODELS[TO_NAME[0]].title} knows 7 classes" in captions
    for _ in range(2):
        assert picked(go(app, "Feature maps")) == TO_OPEN[0]
        assert picked(go(app, "Predict")) == TO_NAME[0]
        for mode in ("Live camera", "Many pictures"):
            app.segmented_control(key="mode").set_value(mode).run()
            assert picked(app) == TO_NAME[0]
        assert "would do better" not in told(app)
        app.segmented_control(key="mode").set_value("A picture").run()


def test_what_a_person_picks_counts_on_every_page_until_something_else_is_picked(open_page, both):
    app = open_page("Feature maps")
    for name in (BUILT_IN, TO_NAME[0], TO_OPEN[0]):
        app.selectbox(key="network").set_value(name).run()
        assert not app.exception
        for title in ("Predict", "Home", "Predict", "Feature maps"):
            go(app, title)
            for _ in range(2):
                if title == "Home":
                    assert any(f"{MODELS[name].title} knows" in each.value for each in app.caption)
                    assert app.query_params["network"] == MODELS[name].title
                else:
                    assert picked(app) == name
                app.run()


def test_a_link_to_a_network_is_a_pick(new_app, both):
    for name, link in (("network", BUILT_IN), ("network", MODELS[BUILT_IN].title), ("model", BUILT_IN)):
        app = new_app()
        app.query_params[name] = link
        app.run()
        assert any(f"{MODELS[BUILT_IN].title} knows" in each.value for each in app.caption), "on Home, too"
        for title in ("Predict", "Feature maps"):
            assert picked(go(app, title)) == BUILT_IN
            assert app.query_params["network"] == MODELS[BUILT_IN].title
            assert "model" not in app.query_params


@pytest.mark.parametrize("name", ["network", "model"])
def test_a_link_to_a_network_that_is_not_here_opens_the_page_s_own_and_says_so(new_app, both, name):
    app = new_app()
    app.query_params[name] = "vgg99"
    app.run()
    assert any("There is no network “vgg99” here, so another one is shown." in each.value for each in app.text)
    for _ in range(2):
        assert picked(go(app, "Predict")) == TO_NAME[0]
        assert any("There is no network “vgg99” here, so another one is shown." in each.value for each in app.text)
    assert app.query_params["network"] == "vgg99", "a reload is told it again"
    assert "model" not in app.query_params


@pytest.mark.parametrize("title", ["Home", "Feature maps", "Predict"])
def test_without_the_best_the_built_in_one_works_and_says_so(open_page, folder, title):
    best = MODELS[(TO_OPEN if title == "Feature maps" else TO_NAME)[0]]
    app = open_page(title)
    assert f"{best.title} would do better here" in told(app)
    assert f"This is {MODELS[BUILT_IN].title}." in told(app)
    assert title == "Home" or picked(app) == BUILT_IN
    assert app.button(key=f"download-{best.name}").disabled is not best.file.can_be_had


@pytest.mark.parametrize("title", ["Home", "Feature maps", "Predict"])
def test_where_the_best_is_damaged_another_one_works_and_says_so(open_page, both, folder, title):
    best = MODELS[(TO_OPEN if title == "Feature maps" else TO_NAME)[0]]
    (folder / best.file.name).write_bytes(b"damaged")
    app = open_page(title)
    for _ in range(2):
        said = [each.value for each in app.text if best.file.name in each.value]
        assert [text.endswith(f"Meanwhile, {MODELS[BUILT_IN].title} does the work.") for text in said] == [True]
        assert title == "Home" or picked(app) == BUILT_IN
        app.run()
    if title == "Home":
        assert any("knows 202 classes" in each.value for each in app.caption)
        assert any("What you can do here" in each.value for each in app.subheader)
    else:
        app.selectbox(key="network").set_value(best.name).run()
        assert sum(best.file.name in each.value for each in app.text) == 1, "picked, it is stood in for as well"
        assert app.get("bidi_component")


def test_a_picker_says_whose_the_network_is(open_page, both):
    app = open_page("Predict")
    for name in (TO_OPEN[0], TO_NAME[0]):
        app.selectbox(key="network").set_value(name).run()
        assert MODELS[name].about in [each.value for each in app.caption]


def test_one_button_brings_the_best_and_the_page_goes_on_with_it(open_page, folder):
    app = open_page("Predict")
    app.button(key=f"download-{TO_NAME[0]}").click().run()
    finish_jobs()
    app.run()
    assert not app.exception
    assert picked(app) == TO_NAME[0]
    assert "would do better" not in told(app)
    assert "Top 5 of 7 classes" in told(app)


def test_what_cannot_be_brought_leaves_the_page_as_it_was(open_page, folder, tmp_path):
    (tmp_path / "offered" / wheels.NAME).unlink()
    app = open_page("Predict")
    app.button(key=f"download-{TO_NAME[0]}").click().run()
    finish_jobs()
    app.run()
    assert not app.exception
    assert any("tiny-weights 1.0 could not be downloaded" in text.value for text in app.text)
    assert picked(app) == BUILT_IN
    assert "Top 5 of 202 classes" in told(app)


def test_a_person_who_picked_another_one_is_not_asked_again(open_page, both, folder):
    (folder / "opened.safetensors").unlink()
    app = open_page("Feature maps")
    assert "would do better" in told(app)
    app.selectbox(key="network").set_value(TO_NAME[0]).run()
    assert not app.exception
    assert "would do better" not in told(app)


def test_what_was_picked_elsewhere_is_what_the_page_opens_with(open_page, both):
    """As by “Try it on the Predict page”: before it, and after another network was drawn."""
    app = open_page("Predict")
    for name in (BUILT_IN, TO_OPEN[0]):
        go(app, "Home")
        for key in ("picked_network", "drawn_network", "network"):  # what state.pick_network does in the app's session
            app.session_state[key] = name
        assert picked(go(app, "Predict")) == name
        assert app.query_params["network"] == MODELS[name].title


def train_step(folder: str, project: str) -> None:
    from visionlab.learning.projects.workspace import Workspace
    from visionlab.ui.studio.train import step as train

    train.show(Workspace(folder).open(project))


def test_the_studio_trains_on_the_best_that_is_here(workspace, project, both):
    app = AppTest.from_function(train_step, default_timeout=60, args=(str(workspace.folder), project.id)).run()
    assert not app.exception
    assert app.selectbox(key="base").value == TO_NAME[0]
