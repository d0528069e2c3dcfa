import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import tiny_classifier

from visionlab.network import chunks
from visionlab.network.activations import network_steps
from visionlab.network.chunks import through

NET = tiny_classifier("cpu")
LARGEST = max(layer.shape[0] * layer.shape[1] * layer.shape[2] for layer in NET.layers if layer.in_place) * 4  # bytes


@pytest.fixture
def seen(monkeypatch):
    """The numbers of pictures that each step was given, by path."""
    sizes: dict[str, list[int]] = {}

    def watched(path, step):
        def run(x):
            sizes.setdefault(path, []).append(len(x))
            return step(x)

        return path, run

    return sizes, [watched(path, step) for path, step in network_steps(NET)]


@settings(deadline=None)
@given(st.integers(1, 9), st.integers(1, 4), st.integers(1, 12))
def test_the_answer_is_that_of_the_whole_batch(count, most, end):
    x = torch.randn(count, 3, 64, 64, generator=torch.Generator().manual_seed(count))
    steps = network_steps(NET)[:end]
    expected = x
    with pytest.MonkeyPatch.context() as patch, torch.inference_mode():
        patch.setattr(chunks, "KEPT", most * LARGEST)
        for _, step in steps:
            expected = step(expected)
        torch.testing.assert_close(through(NET, steps, x), expected, rtol=1e-4, atol=1e-5)


def test_layers_with_places_get_a_few_pictures_and_the_others_all(seen, monkeypatch):
    sizes, steps = seen
    monkeypatch.setattr(chunks, "KEPT", 4 * LARGEST)
    through(NET, steps, torch.randn(9, 3, 64, 64))
    conv, dense = NET.layer("conv1_1").module, NET.layer("fc6").module
    assert sizes[conv] == [3, 3, 3]  # nobody goes alone
    assert sizes[dense] == [9]


def test_a_larger_input_makes_smaller_chunks(seen, monkeypatch):
    sizes, steps = seen
    monkeypatch.setattr(chunks, "KEPT", 4 * LARGEST)
    through(NET, steps, torch.randn(4, 3, 128, 128))
    assert sizes[NET.layer("conv1_1").module] == [1, 1, 1, 1]


def test_what_fits_goes_at_once(seen):
    sizes, steps = seen
    through(NET, steps, torch.randn(7, 3, 64, 64))
    assert {len(each) for each in sizes.values()} == {1}
