"""The style of all pages, and where the server is, come with each page that is opened, and with nothing else."""

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.responses import FileResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Route
from streamlit import file_util

from visionlab.ui.serving.opening import ASSETS, Opening, blank, heading, style, title, where
from visionlab.ui.shared.server.pages import PAGES

PAGE = {"accept": "text/html,application/xhtml+xml"}


class Answer(NamedTuple):
    status: int
    headers: Headers
    body: bytes


def answer(path: str, headers: dict[str, str] | None = None, method: str = "GET", query: bytes = b"") -> Answer:
    """What comes of a server that answers “/” as Streamlit does."""

    async def page(request):
        return FileResponse(f"{file_util.get_static_dir()}/index.html")

    async def picture(request):
        return StreamingResponse(iter([b"one </body>", b" two"]), media_type="image/png")

    async def missing(request):
        return PlainTextResponse("<html><body></body></html>", 404, media_type="text/html")

    routes = [Route("/a.png", picture), Route("/none", missing), Route("/{name:path}", page)]
    app, sent = Starlette(routes=routes, middleware=[Middleware(Opening)]), []
    named = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
    scope = {"type": "http", "method": method, "path": path, "query_string": query, "headers": named}

    async def receive() -> dict:
        await asyncio.sleep(60)

    async def send(message: dict) -> None:
        sent.append(message)

    with ThreadPoolExecutor(1) as pool:  # in this thread the browser tests may have a loop at work
        pool.submit(asyncio.run, app(scope, receive, send)).result()
    start, *parts = sent
    return Answer(start["status"], Headers(raw=start["headers"]), b"".join(part.get("body", b"") for part in parts))


def test_a_page_begins_with_where_it_is_and_ends_with_all_of_the_style():
    own, page = answer("/").body, answer("/", PAGE)
    ours = page.body.replace(blank() + where(), b"").replace(style(), b"").replace(heading(PAGES["Home"], own), b"")
    assert ours == own.replace(b"<title>Streamlit</title>", title(PAGES["Home"]))
    assert page.body.index(b"<head>" + blank() + where()) < page.body.index(b'<script type="module"')
    assert style() + b"</body>" in page.body
    assert int(page.headers["content-length"]) == len(page.body)
    for path in ASSETS.glob("*.css"):
        assert path.read_bytes() in page.body
    assert b"dark) { html { background: #10161E } }" in blank()
    assert b'"DARK_THEME": {"base": 1, "primaryColor": "#5AB0F2"' in where()
    assert style().count(b"<style>") == style().count(b"</style>") == 1


@pytest.mark.parametrize("path", ["/Feature_maps", "/lab/Feature_maps"])
def test_a_page_is_sent_with_its_heading_and_its_name(path):
    entry, page = PAGES["Feature maps"], answer(path, PAGE).body.decode()
    assert page.index("<title>Feature maps · visionlab</title>") < page.index(f"<b>Feature maps</b><span>{entry.about}")
    assert "light-dark(#16202C, #E8EDF3)" in page
    font = re.search(r'src: url\("(./static/media/[^"]+)"\)', page)[1]
    assert (Path(file_util.get_static_dir()) / font).is_file()


def test_no_heading_is_sent_that_the_script_would_not_have(monkeypatch):
    whole = b"<body>\n    <noscript>"
    assert whole in answer("/No_such_page", PAGE).body
    assert whole in answer("/Predict", PAGE, query=b"embed=true").body
    assert whole not in answer("/Predict", PAGE, query=b"count=3").body
    monkeypatch.setenv("VISIONLAB_PAGES_OFF", "Predict")
    assert whole in answer("/Predict", PAGE).body
    assert whole not in answer("/Convolution", PAGE).body


def test_a_page_is_never_what_the_browser_has_kept():
    kept = answer("/").headers
    asks = {"if-none-match": kept["etag"], "if-modified-since": kept["last-modified"]}
    page = answer("/", PAGE | asks)
    assert page.status == 200
    assert not {"etag", "last-modified"} & set(page.headers)
    assert style() in page.body


def test_what_is_no_page_comes_as_it_is():
    assert answer("/a.png", PAGE).body == b"one </body> two"
    assert answer("/none", PAGE).body == b"<html><body></body></html>"
    assert answer("/", PAGE, "HEAD").body == b""


@pytest.mark.parametrize(
    ("path", "right"),
    [("/convolution", "Convolution"), ("/lab/FEATURE-maps", "Feature_maps"), ("/Convolution", None), ("/", None)],
)
def test_an_address_in_other_letters_leads_to_the_page_with_all_that_it_asks_for(path, right):
    found = answer(path, PAGE, query=b"kernel=sobel_x&at=1%2C2")
    if right:
        assert (found.status, found.headers["location"]) == (307, f"{right}?kernel=sobel_x&at=1%2C2")
    else:
        assert found.status in (200, 404)
    assert "location" not in answer(path, {"accept": "application/json"}).headers
