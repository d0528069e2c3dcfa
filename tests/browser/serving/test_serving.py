"""Who is let in: requests and WebSockets with forged names, as pages of other sites and proxies send them."""

import json
import socket
import urllib.error
import urllib.request
from contextlib import suppress

import pytest
from browser.servers import ADDRESS, PORT
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.sync.client import connect

from visionlab.ui.shared.visitor import COOKIE

FIELD = "Or where it lies on this computer"
HERE = f"127.0.0.1:{PORT}"
REBOUND = f"rebound.example:{PORT}"  # a name of somebody else that has come to mean 127.0.0.1


def answered(path: str, **headers: str) -> tuple[int, str, dict[str, str]]:
    """Status, text and headers of what the server answers."""
    request = urllib.request.Request(f"{ADDRESS}{path}", headers={k.replace("_", "-"): v for k, v in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read().decode(), {k.lower(): v for k, v in answer.headers.items()}
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(), {}


def shown(host: str, origin: str | None, headers: dict[str, str] | None = None) -> str:
    """Everything that the page Fine-tune sends to whoever connects under these names."""
    with socket.create_connection(("127.0.0.1", PORT)) as line:
        opened = connect(
            f"ws://{host}/_stcore/stream",
            sock=line,
            origin=origin,
            additional_headers=headers,
            subprotocols=["streamlit"],
            max_size=None,
        )
        with opened as stream:
            ask = BackMsg()
            ask.rerun_script.page_script_hash = ""
            ask.rerun_script.page_name = "Fine_tune"
            stream.send(ask.SerializeToString())
            told = []
            while True:
                message = ForwardMsg.FromString(stream.recv(60))
                told.append(str(message))
                if message.WhichOneof("type") == "script_finished":
                    return "\n".join(told)


def test_the_page_of_this_machine_is_offered_to_name_its_files(server):
    assert FIELD in shown(HERE, f"http://{HERE}")
    assert FIELD in shown(f"localhost:{PORT}", f"http://localhost:{PORT}")


@pytest.mark.parametrize(
    ("origin", "headers"),
    [
        (f"http://{HERE}", {"Via": "1.1 proxy"}),
        (f"http://{HERE}", {"X-Real-IP": "10.0.0.7"}),
        (f"http://{HERE}", {"Forwarded": "for=10.0.0.7"}),
        (f"http://{HERE}", {"X-Forwarded-Host": "lab.example.org"}),
        (None, {}),  # no browser
    ],
    ids=["via", "real-ip", "forwarded", "forwarded-host", "no-browser"],
)
def test_nobody_else_is(server, origin, headers):
    told = shown(HERE, origin, headers)
    assert "Or name your classes" in told, "the page itself comes"
    assert FIELD not in told


@pytest.mark.parametrize(
    "host", [REBOUND, f"localhost.rebound.example:{PORT}", f"10.0.0.7:{PORT}"], ids=["name", "sub-name", "address"]
)
def test_a_name_that_is_not_this_machines_opens_nothing(server, host):
    with pytest.raises(InvalidStatus):
        shown(host, f"http://{host}")
    for path in ("/", "/Fine_tune", "/_stcore/host-config", "/_stcore/metrics", "/media/x", "/_stcore/upload_file/a/b"):
        status, text, _ = answered(path, Host=host)
        assert status == 421
        assert f"not reached as “{host}”" in text
    assert answered("/_stcore/health", Host=host)[0] == 200, "a load balancer asks by whatever name"


def test_a_page_of_another_server_of_this_machine_opens_nothing(server):
    for host in (HERE, f"localhost:{PORT}"):
        with pytest.raises(InvalidStatus):
            shown(host, "http://localhost:3000")


@pytest.mark.parametrize(("message", "code"), [("text", 1003), (b"\xff\xff garbage", 1002)])
def test_a_stream_of_what_no_page_sends_is_closed(server, message, code):
    with connect(f"ws://{HERE}/_stcore/stream", origin=f"http://{HERE}", subprotocols=["streamlit"]) as stream:
        stream.send(message)
        with suppress(ConnectionClosedError):
            while True:
                stream.recv(10)
        assert stream.close_code == code


def test_what_the_server_measures_is_told_to_its_own_machine(server):
    assert "# EOF" in answered("/_stcore/metrics")[1]
    for headers in ({"X_Forwarded_For": "10.0.0.7"}, {"Via": "1.1 proxy"}, {"Origin": f"http://{REBOUND}"}):
        assert answered("/_stcore/metrics", **headers)[0] == 404


def test_a_page_gives_its_browser_a_cookie_that_no_script_reads_and_nothing_else_does(server):
    status, _, headers = answered("/Fine_tune", Accept="text/html,*/*")
    assert status == 200
    cookie = headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    assert "Secure" in answered("/", Accept="text/html", X_Forwarded_Proto="https")[2]["set-cookie"]
    assert headers["referrer-policy"] == "same-origin", "the link names a project"
    assert COOKIE not in answered("/_stcore/health")[2].get("set-cookie", "")
    assert json.loads(answered("/_stcore/host-config")[1])["allowedOrigins"]
