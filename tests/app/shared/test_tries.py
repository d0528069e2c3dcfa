"""The things that pages offer to try: each sets its page up, says what to notice, and can be followed by another."""

import pytest

from visionlab.ui.maps.state import Spot


@pytest.mark.parametrize("title", ["Home", "Convolution", "Filters", "Feature maps", "Predict", "From scratch"])
def test_each_thing_to_try_sets_its_page_up_and_says_what_to_notice(open_page, title):
    app = open_page(title)
    offered = [button.label for button in app.button if (button.key or "").startswith("try-")]
    assert 3 <= len(offered) <= 4
    for label in offered:
        key = next(button.key for button in app.button if (button.key or "").endswith(f"-{label}"))
        app.button(key=key).click().run()
        assert not app.exception
        named = label if label.endswith("?") else f"{label}."
        assert [each.value for each in app.markdown if f"**{named}**" in each.value]
        assert {button.label for button in app.button} >= set(offered), "the others are still to be had"


def noticed(app) -> list[str]:
    return [each.value for each in app.markdown if ":material/visibility:" in each.value]


@pytest.mark.parametrize(
    ("title", "label"),
    [("Home", "A person"), ("Predict", "Cover it, bit by bit"), ("Feature maps", "Halfway"), ("Convolution", None)],
)
def test_what_there_is_to_notice_is_not_told_of_another_picture(open_page, photo, title, label):
    app = open_page(title)
    tried = next(
        each for each in app.button if each.key and each.key.startswith("try-") and label in (None, each.label)
    )
    tried.click().run()
    app.run()
    assert noticed(app)
    app.file_uploader(key="upload").set_value(photo).run()
    for _ in range(2):
        assert not app.exception
        assert not noticed(app)
        app.run()
    again = next(each for each in app.button if each.label == tried.label)
    again.click().run()
    assert noticed(app)


def test_what_there_is_to_notice_in_a_layer_is_not_told_of_another(open_page):
    app = open_page("Feature maps")
    next(each for each in app.button if each.label == "Nearly the end").click().run()
    assert noticed(app)
    app.session_state["spot"] = Spot("conv2_1")
    app.run()
    assert not noticed(app)


def test_what_there_is_to_notice_in_an_experiment_is_not_told_of_another(open_page):
    app = open_page("From scratch")
    next(each for each in app.button if each.label == "Filters come to be").click().run()
    app.run()
    assert noticed(app)
    for experiment in ("birds", "convnet"):
        app.session_state["experiment"] = experiment
        app.run()
        assert not noticed(app)
    next(each for each in app.button if each.label == "Templates").click().run()
    assert noticed(app)


def test_what_there_is_to_notice_of_one_method_is_not_told_of_another(open_page):
    app = open_page("Predict")
    next(each for each in app.button if each.label == "Cover it, bit by bit").click().run()
    app.run()
    assert noticed(app)
    next(each for each in app.selectbox if each.label == "Method").select("grad-cam").run()
    assert not app.exception
    assert not noticed(app)
