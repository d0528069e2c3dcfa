"""The rules of the design: imports go one way (walls.py), rooms are named and not full, documents tell the truth."""

import ast
import collections.abc
import importlib.util
import inspect
import pkgutil
import re
import runpy
import subprocess
import sys
from collections import defaultdict
from itertools import count
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
import torch
from walls import (
    ALLOWED,
    PAGES,
    PATHS,
    PROJECT,
    ROOMS_OF_PAGES,
    ROOT,
    SCRIPTS,
    SENT_AWAY,
    SOURCES,
    STUB,
    broken,
    covers,
    imported,
    name_of,
    strings,
)

import visionlab

FULL = 14  # modules in a room, at most; a folder of a single module is one of them
CROWDED = {  # rooms that hold more, and why
    "visionlab/ui/shared/components": "all built alike, with their JavaScript: none knows a page or, but for what they "
    "share, another, so that the list in their docstring is all that one has to know",
}
ROOMS = sorted({path.parent for path in SOURCES if path.name == "__init__.py"})
OF_UI = [room.name for room in ROOMS if room.parent == ROOT / "ui"]
TEST = re.compile(r"^def (test_\w+)", re.MULTILINE)
SLOW = {"ray", "captum", "torchvision", "sklearn", "skimage", "onnx", "onnxruntime", "imagehash"}
APART = ("visionlab.ui", "visionlab.__main__", "visionlab.cluster.")  # the last of them but for what chooses, needs Ray
CHOICE = "visionlab.cluster.choice"
LIBRARY = sorted(
    module.name
    for module in pkgutil.walk_packages([str(ROOT)], "visionlab.")
    if module.name == CHOICE or not module.name.startswith(APART)
)


def beside() -> dict[str, dict[str, set[str]]]:
    """{folder: {a module or a room in it: those beside it that it imports, or anything within it does}}."""
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for path in SOURCES:
        for name in imported(path.read_text()) & PATHS.keys() - {name_of(path)}:
            one, other = (each.relative_to(ROOT).with_suffix("").parts for each in (path, PATHS[name]))
            shared = next(level for level in count() if one[level] != other[level])
            found["/".join(one[:shared])][one[shared]].add(other[shared])
    return found


def circle(imports: dict[str, set[str]]) -> list[str]:
    """Names each of which imports the next, the last of them the first; none where there is no circle."""
    done: set[str] = set()

    def follow(way: list[str]) -> list[str]:
        for name in sorted(imports.get(way[-1], set()) - done):
            found = way[way.index(name) :] if name in way else follow([*way, name])
            if found:
                return found
        done.add(way[-1])
        return []

    return next(filter(None, (follow([name]) for name in sorted(imports) if name not in done)), [])


@pytest.mark.parametrize("path", [*SOURCES, PROJECT / STUB, *SCRIPTS], ids=lambda path: str(path.relative_to(PROJECT)))
def test_imports_go_one_way(path):
    """And no page and no room of ui imports another's; what others made comes in where it is allowed: see walls.py."""
    found = broken(path.relative_to(PROJECT).as_posix(), path.read_text())
    assert not found


BREACHES = {
    "visionlab/imaging/image.py": [
        "import torch",
        "from visionlab.network.zoo import models",
        "import visionlab as vl",
        "import safetensors.torch",
        "from safetensors import torch",
        "def late():\n    from captum.attr import Saliency",
        "import requests",
        "import helper",
        "import setup",
    ],
    "visionlab/packing.py": [
        "import safetensors",
        "from safetensors import torch",
        "from safetensors.torch import save",
    ],
    "visionlab/network/running/classifier.py": [
        "import visionlab.learning as below",
        "from visionlab import learning",
        "from visionlab import load_classifier",
        "from visionlab import *",
        "import streamlit",
        "from . import chunks",
        "import home",
    ],
    "visionlab/learning/sets/dataset.py": [
        "from visionlab import learning",
        "import visionlab.imaging.image",
        "from visionlab.cli import shared",
        "import importlib\nimportlib.import_module('visionlab.ui')",
        "from importlib import import_module",
        "__import__('visionlab.ui')",
        "import lazy_loader",
        "def late():\n    from tiny import tiny_classifier",
        "import browser.servers",
        "import pandas",
        "def late():\n    import requests",
        "import matplotlib.pyplot as plt",
        "from importlib.resources import files\nfiles('visionlab.ui.shared')",
        "from importlib.util import find_spec\nfind_spec(name='visionlab.ui.shared.page')",
        "import sys\ngetattr(sys, 'modules')['visionlab.ui.shared.page']",
        "import sys\ngetattr(sys, 'modules')[name]",
        "from unittest import mock\nmock.patch('visionlab.ui.shared.page.told')",
        "where = f'visionlab.cli.{name}'",
        "import importlib\ngetattr(importlib, 'import_module')(name)",
        "import pydoc\npydoc.locate('visionlab.ui')",
        "from pydoc import locate as found",
        "import sys\nsys.modules['visionlab.ui.shared.page']",
        "import sys\nsys.modules.get('streamlit')",
        "import sys\nsys.modules['visionlab' + '.ui']",
        "import sys\nloaded = sys.modules",
        "import sys as system\nsystem.modules['streamlit']",
        "from sys import modules",
        "exec('import streamlit')",
        "eval('__import__(name)')",
        "import builtins as usual\nusual.eval('1')",
    ],
    "visionlab/cli/networks.py": [
        "def late():\n    import plotly",
        "def late():\n    from streamlit.web import cli",
        "def late():\n    from visionlab.ui.shared import charts",
        "def late():\n    from ray import serve",
        "from visionlab import cli",
    ],
    "visionlab/ui/predict/live.py": [
        "from visionlab import ui",
        "import visionlab.ui",
        "from visionlab.ui import maps",
        "from visionlab.ui.maps.look import Look",
        "from visionlab.ui import predict",
        "import typer",
        "import torch",
        "import plotly",
        "def late():\n    import ray",
    ],
    "visionlab/cluster/engine.py": ["from visionlab.ui.shared import cached", "from visionlab import cli"],
    "visionlab/learning/answers/many.py": ["def late():\n    from visionlab.cluster import engine", "import ray"],
    "visionlab/ui/shared/state.py": ["from visionlab.ui.maps import state", "from visionlab import cli"],
    "visionlab/__init__.py": ["from visionlab.imaging.image import load_image"],
    STUB: [
        "from .cli.main import run as run",
        "from .ui.shared.page import page as page",
        "from . import ui as ui",
        "from visionlab.ui import shared as shared",
        "from ..pages import home as home",
        "import streamlit",
    ],
    "visionlab/__main__.py": ["from visionlab.ui.shared import page"],
    "streamlit_app.py": ["from visionlab.ui.maps import look", "from visionlab.ui.shared import page", "import plotly"],
    "home.py": ["from visionlab.ui.maps import look", "import streamlit_app"],
    "pages/4_Predict.py": [
        "import home",
        "import setup",
        "from visionlab import ui",
        "import visionlab",
        "from tests import tiny",
        "import numpy",
        "from visionlab.ui.maps import look",
        "from visionlab.ui.serving import middleware",
    ],
    "setup.py": ["import visionlab", "from visionlab.errors import VisionlabError", "import streamlit"],
}


@pytest.mark.parametrize(("place", "code"), [(place, code) for place in BREACHES for code in BREACHES[place]])
def test_whatever_imports_against_the_rules_is_found(place, code):
    assert (PROJECT / place).exists()
    assert broken(place, code)


def test_what_only_looks_like_a_breach_is_none():
    """A network's eval, how many modules there are, and whether torch was imported by who may import it."""
    assert not broken("visionlab/network/zoo/vgg.py", "network.eval()\nnetwork.modules()\nre.compile('a')")
    assert not broken("visionlab/imaging/convolution.py", "import sys\nlen(sys.modules), sys.modules.get('torch')")
    assert broken("visionlab/imaging/image.py", "import sys\nsys.modules.get('torch')")
    assert not broken(STUB, "from .network.zoo.models import MODELS as MODELS")


@pytest.mark.parametrize("place", ["helper.py", "pages/helper.py", "pages/parts/7_More.py", "pages/7_More.py"])
def test_a_script_that_no_rule_speaks_of_is_found(place):
    assert broken(place, "")


def test_two_pages_that_swap_their_rooms_are_found():
    one, other = PAGES[:2]
    assert broken(one.relative_to(PROJECT).as_posix(), other.read_text())
    assert broken(other.relative_to(PROJECT).as_posix(), one.read_text())


def test_a_docstring_may_name_what_lies_above():
    assert not broken("visionlab/errors.py", '"""As visionlab.ui.shared.page tells them."""\nhere = "visionlab.errors"')


def test_everything_that_is_allowed_is_needed():
    """What a place may import of what others made, something there imports."""
    for where, allowed in ALLOWED.items():
        files = [path for path in [*SOURCES, *SCRIPTS] if path.relative_to(PROJECT).as_posix().startswith(where)]
        names = {name for path in files for name in imported(path.read_text())}
        unused = {each for each in allowed if not any(covers(each, name) for name in names)}
        assert not unused, f"nothing in {where} imports {unused}"


def test_every_module_lies_in_a_room():
    """A folder without an __init__.py goes into no wheel, and no rule for rooms would find it."""
    assert {path.parent for path in SOURCES} - {*ROOMS} == {SENT_AWAY}


def test_ui_has_a_room_for_each_page():
    """Which one imports, and no other: see ROOMS_OF_PAGES in walls.py."""
    found = {}
    for path in PAGES:
        rooms = {name.split(".")[2] for name in imported(path.read_text()) if name.startswith("visionlab.ui.")}
        (found[path.relative_to(PROJECT).as_posix()],) = rooms - {"shared"}
    assert found == ROOMS_OF_PAGES
    assert sorted([*found.values(), "serving", "shared"]) == OF_UI
    assert [path.name for path in ROOT.glob("ui/*.py")] == ["__init__.py"]


def test_the_navigation_has_every_page():
    from visionlab.ui.shared.server.pages import PAGES

    there = {"home.py", *(f"pages/{path.name}" for path in PROJECT.glob("pages/*.py"))}
    assert sorted(entry.script for entry in PAGES.values()) == sorted(there)
    for title, entry in PAGES.items():
        assert f'with page("{title}"):' in (PROJECT / entry.script).read_text()


def test_nothing_imports_what_imports_it():
    """No module and no room with all that is within it: not by way of others either, and not for types alone."""
    found = beside()
    assert found["network"]["zoo"] >= {"files", "running"}
    assert found["network/running"]["prediction"] >= {"classifier"}
    for folder, imports in found.items():
        assert not (names := circle(imports)), f"visionlab/{folder}: {' → '.join([*names, names[0]])}"


def test_circles_are_found():
    assert circle({"a": {"b"}, "b": {"c"}}) == []
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"d", "b"}}) == ["b", "c"]


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: str(room.relative_to(PROJECT)))
def test_each_room_names_all_that_it_holds_and_is_not_full(room):
    """A module as name.py, a folder as name/; what lies elsewhere by its way from here, or from the root."""
    place = room.relative_to(PROJECT)
    modules = {path.name for path in room.glob("*.py")} - {"__init__.py"}
    held = len(own_modules(room))
    assert (held > FULL) == (place.as_posix() in CROWDED), f"{place} holds {held} modules: it has two subjects by now"
    folders = {f"{path.name}/" for path in room.iterdir() if any(path.glob("*.py"))}
    named = set(
        re.findall(r"[\w/]+\.py\b|\w+/(?=\W|$)", ast.get_docstring(ast.parse((room / "__init__.py").read_text())))
    )
    assert modules | folders <= named, f"{place} does not name {modules | folders - named}"
    gone = {name for name in named if not ((room / name).exists() or (PROJECT / name).exists())}
    assert not gone, f"{place} names {gone}"


MIRRORS_NONE = {  # folders of tests, and why no room of visionlab is theirs
    "benchmarks": "what measures lies in benchmarks/, beside visionlab",
    "hostile": "what strangers may send goes through many rooms",
    "browser/demos": "pages that are served to the tests of components, which lie with those of ui/shared/",
}


def own_modules(room: Path) -> set[str]:
    """The names of those that lie in it; a folder of a single one, such as are in ui/shared/components/, is one."""
    folders = {path.parent.name for path in room.glob("*/__init__.py") if len([*path.parent.rglob("*.py")]) == 1}
    return {path.stem for path in room.glob("*.py")} - {"__init__"} | folders


def test_a_test_lies_in_the_room_of_what_it_tests():
    """The pages' tests twice, without a browser and in one: app/ and browser/ stand for ui/."""
    tests = PROJECT / "tests"
    folders = {path.parent.relative_to(tests).as_posix() for path in tests.rglob("*.py")} - MIRRORS_NONE.keys()
    rooms = {folder: ROOT / re.sub("^(app|browser)", "ui", folder) for folder in folders}
    assert set(rooms.values()) <= {*ROOMS}
    assert all((tests / folder).is_dir() for folder in MIRRORS_NONE)
    for folder, room in rooms.items():
        for path in (tests / folder).glob("test_*.py"):
            assert own_modules(room), f"{path}: {room} has no module of its own"
            inner = room / path.stem.removeprefix("test_")
            assert inner not in ROOMS or not own_modules(inner), f"{path} is named for a room: it lies there"


def test_no_library_module_pulls_in_streamlit_or_plotly_or_what_is_slow_to_import():
    code = "import sys, importlib\nfor name in sys.argv[1:]:\n    importlib.import_module(name)\n"
    code += "import visionlab\nfor name in visionlab.__all__:\n    getattr(visionlab, name)\n"
    code += "print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", code, *LIBRARY], capture_output=True, text=True, check=True)
    pulled_in = set(found.stdout.split())
    assert "visionlab.network.zoo.models" in pulled_in
    assert not pulled_in & {"streamlit", "plotly", *SLOW}


def test_code_that_is_handed_out_imports_public_names_only():
    """What lies deeper moves; and the zip's own script runs where there is no visionlab."""
    told = [text for path in SOURCES for text in strings(path.read_text())]
    assert not [text for text in told if re.search(r"(from|import) visionlab\.", text)]
    used = {name for text in told for name in re.findall(r"(?:\bvl\.|from visionlab import )(\w+)", text)}
    assert {"convolve", "fit", "load_image"} <= used <= {*visionlab.__all__}
    assert not any("visionlab" in imported(path.read_text()) for path in SENT_AWAY.glob("*.py"))


def test_no_download_runs_the_page():
    """A run gives the button another file to fetch, and the one that the browser asks for may be gone by then."""
    pages = [*SCRIPTS, *ROOT.glob("ui/**/*.py")]
    calls = [
        (path, node)
        for path in pages
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".download_button")
    ]
    assert len(calls) >= 10
    for path, node in calls:
        options = {each.arg: ast.unparse(each.value) for each in node.keywords}
        assert options.get("on_click") == "'ignore'", f"{path.name}, line {node.lineno}"


def test_filtering_a_picture_does_not_wait_for_torch():
    code = "import sys, visionlab as vl; vl.load_image, vl.convolve, vl.KERNELS, vl.FILTERS, vl.Pipeline, vl.render\n"
    code += "print(sorted({'torch', 'skimage', 'sklearn'} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_the_public_names():
    assert {"predict", "training", "KERNELS"} <= set(visionlab.__all__)
    assert all(getattr(visionlab, name) is not None for name in visionlab.__all__)
    with pytest.raises(AttributeError, match="nothing"):
        _ = visionlab.nothing


INNER = {  # what networks and ways to train are built of: for those who add one, not for those who use one
    "Comparison",
    "EfficientNetLite0",
    "Learned",
    "Plan",
    "Recalls",
    "Refuses",
    "Strangers",
    "Stepped",
    "Trial",
    "VGG",
    "WeightFile",
}


def types_in(thing: object) -> dict[str, object]:
    """get_type_hints, with what modules import for types alone, too."""
    loaded = [vars(module) for name, module in [*sys.modules.items()] if name.startswith("visionlab.")]
    classes = {name: value for each in loaded for name, value in each.items() if isinstance(value, type)}
    own = vars(sys.modules[thing.__module__])
    return get_type_hints(thing, {**vars(collections.abc), "torch": torch, **classes, **own})


def records(annotation: object) -> set[type]:
    """The classes of this library that a type speaks of."""
    inner = set().union(*map(records, get_args(annotation)))
    own = isinstance(annotation, type) and annotation.__module__.startswith("visionlab.")
    return inner | {annotation} if own else inner


def offered(record: type) -> dict[str, set[type]]:
    """{a field, property or method of it that is public: the classes of this library that it gives}."""
    found = {name: records(kind) for name, kind in types_in(record).items()}
    for name, member in inspect.getmembers(record):
        function = member.fget if isinstance(member, property) else getattr(member, "func", member)
        if inspect.isroutine(function) and str(getattr(function, "__module__", None)).startswith("visionlab."):
            found[name] = records(types_in(function).get("return"))
    return {name: classes for name, classes in found.items() if name in ("__iter__", "__getitem__") or name[0] != "_"}


def test_what_public_names_lead_to_is_public():
    """What functions return, tables hold, and fields, properties and methods of these give."""
    training = {f"training.{name}": getattr(visionlab.training, name) for name in visionlab.training.__all__}
    public = {name: getattr(visionlab, name) for name in visionlab.__all__} | training
    named = {value for value in public.values() if isinstance(value, type)}
    found = {name: {type(entry) for entry in value.values()} for name, value in public.items() if type(value) is dict}
    for name, value in public.items():
        if inspect.isfunction(value):
            found[name] = records(types_in(value)["return"])
    for record in sorted(named, key=lambda record: record.__name__):
        found |= {f"{record.__name__}.{name}": classes for name, classes in offered(record).items()}
    assert found["load_head"] == {visionlab.Head}
    assert found["training.KINDS"] == {visionlab.training.Kind}
    assert found["Evaluation.roc"] == {visionlab.Curve}
    assert found["Fit.__iter__"] == {visionlab.Epoch}
    inner = {each.__name__ for classes in found.values() for each in classes - named}
    assert inner == INNER, {name: classes - named for name, classes in found.items() if classes - named}


def test_modules_and_pages_stay_readable():
    for path in SOURCES:
        assert len(path.read_text().splitlines()) <= 350, f"{path.name} has two subjects by now"
    for path in PAGES:
        assert len(path.read_text().splitlines()) <= 150, f"{path.name} holds something that belongs in ui"


OURS = ("visionlab", "benchmarks", "browser", "hostile", "tiny")


@pytest.mark.parametrize("path", sorted((PROJECT / "benchmarks").glob("*.py")), ids=lambda path: path.name)
def test_a_benchmark_imports_what_is_there(path):
    """Nobody runs them every day: what has moved would be missed when they are needed."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] in OURS:
            if node.module.startswith("visionlab.cluster"):
                pytest.importorskip("ray", reason="Ray is not installed: make test-cluster brings it")
            home = importlib.import_module(node.module)
            for alias in node.names:
                module = hasattr(home, "__path__") and importlib.util.find_spec(f"{node.module}.{alias.name}")
                assert hasattr(home, alias.name) or module, f"{node.module} has no {alias.name}"


def test_the_drawing_of_the_rooms_is_what_the_code_is_now():
    script = PROJECT / "docs" / "architecture.py"
    same = script.with_suffix(".svg").read_text() == runpy.run_path(str(script))["drawn"]()
    assert same, "The imports between rooms have changed; run: python docs/architecture.py"


DOCUMENTS = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/ARCHITECTURE.md", "docs/DEPLOY.md", "SECURITY.md"]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_path_that_a_document_names_is_there(document):
    """From the root or from visionlab/, and in it what is named as path::function; what it links to is there, too."""
    text = (PROJECT / document).read_text()
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    named = re.findall(r"`((?:[\w.-]+/)+[\w.-]*(?:::\w+)?|[\w-]+\.(?:py|md|svg|toml))`", prose)
    for name in named:
        path, _, function = name.partition("::")
        found = [base / path for base in (PROJECT, ROOT) if (base / path).exists()]
        assert found, f"{document} names {path}"
        if function:
            assert re.search(rf"(def|class) {function}\b", found[0].read_text()), f"{document} names {name}"
    for target, heading in re.findall(r"\]\(([\w./-]*)(?:#([\w-]*))?\)", prose):
        other = (PROJECT / document).parent / (target or Path(document).name)
        assert other.exists(), f"{document} links to {target}"
        headings = re.findall(r"^#+ (.*)", other.read_text(), re.MULTILINE) if heading else []
        slugs = {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings}
        assert not heading or heading in slugs, f"{document} links to {target}#{heading}"


def test_the_tree_of_the_readme_is_the_one_that_is_there():
    """What its lines name is there, from whatever they are indented under, and every room is in it, by its whole path:
    in a line of its own, or in what is said of the folder that it lies in."""
    _, after = (PROJECT / "README.md").read_text().split("## Where things are")
    tree = after.split("```")[1]
    above: dict[int, Path] = {0: PROJECT}
    told: set[Path] = set()
    for indent, names, more in re.findall(r"^( *)(\S.*?)(?:  +(.*))?$", tree, re.MULTILINE):
        level = len(indent)
        if level in above:
            above = {each: folder for each, folder in above.items() if each <= level}
            for name in re.split(", | ", names):
                found = [*above[level].glob(name.rstrip("/"))]
                assert found, f"the tree names {name} under {above[level]}"
                assert all(path.is_dir() == name.endswith("/") for path in found), name
                above[level + 2] = found[0]
                told.update(found)
        else:  # a description goes on
            more = names
        told.update(above[max(above)] / name for name in re.findall(r"\w+/", more))
    assert all(path.exists() for path in told), [path for path in told if not path.exists()]
    inner = {room for room in ROOMS if room.parent == ROOT / "ui" / "shared" / "components"}
    assert not {*ROOMS} - inner - told
    tests = {path.parent for path in PROJECT.glob("tests/*/*.py")}  # by the same rooms
    assert not {folder for folder in tests - told if ROOT / folder.name not in told}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_test_and_table_that_a_document_names_is_there(document):
    """A test by its bare name, a table as `NAME` (`path`)."""
    text = (PROJECT / document).read_text()
    defined = {name for path in PROJECT.glob("tests/**/test_*.py") for name in TEST.findall(path.read_text())}
    assert set(re.findall(r"`(test_\w+)`", text)) <= defined
    for name, path in re.findall(r"`([A-Z_]+)`\s+\(`([\w./]+)`\)", text):
        assert re.search(rf"^{name}\b.*=", (PROJECT / path).read_text(), re.MULTILINE), f"{document} names {name}"


def test_the_script_of_the_screenshot_finds_what_it_imports():
    """It is started by its path, from wherever one is: make screenshot."""
    command = [sys.executable, str(PROJECT / "tests" / "browser" / "screenshot.py")]
    ran = subprocess.run(command, cwd="/", capture_output=True, text=True)
    assert "IndexError" in ran.stderr, "it only lacks a place to write to"
