"""The exported network answers like torch's: preprocessing at any size, heads of every kind, temperature, refusal."""

import io
import json
from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lite import Published, lively
from tiny import tiny_classifier
from torch import nn

from visionlab.errors import ModelError, ParameterError
from visionlab.learning.features.source import network_fingerprint
from visionlab.learning.heads.head import Head
from visionlab.learning.judging.refusal import Refusal
from visionlab.learning.takeaway import export
from visionlab.learning.takeaway.export import MAX_BYTES, Parity, export_checked, export_onnx, framed, parity
from visionlab.network.running.classifier import Transform
from visionlab.network.running.prediction import probabilities
from visionlab.network.zoo.efficientnet_lite import EfficientNetLite0, from_published
from visionlab.network.zoo.models import MODELS
from visionlab.network.zoo.torchvision_nets import Stepped

CPU = torch.device("cpu")
TRANSFORMS = {
    "bilinear": Transform(37, 32),
    "bicubic": Transform(45, 32, interpolation="bicubic", rounds=True),
}


class Pixels(nn.Module):
    """A network whose logits are what enters it, so that an export shows how pictures enter."""

    def steps(self):
        return [("features", nn.Flatten())]


def session_of(path) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


@pytest.fixture(scope="module", params=TRANSFORMS)
def entering(request, tmp_path_factory):
    """A Transform, and a session that gives the logarithm of the softmax of what it makes of a picture."""
    transform = TRANSFORMS[request.param]
    path = tmp_path_factory.mktemp("pixels") / "pixels.onnx"
    labels = tuple(map(str, range(3 * transform.crop**2)))
    export_onnx(replace(tiny_classifier(), module=Pixels(), transform=transform, labels=labels), path)
    return transform, session_of(path)


def test_whoever_predicts_while_a_network_is_exported_has_its_own_tensors(tmp_path, monkeypatch):
    net, seen = tiny_classifier(), set()
    tensors = [*net.module.parameters(), *net.module.buffers()]

    def watched(*arguments):
        now = [*net.module.parameters(), *net.module.buffers()]
        seen.add(all(one is other for one, other in zip(tensors, now, strict=True)))
        return framed(*arguments)

    monkeypatch.setattr(export, "framed", watched)
    export_onnx(net, tmp_path / "tiny.onnx")
    assert seen == {True}


@settings(deadline=None, max_examples=60)
@given(st.tuples(*[st.integers(1, 400)] * 2), st.integers(0, 2**32))
@example((1, 1), 0)
@example((1, 2), 0)
@example((20, 3000), 0)  # a strip, whose ends are cut
@example((5000, 1), 0)
@example((333, 500), 0)  # a longer side that is no whole number of pixels
@example((74, 75), 0)  # half a pixel: rounded to even, or cut
@example((1500, 2000), 0)
def test_pictures_of_any_size_enter_as_they_enter_torch(entering, size, seed):
    transform, session = entering
    image = np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)
    (found,) = session.run(None, {"image": image})
    expected = transform([image], CPU).flatten().log_softmax(0)
    np.testing.assert_allclose(np.log(found), expected, rtol=0, atol=1e-4)


def test_a_cubic_overshoot_is_clamped():
    image = np.zeros((90, 90, 3), np.uint8)
    image[:, 45:] = 255
    transform = TRANSFORMS["bicubic"]
    expected = transform([image], CPU)[0]
    assert expected.min().item() == pytest.approx(-transform.mean[0] / transform.std[0])
    np.testing.assert_allclose(export.framed(torch.tensor(image), transform), expected, atol=1e-5)


def everything() -> Head:
    """A head with all that a head can have: a hidden layer, tuned parameters, a temperature and a refusal."""
    rng = np.random.default_rng(1)
    arrays = {"weights": (3, 6), "bias": (3,), "hidden": (6, 14), "shift": (6,), "tuned": (14,), "points": (5, 3)}
    made = {name: rng.normal(size=shape).astype(np.float32) for name, shape in arrays.items()}
    return Head(
        made["weights"],
        made["bias"],
        ("a", "é|", "c"),
        "tiny",
        "relu7",
        network_fingerprint(tiny_classifier()),
        hidden=(made["hidden"], made["shift"]),
        tuned={"classifier.3.bias": made["tuned"]},
        temperature=2.5,
        refusal=Refusal(made["points"], rng.normal(size=(3, 14)), rng.normal(size=14), 1.5),
    )


@pytest.fixture(scope="module")
def refusing():
    return everything().refusal


@pytest.fixture(scope="module")
def headed():
    return everything().as_classifier(tiny_classifier())


@pytest.fixture(scope="module")
def file(headed, refusing, tmp_path_factory):
    path = tmp_path_factory.mktemp("headed") / "headed.onnx"
    export_onnx(headed, path, refusing)
    return path


def pictures(count: int = 4) -> list[np.ndarray]:
    rng = np.random.default_rng(5)
    return [rng.integers(0, 256, (40 + 30 * i, 90, 3), dtype=np.uint8) for i in range(count)]


def test_the_file_says_what_it_is(file, headed, refusing):
    model = onnx.load(file)
    onnx.checker.check_model(model)
    assert [(each.domain, each.version) for each in model.opset_import if each.domain == ""] == [("", 18)]
    about = {each.key: each.value for each in model.metadata_props}
    assert json.loads(about["labels"]) == ["a", "é|", "c"]
    assert float(about["threshold"]) == refusing.threshold
    assert about["network"] == headed.name
    shapes = {
        each.name: [d.dim_param or d.dim_value for d in each.type.tensor_type.shape.dim] for each in model.graph.input
    }
    assert shapes == {"image": ["height", "width", 3]}
    assert [each.name for each in model.graph.output] == ["probabilities", "distance"]
    assert [each.name for each in file.parent.iterdir()] == [file.name], "weights lie within, and nothing is left over"


def test_probabilities_and_distances_are_torchs(file, headed, refusing):
    session = session_of(file)
    for image in pictures():
        found, distance = session.run(["probabilities", "distance"], {"image": image})
        x = features = headed.transform([image], CPU)
        for path, step in headed.module.steps():
            x = step(x)
            features = x if path == "features" else features
        np.testing.assert_allclose(found, probabilities(headed, [image])[0], atol=1e-5)
        np.testing.assert_allclose(distance, refusing.distances(features.numpy())[0], rtol=1e-4)
    told = parity(headed, file, pictures(), refusing)
    assert (told.pictures, told.agreeing, told.holds) == (4, 4, True)
    assert told.difference < 1e-5


def test_exporting_leaves_the_network_as_it_was(file, headed):
    fresh = everything().as_classifier(tiny_classifier()).module
    assert not any(module.training for module in headed.module.modules())
    assert not any(parameter.requires_grad for parameter in headed.module.parameters())
    values = headed.module.state_dict()
    assert all(torch.equal(values[key], value) for key, value in fresh.state_dict().items())


def test_another_network_fails_the_comparison_and_is_not_handed_out(file, headed, refusing, tmp_path, monkeypatch):
    other = replace(headed, temperature=0.5)
    told = parity(other, file, pictures())
    assert not told.holds
    assert told.agreeing == told.pictures
    far = replace(refusing, points=refusing.points + 1)
    assert not parity(headed, file, pictures(), far).holds
    monkeypatch.setattr(export, "_program", lambda *_: onnx_program(file))
    out = tmp_path / "other.onnx"
    out.write_bytes(b"yesterday's")
    with pytest.raises(ModelError, match="answers differently: on 4 pictures"):
        list(export_checked(other, out, pictures()))
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("other.onnx", b"yesterday's")]
    assert [each.pictures for each in export_checked(headed, out, pictures())] == [1, 2, 3, 4]
    assert out.read_bytes() == file.read_bytes()


class onnx_program:
    """An export that was made before, as the exporter would give it."""

    def __init__(self, file):
        self.file = file

    def save(self, path, external_data):
        path.write_bytes(self.file.read_bytes())


@pytest.mark.parametrize(
    "numbers", [{"difference": np.nan}, {"difference": 1e-4}, {"difference": 0.0, "distance": np.nan}]
)
def test_what_is_no_number_or_too_far_does_not_hold(numbers):
    assert not Parity(pictures=1, agreeing=1, **numbers).holds


def test_answers_that_are_no_numbers_are_noticed(file, headed):
    broken = replace(headed, temperature=float("nan"))
    assert not parity(broken, file, pictures()).holds


def test_a_network_of_torchvisions_kind_is_exported_too(tmp_path, noise):
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Hardswish(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )
    network.append(nn.Linear(8, 4))
    net = replace(
        tiny_classifier(),
        module=Stepped(network, None).eval().requires_grad_(False),
        labels=("a", "b", "c", "d"),
        transform=Transform(36, 32, interpolation="bicubic"),
    )
    export_onnx(net, tmp_path / "net.onnx")
    assert parity(net, tmp_path / "net.onnx", [noise, noise[:3]]).holds


def test_paddings_that_follow_the_size_are_exported_too(tmp_path, noise):
    data = io.BytesIO()
    network = Published()
    torch.save(lively(network), data)
    module = EfficientNetLite0()
    module.load_state_dict({key: torch.from_numpy(value) for key, value in from_published(data.getvalue()).items()})
    net = replace(
        tiny_classifier(),
        module=module.eval().requires_grad_(False),
        labels=tuple(map(str, range(1000))),
        transform=replace(MODELS["efficientnet_lite0"].transform, resize=72, crop=63),  # odd, even and odd on its way
    )
    export_onnx(net, tmp_path / "net.onnx")
    assert parity(net, tmp_path / "net.onnx", [noise, noise[:3]]).holds
    session, x = session_of(tmp_path / "net.onnx"), net.transform([noise], CPU)
    (found,) = session.run(None, {"image": noise})
    np.testing.assert_allclose(found, network(x).softmax(1)[0].detach(), atol=1e-5)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_a_network_on_a_gpu_is_exported_from_there(tmp_path, noise):
    net = tiny_classifier("cuda")
    export_onnx(net, tmp_path / "net.onnx")
    assert parity(net, tmp_path / "net.onnx", [noise]).difference < 1e-3  # TF32


def test_odd_requests_are_told_in_a_sentence(headed, refusing, file, tmp_path, monkeypatch):
    with pytest.raises(ParameterError, match="There is no picture"):
        parity(headed, file, [])
    with pytest.raises(ParameterError, match="tiny has no head"):
        export_onnx(tiny_classifier(), tmp_path / "o.onnx", refusing)
    half = replace(tiny_classifier(), module=tiny_classifier().module.bfloat16())
    with pytest.raises(ParameterError, match="not compute in float32"):
        export_onnx(half, tmp_path / "o.onnx")
    with torch.device("meta"):
        large = replace(headed, module=nn.Linear(MAX_BYTES // 4, 1))
    with pytest.raises(ParameterError, match=r"takes 2\.13 GB"):
        export_onnx(large, tmp_path / "o.onnx")
    monkeypatch.setattr(export, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match="pip install onnx onnxscript"):
        export_onnx(headed, tmp_path / "o.onnx")
    with pytest.raises(ModelError, match="pip install onnxruntime"):
        parity(headed, file, pictures())
    monkeypatch.setattr(export, "_program", lambda *_: onnx_program(file))
    with pytest.raises(ParameterError, match=r"folder/o\.onnx cannot be written"):
        export_onnx(headed, tmp_path / "no" / "folder" / "o.onnx")
    assert list(tmp_path.iterdir()) == []
