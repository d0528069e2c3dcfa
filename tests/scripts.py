"""Python code that the app hands out, run as its user runs it."""

import runpy
import sys
from pathlib import Path

import pytest


def run_script(code: str, folder: Path, *arguments: str | Path) -> None:
    """As a script, with these arguments, in this process: one of its own would spend its time importing."""
    (folder / "pipeline.py").write_text(code, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["pipeline.py", *map(str, arguments)])
        runpy.run_path(str(folder / "pipeline.py"), run_name="__main__")
