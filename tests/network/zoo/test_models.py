import json
import os
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny import TINY
from torchvision.models import list_models

from visionlab.errors import ModelError, WeightsError
from visionlab.network.files import checksums, weights
from visionlab.network.files.weight_file import WeightFile
from visionlab.network.files.weights import folder
from visionlab.network.inside.activations import feature_maps
from visionlab.network.running.prediction import probabilities
from visionlab.network.zoo import models
from visionlab.network.zoo.loading import load_classifier
from visionlab.network.zoo.models import MODELS
from visionlab.network.zoo.vgg import VGG, VGG16, Plan, scaled_plan

BUILT_IN = "vgg16-tinyimagenet"


@pytest.fixture
def put(tmp_path, monkeypatch):
    """Put a network of some plan where the built-in one is looked for."""
    monkeypatch.setenv("VISIONLAB_WEIGHTS", str(tmp_path))

    def write(plan: Plan, labels=None, header=None, **changes) -> dict[str, torch.Tensor]:
        torch.manual_seed(0)
        state = {name: value.half() for name, value in VGG(plan).state_dict().items()} | changes
        labels = labels or [f"class {i}" for i in range(plan.classes)]
        path = tmp_path / MODELS[BUILT_IN].file.name
        save_file(state, path, {"labels": json.dumps(labels)} | (header or {}))
        file = replace(MODELS[BUILT_IN].file, sha256=checksums.sha256(path))
        monkeypatch.setitem(MODELS, BUILT_IN, replace(MODELS[BUILT_IN], file=file))
        return state

    return write


@pytest.mark.parametrize("name", MODELS)
def test_every_entry_is_complete(name):
    model = MODELS[name]
    assert model.name == name
    assert model.about.endswith(".")
    assert model.transform.crop <= model.transform.resize
    assert model.file.digits, "what is loaded is checked"
    assert model.plan is None or len(model.labels()) == model.plan.classes
    assert [model.plan, model.adapt, model.build].count(None) >= 2, "one of them says what the file holds"
    assert not model.adapt or name in list_models(), "torchvision builds it by its name"
    assert model.wordnet_ids is None or len(model.wordnet_ids) == len(model.labels())


@pytest.mark.parametrize("plan", [TINY, scaled_plan(0.25, (32, 48), 9)])
def test_the_loader_takes_any_width(put, plan, noise):
    state = put(plan)
    net = load_classifier(BUILT_IN, "cpu")
    assert net.labels == tuple(f"class {i}" for i in range(plan.classes))
    assert all(torch.equal(value, state[name].float()) for name, value in net.module.state_dict().items())
    assert not net.module.training
    assert not any(p.requires_grad for p in net.module.parameters())
    assert sum(layer.parameters for layer in net.layers) == sum(p.numel() for p in net.module.parameters())


def test_a_file_that_changes_while_its_network_is_in_use_is_told_of(put, noise):
    put(TINY)
    net = load_classifier(BUILT_IN, "cpu")
    assert len(probabilities(net, [noise])) == 1
    path = folder() / MODELS[BUILT_IN].file.name
    status, content = path.stat(), bytearray(path.read_bytes())
    content[-1] ^= 1  # a bit of some weight
    while path.stat().st_ctime_ns == status.st_ctime_ns:  # a clock's ticks may be milliseconds long
        path.write_bytes(content)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    with pytest.raises(WeightsError, match="SHA-256"):
        probabilities(net, [noise])
    with pytest.raises(WeightsError, match="SHA-256"):
        load_classifier(BUILT_IN, "cpu")


@pytest.fixture
def joined(tmp_path, monkeypatch):
    """An entry whose convolutions and head lie in two files; gives their names and all of their tensors."""
    monkeypatch.setenv("VISIONLAB_WEIGHTS", str(tmp_path))
    torch.manual_seed(0)
    state = {name: value.half() for name, value in VGG(TINY).state_dict().items()}
    labels = {"labels": json.dumps([f"class {i}" for i in range(TINY.classes)]), "temperature": "2.0"}
    files = []
    for part, header in (("features", {"temperature": "no matter"}), ("classifier", labels)):
        path = tmp_path / f"{part}.safetensors"
        save_file({name: value for name, value in state.items() if name.startswith(part)}, path, header)
        files.append(WeightFile(path.name, sha256=checksums.sha256(path)))
    entry = replace(MODELS[BUILT_IN], name="joined", file=files[0], head=files[1])
    monkeypatch.setitem(MODELS, "joined", entry)
    return [file.name for file in files], state


def test_convolutions_and_head_of_two_files_are_one_network(joined):
    names, state = joined
    net = load_classifier("joined", "cpu")
    assert {name: value.half().tolist() for name, value in net.module.state_dict().items()} == {
        name: value.tolist() for name, value in state.items()
    }
    assert net.labels == tuple(f"class {i}" for i in range(TINY.classes))
    assert net.temperature == 2
    assert len(net.comparisons) == 2
    for name in names:
        assert "joined" in models.available()
        (folder() / name).rename(folder() / "away")
        assert "joined" not in models.available()
        with pytest.raises(WeightsError, match=f"{name} is not there"):
            load_classifier("joined", "cpu")
        (folder() / "away").rename(folder() / name)


@pytest.mark.parametrize("which", [0, 1])
def test_either_of_two_files_that_changes_is_told_of(joined, which, noise):
    names, _ = joined
    net = load_classifier("joined", "cpu")
    assert len(probabilities(net, [noise])) == 1
    path = folder() / names[which]
    changed = path.read_bytes()[:-1] + b"?"
    path.unlink()  # what is in use stays as it was, and is no longer what it is to be
    path.write_bytes(changed)
    with pytest.raises(WeightsError, match=f"is not {names[which]}: its SHA-256"):
        probabilities(net, [noise])
    with pytest.raises(WeightsError, match=f"is not {names[which]}: its SHA-256"):
        load_classifier("joined", "cpu")


def test_two_files_that_do_not_fit_each_other_are_both_named(joined, monkeypatch):
    wider = replace(TINY, blocks=(*TINY.blocks[:-1], (12, 12, 13)))
    monkeypatch.setitem(MODELS, "joined", replace(MODELS["joined"], plan=wider))
    with pytest.raises(WeightsError, match=r"features\.safetensors and classifier\.safetensors do not fit"):
        load_classifier("joined", "cpu")


def test_files_that_do_not_fit_are_refused(put, monkeypatch):
    put(TINY, labels=["one", "two"])
    with pytest.raises(WeightsError, match="7 outputs but 2 labels"):
        load_classifier(BUILT_IN)
    put(TINY, **{"features.5.bias": torch.zeros(99).half()})
    with pytest.raises(WeightsError, match=r"features\.5\.bias"):
        load_classifier(BUILT_IN)
    put(TINY, **{"classifier.6.bias": torch.full((7,), torch.nan).half()})
    with pytest.raises(WeightsError, match=r"classifier\.6\.bias"):
        load_classifier(BUILT_IN)


def test_the_files_temperature_is_used(put, noise):
    put(TINY, header={"temperature": "1.0"})
    logits = np.log(probabilities(load_classifier(BUILT_IN, "cpu"), [noise]).astype(np.float64))
    put(TINY, header={"temperature": "2.5"})
    net = load_classifier(BUILT_IN, "cpu")
    assert net.temperature == 2.5
    expected = np.exp(logits / 2.5) / np.exp(logits / 2.5).sum()
    np.testing.assert_allclose(probabilities(net, [noise]), expected, rtol=1e-4)
    np.testing.assert_allclose(feature_maps(net, noise, ["prob"])["prob"].values.ravel(), expected[0], rtol=1e-4)
    for bad in ("0", "-1", "NaN", "Infinity", "hot", "[1]"):
        put(TINY, header={"temperature": bad})
        with pytest.raises(WeightsError, match="no positive number"):
            load_classifier(BUILT_IN, "cpu")


def test_torchvisions_file_is_loaded_under_its_own_name(tmp_path, monkeypatch):
    narrow = Plan(TINY.blocks, pool=7, hidden=(16, 14), classes=1000)
    monkeypatch.setenv("VISIONLAB_WEIGHTS", str(tmp_path))
    state = VGG(narrow).state_dict()
    torch.save(state, tmp_path / "narrow.pth")
    digits = checksums.sha256(tmp_path / "narrow.pth")[:8]
    (tmp_path / "narrow.pth").rename(tmp_path / f"vgg16-{digits}.pth")
    entry = replace(MODELS["vgg16"], plan=narrow, file=WeightFile(f"vgg16-{digits}.pth"))
    monkeypatch.setitem(models.MODELS, "vgg16", entry)
    net = load_classifier("vgg16", "cpu")
    assert (len(net.labels), net.labels[386]) == (1000, "African elephant")
    assert net.transform.crop == 224
    assert torch.equal(net.module.features[0].weight, state["features.0.weight"])


def test_vgg16s_own_shapes_are_checked(tmp_path, monkeypatch):
    monkeypatch.setenv("VISIONLAB_WEIGHTS", str(tmp_path))
    assert MODELS["vgg16"].plan == VGG16
    assert MODELS["vgg16"].file.digits == "397923af"


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(ModelError, match="Did you mean “resnet50”"):
        load_classifier("resnet5")
    with pytest.raises(ModelError, match="There are vgg16-tinyimagenet"):
        load_classifier("yolo")


def test_no_weights_say_where_to_put_them(tmp_path, monkeypatch):
    monkeypatch.setenv("VISIONLAB_WEIGHTS", str(tmp_path))
    monkeypatch.setattr(weights, "_SHIPPED", ())  # what comes with the project
    with pytest.raises(WeightsError, match=str(tmp_path)):
        load_classifier(BUILT_IN)


def test_the_shipped_network_is_plain_vgg16_in_half_precision():
    path = folder() / MODELS[BUILT_IN].file.name
    tensors = load_file(path)
    assert path.stat().st_size <= 40e6
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float16}
    net = load_classifier(BUILT_IN, "cpu")
    assert [sum(layer.kind == kind for layer in net.layers) for kind in ("conv", "pool", "linear")] == [13, 5, 3]
    assert len(net.labels) == 202
    assert "African elephant" in net.labels
    sample = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    assert net.target("banana") == net.labels.index("banana")
    assert np.isfinite(net.module(net.transform([sample], net.device)).numpy()).all()
