"""The library as somebody installs it: built from what is committed, away from the project."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import visionlab as vl
from visionlab.imaging.image import encode_png
from visionlab.network.zoo.models import TO_NAME

ROOT = Path(__file__).resolve().parents[1]
BUILT_IN = TO_NAME[-1]
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Built in a copy, so that nothing is left in the project; with the setuptools that torch brings."""
    copy = tmp_path_factory.mktemp("copy")
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    shutil.copytree(ROOT / "visionlab", copy / "visionlab", ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "weights").mkdir()
    for path in (ROOT / "weights").iterdir():
        (copy / "weights" / path.name).symlink_to(path)  # what others have brought lies there, too
    subprocess.run([*PIP, "wheel", ".", "--no-deps", "--no-build-isolation", "-w", "out"], cwd=copy, check=True)
    (built,) = (copy / "out").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def site(wheel, tmp_path_factory) -> Path:
    """A folder that holds it and nothing else."""
    site = tmp_path_factory.mktemp("site")
    command = [*PIP, "install", "--no-deps", "--no-index", "--target", str(site), str(wheel)]
    subprocess.run(command, check=True)
    return site


def test_the_wheel_holds_the_whole_package_and_no_more_weights_than_the_projects_own(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = {str(path.relative_to(ROOT)) for path in (ROOT / "visionlab").rglob("*") if path.is_file()}
    assert {name for name in wanted if "__pycache__" not in name} <= names
    weights = {name for name in names if name.startswith("visionlab/weights/") and not name.endswith(".md")}
    assert weights == {f"visionlab/weights/{name}.safetensors" for name in (BUILT_IN, "vgg16-oxford")}
    assert wheel.name == f"visionlab-{vl.__version__}-py3-none-any.whl"


def test_installed_elsewhere_it_predicts_as_here(site, tmp_path):
    photo = tmp_path / "cat.png"
    photo.write_bytes(encode_png(vl.load_sample("cat")))
    environment = {key: value for key, value in os.environ.items() if key != "VISIONLAB_WEIGHTS"}
    environment |= {"PYTHONPATH": str(site), "XDG_DATA_HOME": str(tmp_path / "data"), "HOME": str(tmp_path)}
    code = "import visionlab as vl, sys; net = vl.load_classifier(sys.argv[1], 'cpu'); print(vl.__file__)\n"
    code += "print(*vl.predict(net, [vl.load_image('cat.png')], 1)[0], sep='|')"
    command = [sys.executable, "-c", code, BUILT_IN]
    ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    where, answer = ran.stdout.splitlines()
    assert Path(where).is_relative_to(site)
    expected = vl.predict(vl.load_classifier(BUILT_IN, "cpu"), [vl.load_sample("cat")], 1)[0][0]
    assert expected.label in answer
    shell = [str(site / "bin" / "visionlab"), "predict", "cat.png", "--model", BUILT_IN]
    told = subprocess.run(shell, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert expected.label in told.stdout
