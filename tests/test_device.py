import os
import subprocess
import sys

import pytest
import torch

from visionlab.device import describe, half_precision, resolve
from visionlab.errors import ParameterError


def test_auto_is_the_gpu_where_there_is_one():
    assert resolve("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert resolve("cpu") == resolve(torch.device("cpu")) == torch.device("cpu")
    assert describe()


def test_no_device_is_named():
    with pytest.raises(ParameterError, match="“abacus” is no device"):
        resolve("abacus")
    if not torch.cuda.is_available():
        with pytest.raises(ParameterError, match="no CUDA GPU"):
            resolve("cuda")


@pytest.mark.gpu
def test_half_precision_computes_where_it_is_offered(device):
    precision = half_precision(device)
    assert precision in (torch.bfloat16, None)
    if precision is not None:
        x = torch.randn(8, 3, 16, 16, device=device)
        layer = torch.nn.Conv2d(3, 4, 3).to(device)
        with torch.autocast(device.type, dtype=precision):
            assert layer(x).dtype == precision


@pytest.mark.skipif(sys.platform != "linux", reason="other systems' libraries hand memory back by themselves")
def test_freed_memory_is_handed_back():
    code = """
import numpy as np
from visionlab.device import give_back_memory

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

blocks = [np.ones(90_000, np.uint8) for _ in range(2000)]  # small enough for the heap
top = np.ones(90_000, np.uint8)  # what keeps the heap from shrinking by itself
most = resident()
del blocks
kept = resident()
give_back_memory()
print(most - resident() > 150_000_000, most - kept < 150_000_000)
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["True", "True"]


SET = {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"}


@pytest.mark.parametrize(
    ("told", "then"),
    [({}, "10000"), ({"GOMP_SPINCOUNT": "7"}, "7"), ({"OMP_WAIT_POLICY": "passive"}, "None")],
)
def test_threads_that_have_finished_soon_sleep_unless_the_environment_says_otherwise(told, then):
    program = "import os, sys, visionlab; assert 'torch' not in sys.modules; print(os.environ.get('GOMP_SPINCOUNT'))"
    beside = {name: value for name, value in os.environ.items() if name not in SET}
    done = subprocess.run(
        [sys.executable, "-c", program], env=beside | told, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == then
