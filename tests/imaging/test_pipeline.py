"""A chain of filters, and its Python code, which must give the very same pixels without visionlab."""

import ast
import json
import re
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kinds import every_kind
from scipy import ndimage
from scripts import run_script

from visionlab.errors import ParameterError
from visionlab.imaging.filter_record import Filter
from visionlab.imaging.filters import FILTERS
from visionlab.imaging.image import encode_png, load_image
from visionlab.imaging.image import fit as fit_to
from visionlab.imaging.pipeline import MAX_JSON_BYTES, MAX_STEPS, Pipeline

NOISE = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
CHAIN = [
    ("gaussian_blur", {"sigma": 1.5}),
    ("erode", {"shape": "cross"}),
    ("gaussian_blur", {}),
    ("canny", {"low": 20}),
]


def values_of(parameter):
    if parameter.kind == "choice":
        return st.sampled_from(parameter.choices)
    if parameter.kind == "float":
        return st.floats(parameter.low, parameter.high)
    return st.integers(0, int((parameter.high - parameter.low) // parameter.step)).map(
        lambda n: int(parameter.low + n * parameter.step)
    )


@st.composite
def pipelines(draw):
    """Any chain of any filters, with any values, some of them off."""
    names = draw(st.lists(st.sampled_from(list(FILTERS)), max_size=6))
    steps = [(name, {p.name: draw(values_of(p)) for p in FILTERS[name].parameters}) for name in names]
    off = draw(st.sets(st.sampled_from(range(len(names))))) if names else set()
    return Pipeline(steps, off)


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


@pytest.mark.parametrize("name", FILTERS)
def test_the_code_of_every_choice_gives_the_same_pixels(name):
    for parameter in FILTERS[name].parameters:
        for value in parameter.choices or (parameter.low, parameter.high):
            pipeline = Pipeline([(name, {parameter.name: value})])
            image = NOISE[:9, :11]
            assert np.array_equal(executed(pipeline.to_python())(image.copy()), pipeline.run(image))


@pytest.mark.parametrize("name", FILTERS)
def test_the_code_needs_opencv_numpy_pillow_and_scipy_only(name):
    code = Pipeline([(name, {})]).to_python()
    tree = ast.parse(code)
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in imported} - sys.stdlib_module_names <= {"cv2", "numpy", "PIL", "scipy"}
    assert imported >= {"cv2", "numpy", "PIL"}
    for line in re.findall(r"^from scipy import .*\n", code, re.MULTILINE):
        with pytest.raises(NameError):  # else somebody would have to install what the chain does not need
            executed(code.replace(line, ""))(NOISE.copy())


def twice(image: np.ndarray) -> np.ndarray:
    return ndimage.grey_dilation(image, (3, 3, 1))


def test_the_code_brings_whatever_a_filter_takes_from_scipy(monkeypatch):
    """By what the filter uses, not by its name, or by that of a module that others use."""
    monkeypatch.setitem(FILTERS, "twice", Filter("twice", "Twice", "Other", "Whatever.", twice))
    pipeline = Pipeline([("twice", {}), ("fourier_low_pass", {})])
    code = pipeline.to_python()
    assert "from scipy import fft\nfrom scipy import ndimage\n" in code
    assert np.array_equal(executed(code)(NOISE.copy()), pipeline.run(NOISE))


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


KINDS = {name: data for name, data in every_kind().items() if name != "telephone.heic"}  # that takes a package more


@pytest.mark.parametrize("name", KINDS)
def test_the_code_reads_files_as_the_app_does(name, tmp_path):
    (tmp_path / name).write_bytes(KINDS[name])
    image = load_image(KINDS[name])
    for fit in (None, 16):
        run_script(Pipeline([("invert", {})]).to_python(fit), tmp_path, tmp_path / name, tmp_path / "out.png")
        expected = 255 - (fit_to(image, fit) if fit else image)
        assert np.array_equal(load_image(tmp_path / "out.png"), expected)


def test_the_command_names_what_is_on():
    pipeline = Pipeline([("invert", {}), ("noise", {"kind": "salt and pepper"}), ("canny", {})], off={2})
    assert pipeline.to_shell() == (
        "python -m visionlab filter photo.jpg result.png invert 'noise:kind=salt and pepper,amount=8.0,seed=0'"
    )
    assert pipeline.to_shell(1024) == f"{pipeline.to_shell()} --fit 1024"


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


# Stages, and steps that are off


def test_stages_are_the_pictures_in_between_and_their_times():
    stages = list(Pipeline(CHAIN).stages(NOISE))
    assert [stage.name for stage in stages] == [name for name, _ in CHAIN]
    assert [stage.place for stage in stages] == [0, 1, 2, 3]
    for place, stage in enumerate(stages):
        assert np.array_equal(stage.image, Pipeline(CHAIN[: place + 1]).run(NOISE))
        assert 0 < stage.seconds < 5


def test_stages_are_made_when_they_are_asked_for(monkeypatch):
    ran = []
    monkeypatch.setattr("visionlab.imaging.filter_record.check_image", lambda image: ran.append(1) or image)
    stages = Pipeline(CHAIN).stages(NOISE)
    assert len(ran) == 0
    next(stages)
    assert len(ran) == 1


def test_what_is_off_is_passed_over_and_kept():
    pipeline = Pipeline(CHAIN, off={1, 3})
    without = Pipeline([CHAIN[0], CHAIN[2]])
    assert np.array_equal(pipeline.run(NOISE), without.run(NOISE))
    assert [stage.place for stage in pipeline.stages(NOISE)] == [0, 2]
    assert pipeline.to_python() == without.to_python()
    assert pipeline.steps == Pipeline(CHAIN).steps
    assert pipeline != Pipeline(CHAIN)
    assert np.array_equal(Pipeline(CHAIN, off=range(4)).run(NOISE), NOISE)


@pytest.mark.parametrize("place", [-1, 4, "canny"])
def test_only_a_step_that_is_there_can_be_off(place):
    with pytest.raises(ParameterError, match=f"from 0 to 3, not {place!r}"):
        Pipeline(CHAIN, off={place})


# As JSON


@given(pipelines())
@settings(max_examples=100)
def test_json_there_and_back(pipeline):
    again = Pipeline.from_json(pipeline.to_json())
    assert again == pipeline
    assert Pipeline.from_json(pipeline.to_json().encode()) == pipeline
    assert again.to_json() == pipeline.to_json()


@given(pipelines())
@settings(max_examples=40)
def test_any_chains_code_gives_the_same_pixels(pipeline):
    image = NOISE[:6, :7]
    assert np.array_equal(executed(pipeline.to_python())(image.copy()), pipeline.run(image))


def test_json_by_hand():
    text = '{"steps": [{"filter": "canny", "values": {"low": 10}}, {"filter": "invert", "on": false}]}'
    assert Pipeline.from_json(text) == Pipeline([("canny", {"low": 10}), ("invert", {})], off={1})


def steps(*records):
    return json.dumps({"steps": records})


BAD = {
    "no JSON": ("low = 3", "no JSON that can be read (Expecting value in line 1, column 1)"),
    "empty": ("", "no JSON that can be read"),
    "cut off": (Pipeline(CHAIN).to_json()[:100], "no JSON that can be read"),
    "a picture": (encode_png(NOISE), "no JSON that can be read"),
    "a pit": ("[" * 90_000, "no JSON that can be read"),
    "a long number": ('{"steps": ' + "9" * 5_000 + "}", "no JSON that can be read"),
    "a list": ("[1, 2]", 'is {"steps": [{"filter": "canny"}, …]}, not [1, 2]'),
    "other keys": ('{"chain": []}', 'not {"chain": []}'),
    "more keys": ('{"steps": [], "colour": 1}', '“steps”, and no "colour"'),
    "steps of another kind": ('{"steps": {"canny": 1}}', 'not {"steps": {"canny": 1}}'),
    "a step of another kind": (steps({"filter": "invert"}, "canny"), "Step 2 is"),
    "no filter": (steps({"values": {}}), "Step 1 is"),
    "another key": (steps({"filter": "canny", "low": 3}), "Step 1 has “filter”, “values”, “on”, and no \"low\""),
    "an unknown filter": (steps({"filter": "cany"}), "Step 1: “cany” is no filter. Did you mean “canny”?"),
    "a filter that is none": (steps({"filter": ["canny"]}), "Step 1: A filter’s name is a text"),
    "values that are none": (steps({"filter": "canny", "values": [1]}), "not [1]"),
    "an unknown value": (steps({"filter": "canny", "values": {"self": 1}}), "no parameter “self”. It has low, high."),
    "out of range": (steps({"filter": "canny", "values": {"low": 1001}}), "from 0 to 1000 in steps of 1, not 1001."),
    "between steps": (steps({"filter": "median", "values": {"size": 4}}), "from 1 to 63 px in steps of 2, not 4."),
    "a text for a number": (steps({"filter": "canny", "values": {"low": "9"}}), 'not "9"'),
    "no number": ('{"steps": [{"filter": "gamma", "values": {"gamma": NaN}}]}', "from 0.1 to 5.0, not nan"),
    "null": (steps({"filter": "gamma", "values": {"gamma": None}}), "not null"),
    "no choice": (steps({"filter": "mirror", "values": {"way": "up"}}), 'top to bottom, both, not "up".'),
    "on that is no switch": (steps({"filter": "invert", "on": "no"}), '“on” true or false, not "no"'),
    "too many": (steps(*[{"filter": "invert"}] * 51), "has 51 steps; at most 50 are taken"),
    "huge": (" " * 2_000_000, "has 2,000,000 bytes; at most 100,000 are read"),
    "a huge value": (steps({"filter": "x" * 50_000}), "is no filter"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_json_is_one_sentence_that_names_the_value(name):
    data, said = BAD[name]
    with pytest.raises(ParameterError) as caught:
        Pipeline.from_json(data)
    assert said in str(caught.value)
    assert len(str(caught.value)) < 400
    assert str(caught.value).endswith((".", "?"))


def test_as_much_as_is_allowed_is_read():
    assert len(Pipeline.from_json(steps(*[{"filter": "gabor"}] * MAX_STEPS)).steps) == MAX_STEPS
    assert len(Pipeline([("gabor", {})] * MAX_STEPS).to_json()) < MAX_JSON_BYTES / 2
