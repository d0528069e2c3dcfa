"""Steps that torch has no modules for."""

import torch
from torch import nn

from visionlab.network.zoo.steps import (
    ChannelNorm,
    Concatenation,
    Pointwise,
    Product,
    Return,
    Scale,
    Shortcut,
    Squeeze,
    Sum,
    filled,
)


def doubled() -> list:
    """Steps that give x² + x."""
    shortcut = Shortcut()
    return [shortcut, torch.square, Sum(shortcut, "shortcut")]


def run(steps: list, x: torch.Tensor) -> torch.Tensor:
    for step in steps:
        x = step(x)
    return x


def test_a_sum_adds_what_its_shortcut_kept_and_keeps_it_no_longer():
    steps = doubled()
    for value in (3.0, 5.0):
        assert run(steps, torch.tensor(value)).item() == value + value**2
        assert steps[0].take() is None


def test_a_return_goes_back_and_keeps_what_came():
    """x² + 3x: the square first, then back to x."""
    shortcut = Shortcut()
    steps = [shortcut, torch.square, Return(shortcut, "kept"), lambda x: 3 * x, Sum(shortcut, "return")]
    for value in (2.0, 5.0):
        assert run(steps, torch.tensor(value)).item() == value**2 + 3 * value
        assert shortcut.take() is None


def test_other_joins_multiply_and_put_channels_beside_channels():
    maps, gate = torch.randn(2, 3, 4, 5), torch.randn(2, 3, 1, 1)
    squeeze, shortcut = Squeeze(), Shortcut()
    found = run([squeeze, lambda _: gate, Product(squeeze, "kept")], maps)
    torch.testing.assert_close(found, maps * gate.expand_as(maps), rtol=0, atol=0)
    found = run([shortcut, torch.neg, Return(shortcut, "kept"), torch.square, Concatenation(shortcut, "back")], maps)
    torch.testing.assert_close(found, torch.cat([-maps, maps**2], 1), rtol=0, atol=0)


def test_what_works_on_each_place_is_what_torch_computes_with_channels_last():
    maps = torch.randn(2, 6, 4, 5)
    last = maps.permute(0, 2, 3, 1)
    linear, norm = nn.Linear(6, 8), nn.LayerNorm(6, eps=1e-6)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    torch.testing.assert_close(Pointwise(linear)(maps), linear(last).permute(0, 3, 1, 2))
    torch.testing.assert_close(ChannelNorm(norm)(maps), norm(last).permute(0, 3, 1, 2))
    weight = nn.Parameter(torch.randn(6, 1, 1))
    torch.testing.assert_close(Scale(weight)(maps), torch.einsum("nchw,c->nchw", maps, weight.flatten()))
    for step, parameters in ((Pointwise(linear), 6 * 8 + 8), (ChannelNorm(norm), 12), (Scale(weight), 6)):
        assert sum(parameter.numel() for parameter in step.parameters()) == parameters


def test_the_steps_of_two_passes_do_not_meet():
    first, second = doubled(), doubled()
    kept = first[0](torch.tensor(3.0))
    assert run(second, torch.tensor(10.0)).item() == 110
    assert run(first[1:], kept).item() == 12


def test_a_gradient_goes_both_ways():
    x = torch.tensor(3.0, requires_grad=True)
    (gradient,) = torch.autograd.grad(run(doubled(), x), x)
    assert gradient.item() == 1 + 2 * 3


def test_a_filled_copy_has_the_given_tensors_and_shares_nothing_that_changes():
    whole = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Sequential(nn.BatchNorm2d(4), nn.Linear(4, 2, bias=False))).eval()
    with torch.device("meta"):
        empty = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Sequential(nn.BatchNorm2d(4), nn.Linear(4, 2, bias=False))).eval()
    first, second = filled(empty, whole.state_dict()), filled(empty, whole.state_dict())
    x = torch.randn(2, 3, 4, 4)
    assert torch.equal(first[1][0](first[0](x)), whole[1][0](whole[0](x)))
    assert not any(parameter.requires_grad for parameter in first.parameters())
    first[1][0].register_forward_hook(lambda *_: None)
    first.train()
    first[1].append(nn.ReLU())
    assert not second[1][0]._forward_hooks
    assert not empty[1][0]._forward_hooks
    assert not second.training
    assert len(second[1]) == len(empty[1]) == 2
    assert {tensor.device.type for tensor in empty.state_dict().values()} == {"meta"}
