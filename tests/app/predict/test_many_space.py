"""Many pictures in space: where the network places them, coloured by what it says or by whether that is right."""

import io
import zipfile

import numpy as np
import pytest
from app.planes import DEEDS, planes_drawn, settled
from streamlit.testing.v1 import AppTest

import visionlab as vl
from visionlab.imaging.image import encode_png
from visionlab.learning.answers.first_words import accepted_labels, word_of
from visionlab.learning.features.embedding import embed
from visionlab.learning.judging.nearness import WAYS, nearest, principal
from visionlab.network.zoo.loading import load_classifier
from visionlab.network.zoo.models import TO_NAME, first_here
from visionlab.ui.predict import many_space
from visionlab.ui.shared.components.space import COLOURS
from visionlab.ui.shared.plane.selecting import NEAREST

SAMPLES = ("cat", "rocket", "coffee")


@pytest.fixture
def drawn(monkeypatch) -> list:
    return planes_drawn(monkeypatch)


def pictures() -> dict[str, np.ndarray]:
    """Thirty, ten of a kind, each lighter than the last; the last of the cats lies among the coffees."""
    found = {}
    for sample in SAMPLES:
        image = vl.load_sample(sample)
        for number in range(10):
            found[f"{sample}s/{number}.png"] = (image * (0.55 + 0.05 * number)).astype(np.uint8)
    found["coffees/10.png"] = found.pop("cats/9.png")
    return dict(sorted(found.items()))


def zipped(files: dict[str, bytes]) -> tuple[str, bytes, str]:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return "many.zip", target.getvalue(), "application/zip"


def opened(open_page) -> AppTest:
    app = open_page("Predict")
    app.segmented_control(key="mode").set_value("Many pictures").run()
    files = {name: encode_png(image) for name, image in pictures().items()}
    app.file_uploader(key="many-zip").set_value(zipped(files | {"cats/bad.jpg": b"none"})).run()
    app.button(key="many-start").click().run()
    settled(app)
    app.segmented_control(key="many-seen").set_value("In space").run()
    return settled(app)


def test_they_lie_where_the_network_places_them_and_what_is_selected_is_in_the_table(open_page, net, drawn):
    app = opened(open_page)
    app.segmented_control(key="many-colours").set_value("Answer").run()
    points, given = drawn[-1]
    images = pictures()
    features = embed(net, [*images.values()])
    assert points.names == [*images]
    assert np.allclose(points.places, principal(features), atol=1e-4)
    said = [answers[0].label for answers in vl.predict(net, [*images.values()], 1)]
    assert [given["classes"][label] for label in points.labels] == said
    assert not points.marked.any(), "of a thousand answers, neighbours often differ"
    assert len(app.dataframe[0].value) == len(images), "all of them, until some are selected"
    DEEDS.append(("on_near", 2))
    settled(app)
    order, cosines = nearest(features, 2, NEAREST)
    table = app.dataframe[0].value
    assert list(table["Picture"]) == [points.names[each] for each in (2, *order)]
    assert np.allclose(table["Alike"], [1.0, *cosines], atol=1e-4)
    DEEDS.append(("on_choose", [4, 1]))
    settled(app)
    assert list(app.dataframe[0].value["Picture"]) == [points.names[4], points.names[1]]
    assert "Alike" not in app.dataframe[0].value
    DEEDS.append(("on_choose", []))
    settled(app)
    assert len(app.dataframe[0].value) == len(images)


def test_by_folder_what_lies_in_the_wrong_one_is_ringed(open_page, drawn):
    app = opened(open_page)
    points, given = drawn[-1]
    assert sorted(given["classes"]) == ["cats", "coffees", "rockets"]
    assert [name for name, ringed in zip(points.names, points.marked, strict=True) if ringed] == ["coffees/10.png"]
    app.button(key="select-strays").click()
    settled(app)
    assert list(app.dataframe[0].value["Picture"]) == ["coffees/10.png"]


def test_by_being_right_each_has_the_colour_of_its_grade(open_page, drawn):
    app = opened(open_page)
    net = load_classifier(first_here(TO_NAME))
    app.segmented_control(key="many-colours").set_value("Right or wrong").run()
    settled(app)
    points, given = drawn[-1]
    assert {*given["classes"]} <= {"Right", "Wrong", "No word for it"}
    shown = {name: given["classes"][label] for name, label in zip(points.names, points.labels, strict=True)}
    for name, image in pictures().items():
        if kinds := accepted_labels(net, word_of(name)):
            (answer,) = vl.predict(net, [image], 1)
            assert shown[name] == ("Right" if answer[0].label in kinds else "Wrong")
        else:
            assert shown[name] == "No word for it"
    assert {*shown.values()} >= {"Right", "Wrong"}, "there is something to be seen"
    assert not points.marked.any()


def test_what_was_seen_stays_when_the_zip_is_taken_away(open_page, drawn):
    app = opened(open_page)
    drawn.clear()
    app.file_uploader(key="many-zip").set_value(None).run()
    settled(app)
    assert drawn[-1][0].names == [*pictures()]


def test_a_zip_that_was_taken_away_before_is_asked_for_again(open_page, drawn):
    app = open_page("Predict")
    app.segmented_control(key="mode").set_value("Many pictures").run()
    files = {name: encode_png(image) for name, image in pictures().items()}
    app.file_uploader(key="many-zip").set_value(zipped(files)).run()
    app.button(key="many-start").click().run()
    settled(app)
    app.file_uploader(key="many-zip").set_value(None).run()
    app.segmented_control(key="many-seen").set_value("In space").run()
    settled(app)
    assert not drawn
    assert any("no longer here" in each.value for each in app.text)


def test_too_few_are_told(open_page, drawn):
    app = open_page("Predict")
    app.segmented_control(key="mode").set_value("Many pictures").run()
    one = encode_png(vl.load_sample("cat"))
    app.file_uploader(key="many-zip").set_value(zipped({"a.png": one, "b.png": one})).run()
    app.button(key="many-start").click().run()
    settled(app)
    app.segmented_control(key="many-seen").set_value("In space").run()
    settled(app)
    assert not drawn
    assert any(each.value.startswith("3 pictures or more") for each in app.caption)


def test_more_names_than_colours_become_others():
    names, labels = many_space._labelled([f"class {i}" for i in range(40)] + ["class 7"])
    assert len(names) == len(COLOURS)
    assert names[0] == "class 7"
    assert names[-1] == many_space.OTHERS
    assert labels[7] == labels[40] == 0
    assert labels[39] == len(names) - 1


def test_every_way_to_place_them_yields_what_it_promises():
    features = np.random.default_rng(0).normal(size=(30, 8)).astype(np.float32)
    for way in WAYS.values():
        places = [*way.place(features)]
        assert len(places) == way.stretches
        assert all(each.shape == (30, 2) and np.isfinite(each).all() for each in places)
