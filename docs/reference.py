"""Writes the reference of the public names, from their docstrings: python docs/reference.py FOLDER (make docs)."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pdoc

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import visionlab


def write(folder: Path) -> None:
    """folder/index.html leads to a page of what `import visionlab` gives, in the order of __init__.pyi, and to one of
    the module among these."""
    stub = ast.parse(Path(visionlab.__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    names = [alias.asname for node in stub.body if isinstance(node, ast.ImportFrom) for alias in node.names]
    visionlab.__all__ = names
    for name in names:
        setattr(visionlab, name, getattr(visionlab, name))  # pdoc looks into the module, which is filled late
    pdoc.render.configure(show_source=False)
    pdoc.pdoc("visionlab", "!visionlab[.].*", visionlab.training.__name__, output_directory=folder)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Name the folder to write into: python docs/reference.py FOLDER")
    write(Path(sys.argv[1]))
