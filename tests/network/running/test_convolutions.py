"""Convolutions as a processor computes them soonest give what torch's own give."""

import gc
import weakref

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from tiny import tiny_classifier
from torch import nn

from visionlab.network.running import convolutions
from visionlab.network.running.chunks import through
from visionlab.network.running.convolutions import Conv, SameConv, is_fused, largest, prepared, stepped
from visionlab.network.zoo.loading import load_classifier

QUICK = pytest.mark.skipif(not convolutions._precisions(), reason="this processor computes by torch's own alone")


def picture(*shape: int, seed: int = 0) -> torch.Tensor:
    """Noise that lies as in networks: all channels of a place together."""
    x = torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
    return x.contiguous(memory_format=torch.channels_last) if x.dim() == 4 else x


def filled(conv: nn.Conv2d, seed: int = 0) -> nn.Conv2d:
    """Frozen, as networks are."""
    with torch.no_grad():
        for each in conv.parameters():
            each.copy_(picture(*each.shape, seed=seed))
    return conv.requires_grad_(False)


def test_zeros_come_after_where_they_are_odd():
    layer = SameConv(1, 1, 3, stride=2, bias=False)
    with torch.no_grad():
        layer.weight.zero_()[0, 0, 1] = 1  # the sum of three neighbours in a row
        even, odd = (layer(torch.arange(1.0, size + 1).expand(1, 1, size, size))[0, 0, 1] for size in (4, 5))
    assert even.tolist() == [1 + 2 + 3, 3 + 4], "none before"
    assert odd.tolist() == [1 + 2, 2 + 3 + 4, 4 + 5], "one on each side"


def test_torch_still_has_what_this_rests_on():
    if not torch.backends.mkldnn.is_available():
        pytest.skip("torch was built without oneDNN")
    for where, name in ((torch.ops.mkldnn, "_convolution_pointwise"), (torch._C._nn, "mkldnn_reorder_conv2d_weight")):
        assert hasattr(where, name), (
            f"This torch has no {name}, so that convolutions.py computes by torch’s slower convolution. Look in "
            "torch/_inductor/mkldnn_ir.py for what its compiler calls instead."
        )


@st.composite
def cases(draw):
    """A convolution of any kind that oneDNN takes, and pictures for it."""

    def two(least: int, most: int) -> tuple[int, int]:
        return draw(st.tuples(st.integers(least, most), st.integers(least, most)))

    kernel, stride, dilation = two(1, 5), two(1, 4), two(1, 2)
    extents = [1 + spread * (taps - 1) for spread, taps in zip(dilation, kernel, strict=True)]
    padding = tuple(draw(st.integers(0, extent - 1)) for extent in extents)
    size = [max(2, extent) + draw(st.integers(0, 9)) for extent in extents]
    groups, each = draw(st.tuples(st.integers(1, 4), st.integers(1, 9)).filter(lambda both: both != (1, 1)))
    conv = nn.Conv2d(groups * each, 2 * groups, kernel, stride, padding, dilation, groups, draw(st.booleans()))
    return filled(conv), 3 * picture(draw(st.integers(1, 3)), groups * each, *size)


@QUICK
@given(cases(), st.sampled_from([None, nn.ReLU(), nn.ReLU6()]))
def test_it_is_the_sum_that_torch_computes(case, then):
    conv, x = case
    assert prepared(conv, x)
    bias = None if conv.bias is None else conv.bias.double()
    expected = F.conv2d(x.double(), conv.weight.double(), bias, conv.stride, conv.padding, conv.dilation, conv.groups)
    expected = (then or nn.Identity())(expected).float()
    before = x.clone()
    for _ in range(2):  # the second time by weights that are laid out
        torch.testing.assert_close(prepared(conv, x)(x, then), expected, rtol=1e-4, atol=1e-4)
    assert torch.equal(x, before)


@pytest.mark.parametrize(
    ("conv", "size"),
    [
        (nn.Conv2d(1, 2, (3, 4), (1, 2), 2), (1, 1)),  # these gave 10²⁵
        (nn.Conv2d(1, 16, 5, (1, 3), (1, 0)), (17, 6)),
        (nn.Conv2d(3, 8, 1, 2, 1, 2), (3, 1)),  # and this one the end of the process
        (nn.Conv2d(3, 8, 5, padding=2), (2, 2)),
        (nn.Conv2d(3, 8, 3, padding=3), (8, 8)),
    ],
)
def test_where_onednn_cannot_be_trusted_torch_computes(conv, size):
    x = picture(1, conv.in_channels, *size)
    assert prepared(filled(conv), x) is None
    torch.testing.assert_close(stepped(conv, x), conv(x))


@QUICK
@given(
    *(st.integers(2, 13), st.integers(2, 13), st.integers(1, 6), st.integers(1, 6), st.integers(1, 3)),
    *(st.integers(1, 3), st.sampled_from([1, 3])),
)
def test_the_odd_zero_of_tensorflow_is_in_the_kernel(height, width, rows, columns, down, across, groups):
    conv = filled(SameConv(3, 6, (rows, columns), (down, across), groups=groups))
    for more in (0, 1, 0):  # sizes with and without an odd zero, in turn
        x = picture(2, 3, max(height, rows) + more, max(width, columns) + more)
        assert prepared(conv, x)
        torch.testing.assert_close(prepared(conv, x)(x, nn.ReLU()), conv(x).relu(), rtol=1e-4, atol=1e-4)


@QUICK
@pytest.mark.parametrize("name", ["vgg16-tinyimagenet"])
@pytest.mark.parametrize("count", [1, 5])
def test_a_network_answers_as_step_by_step(name, count, monkeypatch, built_in_alone):
    monkeypatch.setenv("VISIONLAB_WEIGHTS", str(built_in_alone))
    net = load_classifier(name, "cpu")
    x = picture(count, 3, net.transform.crop, net.transform.crop)
    with torch.inference_mode():
        torch.testing.assert_close(through(net, net.module.steps(), x), net.module(x), rtol=1e-4, atol=1e-4)


@QUICK
@torch.inference_mode()
def test_a_relu_is_computed_with_the_convolution_before_it(monkeypatch):
    net, calls = tiny_classifier("cpu"), []
    compute = convolutions.Prepared.__call__

    def watched(conv, x, then=None):
        calls.append(type(then).__name__)
        return compute(conv, x, then)

    monkeypatch.setattr(convolutions.Prepared, "__call__", watched)
    through(net, net.module.steps(), picture(1, 3, 64, 64))
    assert calls == ["ReLU"] * sum(layer.kind == "conv" for layer in net.layers)


@QUICK
@given(cases(), st.floats(0, 1e3))
def test_nothing_is_larger_than_is_promised(case, most):
    conv, x = case
    x = x.sign() * most  # the worst that there is
    assert largest(x) == x.abs().max()
    quick = prepared(conv, x)
    assert largest(quick(x)) <= quick.reach(largest(x)) * (1 + 1e-5)


@QUICK
@torch.inference_mode()
@pytest.mark.parametrize(
    ("cut", "wrong"),
    [
        (nn.ReLU(), "weights"),  # ReLU6 lets nothing become infinite
        *((cut, wrong) for cut in (nn.ReLU(), nn.ReLU6()) for wrong in ("picture", "picture, between others")),
    ],
)
def test_what_is_no_number_is_never_hidden(cut, wrong):
    great = 3e38 if wrong == "weights" else 1.0
    steps = [
        filled(Conv(3, 4, 3, padding=1)),
        cut,
        nn.SiLU(),
        filled(SameConv(4, 4, 3, 2)),
        cut,
        filled(Conv(4, 2, 1)),
        cut,
    ]
    for step in steps:
        if isinstance(step, Conv):
            step.weight.copy_(torch.where(step.weight > 0, great, -great))
    x = 10 * picture(2, 3, 9, 9)
    if wrong != "weights":
        x[1, 1, 4, 4] = torch.nan
    net = tiny_classifier("cpu")
    expected = x
    for step in steps:
        expected = step(expected)
    found = through(net, [(str(i), step) for i, step in enumerate(steps)], x[1:] if wrong == "picture" else x)
    expected = expected[1:] if wrong == "picture" else expected
    assert expected.isnan().any()
    assert torch.equal(found.isnan(), expected.isnan())


@QUICK
@pytest.mark.parametrize("how", ["in place", "its data", "another", "another bias"])
def test_weights_that_are_changed_count_at_once(how):
    conv, x = filled(Conv(3, 4, 3)), picture(1, 3, 8, 8)
    before = prepared(conv, x)(x)
    weight = picture(*conv.weight.shape, seed=1)
    if how == "in place":
        conv.weight.copy_(weight)
    elif how == "its data":
        conv.weight.data = weight
    elif how == "another":
        conv.weight = nn.Parameter(weight, requires_grad=False)
    else:
        conv.bias = nn.Parameter(conv.bias + 1, requires_grad=False)
    after = prepared(conv, x)(x)
    assert not torch.allclose(before, after)
    torch.testing.assert_close(after, conv(x), rtol=1e-4, atol=1e-4)


@QUICK
def test_nothing_is_kept_of_a_network_that_is_gone():
    conv = filled(Conv(3, 4, 3))
    stepped(conv, picture(1, 3, 8, 8))
    laid_out = weakref.ref(convolutions._kept[conv].weight)
    del conv
    gc.collect()
    assert laid_out() is None


def test_a_gradient_goes_through_as_ever():
    conv = filled(Conv(3, 4, 3))
    x = picture(1, 3, 8, 8).requires_grad_()
    assert prepared(conv, x) is None
    stepped(conv, x).sum().backward()
    expected = F.conv_transpose2d(torch.ones(1, 4, 6, 6), conv.weight)
    torch.testing.assert_close(x.grad, expected, rtol=1e-4, atol=1e-4)
    learns = Conv(3, 4, 3).requires_grad_()
    assert prepared(learns, x.detach()) is None
    with torch.no_grad():
        assert bool(prepared(learns, x)) == bool(convolutions._precisions())


@pytest.mark.parametrize(
    ("conv", "dtype", "device"),
    [
        (nn.Conv2d(3, 4, 3, padding=1, padding_mode="reflect"), torch.float32, "cpu"),
        (nn.Conv2d(3, 4, 3, padding="same"), torch.float32, "cpu"),
        (nn.Conv2d(3, 4, 3).double(), torch.float64, "cpu"),
        (nn.Conv2d(3, 4, 3), torch.float64, "cpu"),
        (nn.Conv2d(3, 4, 3, device="meta"), torch.float32, "meta"),
        (type("Mine", (nn.Conv2d,), {})(3, 4, 3), torch.float32, "cpu"),
        (nn.ReLU(), torch.float32, "cpu"),
        (torch.relu, torch.float32, "cpu"),
    ],
)
@torch.no_grad()
def test_everything_else_is_left_to_torch(conv, dtype, device):
    assert (
        prepared(conv, torch.zeros(1, 3, 8, 8, dtype=dtype, device=device).to(memory_format=torch.channels_last))
        is None
    )


def test_whoever_turns_onednn_off_is_obeyed():
    conv, x = filled(Conv(3, 4, 3)), picture(1, 3, 8, 8)
    with torch.backends.mkldnn.flags(enabled=False):
        assert prepared(conv, x) is None
        torch.testing.assert_close(stepped(conv, x), conv(x))
    assert prepared(conv, x[:0]) is None


def test_only_what_cuts_off_below_0_is_fused():
    assert [is_fused(each) for each in (nn.ReLU(), nn.ReLU6(), nn.SiLU(), nn.MaxPool2d(2), torch.relu)] == [
        *(True, True, False, False, False)
    ]


@pytest.mark.skipif(torch.bfloat16 not in convolutions._precisions(), reason="this processor has no bfloat16")
def test_in_half_precision_it_is_what_torch_computes():
    conv = filled(Conv(16, 8, 3, padding=1)).bfloat16()
    x = picture(2, 16, 9, 9).bfloat16()
    torch.testing.assert_close(prepared(conv, x)(x, nn.ReLU()), conv(x).relu(), rtol=2e-2, atol=2e-2)
