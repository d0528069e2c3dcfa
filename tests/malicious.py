"""A pickle that runs code when it is loaded: it touches a file."""

from pathlib import Path


class Malicious:
    def __init__(self, trace: Path):
        self.trace = trace

    def __reduce__(self):
        return Path.touch, (self.trace,)
