import numpy as np
import pytest
from tiny import tiny_classifier

from visionlab.learning.embedding import embed
from visionlab.network.activations import feature_maps


@pytest.mark.gpu
def test_features_are_the_embedding_layers_values(tiny, noise):
    images = [np.roll(noise, i, 0) for i in range(3)]
    found = embed(tiny, images)
    expected = [feature_maps(tiny, image, ["relu7"])["relu7"].values.ravel() for image in images]
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.stack(expected), rtol=1e-4, atol=1e-5)


def test_progress_ends_at_the_number_of_pictures(noise):
    told = []
    assert len(embed(tiny_classifier(), [noise] * 70, lambda done, total: told.append((done, total)))) == 70
    assert told == [(32, 70), (64, 70), (70, 70)]


def test_no_pictures_have_no_features():
    assert embed(tiny_classifier(), []).shape[0] == 0
