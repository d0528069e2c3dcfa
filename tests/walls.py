"""What a module may import, by where it lies: the rules that test_architecture.py holds every file to.

Places are paths from the root of the project: visionlab/ui/maps/look.py, pages/4_Predict.py, home.py.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import visionlab

ROOT = Path(visionlab.__file__).parent
PROJECT = ROOT.parent
SOURCES = sorted(ROOT.rglob("*.py"))
STUB = "visionlab/__init__.pyi"  # lazy_loader reads it: of all there, it alone imports by relative names
PAGES = sorted(PROJECT.glob("pages/*.py"))
SCRIPTS = sorted([*PROJECT.glob("*.py"), *PROJECT.glob("pages/**/*.py")])  # beside the package, whoever wrote them
BASE = ["errors", "wording", "shortage", "device", "writing", "packing", "limits", "garbage"]  # from the bottom
LIBRARY = [*BASE, "imaging", "network", "learning"]
LAYERS = {  # of visionlab, whom each may import: what lies below it, and itself
    **{name: LIBRARY[: place + 1] for place, name in enumerate(LIBRARY)},
    "cluster": [*LIBRARY, "cluster", ""],  # "" is `import visionlab`, whose version nodes compare
    "ui": [*LIBRARY, "cluster", "ui"],
    "cli": [*LIBRARY, "cluster", "cli", ""],  # "" is `import visionlab as vl`: the shell is a user's script
    "__main__": ["cli"],
    "__init__": [],  # its names are in __init__.pyi
    STUB: LIBRARY,
    **{name: [*LIBRARY, "ui"] for name in ("pages", "home", "streamlit_app")},
    "setup": [],
}
ROOMS_OF_PAGES = {  # of ui, whose rooms are walled: each page imports its own, and shared
    "pages/1_Convolution.py": "convolution",
    "pages/2_Filters.py": "filters",
    "pages/3_Feature_maps.py": "maps",
    "pages/4_Predict.py": "predict",
    "pages/5_Fine_tune.py": "studio",
    "pages/6_From_scratch.py": "scratch",
}
ROOMS_OF_UI = {**{page: {room, "shared"} for page, room in ROOMS_OF_PAGES.items()}, "home.py": {"shared"}}
ROOMS_OF_UI["streamlit_app.py"] = {"serving"}
ALLOWED = {  # {a place: what others made that all in it may import, early or late, beside what wider places may}
    "visionlab/__init__.py": {"lazy_loader"},
    "visionlab/device.py": {"torch", "threadpoolctl"},
    "visionlab/packing.py": {"numpy", "safetensors.SafetensorError", "safetensors.numpy"},  # not safetensors.torch
    "visionlab/imaging/": {"numpy", "cv2", "scipy.fft"},
    "visionlab/imaging/convolution.py": {"torch"},  # the GPU's way alone
    "visionlab/imaging/guards.py": {"PIL"},
    "visionlab/imaging/image.py": {"PIL", "pi_heif"},
    "visionlab/imaging/pixels.py": {"PIL"},
    "visionlab/network/": {"numpy", "torch"},
    "visionlab/network/changes/": {"cv2"},
    "visionlab/network/explain/": {"captum.attr", "cv2", "scipy"},
    "visionlab/network/files/": {"filelock"},
    "visionlab/network/files/reading.py": {"safetensors"},
    "visionlab/network/files/weights.py": {"platformdirs"},
    "visionlab/network/inside/channels.py": {"cv2"},
    "visionlab/network/zoo/": {"torchvision.models"},
    "visionlab/network/zoo/oxford.py": {"onnx", "google.protobuf"},
    "visionlab/learning/": {"numpy"},
    "visionlab/learning/answers/": {"torch"},
    "visionlab/learning/builtin/": {"torch", "typer"},  # scripts of this project's own
    "visionlab/learning/builtin/corpus.py": {"PIL"},
    "visionlab/learning/features/": {"torch", "scipy"},
    "visionlab/learning/features/augmentation.py": {"cv2"},
    "visionlab/learning/heads/": {"torch"},
    "visionlab/learning/heads/__init__.py": {"lazy_loader"},
    "visionlab/learning/judging/": {"scipy"},
    "visionlab/learning/judging/baselines.py": {"cv2"},
    "visionlab/learning/judging/evaluation.py": {"torch"},
    "visionlab/learning/judging/nearness.py": {"sklearn", "umap"},
    "visionlab/learning/projects/": {"filelock"},
    "visionlab/learning/projects/place.py": {"platformdirs"},
    "visionlab/learning/scratch/": {"torch"},
    "visionlab/learning/sets/names.py": {"charset_normalizer"},
    "visionlab/learning/sets/online_sets.py": {"platformdirs", "torchvision.datasets"},
    "visionlab/learning/sets/reading.py": {"cv2", "torchvision.datasets"},
    "visionlab/learning/sets/ready_made.py": {"skimage", "sklearn"},
    "visionlab/learning/sets/similar.py": {"PIL", "cv2", "imagehash", "scipy"},
    "visionlab/learning/takeaway/export.py": {"torch", "onnxruntime"},
    "visionlab/learning/takeaway/contents/": {"onnxruntime", "pi_heif"},  # of the zip: what its requirements.txt brings
    "visionlab/cluster/": {"ray", "numpy", "torch", "pyarrow", "fsspec"},  # the one place for Ray
    "visionlab/ui/": {"streamlit", "numpy"},
    "visionlab/ui/convolution/kernel_facts.py": {"cv2"},
    "visionlab/ui/maps/unit_pictures.py": {"cv2"},
    "visionlab/ui/scratch/": {"plotly"},
    "visionlab/ui/serving/": {"starlette"},
    "visionlab/ui/shared/charts.py": {"plotly"},
    "visionlab/ui/shared/widgets.py": {"pandas"},
    "visionlab/ui/studio/": {"plotly"},
    "visionlab/cli/": {"typer", "rich"},
    "visionlab/cli/looking.py": {"numpy"},
    "visionlab/cli/predicting.py": {"numpy"},
    "visionlab/cli/serving.py": {"streamlit.web.cli"},
    "pages/": {"streamlit"},
    "home.py": {"streamlit"},
    "streamlit_app.py": {"streamlit"},
    "setup.py": {"setuptools"},
}
NEAR = (PROJECT, PROJECT / "pages", PROJECT / "tests")  # on the path of who serves, or tests: no part of the library
BESIDE = {path.stem for folder in NEAR for path in folder.iterdir() if path.is_dir() or path.suffix == ".py"}
UNSEEN = {  # import, or run, what is worked out late
    *("import_module", "__import__", "run_path", "run_module", "resolve_name", "exec_module", "load_module"),
    *("locate", "safeimport", "exec", "eval", "builtins", "__builtins__", "sys.modules"),
}
MODULE = re.compile(r"\bvisionlab(?:\.\w+)+")
SENT_AWAY = ROOT / "learning" / "takeaway" / "contents"  # goes into a zip: no part of the library


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__")


PATHS = {name_of(path): path for path in SOURCES}


def imported(code: str) -> set[str]:
    """The modules and packages whose code it asks for: of “from package import module” the module alone, of what others
    made what is taken out of it, too; and those that it takes out of sys.modules by their names.

    `import visionlab.a.b` without “as” binds visionlab, and with it all that is there.
    """
    tree = ast.parse(code)
    names, _ = _out_of_sys_modules(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name if alias.asname else alias.name.partition(".")[0] for alias in node.names)
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            outer = "." * node.level + (node.module or "")
            own = outer.partition(".")[0] in ("", "visionlab")
            inner = {f"{outer}.{alias.name}" for alias in node.names}
            names.update(outer if own and name not in PATHS else name for name in inner)
    return names


def broken(place: str, code: str) -> list[str]:
    """What a file there, with that code, imports against the rules: a sentence each."""
    if (place.startswith("pages/") and place not in ROOMS_OF_PAGES) or _layer(place) not in LAYERS:
        return [f"{place}: tests/walls.py says nothing of who that is"]
    found = [f"{place} imports {name}: {why}" for name in sorted(imported(code)) for why in _why_not(place, name)]
    found += [f"{place} says “{name}”: {why}" for name in sorted(said(code)) for why in _why_not(place, name)]
    if not place.startswith(SENT_AWAY.relative_to(PROJECT).as_posix()):
        found += [f"{place} uses {name}: no rule sees what that imports" for name in sorted(_names(code) & UNSEEN)]
    return found


def _why_not(place: str, name: str) -> Iterator[str]:
    layer = _layer(place)
    if place == STUB and name.startswith("."):
        name = f"visionlab{name}"
    top, _, inner = name.partition(".")
    if name.startswith("."):
        yield "imports are absolute"
    elif top == "visionlab":
        if inner.partition(".")[0] not in LAYERS[layer]:
            yield f"{layer} may import {', '.join(filter(None, LAYERS[layer])) or 'nothing'} of visionlab"
        if inner and place.startswith(name.replace(".", "/") + "/"):
            yield "this is the folder that it lies in, with all that is there"
        room = place.split("/")[2] if place.startswith("visionlab/ui/") else None
        walls = {room, "shared"} if room else ROOMS_OF_UI.get(place)
        if inner.split(".")[0] == "ui" and (inner == "ui" or (walls and inner.split(".")[1] not in walls)):
            yield "a room of ui imports itself and shared/, a page its own and shared/, streamlit_app.py serving/"
    elif top in BESIDE:
        yield "this is no part of the library"
    elif top not in sys.stdlib_module_names:
        allowed = {each for where, names in ALLOWED.items() if place.startswith(where) for each in names}
        if not any(covers(each, name) for each in allowed):
            yield f"of what others made it may import {', '.join(sorted(allowed)) or 'nothing'}"


def _layer(place: str) -> str:
    parts = Path(place).with_suffix("").parts
    return STUB if place == STUB else parts[1] if parts[0] == "visionlab" else parts[0]


def covers(allowed: str, name: str) -> bool:
    return f"{name}.".startswith(f"{allowed}.")


def said(code: str) -> set[str]:
    """The modules of visionlab's layers that its strings name, but for docstrings: find_spec and patch find these."""
    named = {name for text in strings(code) for name in MODULE.findall(text)}
    return {name for name in named if name.split(".")[1] in LAYERS}


def strings(code: str) -> set[str]:
    """Those that it does something with: all but docstrings."""
    nodes = [*ast.walk(ast.parse(code))]
    told = {node.value for node in nodes if isinstance(node, ast.Expr)}
    texts = {node.value for node in nodes if isinstance(node, ast.Constant) and node not in told}
    return {text for text in texts if isinstance(text, str)}


def _names(code: str) -> set[str]:
    tree = ast.parse(code)
    nodes = list(ast.walk(tree))
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    names |= {node.attr for node in nodes if isinstance(node, ast.Attribute)} - {"eval"}  # a network's, that is
    names |= {alias.name for node in nodes if isinstance(node, ast.Import | ast.ImportFrom) for alias in node.names}
    texts = strings(code)
    unknown = _out_of_sys_modules(tree)[1] or "modules" in texts  # getattr(sys, "modules")
    return names | texts | ({"sys.modules"} if unknown else set())


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
