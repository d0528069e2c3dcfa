"""What a machine may be short of, memory or room on its disk, told in a sentence instead of a traceback."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager

from visionlab.errors import BusyError

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # the disk, a share of it, or the largest file that may be written
NO_DISK = "The disk is full, so nothing was changed; make room on it, or delete projects, and try again."
NO_MEMORY = (
    "There is not enough memory left for this, so it was not done, and what was there stays. Try again in a moment, or "
    "with fewer or smaller pictures."
)
# As torch and OpenCV have it, whose errors have no kind of their own for this, and Python of a thread's stack.
_NO_ROOM = re.compile(
    r"not enough memory|can't allocate memory|out of memory|insufficient memory|can't start new thread", re.IGNORECASE
)


def lacks_memory(error: BaseException) -> bool:
    """Whether an error says that memory was not to be had."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    told = isinstance(error, RuntimeError) or type(error).__module__ == "cv2"
    return isinstance(error, MemoryError) or (told and bool(_NO_ROOM.search(str(error))))


@contextmanager
def shortages_told() -> Iterator[None]:
    """For where work begins that a person waits for: memory or a disk that is full becomes a BusyError."""
    try:
        yield
    except Exception as error:
        if lacks_memory(error):
            raise BusyError(NO_MEMORY) from error
        if isinstance(error, OSError) and error.errno in FULL:
            raise BusyError(NO_DISK) from error
        raise
