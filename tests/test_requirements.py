"""What is installed is what was asked for, by its hashes."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HASHES = r"(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+"
LOCKED = re.compile(rf"^([\w.-]+)==(\S+)(?: ; [^\\]+)? \\\n{HASHES}", re.MULTILINE)


def locked(name):
    """{package: version}, of which every line of the file is told to be a part."""
    text = (ROOT / name).read_text()
    assert not LOCKED.sub("", text), "what is no package with hashes"
    return {each[1]: each[2] for each in LOCKED.finditer(text)}


def asked(name):
    lines = (ROOT / name).read_text().splitlines()
    bare = (re.sub(r"\[.*\]", "", line.lower()) for line in lines if line and not line.startswith(("#", "-")))
    return dict(line.split("==") for line in bare)


@pytest.mark.parametrize("name", ["requirements", "requirements-dev", "requirements-cluster"])
def test_all_that_is_asked_for_is_locked_with_its_hashes(name):
    missing = asked(f"{name}.txt").items() - locked(f"{name}.lock").items()
    assert not missing, "make lock"


def test_the_app_is_tested_with_the_very_versions_that_it_gets():
    assert locked("requirements.lock").items() <= locked("requirements-dev.lock").items(), "make lock"


def test_a_cluster_has_the_very_versions_that_the_app_has_on_one_machine():
    assert locked("requirements.lock").items() <= locked("requirements-cluster.lock").items(), "make lock"
    tested = locked("requirements-dev.lock")
    others = {name: version for name, version in locked("requirements-cluster.lock").items() if name in tested}
    assert others.items() <= tested.items(), "make lock"
