"""What every request passes before Streamlit sees it: which hosts are answered, whose browser it is, and who leaves."""

from __future__ import annotations

import asyncio
import re
import secrets
from contextlib import suppress
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose
from streamlit import config
from streamlit.web.server.starlette.starlette_websocket import is_host_allowed

from visionlab.errors import log_line
from visionlab.ui.serving.memory import give_back, keep_few_arenas
from visionlab.ui.serving.opening import Opening, opens_a_page
from visionlab.ui.serving.sockets import BinaryAlone
from visionlab.ui.shared.visitor import COOKIE, WELL_FORMED, is_at_server, is_own_name

YEAR = 365 * 24 * 60 * 60  # seconds
HEALTH, METRICS = "/_stcore/health", "/_stcore/metrics"
# The project that is open is in the link: it goes to no other site with a request that a page there makes.
ALWAYS = {"Referrer-Policy": "same-origin", "X-Content-Type-Options": "nosniff"}


class Door:
    """Refuses hosts that the operator did not allow, and keeps the server's figures to its own machine.

    Streamlit's server.allowedHosts holds for its WebSocket alone; here it holds for pages, uploads and downloads, too.
    A health check may name any host. WebSockets that pages of other sites open are refused before Streamlit sees them:
    it would ask a server elsewhere for the machine's address each time, while everybody here waits, and it lets in
    pages of any port of the visitor's own machine.
    """

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket" and not _is_own_page(headers := Headers(scope=scope)):
            asking, host = (_harmless(headers.get(name)) for name in ("origin", "host"))
            log_line(f"403: a WebSocket of “{host}” for a page of “{asking}”: one of the two is not this server’s.")
            await WebSocketClose(1008)(scope, receive, send)  # “policy violation”: the browser is told 403
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = HTTPConnection(scope)
        host, path = request.headers.get("host"), scope["path"].removeprefix(_base())
        if path != HEALTH and not is_host_allowed(host):
            told = f"This server is not reached as “{_harmless(host)}”"
            text = f"{told}; its operator lets it be by HOSTS (make run) or --known-as (visionlab app)."
            log_line(f"421: {text}")
            await PlainTextResponse(text, 421)(scope, receive, send)
            return
        if path == METRICS and not is_at_server(request.client and request.client.host, request.headers):
            await PlainTextResponse("Not found", 404)(scope, receive, send)
            return

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(ALWAYS)
            await send(message)

        await self.app(scope, receive, tell)


class Owners:
    """Gives each browser that opens a page the text by which it is known, in a cookie that no script reads."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not opens_a_page(scope):
            await self.app(scope, receive, send)
            return
        known = HTTPConnection(scope).cookies.get(COOKIE, "")
        owner = known if WELL_FORMED.fullmatch(known) else secrets.token_urlsafe(24)
        cookie = f"{COOKIE}={owner}; Path=/; Max-Age={YEAR}; HttpOnly; SameSite=Strict"
        if "https" in (scope["scheme"], Headers(scope=scope).get("x-forwarded-proto")):
            cookie += "; Secure"

        async def give(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).append("Set-Cookie", cookie)
            await send(message)

        await self.app(scope, receive, give)


class Leaving:
    """Lets the memory go of those who have left: Streamlit forgets them a while after, when the next one leaves."""

    def __init__(self, app: ASGIApp):
        self.app = app
        keep_few_arenas()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self.app(scope, receive, send)
        finally:
            if scope["type"] == "websocket":
                with suppress(RuntimeError):  # the server itself ends
                    asyncio.get_running_loop().run_in_executor(None, give_back)


def _is_own_page(headers: Headers) -> bool:
    """Whether a page of this server opens a WebSocket, or one that the operator allows, or no page at all.

    A page of localhost is none of this server's on another port: cookies know no ports, so it would be taken for the
    person, whatever program serves it.
    """
    host, origin = headers.get("host"), headers.get("origin")
    if not is_host_allowed(host):
        return False
    if origin is None or not config.get_option("server.enableCORS"):
        return True
    try:
        asking = urlsplit(origin)
        allowed = {urlsplit(each).hostname for each in config.get_option("server.corsAllowedOrigins")}
        address = config.get_option("browser.serverAddress")  # ours is localhost, which is the visitor's machine, too
        if config.is_manually_set("browser.serverAddress") and not is_own_name(address):
            allowed.add(address)
        return asking.netloc == host or asking.hostname in allowed - {None}
    except ValueError:  # of what is no address
        return False


def _base() -> str:
    base = config.get_option("server.baseUrlPath").strip("/")
    return f"/{base}" if base else ""


def _harmless(host: str | None) -> str:
    return re.sub(r"[^\w.:/\[\]-]", "?", host or "")[:100]


MIDDLEWARE = (Middleware(Door), Middleware(BinaryAlone), Middleware(Owners), Middleware(Leaving), Middleware(Opening))
