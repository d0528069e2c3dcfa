"""What an average takes away is added, by hand and by what it does to contrast."""

import numpy as np
import pytest
from imaging.operations.pictures import NOISE, SOFT, run

from visionlab.imaging.filters import FILTERS


def test_unsharp_mask_sharpens_and_none_of_it_changes_nothing():
    soft = FILTERS["gaussian_blur"].apply(NOISE)
    assert FILTERS["unsharp_mask"].apply(soft).var() > soft.var()
    assert np.array_equal(FILTERS["unsharp_mask"].apply(NOISE, amount=0), NOISE)


def test_sharpening_by_hand():
    dot = np.full((5, 5, 3), 100, np.uint8)
    dot[2, 2] = 120
    assert run("sharpen", dot, amount=0.5)[2, :, 0].tolist() == [100, 90, 160, 90, 100]


@pytest.mark.parametrize("name", ["sharpen", "detail"])
def test_sharpening_sharpens_and_none_of_it_changes_nothing(name):
    assert run(name, SOFT).var() > SOFT.var()
    assert np.array_equal(run(name, NOISE, amount=0), NOISE)
