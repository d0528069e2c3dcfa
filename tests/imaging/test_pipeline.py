"""A chain of filters, and its Python code, which must give the very same pixels without visionlab."""

import subprocess
import sys

import numpy as np
import pytest

from visionlab.errors import ParameterError
from visionlab.imaging.filters import FILTERS
from visionlab.imaging.image import encode_png, load_image
from visionlab.imaging.pipeline import Pipeline

NOISE = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
CHAIN = [
    ("gaussian_blur", {"sigma": 1.5}),
    ("erode", {"shape": "cross"}),
    ("gaussian_blur", {}),
    ("canny", {"low": 20}),
]


def executed(code):
    """The `pipeline` of the code, run where visionlab cannot be reached."""
    names = {"__name__": "elsewhere"}
    exec(compile(code, "pipeline.py", "exec"), names)
    return names["pipeline"]


def test_running_is_applying_one_after_the_other():
    expected = NOISE
    for name, values in CHAIN:
        expected = FILTERS[name].apply(expected, **values)
    assert np.array_equal(Pipeline(CHAIN).run(NOISE), expected)


@pytest.mark.parametrize("name", FILTERS)
def test_the_code_of_every_filter_gives_the_same_pixels(name):
    for picture in (NOISE, NOISE[:1], NOISE[:1, :1]):
        pipeline = Pipeline([(name, {})])
        assert np.array_equal(executed(pipeline.to_python())(picture.copy()), pipeline.run(picture))


def test_the_code_of_a_chain_gives_the_same_pixels():
    pipeline = Pipeline(CHAIN)
    code = pipeline.to_python()
    assert np.array_equal(executed(code)(NOISE.copy()), pipeline.run(NOISE))
    assert "visionlab" not in code.replace("written by visionlab", "")
    assert code.count("def gaussian_blur(") == 1
    assert "image = gaussian_blur(image, sigma=1.5)" in code


def test_the_code_of_all_filters_at_once():
    pipeline = Pipeline([(name, {}) for name in FILTERS])
    assert np.array_equal(executed(pipeline.to_python())(NOISE.copy()), pipeline.run(NOISE))


def test_the_code_runs_from_a_shell(tmp_path):
    pipeline = Pipeline([("invert", {}), ("gaussian_blur", {"sigma": 2.0})])
    (tmp_path / "pipeline.py").write_text(pipeline.to_python(), encoding="utf-8")
    (tmp_path / "in.png").write_bytes(encode_png(NOISE))
    subprocess.run([sys.executable, "-I", "pipeline.py", "in.png", "out.png"], cwd=tmp_path, check=True)
    assert np.array_equal(load_image(tmp_path / "out.png"), pipeline.run(NOISE))


def test_no_steps_give_the_picture_back():
    pipeline = Pipeline([])
    result = pipeline.run(NOISE)
    assert np.array_equal(result, NOISE)
    assert result is not NOISE
    assert np.array_equal(executed(pipeline.to_python())(NOISE), NOISE)


def test_steps_are_completed_with_defaults():
    assert Pipeline([["canny", {"low": 10.0}]]).steps == (("canny", {"low": 10, "high": 150}),)


def test_the_picture_is_left_as_it_is():
    image = NOISE.copy()
    Pipeline(CHAIN).run(image)
    assert np.array_equal(image, NOISE)


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([("cany", {})], "“cany” is no filter. Did you mean “canny”"),
        ([("canny", {"low": -1})], "“low” goes from 0 to 1000"),
        ([("canny", {"sigma": 1})], "no parameter “sigma”. It has low, high"),
        ([("invert", {"low": 1})], "It has none"),
        ([("canny",)], "A step is"),
        (["canny"], "A step is"),
        ([("canny", None)], "A step is"),
        ([("canny", 3, 4)], "A step is"),
    ],
)
def test_wrong_steps_are_refused_when_the_pipeline_is_made(steps, said):
    with pytest.raises(ParameterError, match=said):
        Pipeline(steps)


def test_what_is_no_picture_is_refused():
    with pytest.raises(ParameterError, match="uint8"):
        Pipeline([]).run(NOISE.astype(float))
