"""Winograd's convolution beside torch's own, in double precision."""

import pytest
import torch
import torch.nn.functional as F

from visionlab.learning.builtin.winograd import AT, BT, WINDOW, G, Winograd


@pytest.mark.parametrize(("height", "width"), [(4, 4), (8, 12), (7, 5), (1, 1), (3, 9)])
def test_it_computes_what_a_convolution_computes(device, height, width):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(3, height, width, 5, generator=generator)
    weight, bias = torch.randn(7, 5, 3, 3, generator=generator), torch.randn(7, generator=generator)
    expected = F.conv2d(x.permute(0, 3, 1, 2).double(), weight.double(), bias.double(), padding=1).permute(0, 2, 3, 1)
    found = Winograd(weight.to(device), bias.to(device))(x.to(device)).cpu()
    torch.testing.assert_close(found.double(), expected, rtol=0, atol=1e-5 * float(expected.abs().max()))


def test_the_matrices_give_four_sums_of_three_products_exactly():
    """In one dimension AT ((G g) ⊙ (BT d)) is the correlation of d with g, whatever they are."""
    g, bt, at = (torch.tensor(m, dtype=torch.float64) for m in (G, BT, AT))
    for i in range(WINDOW):
        for j in range(3):
            d, k = torch.eye(WINDOW, dtype=torch.float64)[i], torch.eye(3, dtype=torch.float64)[j]
            expected = torch.tensor([float(place + j == i) for place in range(4)], dtype=torch.float64)
            torch.testing.assert_close(at @ ((g @ k) * (bt @ d)), expected, rtol=0, atol=1e-12)
