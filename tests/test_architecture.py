"""The rules of the design: imports go one way, the library knows no Streamlit and no Plotly, the names are there."""

import ast
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

import visionlab

ROOT = Path(visionlab.__file__).parent
LAYERS = ["errors", "device", "writing", "packing", "limits", "imaging", "network", "learning", "ui"]  # from the bottom
FULL = 14  # modules in a room, at most
SOURCES = sorted(path for path in ROOT.rglob("*.py"))
ROOMS = sorted({path.parent for path in SOURCES if path.name == "__init__.py"})
OF_UI = [room.name for room in ROOMS if room.parent == ROOT / "ui"]
TEST = re.compile(r"^def (test_\w+)", re.MULTILINE)
SLOW = {"captum", "torchvision", "sklearn", "skimage", "onnx", "onnxruntime", "imagehash"}
LIBRARY = sorted(
    module.name
    for module in pkgutil.walk_packages([str(ROOT)], "visionlab.")
    if not module.name.startswith(("visionlab.ui", "visionlab.__main__"))
)


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__")


PATHS = {name_of(path): path for path in SOURCES}


def imported(path: Path) -> set[str]:
    """The modules and packages whose code it asks for: of “from package import module” the module alone."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            names.update(name if name in PATHS else node.module for name in inner)
    return names


def beside() -> dict[str, dict[str, set[str]]]:
    """{folder: {a module or a room in it: those beside it that it imports, or anything within it does}}."""
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for path in SOURCES:
        for name in imported(path) & PATHS.keys() - {name_of(path)}:
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


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_one_way(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    if parts[0] not in LAYERS:
        return  # __init__, __main__ and cli stand above the library
    allowed = LAYERS[: LAYERS.index(parts[0]) + 1]
    for name in imported(path):
        if name.startswith("visionlab."):
            assert name.split(".")[1] in allowed, f"{path.name} imports {name}"
        if parts[0] != "ui":
            assert name.split(".")[0] not in {"streamlit", "plotly"}, f"{path.name} imports {name}"
        if parts[0] == "imaging" and name.split(".")[0] in {"torch", "torchvision"}:
            assert path.name == "convolution.py", "only the GPU path of convolution may use torch"


@pytest.mark.parametrize("room", OF_UI)
def test_a_page_imports_its_own_room_and_what_is_shared(room):
    for path in ROOT.glob(f"ui/{room}/**/*.py"):
        for name in imported(path):
            if name.startswith("visionlab.ui."):
                assert name.split(".")[2] in {room, "shared"}, f"{path.relative_to(ROOT)} imports {name}"


def test_ui_has_a_room_for_each_page():
    scripts = sorted(ROOT.parent.glob("pages/*.py"))
    rooms = [{name.split(".")[2] for name in imported(path) if name.startswith("visionlab.ui.")} for path in scripts]
    own = [room for found in rooms for room in found - {"shared"}]
    assert len(own) == len(scripts) >= 6
    assert sorted([*own, "serving", "shared"]) == OF_UI
    assert [path.name for path in ROOT.glob("ui/*.py")] == ["__init__.py"]
    assert all(
        name.startswith("visionlab.ui.shared") or not name.startswith("visionlab.ui")
        for name in imported(ROOT.parent / "home.py")
    )


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


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: str(room.relative_to(ROOT.parent)))
def test_each_room_names_all_that_it_holds_and_is_not_full(room):
    """A module as name.py, a folder as name/; what lies elsewhere by its way from here, or from the root."""
    place = room.relative_to(ROOT.parent)
    modules = {path.name for path in room.glob("*.py")} - {"__init__.py"}
    assert len(modules) <= FULL, f"{place} holds {len(modules)} modules: it has two subjects by now"
    folders = {f"{path.name}/" for path in room.iterdir() if any(path.glob("*.py"))}
    named = set(
        re.findall(r"[\w/]+\.py\b|\w+/(?=\W|$)", ast.get_docstring(ast.parse((room / "__init__.py").read_text())))
    )
    assert modules | folders <= named, f"{place} does not name {modules | folders - named}"
    gone = {name for name in named if not ((room / name).exists() or (ROOT.parent / name).exists())}
    assert not gone, f"{place} names {gone}"


def test_a_test_lies_in_the_room_of_what_it_tests():
    tests = ROOT.parent / "tests"
    rooms = {path.parent.relative_to(tests).as_posix() for path in tests.rglob("test_*.py")}
    assert rooms - {".", "app", "browser", "hostile"} <= {room.relative_to(ROOT).as_posix() for room in ROOMS}


def test_no_library_module_pulls_in_streamlit_or_plotly_or_what_is_slow_to_import():
    code = "import sys, importlib\nfor name in sys.argv[1:]:\n    importlib.import_module(name)\n"
    code += "import visionlab\nfor name in visionlab.__all__:\n    getattr(visionlab, name)\n"
    code += "print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", code, *LIBRARY], capture_output=True, text=True, check=True)
    pulled_in = set(found.stdout.split())
    assert "visionlab.network.zoo.models" in pulled_in
    assert not pulled_in & {"streamlit", "plotly", *SLOW}


def test_no_download_runs_the_page():
    """A run gives the button another file to fetch, and the one that the browser asks for may be gone by then."""
    pages = [*ROOT.parent.glob("*.py"), *ROOT.parent.glob("pages/*.py"), *ROOT.glob("ui/**/*.py")]
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


def records(annotation: object) -> set[type]:
    """The classes of this library that a type speaks of."""
    inner = set().union(*map(records, get_args(annotation)))
    return inner | {annotation} if getattr(annotation, "__module__", "").startswith("visionlab.") else inner


def test_what_public_functions_return_and_tables_hold_is_public():
    public = {name: getattr(visionlab, name) for name in visionlab.__all__}
    found = {name: {type(entry) for entry in value.values()} for name, value in public.items() if type(value) is dict}
    for name, value in [*public.items(), ("training.fit", visionlab.training.fit)]:
        if inspect.isfunction(value):
            found[name] = records(get_type_hints(value, localns={"torch": torch})["return"])
    assert found["load_head"] == {visionlab.Head}
    assert found["visualise_channel"] == {visionlab.Visualisation}
    for name, classes in found.items():
        assert classes <= {each for each in public.values() if isinstance(each, type)}, f"vl.{name} gives {classes}"


def test_modules_and_pages_stay_readable():
    for path in SOURCES:
        assert len(path.read_text().splitlines()) <= 350, f"{path.name} has two subjects by now"
    for path in (ROOT.parent / "pages").glob("*.py"):
        assert len(path.read_text().splitlines()) <= 150, f"{path.name} holds something that belongs in ui"


@pytest.mark.parametrize("path", sorted((ROOT.parent / "benchmarks").glob("*.py")), ids=lambda path: path.name)
def test_a_benchmark_imports_what_is_there(path):
    """Nobody runs them every day: what has moved would be missed when they are needed."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module.startswith("visionlab"):
            home = importlib.import_module(node.module)
            for alias in node.names:
                module = hasattr(home, "__path__") and importlib.util.find_spec(f"{node.module}.{alias.name}")
                assert hasattr(home, alias.name) or module, f"{node.module} has no {alias.name}"


def test_the_drawing_of_the_rooms_is_what_the_code_is_now():
    script = ROOT.parent / "docs" / "architecture.py"
    same = script.with_suffix(".svg").read_text() == runpy.run_path(str(script))["drawn"]()
    assert same, "The imports between rooms have changed; run: python docs/architecture.py"


DOCUMENTS = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/ARCHITECTURE.md", "docs/DEPLOY.md", "SECURITY.md"]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_path_that_a_document_names_is_there(document):
    """From the root or from visionlab/, and in it what is named as path::function; what it links to is there, too."""
    text = (ROOT.parent / document).read_text()
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    named = re.findall(r"`((?:[\w.-]+/)+[\w.-]*(?:::\w+)?|[\w-]+\.(?:py|md|svg|toml))`", prose)
    for name in named:
        path, _, function = name.partition("::")
        found = [base / path for base in (ROOT.parent, ROOT) if (base / path).exists()]
        assert found, f"{document} names {path}"
        if function:
            assert re.search(rf"(def|class) {function}\b", found[0].read_text()), f"{document} names {name}"
    for target, heading in re.findall(r"\]\(([\w./-]*)(?:#([\w-]*))?\)", prose):
        other = (ROOT.parent / document).parent / (target or Path(document).name)
        assert other.exists(), f"{document} links to {target}"
        headings = re.findall(r"^#+ (.*)", other.read_text(), re.MULTILINE) if heading else []
        slugs = {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings}
        assert not heading or heading in slugs, f"{document} links to {target}#{heading}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_test_and_table_that_a_document_names_is_there(document):
    """A test by its bare name, a table as `NAME` (`path`)."""
    text = (ROOT.parent / document).read_text()
    defined = {name for path in ROOT.parent.glob("tests/**/test_*.py") for name in TEST.findall(path.read_text())}
    assert set(re.findall(r"`(test_\w+)`", text)) <= defined
    for name, path in re.findall(r"`([A-Z_]+)`\s+\(`([\w./]+)`\)", text):
        assert re.search(rf"^{name}\b.*=", (ROOT.parent / path).read_text(), re.MULTILINE), f"{document} names {name}"


def test_the_script_of_the_screenshot_finds_what_it_imports():
    """It is started by its path, from wherever one is: make screenshot."""
    command = [sys.executable, str(ROOT.parent / "tests" / "browser" / "screenshot.py")]
    ran = subprocess.run(command, cwd="/", capture_output=True, text=True)
    assert "IndexError" in ran.stderr, "it only lacks a place to write to"
