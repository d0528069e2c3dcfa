"""What lies in deploy/ can be read by what reads it, and says what the project says; no container is run here."""

import re
import subprocess
from pathlib import Path

import pytest

from visionlab.ui.shared.visitor import COOKIE

DEPLOY = Path(__file__).parents[1] / "deploy"
INSTRUCTIONS = {"ARG", "CMD", "COPY", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "RUN", "USER", "VOLUME", "WORKDIR"}
RAY = re.search(r"^ray\[.*\]==(\S+)$", (DEPLOY.parent / "requirements-cluster.txt").read_text(), re.MULTILINE)[1]


@pytest.fixture
def yaml():
    return pytest.importorskip("yaml", reason="PyYAML comes with Ray: make test-cluster reads these files")


def instructions():
    """[(instruction, what follows)] of the Dockerfile, its lines joined as Docker joins them."""
    lines = [line for line in (DEPLOY / "Dockerfile").read_text().splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n", " ", "\n".join(lines))
    return [tuple(line.split(None, 1)) for line in joined.splitlines() if line.strip()]


def test_the_dockerfile_builds_what_is_there_and_runs_as_nobody_special():
    found = instructions()
    assert {name for name, _ in found} <= INSTRUCTIONS
    copied = [told.split() for name, told in found if name == "COPY" and not told.startswith("--from")]
    for sources in copied:
        assert all((DEPLOY.parent / source).exists() for source in sources[:-1]), sources
    last = found[[place for place, (name, _) in enumerate(found) if name == "FROM"][-1] :]
    users = [told for name, told in last if name == "USER"]
    assert users == ["visionlab"]
    assert "useradd --uid 10001" in " ".join(told for name, told in last if name == "RUN")
    assert [name for name, _ in last][-2:] == ["HEALTHCHECK", "CMD"]
    assert {told.partition("=")[0] for name, told in found if name == "ARG"} == {"TORCH", "TORCH_INDEX", "WITH"}


def test_shell_commands_of_the_dockerfile_are_shell():
    for name, told in instructions():
        if name == "RUN":
            subprocess.run(["sh", "-n", "-c", told], check=True)


def test_compose_has_a_proxy_two_apps_and_a_cluster_and_writes_nowhere_but_to_volumes(yaml):
    told = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    services = told["services"]
    assert set(services) == {"proxy", "app1", "app2", "ray-head", "ray-worker", "served"}
    assert all(each["read_only"] for each in services.values())
    for each in services.values():
        assert set(each.get("depends_on", [])) <= set(services)
        for volume in each.get("volumes", []):
            source = volume.partition(":")[0]
            assert source in told["volumes"] or (DEPLOY / source).exists(), volume
    assert services["app1"]["environment"]["VISIONLAB_ENGINE"] == "ray://ray-head:10001"


def test_kuberay_asks_for_the_ray_that_is_locked(yaml):
    kinds = {each["kind"]: each for each in yaml.safe_load_all((DEPLOY / "kuberay.yaml").read_text())}
    assert set(kinds) == {"RayCluster", "PersistentVolumeClaim", "Deployment", "Service"}
    cluster = kinds["RayCluster"]["spec"]
    assert cluster["rayVersion"] == RAY
    pods = [cluster["headGroupSpec"]["template"], cluster["workerGroupSpecs"][0]["template"]]
    for pod in [*pods, kinds["Deployment"]["spec"]["template"]]:
        spec = pod["spec"]
        assert spec["securityContext"]["runAsNonRoot"]
        for container in spec["containers"]:
            assert container["securityContext"]["readOnlyRootFilesystem"]
            assert {each["name"] for each in container["volumeMounts"]} <= {each["name"] for each in spec["volumes"]}
    claim = kinds["Deployment"]["spec"]["template"]["spec"]["volumes"][-1]["persistentVolumeClaim"]["claimName"]
    assert claim == kinds["PersistentVolumeClaim"]["metadata"]["name"]


def test_the_proxy_parts_browsers_by_the_cookie_that_they_are_known_by():
    told = (DEPLOY / "nginx.conf").read_text()
    assert f"~{COOKIE}=" in told
    assert told.count("{") - told.count("{32}") == told.count("}") - told.count("{32}")
