"""nginx as deploy/ configures it, before two servers on one workspace."""

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

CONFIGURATION = Path(__file__).parents[1] / "deploy" / "nginx.conf"


@pytest.fixture
def nginx():
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if found is None:
        pytest.skip("nginx is not installed")
    return found


def configured(folder, *ports):
    """nginx's configuration for this machine: containers are ports here, and whoever answered says so."""
    config = CONFIGURATION.read_text().replace("/tmp/", f"{folder}/")
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
