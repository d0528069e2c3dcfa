"""What lies in deploy/ can be read by what reads it, and says what the project says; nginx is run, no container is."""

import re
import shutil
import subprocess
import urllib.request
from pathlib import Path

import pytest
from browser.servers import answering, free_port, start_server
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

from visionlab.learning.projects.workspace import Workspace
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


@pytest.fixture
def nginx():
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if found is None:
        pytest.skip("nginx is not installed")
    return found


def configured(folder, *ports):
    """nginx's configuration for this machine: containers are ports here, and whoever answered says so."""
    config = (DEPLOY / "nginx.conf").read_text().replace("/tmp/", f"{folder}/")
    for name, port in zip(("app1", "app2"), ports, strict=True):  # of containers, which nginx looks up
        config = config.replace(f"{name}:8501", f"127.0.0.1:{port}")
    says = "add_header X-Answered $upstream_addr always;"
    config = config.replace("location / {", f"location / {{\n            {says}")
    (folder / "nginx.conf").write_text(config)
    return ["-p", str(folder), "-c", str(folder / "nginx.conf")]


def test_nginx_takes_its_configuration(nginx, tmp_path):
    told = subprocess.run([nginx, "-t", *configured(tmp_path, 8501, 8502)], capture_output=True, text=True)
    assert "syntax is ok" in told.stderr, told.stderr


def answered(port, path, owner):
    """Status, and which server it was that answered through the proxy."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Cookie": f"{COOKIE}={owner}"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.status, answer.headers["X-Answered"]


def opened(port, owner, query=""):
    """All that Fine-tune sends to a browser that opened it at this address, and which server sent it."""
    address = f"127.0.0.1:{port}"
    with connect(
        f"ws://{address}/_stcore/stream",
        origin=f"http://{address}",
        additional_headers={"Cookie": f"{COOKIE}={owner}"},
        subprotocols=["streamlit"],
        max_size=None,
    ) as stream:
        ask = BackMsg()
        ask.rerun_script.page_name, ask.rerun_script.query_string = "Fine_tune", query
        stream.send(ask.SerializeToString())
        told = []
        while not told or told[-1].WhichOneof("type") != "script_finished":
            told.append(ForwardMsg.FromString(stream.recv(60)))
        return "\n".join(map(str, told)), stream.response.headers["X-Answered"]


def test_two_servers_behind_the_proxy_share_a_workspace_and_keep_their_browsers(nginx, tmp_path, monkeypatch):
    monkeypatch.setenv("VISIONLAB_WORKSPACE", str(tmp_path / "workspace"))
    project = Workspace(tmp_path / "workspace").create("Garden birds", "o" * 32)
    servers = dict(start_server()[::-1] for _ in range(2))
    ports = [int(address.rpartition(":")[2]) for address in servers]
    asked = configured(tmp_path, *ports)
    listening = free_port()
    config = Path(asked[-1])
    config.write_text(config.read_text().replace("listen 8080;", f"listen 127.0.0.1:{listening};"))
    proxy = subprocess.Popen([nginx, *asked, "-g", "daemon off;"])
    try:
        answering(listening, lambda: proxy.poll() is None, proxy.kill)
        owners = [f"{number:032}" for number in range(12)]
        kept = {owner: answered(listening, "/", owner)[1] for owner in owners}
        assert set(kept.values()) == {f"127.0.0.1:{port}" for port in ports}
        for owner in owners:
            assert answered(listening, "/_stcore/health", owner) == (200, kept[owner])
        ours, theirs = (next(owner for owner in owners if kept[owner].endswith(f":{port}")) for port in ports)
        for owner in (ours, theirs):
            page, server = opened(listening, owner, f"project={project.id}")
            assert "Garden birds" in page
            assert server == kept[owner]
        servers[f"http://{kept[ours]}"].kill()
        status, tried = answered(listening, "/", ours)  # both are named where the first one did not answer
        assert (status, tried.split(", ")[-1]) == (200, kept[theirs])
        assert "Garden birds" in opened(listening, ours, f"project={project.id}")[0]
    finally:
        proxy.terminate()  # which ends those that it began
        for server in servers.values():
            server.kill()
        for process in (proxy, *servers.values()):
            process.wait()
