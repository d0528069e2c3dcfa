"""The app in AppTest: any page, with what a person would see on it."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from app.studio_tools import ME, stripes
from streamlit.components.v2 import manifest_scanner
from streamlit.runtime.scriptrunner.script_cache import ScriptCache
from streamlit.testing.v1 import AppTest, app_test, local_script_runner
from streamlit.testing.v1.local_script_runner import LocalScriptRunner
from tiny import tiny_classifier

from visionlab.imaging.image import encode_png
from visionlab.learning.projects.project import Project
from visionlab.learning.projects.workspace import Workspace
from visionlab.learning.scratch import forecast, training
from visionlab.learning.scratch.training import pace_of
from visionlab.network.running.classifier import Classifier
from visionlab.network.zoo.loading import load_classifier
from visionlab.network.zoo.vgg import read_plan
from visionlab.network.zoo.vgg_layers import vgg_layers
from visionlab.ui.predict import explanations
from visionlab.ui.shared import cached, jobs, page, visitor
from visionlab.ui.shared.server.pages import PAGES
from visionlab.ui.studio.pictures import intake

ROOT = Path(__file__).parents[2]


def finish_jobs() -> None:
    """Wait until all background work of the server is over."""
    for job in list(jobs.registry()._jobs.values()):
        assert job.wait(120)


@pytest.fixture(autouse=True)
def workspace_folder(tmp_path, monkeypatch) -> Path:
    """Where this test's projects lie."""
    folder = tmp_path / "projects"
    monkeypatch.setenv("VISIONLAB_WORKSPACE", str(folder))
    return folder


@pytest.fixture(autouse=True)
def fresh_clone(monkeypatch, built_in_alone) -> None:
    monkeypatch.setenv("VISIONLAB_WEIGHTS", str(built_in_alone))


@pytest.fixture(autouse=True, scope="session")
def what_each_run_would_do_anew_is_done_once():
    """For each run of an AppTest, Streamlit looks for components in every installed package, which takes a third of it,
    and compiles the scripts; and it waits for the end by looking a thousand times a second."""
    compiled = ScriptCache()

    def wait(runner: LocalScriptRunner, timeout: float) -> None:
        runner._script_thread.join(timeout)
        look(runner, timeout if runner.script_stopped() else 0)

    look = local_script_runner.require_widgets_deltas
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        for module in (app_test, local_script_runner):  # the pages' scripts, and the one that leads to them
            patch.setattr(module, "ScriptCache", lambda: compiled)
        patch.setattr(local_script_runner, "require_widgets_deltas", wait)
        yield


@pytest.fixture(autouse=True)
def faithfulness_in_few_steps(monkeypatch):
    """Each explanation that a page shows is judged in the background: hundreds of forward passes, if not for this."""
    monkeypatch.setattr(explanations, "STEPS", 3)
    monkeypatch.setattr(explanations, "ORDERS", 1)


@pytest.fixture(autouse=True)
def forecasts_in_a_moment(monkeypatch):
    """How long a training would take is measured wherever a page offers one, for half a second, if not for this; how
    well, learning/scratch tests."""
    monkeypatch.setattr(training, "WINDOWS", 1)
    for module in (training, forecast):
        monkeypatch.setattr(module, "pace_of", lambda work, within: pace_of(work, within / 100))


@pytest.fixture(autouse=True)
def nobody_draws(monkeypatch):
    """AppTest has no browser that would need a head start."""
    monkeypatch.setattr(page, "head_start", lambda seconds: None)


@pytest.fixture(autouse=True)
def each_drop_is_one(monkeypatch):
    """No person drops files as quickly as a test does."""
    monkeypatch.setattr(intake, "PAUSE", 0.0)


@pytest.fixture(autouse=True)
def from_elsewhere(monkeypatch):
    """AppTest knows no addresses: its browser is somewhere else."""
    monkeypatch.setattr(visitor, "at_the_server", lambda: False)


@pytest.fixture(autouse=True)
def no_job_is_left():
    """What still computes when a test is over would slow down the next one."""
    yield
    left = [job for job in jobs.registry()._jobs.values() if not job.over]
    for job in left:
        job.cancel()
    finish_jobs()
    if left:  # the next test is not to find them stopped
        st.cache_resource.clear()


@pytest.fixture
def new_app() -> Callable[[], AppTest]:
    """The app as another person opens it."""
    return lambda: AppTest.from_file(ROOT / "home.py", default_timeout=60)


@pytest.fixture
def app(new_app) -> AppTest:
    return new_app()


@pytest.fixture
def open_page(app):
    """Open the page of a title and see that it shows no exception."""

    def go(title: str) -> AppTest:
        if title != "Home":
            app.switch_page(PAGES[title].script)
        app.run()
        assert not app.exception
        return app

    return go


def unfold(app: AppTest, *keys: str) -> AppTest:
    """As if these expanders had been opened, from the next run on."""
    for key in keys:
        app.session_state[key] = True
    return app


@pytest.fixture
def registry(monkeypatch) -> jobs.Registry:
    """A registry that the test can look into: AppTest keeps its own caches."""
    known = jobs.Registry()
    monkeypatch.setattr(jobs, "registry", lambda: known)
    return known


def framing(side: int) -> Classifier:
    """The built-in network, which looks at pictures of so many pixels: the same weights, and less to compute."""
    net = load_classifier("vgg16-tinyimagenet", "cpu")
    plan = read_plan({name: tensor.shape for name, tensor in net.module.state_dict().items()})
    return replace(net, transform=net.transform.at(side), layers=vgg_layers(plan, side))


# For the steps of the studio, each of which is tested by itself.


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    return Workspace(tmp_path / "workspace")


@pytest.fixture
def project(workspace) -> Project:
    """Two classes of twelve striped pictures."""
    return stripes(workspace.create("Stripes", ME))


@pytest.fixture
def net(monkeypatch) -> Classifier:
    """Instead of the built-in network."""
    tiny = tiny_classifier()
    monkeypatch.setattr(cached, "classifier", lambda name: tiny)
    return tiny


@pytest.fixture
def photo() -> tuple[str, bytes, str]:
    """A picture that a user might upload: name, bytes and type."""
    rows, columns = np.mgrid[:150, :220]
    picture = np.stack([rows, columns, (rows * columns) % 256], 2).clip(0, 255).astype(np.uint8)
    return "holiday_*photo*.png", encode_png(picture), "image/png"
