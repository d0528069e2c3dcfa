"""WebSockets that pages of other sites open are refused from what is known here, without asking anybody; who is refused
is a line of the log."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from streamlit import config, net_util
from streamlit.web.server.starlette import starlette_websocket

from visionlab.errors import LINE
from visionlab.ui.serving import middleware
from visionlab.ui.serving.middleware import Door

HERE = "lab.example.org"


@pytest.fixture
def asked(monkeypatch) -> None:
    """Any host may be named, and the machine's address must never be asked for elsewhere."""
    monkeypatch.setattr(middleware, "is_host_allowed", lambda host: True)
    monkeypatch.setattr(starlette_websocket, "is_host_allowed", lambda host: True)
    monkeypatch.setattr(net_util, "get_external_ip", lambda: pytest.fail("the server asked elsewhere"))


def let_in(host: str, origin: str | None) -> bool:
    """Whether the app behind the door sees it."""
    seen, sent = [], []

    async def app(scope, receive, send) -> None:
        seen.append(scope)

    async def send(message) -> None:
        sent.append(message["type"])

    headers = [(b"host", host.encode())] + ([] if origin is None else [(b"origin", origin.encode())])
    with ThreadPoolExecutor(1) as pool:  # in this thread the browser tests may have a loop at work
        pool.submit(asyncio.run, Door(app)({"type": "websocket", "headers": headers}, None, send)).result()
    assert bool(seen) != (sent == ["websocket.close"])
    return bool(seen)


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        (HERE, f"https://{HERE}"),
        (HERE, None),
        (f"{HERE}:8501", f"http://{HERE}:8501"),
        ("127.0.0.1:8501", "http://127.0.0.1:8501"),
        ("[::1]:8501", "http://[::1]:8501"),
    ],
)
def test_own_pages_come_in_as_with_streamlit(asked, host, origin):
    assert let_in(host, origin)
    assert starlette_websocket._is_origin_allowed(origin, host)


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "",
        "http://[bad",
        f"http://{HERE}.evil.example",
        f"http://{HERE}@evil.example",
        "file://",
        "http://localhost:8723",
        "http://127.0.0.1",
        "http://0.0.0.0:8501",
        f"http://{HERE}:9999",
    ],
)
def test_pages_of_other_sites_do_not(asked, origin):
    assert not let_in(HERE, origin)


@pytest.mark.parametrize("origin", ["http://localhost:9999", "http://localhost", "http://127.0.0.1:8501"])
def test_pages_of_other_programs_of_the_visitors_machine_do_not(asked, origin):
    assert not let_in("localhost:8501", origin)
    assert let_in("localhost:8501", "http://localhost:8501")


def test_hosts_that_are_not_allowed_do_not_either(asked, monkeypatch):
    monkeypatch.setattr(middleware, "is_host_allowed", lambda host: host == HERE)
    assert not let_in("other.example", "http://other.example")
    assert let_in(HERE, f"http://{HERE}")


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("server.enableCORS", False),
        ("server.corsAllowedOrigins", ["https://school.example"]),
        ("browser.serverAddress", "school.example"),
    ],
)
def test_what_the_operator_allows_comes_in(asked, option, value):
    before = config.get_option(option)
    assert not let_in(HERE, "https://school.example")
    config.set_option(option, value, "a test")
    try:
        assert let_in(HERE, "https://school.example")
    finally:
        config.set_option(option, before)
        assert not let_in(HERE, "https://school.example")


def test_a_host_that_is_refused_is_one_short_line_of_the_log(monkeypatch, caplog):
    monkeypatch.setattr(middleware, "is_host_allowed", lambda host: host == HERE)
    sent = []

    async def send(message) -> None:
        sent.append(message)

    scope = {"type": "http", "path": "/", "headers": [(b"host", b"else.example\n" * 10_000)]}
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, Door(None)(scope, None, send)).result()
    assert sent[0]["status"] == 421
    [line] = caplog.messages
    assert line.startswith("421: This server is not reached as “else.example?else")
    assert line.endswith("by HOSTS (make run) or --known-as (visionlab app).")
    assert len(line) <= LINE


def test_a_websocket_that_is_refused_is_a_line_of_the_log(asked, caplog):
    assert not let_in(HERE, "https://else.example")
    assert caplog.messages == [
        f"403: a WebSocket of “{HERE}” for a page of “https://else.example”: one of the two is not this server’s."
    ]
