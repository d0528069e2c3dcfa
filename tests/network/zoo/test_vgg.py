from dataclasses import replace

import pytest
import torch
import torchvision
from tiny import TINY

from visionlab.errors import WeightsError
from visionlab.network.zoo.vgg import VGG, VGG16, Plan, fold_batch_norm, read_plan, scaled_plan, unfold_batch_norm


def test_vgg16_has_torchvisions_names_and_shapes():
    with torch.device("meta"):
        ours, theirs = VGG(VGG16), torchvision.models.vgg16()
    shapes = {name: tuple(value.shape) for name, value in theirs.state_dict().items()}
    assert {name: tuple(value.shape) for name, value in ours.state_dict().items()} == shapes
    assert sum(p.numel() for p in ours.parameters()) == 138_357_544


def test_vgg16_computes_what_torchvisions_does():
    torch.manual_seed(0)
    narrow = Plan(((4, 4), (6, 6), (8, 8, 8), (10, 10, 10), (12, 12, 12)), pool=7, hidden=(16, 14), classes=5)
    ours = VGG(narrow).eval()
    theirs = torchvision.models.VGG(_torchvision_features(narrow), num_classes=5, init_weights=False)
    theirs.classifier[0], theirs.classifier[3], theirs.classifier[6] = (ours.classifier[i] for i in (0, 3, 6))
    theirs.features.load_state_dict(ours.features.state_dict())
    x = torch.randn(2, 3, 224, 224)
    torch.testing.assert_close(ours(x), theirs.eval()(x), rtol=1e-5, atol=1e-6)


def _torchvision_features(plan):
    from torchvision.models.vgg import make_layers

    return make_layers([item for block in plan.blocks for item in (*block, "M")])


@pytest.mark.parametrize("plan", [TINY, VGG16, scaled_plan(0.5, (512, 512), 202), scaled_plan(1, (64, 32), 3)])
def test_a_plan_is_read_back_from_the_shapes_of_its_weights(plan):
    with torch.device("meta"):
        state = VGG(plan).state_dict()
    assert read_plan({name: value.shape for name, value in state.items()}) == plan


def test_other_weights_are_no_vgg():
    with pytest.raises(WeightsError, match="not those of a VGG"):
        read_plan({"conv1.weight": (64, 3, 7, 7)})


@pytest.mark.gpu
def test_folding_batch_norm_changes_nothing(device):
    torch.manual_seed(1)
    plan = Plan(TINY.blocks, TINY.pool, TINY.hidden, TINY.classes, batch_norm=True)
    network = VGG(plan)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 2)
            torch.nn.init.normal_(module.bias)
            module.running_mean.normal_()
            module.running_var.uniform_(0.3, 3)
    network.eval()
    plain = fold_batch_norm(network, plan).to(device)
    x = torch.randn(4, 3, 64, 64, device=device)
    torch.testing.assert_close(plain(x), network.to(device)(x), rtol=1e-4, atol=1e-4)
    assert not any("Norm" in type(module).__name__ for module in plain.modules())


@pytest.mark.gpu
def test_a_folded_network_gets_its_batch_norm_back(device):
    torch.manual_seed(2)
    plain = VGG(TINY).eval().to(device)
    plan = replace(TINY, batch_norm=True)
    for value in plain.parameters():
        torch.nn.init.normal_(value, std=0.3)
    with torch.no_grad():
        plain.features[0].weight[1] = 0  # a dead channel has no spread to divide by
    before = {name: value.clone() for name, value in plain.state_dict().items()}
    batches = list(torch.randn(48, 3, 64, 64, device=device).split(16))
    network = unfold_batch_norm(plain, plan, batches)
    x = torch.randn(4, 3, 64, 64, device=device)
    torch.testing.assert_close(network(x), plain(x), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(fold_batch_norm(network.cpu(), plan).to(device)(x), plain(x), rtol=1e-4, atol=1e-4)
    assert all(torch.equal(value, before[name]) for name, value in plain.state_dict().items())
    assert len(plain.features[0]._forward_hooks) == 0
    # in training mode the batches' own statistics are used: on those batches, nearly the same answers
    for module in network.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    whole = torch.cat(batches)
    network.train()
    torch.testing.assert_close(network(whole), plain(whole), rtol=1e-2, atol=1e-2)


def test_steps_are_the_forward_pass_and_their_paths_are_the_modules():
    torch.manual_seed(0)
    network = VGG(TINY).eval()
    x = y = torch.randn(1, 3, 64, 64)
    for path, step in network.steps():
        y = step(y)
        if path != "flatten":
            assert network.get_submodule(path) is step
    assert torch.equal(network(x), y)
