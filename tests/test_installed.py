"""The library as somebody installs it: built from what is committed, away from the project."""

import ast
import inspect
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from browser.servers import answering, free_port
from walls import SCRIPTS, SOURCES

import visionlab as vl
from visionlab.imaging.image import encode_png
from visionlab.network.zoo.models import TO_NAME

ROOT = Path(__file__).resolve().parents[1]
BUILT_IN = TO_NAME[-1]
# Of torch, what public signatures are written in: all of it takes three times as long, and tells the same.
MYPY = """
[mypy]
strict = true
[mypy-torch.*,torchvision.*,onnx.*]
follow_imports = skip
[mypy-torch,torch._C.*,torch._tensor,torch.autograd.*,torch.nn.*,torch.types,torch.utils,torch.utils._contextlib]
follow_imports = normal
"""
CALLED = {"umap": "umap-learn"}  # {module: package}, of those that are not installed for the tests; others are alike
# What may import more than the dependencies of all, and which extra of pyproject.toml brings that.
EXTRAS = {
    "app": ("home.py", "streamlit_app.py", "pages/*", "visionlab/ui/**/*", "visionlab/cli/serving.py"),
    "export": ("visionlab/learning/takeaway/**/*",),
    "cluster": ("visionlab/cluster/*",),
    "umap": ("visionlab/learning/judging/nearness.py",),
    "build": ("setup.py",),
}
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Built in a copy, so that nothing is left in the project; with the setuptools that torch brings, which pip
    compares with what pyproject.toml asks for."""
    copy = tmp_path_factory.mktemp("copy")
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE", "home.py", "streamlit_app.py"):
        shutil.copy(ROOT / name, copy)
    for name in ("visionlab", "pages", ".streamlit"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "weights").mkdir()
    for path in (ROOT / "weights").iterdir():
        (copy / "weights" / path.name).symlink_to(path)  # what others have brought lies there, too
    alone = ("--no-deps", "--no-build-isolation", "--check-build-dependencies")
    subprocess.run([*PIP, "wheel", ".", *alone, "-w", "out"], cwd=copy, check=True)
    (built,) = (copy / "out").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def site(wheel, tmp_path_factory) -> Path:
    """A folder that holds it and nothing else."""
    site = tmp_path_factory.mktemp("site")
    command = [*PIP, "install", "--no-deps", "--no-index", "--target", str(site), str(wheel)]
    subprocess.run(command, check=True)
    return site


@pytest.fixture
def outside(site, tmp_path) -> dict[str, str]:
    """The environment of whoever installed it, and has brought nothing."""
    environment = {key: value for key, value in os.environ.items() if key != "VISIONLAB_WEIGHTS"}
    path = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH")]))
    return environment | {"PYTHONPATH": path, "XDG_DATA_HOME": str(tmp_path / "data"), "HOME": str(tmp_path)}


def test_the_wheel_holds_the_whole_package_the_app_and_no_more_weights_than_the_projects_own(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = {str(path.relative_to(ROOT)) for path in (ROOT / "visionlab").rglob("*") if path.is_file()}
    assert {name for name in wanted if "__pycache__" not in name} <= names
    app = {
        "home.py",
        "streamlit_app.py",
        ".streamlit/config.toml",
        *(f"pages/{path.name}" for path in ROOT.glob("pages/*.py")),
    }
    assert {name for name in names if name.startswith("visionlab/app/")} == {f"visionlab/app/{name}" for name in app}
    told = {path.name for path in (ROOT / "weights").iterdir() if path.suffix in (".md", ".png")}
    weights = told | {f"{name}.safetensors" for name in (BUILT_IN, "vgg16-oxford")}
    assert {"README.md", "curves.png"} <= told
    assert {name for name in names if name.startswith("visionlab/weights/")} == {
        f"visionlab/weights/{name}" for name in weights
    }
    assert wheel.name == f"visionlab-{vl.__version__}-py3-none-any.whl"


def test_whatever_is_imported_is_declared():
    told = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project, build = told["project"], told["build-system"]["requires"]
    groups = {"": project["dependencies"], "build": build, **project["optional-dependencies"]}
    declared = {group: {re.match(r"[\w-]+", each)[0] for each in wanted} for group, wanted in groups.items()}
    extra = {path: group for group, places in EXTRAS.items() for place in places for path in ROOT.glob(place)}
    brought = packages_distributions()
    for path in [*SOURCES, *SCRIPTS]:
        nodes = [*ast.walk(ast.parse(path.read_text()))]
        names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
        names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
        for name in {name.partition(".")[0] for name in names} - {*sys.stdlib_module_names, "visionlab"}:
            known = declared[""] | declared[extra.get(path, "")]
            names_of = {each.lower() for each in brought.get(name, [CALLED.get(name, name)])}
            assert known & names_of, f"{path} imports {name}, which is not declared"


def test_installed_elsewhere_it_predicts_as_here(site, outside, tmp_path):
    photo = tmp_path / "cat.png"
    photo.write_bytes(encode_png(vl.load_sample("cat")))
    code = "import visionlab as vl, runpy, sys; net = vl.load_classifier(sys.argv[1], 'cpu'); print(vl.__file__)\n"
    code += "print(*vl.predict(net, [vl.load_image('cat.png')], 1)[0], sep='|')\n"
    code += "del sys.argv[:2]; runpy.run_path(sys.argv[0], run_name='__main__')"  # once torch is imported
    shell = [str(site / "bin" / "visionlab"), "predict", "cat.png", "--model", BUILT_IN]
    command = [sys.executable, "-c", code, BUILT_IN, *shell]
    ran = subprocess.run(command, cwd=tmp_path, env=outside, capture_output=True, text=True, check=True)
    where, answer, *told = ran.stdout.splitlines()
    assert Path(where).is_relative_to(site)
    expected = vl.predict(vl.load_classifier(BUILT_IN, "cpu"), [vl.load_sample("cat")], 1)[0][0]
    assert expected.label in answer
    assert expected.label in "\n".join(told)


def test_the_app_comes_with_it_and_is_served_from_any_folder(site, outside, tmp_path):
    port = free_port()
    command = [str(site / "bin" / "visionlab"), "app", "--port", str(port)]
    served = subprocess.Popen(command, cwd=tmp_path, env=outside, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
    try:
        answering(port, lambda: served.poll() is None, served.kill)
    finally:
        served.terminate()
        served.wait()
    code = "import sys; from streamlit.testing.v1 import AppTest; app = AppTest.from_file(sys.argv[1])\n"
    code += "app.run(timeout=60); import visionlab; print(visionlab.__file__, app.title[0].value, *app.exception)"
    page = [sys.executable, "-c", code, str(site / "visionlab" / "app" / "pages" / "1_Convolution.py")]
    shown = subprocess.run(page, cwd=tmp_path, env=outside, capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == f"{site / 'visionlab' / '__init__.py'} Convolution"


def test_a_type_checker_knows_every_public_name_and_refuses_wrong_calls(outside, tmp_path):
    """Of tests/users_script.py, the README and examples/, in a folder from which only what is installed is seen."""
    script = Path(__file__).with_name("users_script.py").read_text()
    attributes = [node for node in ast.walk(ast.parse(script)) if isinstance(node, ast.Attribute)]
    assert {node.attr for node in attributes if ast.unparse(node.value) == "vl"} >= set(vl.__all__)
    wrong = " ".join(line for line in script.splitlines() if "type: ignore" in line)
    assert {*re.findall(r"\bvl\.(\w+)", wrong)} >= {
        name for name in vl.__all__ if inspect.isfunction(getattr(vl, name))
    }
    (shown,) = re.findall(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    (tmp_path / "script.py").write_text(script)
    (tmp_path / "readme.py").write_text(shown)
    (tmp_path / "mypy.ini").write_text(MYPY)
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    command = [sys.executable, "-m", "mypy", "--cache-dir", os.devnull, "script.py", "readme.py", "examples"]
    told = subprocess.run(command, cwd=tmp_path, env=outside, capture_output=True, text=True)
    assert told.returncode == 0, told.stdout + told.stderr
