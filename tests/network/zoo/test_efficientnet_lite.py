"""EfficientNet-Lite0 beside what it was published as, and beside ONNX's own SAME padding."""

from __future__ import annotations

import io
import pickle
import re
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from lite import BLOCKS, Published, lively
from malicious import Malicious
from onnx import TensorProto, helper, numpy_helper

from visionlab.errors import WeightsError
from visionlab.imaging.image import load_image
from visionlab.imaging.samples import load_sample
from visionlab.network.files import weights
from visionlab.network.inside.activations import feature_maps
from visionlab.network.inside.trace import trace_unit
from visionlab.network.running.classifier import Classifier
from visionlab.network.running.prediction import predict
from visionlab.network.zoo.efficientnet_lite import EfficientNetLite0, from_published
from visionlab.network.zoo.loading import load_classifier
from visionlab.network.zoo.models import MODELS
from visionlab.network.zoo.torchvision_nets import network_layers

NAME = "efficientnet_lite0"
PHOTOS = Path(__file__).parents[4] / "shared" / "data" / "photos"  # beside the project, where there are any


def saved(state: dict[str, torch.Tensor], **options) -> bytes:
    file = io.BytesIO()
    torch.save(state, file, **options)
    return file.getvalue()


@pytest.fixture(scope="module")
def published() -> Published:
    network = Published()
    lively(network)
    return network.requires_grad_(False)


@pytest.fixture(scope="module")
def ours(published) -> EfficientNetLite0:
    with torch.device("meta"):
        network = EfficientNetLite0()
    tensors = from_published(saved(published.state_dict(), _use_new_zipfile_serialization=False))
    network.load_state_dict({key: torch.from_numpy(value) for key, value in tensors.items()}, assign=True)
    return network.eval().requires_grad_(False)


@pytest.mark.parametrize(("height", "width"), [(32, 32), (64, 96), (97, 50), (65, 33)])
def test_it_computes_what_was_published(ours, published, height, width):
    x = torch.randn(2, 3, height, width, generator=torch.Generator().manual_seed(1))
    expected = published(x)
    torch.testing.assert_close(ours(x), expected, rtol=0, atol=1e-4 * float(expected.abs().max()))


class Graph:
    """An ONNX graph of the published tensors, one after the other, with ONNX's own padding and normalisation."""

    def __init__(self, state: dict[str, torch.Tensor]):
        self.state, self.nodes, self.initializers = state, [], []

    def add(self, kind: str, inputs: list[str], **attributes) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [f"v{len(self.nodes)}"], **attributes))
        return f"v{len(self.nodes) - 1}"

    def constant(self, key: str, values: np.ndarray | None = None) -> str:
        found = self.state[key].numpy() if values is None else values
        self.initializers.append(numpy_helper.from_array(found, key))
        return key

    def convolved(self, x: str, convolution: str, norm: str, stride: int = 1) -> str:
        kernels = self.state[f"{convolution}.weight"]
        groups = len(kernels) if kernels.shape[1] == 1 else 1
        y = self.add(
            "Conv",
            [x, self.constant(f"{convolution}.weight")],
            auto_pad="SAME_UPPER",
            strides=[stride] * 2,
            group=groups,
        )
        moments = [self.constant(f"{norm}.{key}") for key in ("weight", "bias", "running_mean", "running_var")]
        return self.add("BatchNormalization", [y, *moments], epsilon=1e-3)

    def clipped(self, x: str) -> str:
        return self.add("Clip", [x, "zero", "six"])

    def built(self) -> bytes:
        self.constant("zero", np.float32(0))
        self.constant("six", np.float32(6))
        x = self.clipped(self.convolved("x", "_conv_stem", "_bn0", 2))
        before = 32
        for number, (inside, _, stride, width) in enumerate(BLOCKS):
            block, y = f"_blocks.{number}.", x
            if inside != before:
                y = self.clipped(self.convolved(y, f"{block}_expand_conv", f"{block}_bn0"))
            y = self.clipped(self.convolved(y, f"{block}_depthwise_conv", f"{block}_bn1", stride))
            y = self.convolved(y, f"{block}_project_conv", f"{block}_bn2")
            x, before = (self.add("Add", [x, y]) if (stride, before) == (1, width) else y), width
        x = self.add("GlobalAveragePool", [self.clipped(self.convolved(x, "_conv_head", "_bn1"))])
        x = self.add("Flatten", [x])
        x = self.add("Gemm", [x, self.constant("_fc.weight"), self.constant("_fc.bias")], transB=1)
        sizes = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, "h", "w"])]
        ends = [helper.make_tensor_value_info(x, TensorProto.FLOAT, ["n", 1000])]
        graph = helper.make_graph(self.nodes, "lite", sizes, ends, self.initializers)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


@pytest.mark.parametrize(("height", "width"), [(64, 96), (97, 50)])
def test_its_padding_is_what_onnx_calls_same_upper(ours, published, height, width):
    session = onnxruntime.InferenceSession(Graph(published.state_dict()).built(), providers=["CPUExecutionProvider"])
    x = np.random.default_rng(1).normal(size=(1, 3, height, width)).astype(np.float32)
    (expected,) = session.run(None, {"x": x})
    np.testing.assert_allclose(ours(torch.from_numpy(x)).numpy(), expected, rtol=0, atol=1e-4 * np.abs(expected).max())


def test_its_table_at_its_own_size():
    with torch.device("meta"):
        network = EfficientNetLite0()
    layers = {layer.name: layer for layer in network_layers(network, 224)}
    assert layers["stem"].multiplications == 32 * 112 * 112 * 3 * 3 * 3
    assert layers["blocks.0.depthwise"].multiplications == 112 * 112 * 32 * 3 * 3
    assert layers["blocks.0.project"].multiplications == 112 * 112 * 32 * 16
    assert layers["blocks.1.expand"].multiplications == 112 * 112 * 16 * 96
    assert layers["blocks.3.depthwise"].multiplications == 28 * 28 * 144 * 5 * 5
    assert layers["blocks.15.project"].shape == (320, 7, 7)
    assert layers["avgpool"].shape == (1280, 1, 1)
    assert sum(layer.multiplications for layer in layers.values()) == 385_187_552
    assert sum(layer.parameters for layer in layers.values()) == sum(p.numel() for p in network.parameters())
    strides = [layers[f"blocks.{number}.project"].stride for number in range(16)]
    assert strides == [2, 4, 4, 8, 8, *[16] * 6, *[32] * 5]
    assert {layer.kind for name, layer in layers.items() if name.endswith("relu6")} == {"relu6"}
    added = {name: layer.joins for name, layer in layers.items() if layer.kind == "sum"}
    assert list(added) == [f"blocks.{number}.sum" for number in (2, 4, 6, 7, 9, 10, 12, 13, 14)]
    assert (added["blocks.2.sum"], added["blocks.7.sum"]) == ("blocks.1.project", "blocks.6.sum")


@pytest.fixture(scope="module")
def small(ours) -> Classifier:
    """The random network at 64 px."""
    transform, labels = MODELS[NAME].transform.at(64), tuple(map(str, range(1000)))
    return Classifier(NAME, ours, transform, labels, network_layers(ours, 64), torch.device("cpu"), "avgpool")


def test_units_of_its_blocks_are_written_out_as_the_sums_that_they_are(small, noise):
    maps = feature_maps(small, noise)
    depthwise = trace_unit(small, noise, "blocks.3.depthwise", 5, 7, 0, maps=maps)
    assert (depthwise.rule, depthwise.source, depthwise.patches.shape) == (
        "depthwise",
        "blocks.3.expand_relu6",
        (1, 5, 5),
    )
    before = maps["blocks.3.expand_relu6"].values[5]  # 16 × 16; stride 2 puts one zero before, two after
    np.testing.assert_array_equal(depthwise.patches[0], np.pad(before, ((1, 2), (1, 2)))[14:19, 0:5])
    added = trace_unit(small, noise, "blocks.2.sum", 3, 4, 9, maps=maps)
    assert (added.rule, added.source, added.joined) == ("sum", "blocks.2.project", "blocks.1.project")
    numbers = [maps[name].values[3, 4, 9] for name in ("blocks.2.project", "blocks.1.project")]
    assert added.totals.tolist() == numbers
    for found in (depthwise, added):
        assert found.total == pytest.approx(found.value, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize(("value", "bias", "kernel"), [(-1.0, 0, 0), (2.5, 0, 1), (6.0, 0, 1), (7.0, 6, 0)])
def test_what_a_relu6_cuts_off_is_its_bias(small, noise, value, bias, kernel):
    maps = feature_maps(small, noise, ["stem", "stem_relu6"])
    maps["stem"].values[1, 2, 3] = value
    maps["stem_relu6"].values[1, 2, 3] = min(max(value, 0), 6)
    found = trace_unit(small, noise, "stem_relu6", 1, 2, 3, maps=maps)
    assert (found.bias, found.kernels.item(), found.total) == (bias, kernel, found.value)


def test_without_maps_a_sums_other_side_is_computed_too(small, noise):
    found = trace_unit(small, noise, "blocks.2.sum", 0, 1, 1)
    assert found.total == pytest.approx(found.value, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda s: s.pop("_blocks.3._bn1.running_var"), "_blocks.3._bn1.running_var, of shape (144,), is missing"),
        (lambda s: s.update({"_fc.bias": torch.ones(3)}), "_fc.bias has shape (3,), expected (1000,)"),
        (lambda s: s.update({"more": torch.ones(3)}), "more, of shape (3,), is superfluous"),
        (lambda s: s["_conv_stem.weight"].fill_(torch.nan), "_conv_stem.weight holds NaN"),
    ],
)
def test_a_file_of_another_network_is_refused(published, change, reason):
    state = {key: value.clone() for key, value in published.state_dict().items()}
    change(state)
    with pytest.raises(WeightsError, match=re.escape(reason)):
        from_published(saved(state))


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("how", ["tensors", "pickle"])
def test_code_in_the_published_file_is_not_run(tmp_path, how):
    content = Malicious(tmp_path / "run")
    data = pickle.dumps(content) if how == "pickle" else saved({"_fc.bias": content})
    with pytest.raises(WeightsError, match="could run code"):
        from_published(data)
    assert not (tmp_path / "run").exists()


# The weights as published, where they are here


@pytest.fixture(scope="module")
def net():
    if not weights.is_here(MODELS[NAME].file):
        pytest.skip(f"{NAME} is not here: python -m visionlab models --get {NAME} brings it")
    return load_classifier(NAME, "cpu")


def test_its_file_is_what_its_package_makes(net):
    file = MODELS[NAME].file
    assert weights.find(file).stat().st_size == file.size
    weights.compare(weights.find(file), file).check(wait=True)
    assert net.labels[386] == "African elephant"
    assert net.transform.resize == 256


@pytest.mark.parametrize(
    "photo",
    [
        "n02504458_African_elephant", "n01443537_goldfish", "n02165456_ladybug", "n02279972_monarch",
        "n03662601_lifeboat", "n04146614_school_bus", "n07749582_lemon", "n07873807_pizza",
        "n04399382_teddy", "n02481823_chimpanzee",
    ],
)  # fmt: skip
def test_photographs_are_named(net, photo):
    if not (PHOTOS / f"{photo}.jpg").is_file():
        pytest.skip(f"there are no photographs at {PHOTOS}")
    answers = predict(net, [load_image(PHOTOS / f"{photo}.jpg")])[0]
    assert answers[0].label == photo.partition("_")[2].replace("_", " ")


def test_the_projects_own_sample_is_named(net):
    assert predict(net, [load_sample("coffee")])[0][0].label in {"espresso", "cup", "coffee mug"}
