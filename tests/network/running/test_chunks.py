import platform
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny import tiny_classifier, with_room
from torch import nn

from visionlab.network.inside.activations import network_steps
from visionlab.network.running import chunks
from visionlab.network.running.chunks import through
from visionlab.network.zoo.steps import Shortcut, Sum

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


@torch.inference_mode()
def test_what_somebody_keeps_is_not_written_over():
    shortcut, around = Shortcut(), Shortcut()
    convolution = nn.Conv2d(3, 3, 1)
    steps = [nn.ReLU(), around, convolution, shortcut, nn.ReLU(), Sum(shortcut, ""), Sum(around, "")]
    x = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    given = x.clone()
    made = convolution(given.relu())
    expected = made + made.relu() + given.relu()
    torch.testing.assert_close(through(NET, [(str(i), step) for i, step in enumerate(steps)], x), expected)
    assert torch.equal(x, given)


@torch.inference_mode()
@pytest.mark.parametrize("cut", [nn.ReLU(), nn.ReLU6()])
def test_a_map_that_nobody_keeps_is_written_over(cut):
    made = []
    steps = [("conv", nn.Conv2d(3, 5, 1)), ("cut", cut), ("sum", lambda x: made.append(x) or x * 10)]
    steps[0][1].register_forward_hook(lambda *given: made.append(given[-1]))
    x = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0)) * 9
    torch.testing.assert_close(through(NET, steps, x), cut(steps[0][1](x)) * 10)
    assert made[0].data_ptr() == made[1].data_ptr()


FAULTS = """
import ctypes, resource, sys
sys.path.insert(0, "tests")
import torch
from tiny import tiny_classifier, with_room
from visionlab.network.running.chunks import through
from visionlab.network.zoo.vgg import Plan
net = tiny_classifier(plan=Plan(((24, 24), (4,), (4,), (4,), (4,)), pool=1, hidden=(4, 4), classes=3))
x, faults = torch.zeros(1, 3, 224, 224), []
with torch.inference_mode():
    for _ in range(8):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        through(net, net.module.steps(), x)
        faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
print(sorted(faults)[4])

class Told(ctypes.Structure):  # what mallinfo2(3) gives
    _fields_ = [(name, ctypes.c_size_t) for name in "arena ordblks smblks hblks hblkhd a b c d e".split()]
tell = ctypes.CDLL(None).mallinfo2
tell.restype = Told
before = tell().hblks
large = torch.empty(32_000_000, dtype=torch.uint8)
print(tell().hblks - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="it is glibc that is told to keep memory")
def test_memory_of_layers_is_kept_for_the_next_picture():
    root = Path(__file__).resolve().parents[3]  # by itself: what else ran here has told glibc more
    run = subprocess.run([sys.executable, "-c", FAULTS], cwd=root, capture_output=True, text=True, check=True)
    faults, apart = map(int, run.stdout.split())
    assert faults < 200, "pages; a layer of 4.8 MB has 1,176"
    assert apart == 0, "a block of 32 MB comes from what is kept"


@pytest.mark.parametrize(("most", "sizes"), [(9, {7}), (4, {3, 4}), (1, {1}), (0, {7})])
def test_what_has_no_room_on_a_gpu_goes_in_halves_and_at_last_on_the_cpu(monkeypatch, most, sizes):
    net = tiny_classifier()
    x = torch.randn(7, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    for steps in (net.module.steps()[:4], network_steps(net)):
        expected = through(net, steps, x)
        with monkeypatch.context() as patched:
            tight = tiny_classifier()
            room = with_room(tight, most, patched)
            torch.testing.assert_close(through(tight, network_steps(tight)[: len(steps)], x), expected)
            assert set(room.sizes) == sizes
            assert (room.most == float("inf")) == (most == 0)
