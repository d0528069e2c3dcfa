"""Every page with networks of one class, of two and of a thousand, one after the other: nothing that one offered stays
where the next cannot have it."""

import numpy as np
import pytest
from app.conftest import finish_jobs, framing
from app.shared.test_pages import bars

from visionlab.learning.features.source import network_fingerprint
from visionlab.learning.heads.head import Head
from visionlab.ui.predict import comparison, explanations
from visionlab.ui.shared import cached
from visionlab.ui.shared.networks.own_head import TrainedHead
from visionlab.ui.shared.server.pages import PAGES

COUNTS = (1000, 2, 1, 1000, 2)  # classes; one is what is left where all others were merged into it
MODES = ("A picture", "Live camera", "Several networks", "Many pictures")
CLOSER = ("All methods", "Every layer", "Sanity check", "Rub it out", "Fool it")


@pytest.fixture(scope="module")
def net():
    return framing(64)


@pytest.fixture(autouse=True)
def in_the_app(monkeypatch, net):
    monkeypatch.setattr(cached, "classifier", lambda name: net)
    few = {name: explanations.METHODS[name] for name in ("grad-cam", "saliency")}
    for module in (explanations, comparison):
        monkeypatch.setattr(module, "METHODS", few)


@pytest.fixture
def heads(net) -> dict[int, TrainedHead]:
    """By how many classes they have."""
    width, rng = net.layer("avgpool").shape[0], np.random.default_rng(0)
    made = {}
    for count in set(COUNTS):
        weights = rng.normal(size=(count, width)).astype(np.float32)
        labels = tuple(f"kind {number}" for number in range(count))
        head = Head(weights, np.zeros(count, np.float32), labels, net.name, "avgpool", network_fingerprint(net))
        made[count] = TrainedHead(f"a head of {count}", head)
    return made


def use(app, head: TrainedHead):
    app.session_state["trained_head"] = head
    twice(app)
    for box in app.selectbox:
        if box.key == "network" and box.value != "your-head":
            box.set_value("your-head")
            break
    return twice(app)


def twice(app):
    for _ in range(2):
        app.run()
        assert not app.exception
    return app


def at_its_most(app) -> None:
    """What can be moved is moved as far as it goes, by a person who then changes the network."""
    for slider in list(app.slider):
        if slider.key == "count":
            app.slider(key="count").set_value(slider.max).run()
    for box in list(app.selectbox):
        if box.label in ("Why this class?", "Where is …"):
            box.select_index(len(box.options) - 1)
    app.run()
    assert not app.exception


@pytest.mark.parametrize("closer", [None, *CLOSER])
def test_a_picture(open_page, heads, closer):
    app = open_page("Predict")
    if closer:
        app.segmented_control(key="closer").set_value(closer)
    for count in COUNTS:
        use(app, heads[count])
        at_its_most(app)
        if closer:
            finish_jobs()
            twice(app)
        assert len(bars(app)) == min(count, 20)


@pytest.mark.parametrize("mode", MODES[1:])
def test_the_other_modes(open_page, heads, mode):
    app = open_page("Predict")
    app.segmented_control(key="mode").set_value(mode)
    for count in COUNTS:
        use(app, heads[count])


@pytest.mark.parametrize("title", [title for title in PAGES if title != "Predict"])
def test_the_other_pages(open_page, heads, title):
    app = open_page("Predict")
    for count in COUNTS:
        use(app, heads[count])
        app.switch_page(PAGES[title].script)
        twice(app)
        app.switch_page(PAGES["Predict"].script)
        twice(app)
