"""Each ready-made chain keeps the contract, its code gives its pixels, and it does what its name says."""

import cv2
import numpy as np
import pytest

from visionlab.imaging.chains import CHAINS
from visionlab.imaging.filters import FILTERS
from visionlab.imaging.image import check_image
from visionlab.imaging.pipeline import Pipeline
from visionlab.imaging.samples import load_sample

each = pytest.mark.parametrize("name", CHAINS)
CAT = cv2.resize(load_sample("cat"), (160, 110), interpolation=cv2.INTER_AREA)


def run(name, image):
    return CHAINS[name].pipeline().run(image)


@each
def test_contract(name):
    chain = CHAINS[name]
    assert chain.name == name
    assert chain.title
    assert chain.about.endswith(".")
    assert len(chain.steps) >= 2
    for filter_name, values in chain.steps:
        assert set(values) <= {parameter.name for parameter in FILTERS[filter_name].parameters}
    assert Pipeline.from_json(chain.pipeline().to_json()) == chain.pipeline()


@each
@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (30, 1), (7, 5)])
def test_any_picture_goes_through(name, shape):
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    before = image.copy()
    assert check_image(run(name, image)).shape == image.shape
    assert np.array_equal(image, before)


@each
def test_the_code_gives_the_same_pixels(name):
    names = {"__name__": "elsewhere"}
    exec(CHAINS[name].pipeline().to_python(), names)
    assert np.array_equal(names["pipeline"](CAT.copy()), run(name, CAT))


@each
def test_it_makes_another_picture_of_it(name):
    assert np.abs(run(name, CAT).astype(int) - CAT).mean() > 3


def test_a_scan_becomes_ink_on_paper():
    ink = np.zeros((240, 320), np.uint8)
    for row, word in enumerate(("reading", "between", "the lines")):
        cv2.putText(ink, word, (30, 70 + 65 * row), cv2.FONT_HERSHEY_SIMPLEX, 1.6, 1, 5)
    light = np.linspace(1.0, 0.35, 320)[None, :] * np.linspace(1.0, 0.8, 240)[:, None]
    grain = np.random.default_rng(0).normal(0, 5, (240, 320, 3))
    scan = (np.where(ink, 60, 215)[..., None] * light[..., None] + grain).clip(0, 255).astype(np.uint8)
    plain = FILTERS["otsu"].apply(scan)[..., 0]
    assert ((plain == 0) == ink).mean() < 0.9, "one level for all is not enough: the test is a test"
    clean = run("scan", scan)[..., 0]
    assert set(np.unique(clean)) == {0, 255}
    assert ((clean == 0) == ink).mean() > 0.99


def test_the_edge_map_is_thin_ink_on_white():
    step = np.full((60, 80, 3), 40, np.uint8)
    step[:, 40:] = 200
    edges = run("edge_map", step)[..., 0]
    assert set(np.unique(edges)) == {0, 255}
    assert ((edges == 0).sum(axis=1) == 1).all()
    assert abs(int((edges[30] == 0).argmax()) - 39.5) <= 1


def test_the_sketch_is_lines_on_white():
    page = np.full((90, 120, 3), (200, 180, 90), np.uint8)
    page[30:60, 40:80] = (60, 90, 120)
    sketch = run("sketch", page)
    assert (sketch == sketch[..., :1]).all()
    assert (sketch[:10] > 245).all()
    assert sketch[31, 60, 0] < 120 < 200 < sketch[45, 60, 0], "a line along the shape's border, and paper inside of it"


def test_the_cartoon_has_few_colours_and_black_lines():
    cartoon = run("cartoon", CAT)
    assert len(np.unique(cartoon.reshape(-1, 3), axis=0)) < 0.2 * len(np.unique(CAT.reshape(-1, 3), axis=0))
    assert 0.02 < (cartoon.max(axis=2) == 0).mean() < 0.6


def test_the_median_cures_salt_and_pepper():
    chain = CHAINS["noise_test"].steps
    spoilt, cured = Pipeline(chain[:1]).run(CAT), Pipeline(chain).run(CAT)
    blurred = Pipeline([*chain[:1], ("gaussian_blur", {"sigma": 1.0})]).run(CAT)
    errors = [np.abs(image.astype(int) - CAT).mean() for image in (spoilt, blurred, cured)]
    assert errors[2] < 0.5 * min(errors[:2])


def test_low_light_is_lifted():
    dark = (CAT * 0.25).astype(np.uint8)
    assert run("low_light", dark).mean() > 1.8 * dark.mean()
    assert run("low_light", dark).std() > 1.5 * dark.std()


def test_the_newspaper_is_black_and_white_dots():
    assert set(np.unique(run("newspaper", CAT))) == {0, 255}


def test_the_old_photograph_is_brown_and_dark_in_the_corners():
    grey = np.full((80, 120, 3), 150, np.uint8)
    old = run("old_photograph", grey).astype(float)
    red, green, blue = old.mean(axis=(0, 1))
    assert red > green + 5 > blue + 10
    assert old[:15, :15].mean() < 0.7 * old[32:48, 50:70].mean()
    assert old[32:48, 50:70, 0].std() > 3, "there is grain"
