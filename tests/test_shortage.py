import errno
import os

import cv2
import numpy as np
import pytest
import torch

from visionlab.errors import BusyError
from visionlab.shortage import NO_DISK, NO_MEMORY, lacks_memory, shortages_told


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (MemoryError(), NO_MEMORY),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."), NO_MEMORY),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried …"), NO_MEMORY),
        (RuntimeError("can't start new thread"), NO_MEMORY),
        (cv2.error("(-4:Insufficient memory) Failed to allocate 480000000 bytes"), NO_MEMORY),
        (OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)), NO_MEMORY),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), NO_DISK),
        (OSError(errno.EFBIG, os.strerror(errno.EFBIG)), NO_DISK),
    ],
)
def test_what_the_machine_lacks_is_a_sentence(error, told):
    with pytest.raises(BusyError) as raised, shortages_told():
        raise error
    assert str(raised.value) == told
    assert raised.value.__cause__ is error


@pytest.mark.parametrize(
    "error", [RuntimeError("mat1 and mat2"), OSError(errno.EIO, "I/O"), ValueError("out of memory")]
)
def test_other_errors_surface_as_they_are(error):
    with pytest.raises(type(error)) as raised, shortages_told():
        raise error
    assert raised.value is error


def test_what_numpy_and_torch_really_raise_is_known():
    for allocate in (lambda: np.empty(2**60, np.uint8), lambda: torch.empty(2**60, dtype=torch.uint8)):
        with pytest.raises((MemoryError, RuntimeError)) as raised:
            allocate()
        assert lacks_memory(raised.value)
