"""The pictures in space: placed by what the network says, with what lies among another class's, and its nearest."""

import numpy as np
import pytest
from app.planes import DEEDS, planes_drawn, settled
from app.studio_tools import begun, striped
from streamlit.testing.v1 import AppTest

import visionlab as vl
from visionlab.learning.features.embedding import embed
from visionlab.learning.heads.head import load_head
from visionlab.learning.judging.nearness import nearest, principal, strays
from visionlab.learning.projects.intake import from_files, take
from visionlab.learning.projects.outcome import Outcome
from visionlab.ui.shared.components.space import TILE, sheet_of, tile_of
from visionlab.ui.shared.plane import selecting
from visionlab.ui.studio.pictures import in_space


@pytest.fixture
def drawn(monkeypatch) -> list:
    return planes_drawn(monkeypatch)


def test_the_sheet_has_its_tiles_in_rows():
    tiles = [np.full((TILE, TILE, 3), shade, np.uint8) for shade in range(5)]
    sheet = sheet_of(tiles)
    assert sheet.shape == (2 * TILE, 3 * TILE, 3)
    assert [int(sheet[row * TILE, column * TILE, 0]) for row in range(2) for column in range(3)] == [0, 1, 2, 3, 4, 0]


@pytest.mark.parametrize("shape", [(10, 30), (300, 200), (48, 48), (1, 1), (97, 96), (71, 96), (64, 75)])
def test_a_tile_is_the_middle_square(shape):
    picture = np.zeros((*shape, 3), np.uint8)
    picture[shape[0] // 2, shape[1] // 2] = 255
    tile = tile_of(picture)
    assert tile.shape == (TILE, TILE, 3)
    assert tile.max() > 0


def opened(project) -> AppTest:
    def script(project) -> None:
        from visionlab.ui.studio.pictures import step

        step.show(project)

    app = AppTest.from_function(script, args=(project,), default_timeout=60)
    app.query_params["seen"] = "In space"
    return settled(app.run())


def test_pictures_lie_where_the_network_places_them_and_the_nearest_are_the_librarys(project, net, drawn):
    app = opened(project)
    points, given = drawn[-1]
    pictures = sorted(project.snapshot()[1], key=lambda each: each.id)
    features = embed(net, [project.load(each) for each in pictures])
    assert np.allclose(points.places, principal(features), atol=1e-4)
    assert points.names == [each.name for each in pictures]
    classes = [each.id for each in project.classes()]
    labels = np.array([classes.index(each.class_id) for each in pictures])
    assert points.labels.tolist() == labels.tolist()
    assert points.marked.tolist() == strays(features, labels).tolist()
    assert given["chosen"] == []
    DEEDS.append(("on_near", 5))
    settled(app)
    order, _ = nearest(features, 5, selecting.NEAREST)
    assert drawn[-1][1]["chosen"] == [5, *order.tolist()]
    assert any("**A picture and its 11 nearest**" in each.value for each in app.markdown)
    DEEDS.append(("on_choose", [1, 2]))
    settled(app)
    assert any("**2 pictures from the plane**" in each.value for each in app.markdown)


def test_a_wrong_label_is_ringed_and_selected(project, net, drawn):
    first = sorted(project.snapshot()[1], key=lambda each: each.id)[0]
    other = next(each for each in project.classes() if each.id != first.class_id)
    project.move([first.id], other.id)
    app = opened(project)
    points, _ = drawn[-1]
    assert points.marked[0], "it lies among those of its true class"
    app.button(key="select-strays").click()
    settled(app)
    assert drawn[-1][1]["chosen"] == np.flatnonzero(points.marked).tolist()


def test_t_sne_takes_the_place_of_pca_once_it_has_come(project, net, drawn):
    app = opened(project)
    before = drawn[-1][0].places
    app.segmented_control(key="places").set_value("t-sne").run()
    settled(app)
    after = drawn[-1][0].places
    assert after.shape == before.shape
    assert not np.allclose(after, before)


def test_too_few_pictures_are_told(workspace, net, drawn):
    from app.studio_tools import ME, stripes

    app = opened(stripes(workspace.create("Two", ME), 1))
    assert not drawn
    assert any(each.value.startswith("3 pictures or more are needed") for each in app.caption)


def test_by_being_right_a_picture_has_the_colour_of_what_the_head_answers(project, net, drawn):
    run = begun(project, net)
    own = load_head(run.head).as_classifier(net)
    learned = sorted(project.snapshot()[1], key=lambda each: each.id)[0]
    project.move([learned.id], next(each.id for each in project.classes() if each.id != learned.class_id))
    app = opened(project)
    assert drawn[-1][1]["classes"] == [each.name for each in project.classes()]
    app.segmented_control(key="space-colours").set_value("Right or wrong").run()
    settled(app)
    points, given = drawn[-1]
    outcome = Outcome.from_bytes(project.outcome(run.id))
    pictures = sorted(project.snapshot()[1], key=lambda each: each.id)
    names = {each.id: each.name for each in project.classes()}
    for picture, label in zip(pictures, points.labels, strict=True):
        if picture.id in outcome.pictures:
            ((answer, *_),) = vl.predict(own, [project.load(picture)], 1)
            wanted = "Right" if answer.label == names[picture.class_id] else "Wrong"
        else:
            wanted = "Learned from"
        assert given["classes"][label] == wanted
    assert {*points.labels.tolist()} >= {in_space.JUDGED.index("Learned from")}


def test_a_picture_that_came_later_is_no_answer_of_the_head(project, net, drawn):
    begun(project, net)
    for _ in take(project, from_files("across", [("later.png", striped(0, 99))])):
        pass
    app = opened(project)
    app.segmented_control(key="space-colours").set_value("Right or wrong").run()
    settled(app)
    points, given = drawn[-1]
    assert given["classes"][points.labels[points.names.index("later.png")]] == "Not there when it was trained"
