"""Why, on the Predict page: every method, its faithfulness, all methods at once, every layer, the sanity check."""

import hashlib
import threading

import cv2
import numpy as np
import pytest
from app.conftest import finish_jobs, framing
from app.shared.test_pages import bars
from streamlit.proto.Metric_pb2 import Metric as MetricProto

import visionlab as vl
from visionlab.imaging.image import encode_png
from visionlab.learning.features.source import network_fingerprint
from visionlab.learning.heads.head import Head
from visionlab.network.explain.faithfulness import IN_WORDS, against_chance, faithfulness, random_baseline
from visionlab.network.explain.heatmap import Heatmap, seen
from visionlab.ui.predict import comparison, explanations
from visionlab.ui.shared import cached
from visionlab.ui.shared.networks import Network
from visionlab.ui.shared.networks.own_head import TrainedHead
from visionlab.ui.shared.state import Picture


def figures(app) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric if metric.label in explanations.HELP}


@pytest.fixture(scope="module")
def net() -> vl.Classifier:
    return framing(64)


@pytest.fixture(autouse=True)
def in_the_app(monkeypatch, net):
    monkeypatch.setattr(cached, "classifier", lambda name: net)


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """Nobody waits for a job before its progress is shown."""
    for module in (explanations, comparison):
        monkeypatch.setattr(module, "PATIENCE", 0)
    explanations.explaining.clear()
    explanations.measuring.clear()


@pytest.fixture
def few_methods(monkeypatch) -> dict:
    few = {name: vl.METHODS[name] for name in ("grad-cam", "guided-backpropagation", "occlusion")}
    for module in (explanations, comparison):
        monkeypatch.setattr(module, "METHODS", few)
    return few


def settled(app):
    for _ in range(2):  # the maps, then how faithful they are
        finish_jobs()
        app.run()
        assert not app.exception
    return app


def measured(app):
    """The fold of faithfulness is open, and its figures have come."""
    app.session_state["faithful"] = True
    app.run()
    return settled(app)


@pytest.mark.parametrize("method", ["grad-cam", "layer-cam", "saliency"])
def test_a_method_says_how_faithful_it_is(open_page, net, method):
    app = open_page("Predict")
    app.selectbox(key="method").set_value(method).run()
    settled(app)
    assert not figures(app), "nobody has asked yet"
    measured(app)
    image = vl.load_sample("cat")
    heat = vl.explain(net, image, method)
    expected = faithfulness(net, image, heat, 3)
    chance = random_baseline(net, image, heat.target, 3, 1, heat)
    assert figures(app) == {"Deletion": f"{expected.deletion:.3f}", "Insertion": f"{expected.insertion:.3f}"}
    deletion = next(metric for metric in app.metric if metric.label == "Deletion")
    assert deletion.delta == f"{expected.deletion - chance.deletion:+.3f}".replace("-", "−")
    assert any(vl.METHODS[method].paper in caption.value for caption in app.caption)


def test_page_shell_and_library_measure_in_the_same_steps(open_page, net, monkeypatch):
    monkeypatch.undo()  # no fewer steps, for once, in a network that is soon asked
    monkeypatch.setattr(cached, "classifier", lambda name: net)
    app = measured(settled(open_page("Predict")))
    image = vl.load_sample("cat")
    found = vl.faithfulness(net, image, vl.explain(net, image))
    assert figures(app) == {"Deletion": f"{found.deletion:.3f}", "Insertion": f"{found.insertion:.3f}"}


def test_what_is_measured_at_temperature_1_says_so_while_another_is_chosen(open_page, few_methods):
    app = open_page("Predict")
    app.slider(key="temperature").set_value(2.0).run()
    measured(settled(app))
    assert sum(each.value.startswith("At temperature 1,") for each in app.caption) == 1
    app.segmented_control(key="closer").set_value("All methods").run()
    settled(app)
    assert sum(each.value.startswith("At temperature 1,") for each in app.caption) == 2
    app.button(key="back-to-temperature-1").click().run()
    assert not any("emperature" in each.value for each in app.caption)


def test_a_map_waits_for_no_measure(open_page, net, monkeypatch):
    """However many maps are still being measured, the next one is there at once."""
    going_on = threading.Event()
    monkeypatch.setattr(
        explanations, "faithfulness", lambda *rest, **asked: going_on.wait(60) and faithfulness(*rest, **asked)
    )
    monkeypatch.setattr(explanations, "PATIENCE", 60)
    try:
        app = open_page("Predict")
        app.session_state["faithful"] = True
        for target in (None, 3, 4, 5):
            if target:
                class_box(app).set_value(target).run()
            app.run()
            assert not app.exception
            [caption] = [each.value for each in app.caption if "Grad-CAM marks" in each.value]
            assert target is None or net.labels[target] in caption
            assert not figures(app)
    finally:
        going_on.set()
    assert figures(settled(app))


@pytest.mark.parametrize("likely", [True, False])
def test_a_difference_counts_only_outside_of_what_chance_gives(open_page, net, monkeypatch, likely):
    monkeypatch.setattr(explanations, "ORDERS", 4)
    if likely:  # to be told at all
        monkeypatch.setattr("visionlab.network.explain.faithfulness.TOLD", 0.0)
    app = open_page("Predict")
    class_box(app).set_value(net.target("banana")).run()
    measured(settled(app))
    image = vl.load_sample("cat")
    heat = vl.explain(net, image, target="banana")
    verdicts = against_chance(faithfulness(net, image, heat, 3), random_baseline(net, image, "banana", 3, 4, heat))
    arrows = {metric.label: (metric.proto.direction, metric.proto.delta_description) for metric in app.metric}
    for label, verdict in zip(explanations.HELP, verdicts, strict=True):
        arrow, said = arrows[label]
        assert said == IN_WORDS[verdict]
        assert (arrow == MetricProto.MetricDirection.NONE) == (verdict not in explanations.COLOURS)
    assert any("can’t be told" in str(each) for each in arrows.values()) == (not likely)
    assert any("with so little to lose" in caption.value for caption in app.caption) == (not likely)


def class_box(app):
    return next(box for box in app.selectbox if box.label == "Why this class?")


def test_any_class_and_any_layer_can_be_asked_for(open_page, net):
    app = open_page("Predict")
    banana = net.target("banana")
    class_box(app).set_value(banana).run()
    app.selectbox(key="explained-layer-vgg16-tinyimagenet").set_value("relu4_2").run()
    measured(settled(app))
    image = vl.load_sample("cat")
    expected = faithfulness(net, image, vl.explain(net, image, target=banana, layer="relu4_2"), 3)
    assert figures(app)["Insertion"] == f"{expected.insertion:.3f}"
    app.selectbox(key="method").set_value("saliency").run()
    assert app.selectbox(key="explained-layer-vgg16-tinyimagenet").disabled
    assert not app.exception


def test_all_methods_are_compared_in_one_go(open_page):
    app = open_page("Predict")
    app.segmented_control(key="closer").set_value("All methods").run()
    settled(app)
    written = [caption.value for caption in app.caption]
    assert sum(text.startswith("deletion 0.") for text in written) == len(vl.METHODS)
    titles = {f"**{method.title}**" for method in vl.METHODS.values()}
    assert titles <= {element.value for element in app.markdown}


def test_all_methods_can_be_stopped_and_begun_again(open_page, few_methods):
    app = open_page("Predict")
    class_box(app).set_value(7).run()  # a class that nobody has asked for yet
    app.segmented_control(key="closer").set_value("All methods").run()
    app.button(key="stop-all").click().run()
    settled(app)
    assert not any("measuring" in caption.value for caption in app.caption), "nothing is any more"
    app.button(key="again-all").click().run()
    settled(app)
    assert sum(caption.value.startswith("deletion 0.") for caption in app.caption) == len(few_methods)


def test_every_layer(open_page, net):
    app = open_page("Predict")
    app.segmented_control(key="closer").set_value("Every layer").run()
    assert not app.exception
    blocks = [f"Block {number}" for number in range(1, 6)]
    few = [f"{block}: pool{number}" for number, block in enumerate(blocks, 1)]  # the last of each at first
    assert [text for text in captions(app) if text in few] == few
    names = [layer.name for layer in net.layers if layer.receptive_field and layer.kind in ("relu", "pool")]
    assert not set(names) & set(captions(app))
    for _ in range(2):
        app.session_state["all-layers"] = True  # as if it were opened
        app.run()
        assert not app.exception
        assert [text for text in captions(app) if text in names] == names
        assert [each.value for each in app.markdown if each.value.strip("*") in blocks] == [f"**{b}**" for b in blocks]


def test_the_sanity_check_goes_down_to_the_first_layer(open_page):
    app = open_page("Predict")
    app.segmented_control(key="closer").set_value("Sanity check").run()
    settled(app)
    found = [text for text in captions(app) if text.startswith("down to ")]
    assert [text.split()[2].rstrip(":") for text in found] == [
        "fc8", "fc7", "fc6", "conv5_1", "conv4_1", "conv3_1", "conv2_1", "conv1_1"
    ]  # fmt: skip
    assert captions(app).index("as it has learned") == captions(app).index(found[0]) - 1
    [said] = [each.value for each in app.markdown if "what was learned.**" in each.value]
    alike = found[-1].split()[-1]
    assert f"alike {alike}" in said
    assert ("It shows what was learned" in said) == (abs(float(alike.replace("−", "-"))) <= 0.5)


def captions(app) -> list[str]:
    return [caption.value for caption in app.caption]


def test_a_head_of_ones_own_is_explained_like_any_network(open_page, net, few_methods):
    width = net.layer("avgpool").shape[0]
    weights = np.random.default_rng(0).normal(size=(2, width)).astype(np.float32)
    head = Head(weights, np.zeros(2, np.float32), ("cats", "dogs"), net.name, "avgpool", network_fingerprint(net))
    app = open_page("Predict")
    app.session_state["trained_head"] = TrainedHead("another key", head)
    app.run()
    app.selectbox(key="network").set_value("your-head").run()
    app.segmented_control(key="closer").set_value("All methods").run()
    settled(app)
    written = [caption.value for caption in app.caption]
    assert sum(text.startswith("deletion ") for text in written) == len(few_methods)


@pytest.mark.parametrize("shape", [(60, 900), (900, 60), (1500, 1400)])
def test_the_picture_that_is_judged_is_the_picture_that_is_explained_and_remembered(open_page, net, monkeypatch, shape):
    """A large or very wide picture is shown smaller, but never explained, or judged again, by a smaller copy."""
    image = cv2.resize(vl.load_sample("cat"), shape[::-1])
    file = encode_png(image)
    given = []

    def watched(net, image, *rest, **asked):
        given.append(image)
        return vl.explain(net, image, *rest, **asked)

    monkeypatch.setattr(explanations, "explain", watched)
    app = open_page("Predict")
    app.file_uploader(key="upload").set_value([("large.png", file, "image/png")]).run()
    settled(app)
    said = bars(app)
    expected = vl.predict(net, [image], 5)[0]
    assert said == [(each.label, f"{each.probability:.1%}") for each in expected]
    np.testing.assert_array_equal(given[-1], image)
    other = ("other.png", encode_png(vl.load_sample("rocket")), "image/png")
    app.file_uploader(key="upload").set_value([("large.png", file, "image/png"), other]).run()
    assert bars(settled(app)) != said
    app.selectbox(key="which").set_value(hashlib.sha256(file).hexdigest()).run()
    assert bars(settled(app)) == said


@pytest.mark.parametrize("method", ["grad-cam", "saliency"])
def test_a_map_is_said_to_be_what_the_method_marks_and_no_reason(open_page, net, method):
    app = open_page("Predict")
    app.selectbox(key="method").set_value(method).run()
    settled(app)
    label = vl.predict(net, [vl.load_sample("cat")])[0][0].label
    title = vl.METHODS[method].title
    said = [text.replace("\\", "") for text in captions(app) if text.startswith(f"What {title} marks")]
    assert len(said) == 1
    assert f"for “{label}”, the brighter the more; how faithful that is can be measured." in said[0]
    assert not any("Why it" in text or "because" in text for text in captions(app))


def test_a_map_that_marks_nothing_is_said_to_be_empty(open_page, few_methods, monkeypatch):
    def nothing(net, image, method, target, layer, progress, shape):
        return Heatmap(np.zeros(shape, np.float32), target, method)

    monkeypatch.setattr(explanations, "explain", nothing)
    app = settled(open_page("Predict"))
    assert sum("marks nothing here for “" in text for text in captions(app)) == 1
    assert not any("the brighter the more" in text for text in captions(app))
    app.segmented_control(key="closer").set_value("All methods").run()
    settled(app)
    assert sum("marks nothing here for “" in text for text in captions(app)) == 1 + len(few_methods)


# --- pictures that are strips -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(40, 600), (6000, 400), (2, 5000), (1, 1), (90, 100)])
def test_of_a_strip_the_middle_is_shown_and_what_is_marked_lies_where_the_network_looked(net, shape):
    picture = Picture("strip", f"strip {shape}", np.full((*shape, 3), 255, np.uint8))
    case = explanations.case_of(Network("n", "", net, "n"), picture, 0)
    height, width = case.shown.shape[:2]
    assert max(height, width) <= explanations.SLIMMEST * min(height, width) + 1
    heat = np.zeros(case.shape, np.float32)
    heat[seen(net.transform, case.shape)] = 1
    laid = explanations.Overlay(1.0, "inferno").over(case.shown, heat)
    assert laid.shape == case.shown.shape
    marked = (laid != 255).any(2)
    top, left, tall, wide = net.transform.box((height, width))
    rows, columns = (np.flatnonzero(marked.any(axis)) for axis in (1, 0))
    slack = 2 + max(height, width) / min(case.shape)  # a map is coarser than the picture where that is very long
    np.testing.assert_allclose((rows[0], rows[-1] + 1), (top, top + tall), atol=slack)
    np.testing.assert_allclose((columns[0], columns[-1] + 1), (left, left + wide), atol=slack)


def test_a_panorama_is_judged_as_it_is(open_page, net):
    image = np.tile(vl.load_sample("cat")[::6, ::6], (1, 9, 1))
    app = open_page("Predict")
    file = encode_png(image)
    app.file_uploader(key="upload").set_value(("panorama.png", file, "image/png")).run()
    for _ in range(2):
        np.testing.assert_array_equal(app.session_state["uploaded"].image, image)
        measured(app)
        heat = vl.explain(net, image)
        assert figures(app)["Deletion"] == f"{faithfulness(net, image, heat, 3).deletion:.3f}"
        assert any("Its ends are not shown." in each.value for each in app.caption)
        app.file_uploader(key="upload").set_value(("other.png", encode_png(image[::2]), "image/png")).run()
        app.selectbox(key="which").set_value(hashlib.sha256(file).hexdigest()).run()  # the earlier one


def test_several_networks_say_side_by_side_where_they_look(open_page, net):
    app = open_page("Predict")
    app.segmented_control(key="mode").set_value("Several networks").run()
    settled(app)
    names = app.multiselect[0].value
    best = vl.predict(net, [vl.load_sample("cat")])[0][0]
    told = [each.value for each in app.markdown if each.value.endswith(f": {best.label}, {best.probability:.1%}")]
    assert len(told) == len(names) > 0
    assert not any("marks nothing" in each.value for each in app.caption)
