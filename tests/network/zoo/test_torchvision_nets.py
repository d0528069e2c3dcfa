import io
import re
from copy import deepcopy
from dataclasses import replace
from functools import cache
from hashlib import sha256

import numpy as np
import pytest
import torch
from lite import Published, lively, unset
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models import VGG as TorchvisionVGG
from torchvision.models import get_model, get_model_weights
from torchvision.models.vgg import make_layers

from visionlab.errors import ModelError, ParameterError, WeightsError
from visionlab.imaging.samples import SAMPLES, load_sample
from visionlab.learning.features.embedding import embed
from visionlab.learning.features.source import network_fingerprint
from visionlab.learning.heads.head import Head
from visionlab.network.explain import METHODS, explain, explain_layers
from visionlab.network.explain.cam import last_in_place
from visionlab.network.explain.method import silent
from visionlab.network.explain.sanity import sanity_check
from visionlab.network.files.weight_file import WeightFile
from visionlab.network.inside.activations import activations, feature_maps
from visionlab.network.inside.channels import channel_weights
from visionlab.network.inside.contributions import contributions
from visionlab.network.inside.excitation import peaks
from visionlab.network.inside.trace import Box, receptive_box, trace_unit
from visionlab.network.inside.visualisation import visualise_channel
from visionlab.network.running.classifier import Classifier, Transform
from visionlab.network.running.prediction import predict, probabilities
from visionlab.network.zoo import loading, models
from visionlab.network.zoo.loading import load_classifier
from visionlab.network.zoo.models import MODELS
from visionlab.network.zoo.torchvision_nets import Stepped, network_layers
from visionlab.network.zoo.vgg import VGG, VGG16, Plan
from visionlab.wording import sized

SIDE = 40
PUBLISHED = [name for name, model in MODELS.items() if model.file.url]
LITE = "efficientnet_lite0"
INVERTED = {"mobilenet_v3_large", "efficientnet_b0", LITE}  # whose blocks look at each channel on its own
ADDING = {"resnet50", "convnext_tiny", *INVERTED}  # whose blocks add to what they are given
RULES = {
    "depthwise": {*INVERTED, "convnext_tiny"},
    "sum": ADDING,
    "product": INVERTED - {LITE},  # whose channels go through gates
    "concatenation": {"squeezenet1_1"},
    "scale": {"convnext_tiny"},
    "layer norm": {"convnext_tiny"},
}
FEATURES = {"vgg16": 14, "vgg16_bn": 14, "vgg19": 14, "resnet50": 2048, "mobilenet_v3_large": 1280,
            "squeezenet1_1": 512, "efficientnet_b0": 1280, "convnext_tiny": 768, LITE: 1280}  # fmt: skip


def _narrow(plan: Plan) -> Plan:
    """A VGG of the plan's depth and a few channels: its width is what makes it slow, and nothing here depends on it."""
    return replace(plan, blocks=tuple((4 + 2 * i,) * len(b) for i, b in enumerate(plan.blocks)), hidden=(16, 14))


def _narrow_resnet(name: str) -> nn.Module:
    """Few channels within a block, and as many between blocks as it has."""
    return get_model(name, width_per_group=8)


def _narrow_vgg_bn(name: str) -> nn.Module:
    plan = _narrow(VGG16)
    network = TorchvisionVGG(make_layers([v for b in plan.blocks for v in (*b, "M")], batch_norm=True))
    fc6, fc7 = plan.hidden
    network.classifier[0] = nn.Linear(plan.blocks[-1][-1] * 49, fc6)
    network.classifier[3] = nn.Linear(fc6, fc7)
    network.classifier[6] = nn.Linear(fc7, 1000)
    return network


NARROW = {"resnet50": _narrow_resnet, "vgg16_bn": _narrow_vgg_bn}


def _put(patch: pytest.MonkeyPatch, folder, name: str, state: dict[str, torch.Tensor], **changes) -> None:
    """A weight file under a name such as torchvision's, with the digits of its own SHA-256."""
    draft = folder / "draft.pth"
    torch.save(state, draft)
    file = f"{name}-{sha256(draft.read_bytes()).hexdigest()[:8]}.pth"
    draft.rename(folder / file)
    patch.setenv("VISIONLAB_WEIGHTS", str(folder))
    patch.setitem(MODELS, name, replace(MODELS[name], file=WeightFile(file), **changes))


@pytest.fixture(scope="module", params=[*PUBLISHED, LITE])
def pair(request, tmp_path_factory):
    """(the classifier at SIDE px, torchvision's or the published network): the same random weights."""
    name = request.param
    with pytest.MonkeyPatch.context() as patch:
        changes = {"transform": MODELS[name].transform.at(SIDE)}
        if name == "vgg16_bn":
            changes["adapt"] = lambda module: models.plain_vgg(module, _narrow(VGG16))
        if name in NARROW:
            patch.setattr(loading, "_torchvisions", NARROW[name])
            theirs = unset(name, NARROW[name])
        elif name == LITE:
            theirs = Published()
        elif MODELS[name].plan:
            changes["plan"] = _narrow(MODELS[name].plan)
            theirs = VGG(changes["plan"])
        else:
            theirs = unset(name)
        state = lively(theirs, SIDE)
        if name == LITE:
            data = io.BytesIO()
            torch.save(state, data)
            tensors = MODELS[name].file.source.derive(data.getvalue())
            state = {key: torch.from_numpy(value) for key, value in tensors.items()}
        _put(patch, tmp_path_factory.mktemp(name), name, state, **changes)
        net = load_classifier(name, "cpu")
    return net, theirs.requires_grad_(False)  # and MODELS is as it was, whichever test comes next


@pytest.fixture(scope="module")
def net(pair):
    return pair[0]


@pytest.mark.parametrize("name", PUBLISHED)
def test_an_entry_says_what_torchvision_says(name):
    model, theirs = MODELS[name], get_model_weights(name).DEFAULT
    if name == "vgg16":
        theirs = get_model_weights(name).IMAGENET1K_V1
    preset = theirs.transforms()
    assert model.file.url == theirs.url
    assert model.file.size == round(theirs.meta["_file_size"] * 2**20)
    assert model.about.endswith(f": torchvision’s weights, {sized(model.file.size)}.")
    assert (model.title.count("(ImageNet)"), model.about.count("torchvision"), model.about.count("MB")) == (1, 1, 1)
    assert list(model.labels()) == theirs.meta["categories"]
    assert ([model.transform.resize], [model.transform.crop]) == (preset.resize_size, preset.crop_size)
    assert (list(model.transform.mean), list(model.transform.std)) == (preset.mean, preset.std)
    assert (model.transform.interpolation, preset.antialias) == (preset.interpolation.value, True)


@pytest.mark.parametrize("size", [(301, 407), (240, 97), (100, 333), (232, 500)])
@pytest.mark.parametrize("name", PUBLISHED)
def test_pictures_enter_as_they_do_in_torchvision(name, size):
    transform, preset = MODELS[name].transform, get_model_weights(name).DEFAULT.transforms()
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    found = transform([image], torch.device("cpu"))[0]
    planes = torch.from_numpy(image).permute(2, 0, 1)
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (transform.mean, transform.std))
    exact = (preset(planes.float() / 255) * std + mean).clamp(0, 1)  # a picture of bytes overshoots nowhere
    torch.testing.assert_close(found * std + mean, exact, atol=2e-6, rtol=0)
    levels = 255 * (found - preset(planes)) * std  # rounded to bytes between resizing and normalising
    assert levels.abs().max() < 1.01


def test_the_longer_side_is_cut_or_rounded_to_whole_pixels():
    image = np.random.default_rng(0).integers(0, 256, (100, 333, 3), dtype=np.uint8)
    planes = torch.from_numpy(image).permute(2, 0, 1)[None].float()
    for rounds, length in ((False, 372), (True, 373)):  # of 372.96
        resized = nn.functional.interpolate(planes, (112, length), mode="bilinear", antialias=True)
        left = round((length - 112) / 2)
        found = Transform(112, 112, rounds=rounds).resized(image)
        torch.testing.assert_close(found, resized[0, :, :, left : left + 112], atol=1e-3, rtol=0)


@pytest.mark.parametrize("side", [32, 97])
def test_the_steps_are_torchvisions_network(pair, side):
    net, theirs = pair
    x = torch.randn(2, 3, side, side)
    expected = theirs(x)
    tolerance = 1e-4 * float(expected.abs().max())
    torch.testing.assert_close(net.module(x), expected, atol=tolerance, rtol=0)
    y, kept = x, []
    for _, step in net.module.steps():
        y = step(y)
        kept.append((y, y.clone()))
    torch.testing.assert_close(y, net.module(x), atol=0, rtol=0)
    assert all(torch.equal(now, then) for now, then in kept), "no step may change what it is given"


@pytest.mark.gpu
def test_every_device_answers_alike(pair, noise, device):
    here, _ = pair
    there = replace(here, module=deepcopy(here.module).to(device), device=device)
    name = last_in_place(here)
    for ours, theirs in (
        (feature_maps(here, noise, [name])[name].values, feature_maps(there, noise, [name])[name].values),
        (explain(here, noise, target=5).values, explain(there, noise, target=5).values),
    ):
        np.testing.assert_allclose(theirs, ours, rtol=0, atol=1e-2 * np.abs(ours).max())


def test_the_network_is_ready(net):
    assert not any(part.training for part in net.module.modules())
    assert not any(parameter.requires_grad for parameter in net.module.parameters())
    assert {parameter.dtype for parameter in net.module.parameters()} == {torch.float32}
    assert net.labels[386] == "African elephant"


def test_every_layer_is_as_the_table_says(net, noise):
    assert len({layer.name for layer in net.layers}) == len(net.layers)
    maps = feature_maps(net, noise)
    assert {layer.name: layer.shape for layer in net.layers} == {name: m.values.shape for name, m in maps.items()}
    assert all(np.isfinite(found.values).all() and found.values.std() > 0 for found in maps.values())
    assert sum(layer.parameters for layer in net.layers) == sum(p.numel() for p in net.module.parameters())
    assert not any(layer.in_place for layer in net.layers if layer.block == "Classifier")
    for layer in net.layers:
        if layer.gate:
            assert layer.shape[1:] == (1, 1)
        elif layer.in_place:
            assert layer.block != "Classifier"
            assert abs(layer.shape[1] - SIDE / layer.stride) < 1.5, layer.name
        if layer.kind == "relu":
            np.testing.assert_array_equal(maps[layer.name].values, maps[net.source(layer).name].values.clip(min=0))
        if layer.kind == "sum":
            expected = maps[net.source(layer).name].values + maps[layer.joins].values
            np.testing.assert_array_equal(maps[layer.name].values, expected)
        if layer.kind == "product":
            assert net.layer(layer.joins).gate
            expected = maps[net.source(layer).name].values * maps[layer.joins].values
            np.testing.assert_array_equal(maps[layer.name].values, expected)
        if layer.kind == "concatenation":
            parts = [maps[net.source(layer).name].values, maps[layer.joins].values]
            np.testing.assert_array_equal(maps[layer.name].values, np.concatenate(parts))


@pytest.mark.parametrize("side", [None, 96])
def test_the_last_layer_is_the_prediction_whatever_the_size_of_the_maps(net, side):
    for name in SAMPLES:
        image = load_sample(name)
        found = feature_maps(net, image, ["prob"], side)["prob"].values.ravel()
        # Random weights give logits far apart, which make the most of a kernel's last bits.
        np.testing.assert_allclose(found, probabilities(net, [image])[0], atol=1e-4)


def test_multiplications_are_half_of_the_operations_that_torch_counts(net):
    with FlopCounterMode(display=False) as counter:
        net.module(torch.zeros(1, 3, SIDE, SIDE))
    assert 2 * sum(layer.multiplications for layer in net.layers) == counter.get_total_flops()


def test_resnets_table_at_its_own_size():
    with torch.device("meta"):
        layers = {layer.name: layer for layer in network_layers(Stepped(get_model("resnet50")), 224)}
    assert sum(layer.multiplications for layer in layers.values()) == 4_089_184_256
    assert layers["conv1"].multiplications == 64 * 112 * 112 * 3 * 7 * 7
    assert not any(layer.kind == "block" for layer in layers.values())
    last, first = layers["layer3.5.relu3"], layers["layer4.0.conv1"]
    assert (last.kind, last.shape, last.stride) == ("relu", (1024, 14, 14), 16)
    assert (first.shape, first.stride, first.block) == ((512, 14, 14), 16, "Stride 32")  # it belongs to its sum
    assert layers["layer4.0.downsample.0"].source == last.name
    assert layers["layer4.0.sum"].joins == "layer4.0.bn3"
    assert layers["layer4.1.sum"].joins == "layer4.0.relu3"
    assert layers["layer1.0.conv2"].receptive_field == 19  # 7 and 3 × 3 after the pool: 11 + 2 · 4
    assert [name for name, layer in layers.items() if not layer.in_place] == ["avgpool", "fc", "prob"]
    assert replace(layers["conv1"], shape=(64, 56, 56)).multiplications == layers["conv1"].multiplications / 4


# --- blocks, entered ------------------------------------------------------------------------------------------------


@cache
def _random(name: str) -> dict[str, torch.Tensor]:
    """The state of torchvision's network of that name with random weights, of which every part is lively."""
    return lively(unset(name))


@cache
def _small(name: str) -> Classifier:
    """torchvision's network of that name with random weights, at 64 px."""
    module = unset(name)
    module.load_state_dict(_random(name))
    module = MODELS[name].adapt(module).eval().requires_grad_(False)
    labels = tuple(map(str, range(1000)))
    layers = network_layers(module, 64)
    return Classifier(name, module, Transform(64, 64), labels, layers, torch.device("cpu"), MODELS[name].embedding)


def test_no_network_of_the_table_holds_a_block_that_cannot_be_entered():
    for name in PUBLISHED:
        if MODELS[name].plan is None and name != "vgg16_bn":
            with torch.device("meta"):
                layers = network_layers(MODELS[name].adapt(get_model(name)), 224)
            assert not any(layer.kind == "block" for layer in layers), name
            assert layers[-2].shape == (1000, 1, 1)
            assert [layer.name for layer in layers if layer.name == MODELS[name].embedding], "heads read it"


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("squeezenet1_1", "features.3"),
        ("squeezenet1_1", "features.12"),
        ("mobilenet_v3_large", "features.4.block.2"),
        ("efficientnet_b0", "features.3.1.block.2"),
        ("convnext_tiny", "features.1.0"),
        ("convnext_tiny", "features.7.2"),
    ],
)
@pytest.mark.parametrize("side", [64, 97])
def test_a_blocks_end_is_what_torchvisions_block_gives(noise, name, path, side):
    """Of the very values that enter it: the layer's place in the page's maps is that of the block's forward."""
    net = _small(name)
    seen = {}
    block = net.module.network.get_submodule(path)
    for path_of, step in net.module.steps():
        if path_of.startswith(f"{path}.") and "given" not in seen:
            seen["given"] = seen["last"]
        x = step(seen["last"]) if "last" in seen else step(net.transform.at(side)([noise], net.device))
        seen["last"] = x
        if path_of == path:
            break
    expected = block(seen["given"])
    torch.testing.assert_close(seen["last"], expected, rtol=1e-5, atol=1e-5 * float(expected.abs().max()))
    found = feature_maps(net, noise, [path], side)[path].values
    np.testing.assert_allclose(found, expected[0], rtol=1e-4, atol=1e-4 * float(expected.abs().max()))


def test_units_of_gates_products_and_concatenations_are_written_out_at_any_size(noise):
    net = _small("mobilenet_v3_large")
    path = "features.4.block.2"
    assert [(layer.name.removeprefix(path), layer.kind, layer.stride) for layer in net.layers if layer.gate][:5] == [
        (".avgpool", "average", 8),
        (".fc1", "conv", 8),
        (".activation", "relu", 8),
        (".fc2", "conv", 8),
        (".scale_activation", "activation", 8),
    ]
    for side in (None, 96):
        maps = feature_maps(net, noise, side=side)
        found = trace_unit(net, noise, path, 5, 1, 2, side, maps)
        assert (found.rule, found.source, found.joined, found.first) == (
            "product",
            "features.4.block.1.2",
            f"{path}.scale_activation",
            5,
        )
        assert found.patches.item() == maps["features.4.block.1.2"].values[5, 1, 2]
        assert found.kernels.item() == maps[f"{path}.scale_activation"].values[5, 0, 0]
        assert found.total == pytest.approx(maps[path].values[5, 1, 2], rel=1e-6)
        assert found.value == maps[path].values[5, 1, 2]
        mean = trace_unit(net, noise, f"{path}.avgpool", 5, 0, 0, side, maps)
        assert mean.patches.shape[1:] == maps["features.4.block.1.2"].values.shape[1:]
        assert mean.total == pytest.approx(maps["features.4.block.1.2"].values[5].mean(dtype=np.float64), rel=1e-6)
        assert receptive_box(net, path, 1, 2, side) == Box(0, 0, side or 64, side or 64)
    net = _small("squeezenet1_1")
    maps = feature_maps(net, noise)
    for channel, source, number in ((10, "expand1x1", 10), (64, "expand3x3", 0), (127, "expand3x3", 63)):
        found = trace_unit(net, noise, "features.3", channel, 2, 3, maps=maps)
        assert (found.rule, found.source, found.first) == ("concatenation", f"features.3.{source}_activation", number)
        assert found.total == maps[f"features.3.{source}_activation"].values[number, 2, 3] == found.value


def test_a_place_of_a_convnext_sees_what_pencil_and_paper_say():
    with torch.device("meta"):
        layers = {
            layer.name: layer
            for layer in network_layers(MODELS["convnext_tiny"].adapt(get_model("convnext_tiny")), 224)
        }
    # 4 of the stem, and in each of its blocks 6 places of 4 px more; then 2 × 2 of stride 2, and so on
    fields = {"features.0.0": 4, "features.0.1": 4, "features.1.0": 28, "features.1.2": 76, "features.2.1": 80,
              "features.3.0": 128, "features.3.2": 224}  # fmt: skip
    assert {name: layers[name].receptive_field for name in fields} == fields
    assert layers["features.1.0.block.3"].shape == (384, 56, 56)
    assert layers["features.1.0.block.3"].parameters == 97 * 384
    assert layers["features.1.0"].joins == "features.0.1"


def test_a_table_knows_strides_whatever_the_borders():
    with torch.device("meta"):
        layers = network_layers(Stepped(get_model("squeezenet1_1"), "classifier.3"), 224)
    pools = {layer.name: (layer.shape[1], layer.stride) for layer in layers if layer.kind == "pool"}
    assert pools == {"features.2": (55, 4), "features.5": (27, 8), "features.8": (13, 16)}


def test_channels_add_up_to_what_the_last_layer_sees(net, noise):
    found = contributions(net, noise, target=7)
    added = found.layers
    assert list(added) == [layer.name for layer in net.layers if layer.kind != "softmax"]
    weighty = next(layer for layer in reversed(net.layers) if layer.kind in ("linear", "conv"))
    if weighty.kind == "linear":  # gradient × activation of a linear layer's inputs is the logit without its bias
        before = net.layers[net.layers.index(weighty) - 1].name
        bias = channel_weights(net, weighty.name, 7).bias
        logit = feature_maps(net, noise, [weighty.name])[weighty.name].values[7].item()
        assert added[before].sum() == pytest.approx(logit - bias, rel=1e-3, abs=1e-3)
        assert found.rest(before) == pytest.approx(bias, rel=1e-3, abs=1e-3)
        assert before in found.exact
    for layer in net.layers[:-1]:
        assert added[layer.name].shape == layer.shape[:1]


def test_traces_are_the_sums_that_the_network_computes(net, noise):
    rng, maps, rules = np.random.default_rng(0), feature_maps(net, noise), set()
    for layer in net.layers:
        if layer.kind == "activation":
            with pytest.raises(ModelError, match=rf"{layer.name} is no sum .* The nearest that are: "):
                trace_unit(net, noise, layer.name, 0, maps=maps)
            continue
        for row, column in [(0, 0), (-1, -1), rng.integers(layer.shape[1:])]:
            unit = (int(rng.integers(layer.shape[0])), int(row) % layer.shape[1], int(column) % layer.shape[2])
            found = trace_unit(net, noise, layer.name, *unit, maps=maps)
            assert found.total == pytest.approx(found.value, rel=1e-4, abs=1e-4), layer.name
            rules.add(found.rule)
            if not layer.in_place:
                assert found.box == Box(0, 0, SIDE, SIDE)
    assert {
        name for name in ("depthwise", "sum", "product", "concatenation", "scale", "layer norm") if name in rules
    } == {name for name, nets in RULES.items() if net.name in nets}


@pytest.mark.parametrize("side", [32, 97])
def test_places_are_those_of_the_map_at_any_size(net, noise, side):
    name = last_in_place(net)
    _, height, _ = feature_maps(net, noise, [name], side)[name].values.shape
    assert receptive_box(net, name, height - 1, 0, side).height <= side
    with pytest.raises(ParameterError, match=f"no row {height}"):
        receptive_box(net, name, height, 0, side)


def test_peaks_need_no_receptive_field(net, noise):
    found = feature_maps(net, noise, [last_in_place(net)], 96)[last_in_place(net)]
    best = peaks(found, 2)
    np.testing.assert_array_equal(best.values[:, 0], found.values.max((1, 2)))
    assert best.values.shape[1] == 2


def test_a_channel_is_visualised(net):
    first, last = visualise_channel(net, net.layers[-1].name, 3, side=SIDE, steps=1)
    assert first.image.shape == (SIDE, SIDE, 3)
    assert np.isfinite([first.activation, last.activation]).all()
    name = last_in_place(net)
    _, last = visualise_channel(net, name, 3, side=SIDE, steps=1, unit=(0, 0))
    assert np.isfinite(last.activation)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.usefixtures("few_steps")
def test_every_method_explains(net, noise, method):
    heat = explain(net, noise, method, target=5)
    assert heat.values.shape == noise.shape[:2]
    assert 0 <= heat.values.min() <= heat.values.max() <= 1


def test_guided_backpropagation_reaches_into_blocks(pair, noise):
    net, theirs = pair
    x = net.transform([noise], net.device)
    relu, copy = nn.functional.relu, deepcopy(theirs)
    kinds = (nn.ReLU, nn.ReLU6, nn.SiLU, nn.Hardswish, nn.GELU)
    for part in copy.modules():  # captum knows ReLUs only, and none that is used twice
        if isinstance(part, kinds):
            part.inplace = False
            part.register_full_backward_pre_hook(lambda _, gradients: (relu(gradients[0]),))
    (expected,) = torch.autograd.grad(copy(x.requires_grad_())[0, 5], x)
    found = METHODS["guided-backpropagation"].attribute(net, x, 5, None, silent)
    largest = expected[0].abs().amax(0)
    np.testing.assert_allclose(found, largest, rtol=1e-3, atol=1e-3 * float(largest.max()))
    assert not np.allclose(found, METHODS["saliency"].attribute(net, x, 5, None, silent), rtol=0.1)
    assert not any(part._backward_hooks or part._backward_pre_hooks for part in net.module.modules())


def test_channels_have_weights_in_convolutions_and_fully_connected_layers(net):
    steps = dict(net.module.steps())
    for layer in net.layers:
        if layer.kind in ("conv", "linear"):
            found, module = channel_weights(net, layer.name, 1), steps[layer.module]
            np.testing.assert_array_equal(found.kernels.ravel(), module.weight[1].flatten())
            assert found.bias == (0 if module.bias is None else module.bias[1].item())
        else:
            with pytest.raises(ModelError, match=f"{layer.name} has no .* Choose a convolution"):
                channel_weights(net, layer.name, 0)


def test_every_layer_with_places_is_explained(net, noise):
    places = [layer.name for layer in net.layers if layer.in_place and not layer.gate]
    found = explain_layers(net, noise, target=5, layers=places)
    assert list(found) == places
    np.testing.assert_array_equal(found[last_in_place(net)].values, explain(net, noise, target=5).values)
    with pytest.raises(ModelError, match="has no places"):
        explain(net, noise, layer="prob")


def test_a_check_of_sanity_forgets_stride_by_stride(net, noise):
    before = {key: value.clone() for key, value in net.module.state_dict().items()}
    stages = list(sanity_check(net, noise, "saliency", target=5))
    strides = {layer.stride for layer in net.layers if layer.parameters and layer.in_place}
    singles = [layer for layer in net.layers if layer.parameters and not layer.in_place]
    assert len(stages) == len(strides) + len(singles)
    assert stages[-1].layer == net.layers[0].name
    assert all(-1 <= stage.similarity < 0.999 for stage in stages[len(singles) :])
    assert all(torch.equal(before[key], value) for key, value in net.module.state_dict().items())


def test_a_head_on_it_is_a_classifier(net, noise):
    features = embed(net, [noise, noise[::-1].copy()])
    assert features.shape[1] == FEATURES[net.name]
    rng = np.random.default_rng(0)
    weights, bias = rng.normal(0, 0.1, (3, features.shape[1])).astype(np.float32), np.ones(3, np.float32)
    head = Head(weights, bias, ("a", "b", "c"), net.name, net.embedding, network_fingerprint(net))
    mine = head.as_classifier(net)
    logits = mine.module(mine.transform([noise], mine.device)).numpy()
    np.testing.assert_allclose(logits, head.logits(features[:1]), rtol=1e-3, atol=1e-3)
    assert {answer.label for answer in predict(mine, [noise])[0]} == {"a", "b", "c"}
    maps = feature_maps(mine, noise)
    assert [*maps][-2:] == ["head", "prob"]
    assert explain(mine, noise, target="b").values.shape == noise.shape[:2]
    assert trace_unit(mine, noise, "prob", 1, maps=maps).total == pytest.approx(maps["prob"].values[1].item())


def _load_with(tmp_path, monkeypatch, name, change, **changes):
    state = {key: value.clone() for key, value in _random(name).items()}
    change(state)
    _put(monkeypatch, tmp_path, name, state, **changes)
    return load_classifier(name, "cpu")


FIRE = "features.3.expand3x3.weight"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda state: state[FIRE].view(-1)[7].fill_(torch.nan), f"{FIRE} holds NaN or infinite"),
        (lambda state: state["classifier.1.bias"][0].fill_(torch.inf), "classifier.1.bias holds NaN or infinite"),
        (lambda state: state.pop("features.6.squeeze.bias"), "features.6.squeeze.bias, of shape (32,), is missing"),
        (lambda state: state.update({"fc.bias": torch.ones(2)}), "fc.bias, of shape (2,), is superfluous"),
        (lambda state: state.update({FIRE: torch.ones(9)}), f"{FIRE} has shape (9,), expected (64, 16, 3, 3)"),
    ],
)
def test_files_that_do_not_fit_are_refused(tmp_path, monkeypatch, change, reason):
    with pytest.raises(WeightsError, match=re.escape(reason)):
        _load_with(tmp_path, monkeypatch, "squeezenet1_1", change)


def test_running_statistics_are_checked_and_labels_counted(tmp_path, monkeypatch):
    key = "features.3.block.1.1.running_var"
    with pytest.raises(WeightsError, match=r"running_var holds NaN"):
        _load_with(tmp_path, monkeypatch, "mobilenet_v3_large", lambda s: s[key][3].fill_(torch.nan))
    with pytest.raises(WeightsError, match="1000 outputs but 2 labels"):
        _load_with(tmp_path, monkeypatch, "squeezenet1_1", dict, labels=lambda: ("one", "two"))


def test_files_from_before_batches_were_counted_are_read(tmp_path, monkeypatch):
    def drop(state):
        for key in [key for key in state if key.endswith("num_batches_tracked")]:
            del state[key]

    net = _load_with(tmp_path, monkeypatch, "mobilenet_v3_large", drop, transform=Transform(SIDE, SIDE))
    found = activations(net, torch.randn(1, 3, SIDE, SIDE), [net.embedding])[net.embedding]
    assert found.shape == (1, 1280)
    assert found.isfinite().all()


def test_the_files_of_the_real_vggs_fit():
    for name in ("vgg16", "vgg19"):
        with torch.device("meta"):
            ours, theirs = VGG(MODELS[name].plan).state_dict(), get_model(name).state_dict()
        assert {key: v.shape for key, v in ours.items()} == {key: v.shape for key, v in theirs.items()}
    with torch.device("meta"):
        folded, plain = MODELS["vgg16_bn"].adapt(get_model("vgg16_bn").eval()), get_model("vgg16")
    shapes = [{key: v.shape for key, v in each.state_dict().items()} for each in (folded, plain)]
    assert shapes[0] == shapes[1]
