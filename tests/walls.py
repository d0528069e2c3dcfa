"""What a module may import, by where it lies: the rules that test_architecture.py holds every file to.

Places are paths from the root of the project: visionlab/ui/maps/look.py, pages/4_Predict.py, home.py.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import visionlab

ROOT = Path(visionlab.__file__).parent
PROJECT = ROOT.parent
SOURCES = sorted(ROOT.rglob("*.py"))
STUB = "visionlab/__init__.pyi"  # lazy_loader reads it: of all there, it alone imports by relative names
SCRIPTS = sorted([*PROJECT.glob("pages/*.py"), PROJECT / "home.py", PROJECT / "streamlit_app.py"])
BASE = ["errors", "wording", "device", "writing", "packing", "limits"]  # from the bottom
LIBRARY = [*BASE, "imaging", "network", "learning"]
LAYERS = {  # of visionlab, whom each may import: what lies below it, and itself
    **{name: LIBRARY[: place + 1] for place, name in enumerate(LIBRARY)},
    "ui": [*LIBRARY, "ui"],
    "cli": [*LIBRARY, "cli", ""],  # "" is `import visionlab as vl`: the shell is a user's script
    "__main__": ["cli"],
    "__init__": [],  # its names are in __init__.pyi
    STUB: LIBRARY,
    **{name: [*LIBRARY, "ui"] for name in ("pages", "home", "streamlit_app")},
}
ROOMS_OF_UI = {"home": {"shared"}, "streamlit_app": {"serving"}}  # a page: its own, and shared
WALLED = {  # what others made, and who alone imports it; imaging/convolution.py: the GPU's way alone takes torch
    "streamlit": ("visionlab/ui/", "pages/", "home.py", "streamlit_app.py", "visionlab/cli/serving.py"),
    "plotly": ("visionlab/ui/", "pages/"),
    "starlette": ("visionlab/ui/serving/",),
    "typer": ("visionlab/cli/", "visionlab/learning/builtin/"),
    "rich": ("visionlab/cli/",),
    "torch": ("visionlab/imaging/convolution.py", "visionlab/network/", "visionlab/learning/", "visionlab/device.py"),
    "torchvision": ("visionlab/network/", "visionlab/learning/"),
    "lazy_loader": ("visionlab/__init__.py", "visionlab/learning/heads/__init__.py"),
}
BESIDE = {"pages", "tests", "docs", "benchmarks"} | {path.stem for path in SCRIPTS}  # of the project, in no wheel
BESIDE |= {path.stem for path in (PROJECT / "tests").iterdir()}  # that folder is on the path of whoever runs the tests
UNSEEN = {  # import, or run, what is worked out late
    *("import_module", "__import__", "run_path", "run_module", "resolve_name", "exec_module", "load_module"),
    *("locate", "safeimport", "exec", "eval", "builtins", "__builtins__", "sys.modules"),
}
SENT_AWAY = ROOT / "learning" / "takeaway" / "contents"  # goes into a zip: no part of the library


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__")


PATHS = {name_of(path): path for path in SOURCES}


def imported(code: str) -> set[str]:
    """The modules and packages whose code it asks for: of “from package import module” the module alone; and those
    that it takes out of sys.modules by their names.

    `import visionlab.a.b` without “as” binds visionlab, and with it all that is there.
    """
    tree = ast.parse(code)
    names, _ = _out_of_sys_modules(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name if alias.asname else alias.name.partition(".")[0] for alias in node.names)
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            names.update(name if name in PATHS else "." * node.level + (node.module or "") for name in inner)
    return names


def broken(place: str, code: str) -> list[str]:
    """What a file there, with that code, imports against the rules: a sentence each."""
    found = [f"{place} imports {name}: {why}" for name in sorted(imported(code)) for why in _why_not(place, name)]
    if not place.startswith(SENT_AWAY.relative_to(PROJECT).as_posix()):
        found += [f"{place} uses {name}: no rule sees what that imports" for name in sorted(_names(code) & UNSEEN)]
    return found


def _why_not(place: str, name: str) -> Iterator[str]:
    parts = Path(place).with_suffix("").parts
    layer = STUB if place == STUB else parts[1] if parts[0] == "visionlab" else parts[0]
    if place == STUB and name.startswith("."):
        name = f"visionlab{name}"
    top, _, inner = name.partition(".")
    if name.startswith("."):
        yield "imports are absolute"
    elif top == "visionlab":
        if inner.partition(".")[0] not in LAYERS[layer]:
            yield f"{layer} may import {', '.join(filter(None, LAYERS[layer]))} of visionlab"
        if inner and place.startswith(name.replace(".", "/") + "/"):
            yield "this is the folder that it lies in, with all that is there"
        room = parts[2] if parts[:2] == ("visionlab", "ui") and len(parts) > 2 else None
        walls = {room, "shared"} if room else ROOMS_OF_UI.get(layer)
        if inner.split(".")[0] == "ui" and (inner == "ui" or (walls and inner.split(".")[1] not in walls)):
            yield "a room of ui imports itself and shared/, home.py shared/, streamlit_app.py serving/"
    elif top in BESIDE:
        yield "this is no part of the library"
    elif top in WALLED and not place.startswith(WALLED[top]):
        yield f"{', '.join(WALLED[top])} alone may"


def _names(code: str) -> set[str]:
    tree = ast.parse(code)
    nodes = list(ast.walk(tree))
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    names |= {node.attr for node in nodes if isinstance(node, ast.Attribute)} - {"eval"}  # a network's, that is
    names |= {alias.name for node in nodes if isinstance(node, ast.Import | ast.ImportFrom) for alias in node.names}
    return names | ({"sys.modules"} if _out_of_sys_modules(tree)[1] else set())


def _out_of_sys_modules(tree: ast.AST) -> tuple[set[str], bool]:
    """What it takes out of sys.modules by name, and whether it does more with that than to take so, and to count."""
    names: list[str] = []
    uses, counted = 0, 0
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(ast.Name("sys"), "modules"):
                uses += 1
            case ast.Import(names=[*given]) if any(each.name == "sys" and each.asname for each in given):
                uses += 1  # what it is called is not followed
            case ast.ImportFrom(module="sys", names=[*given]) if {"modules", "*"} & {each.name for each in given}:
                uses += 1
            case ast.Call(ast.Name("len"), [ast.Attribute(ast.Name("sys"), "modules")]):
                counted += 1
            case ast.Subscript(ast.Attribute(ast.Name("sys"), "modules"), ast.Constant(str(name))):
                names.append(name)
            case ast.Call(
                ast.Attribute(ast.Attribute(ast.Name("sys"), "modules"), "get"), [ast.Constant(str(name)), *_]
            ):
                names.append(name)
    return set(names), uses > len(names) + counted
