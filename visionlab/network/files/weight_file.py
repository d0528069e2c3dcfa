"""What a weight file is called, where it comes from, and by which digits it is known."""

from __future__ import annotations

import re
from dataclasses import dataclass

from visionlab.network.files.packages import PackagedFile

_DIGITS = re.compile(r"-([0-9a-fA-F]{8,64})(\.[^-]*)?$")


@dataclass(frozen=True)
class WeightFile:
    """A weight file by its name; size in bytes is for telling people before a download, and is not relied on.

    sha256 is for files whose names do not hold its first digits. It comes from the url, or is made of the source.
    """

    name: str
    url: str | None = None
    size: int | None = None
    sha256: str | None = None
    source: PackagedFile | None = None

    @property
    def digits(self) -> str | None:
        """The first hex digits of the file's SHA-256: all 64, or what follows the name's last dash, if 8 or more."""
        if self.sha256 is not None:
            return self.sha256
        match = _DIGITS.search(self.name)
        return match[1].lower() if match else None

    @property
    def can_be_had(self) -> bool:
        """Whether there is somewhere to download it, or what it is made of, from."""
        return self.url is not None or self.source is not None

    @property
    def to_download(self) -> int | None:
        """The bytes that a download brings, where they are known."""
        return self.source.size if self.source else self.size
