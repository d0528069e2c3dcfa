"""What comes with a page when it is opened: its heading, the style of all pages, where its server is, and its colours.

Streamlit takes most of a second to begin, and until then there was nothing to be seen, which in the dark was white. The
heading is written into the page now, and goes when the one of the script has come to the same place. As an element of a
page the style came a third of a second after the others, since the browser first has to fetch what shows such elements:
every page was laid out twice, and jumped. And where a page other than the first was opened, Streamlit's side in the
browser asked below that page for the server, and a tenth of a second later above it.
"""

from __future__ import annotations

import json
import re
from functools import cache
from html import escape
from pathlib import Path
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import config

from visionlab.ui.shared.server.pages import PAGES, SIDEBAR, Page, is_off

ASSETS = Path(__file__).parents[1] / "shared" / "assets"
BEGIN = b"<head>"  # before Streamlit's scripts
END = b"</body>"  # behind Streamlit's own styles, which it puts into the head
# What would bring a page that was not written here, or that was: its style may be another one by now.
UNHEARD = {b"accept-encoding", b"if-none-match", b"if-modified-since"}
# A server may be behind others that know it by a longer address: only what is known as a page is taken off. What
# Streamlit is to be told here it reads from window.__streamlit; the rest is what it would ask the server for.
WHERE = """<script>(() => {
  const path = location.pathname.split("/");
  if (!%(pages)s.includes(path.pop())) return;
  const here = `${location.origin}${path.join("/")}/`;
  // What Streamlit puts into a page’s link as it opens is no new entry of the history: see components/history.
  history.pushState = function (state, unused, address) {
    const here = new URL(address ?? location.href, location.href).pathname === location.pathname;
    History.prototype[here ? "replaceState" : "pushState"].call(history, state, unused, address);
  };
  window.__streamlit = {BACKEND_BASE_URL: here, MAIN_PAGE_BASE_URL: here, HOST_CONFIG: %(host)s, ...%(themes)s};
})();</script>
"""
THEMES = ("light", "dark")  # in the order of Streamlit's own numbers for them
COLOURS = ("primaryColor", "backgroundColor", "secondaryBackgroundColor", "textColor", "borderColor")
NARROW = 768  # CSS pixels: Streamlit opens the navigation by itself in windows that are wider
# The words lie where assets/style.css puts those of the script, beside the navigation, which comes after these. Whoever
# hears a page is told of it by its title, and by the script's own heading.
HEADING = """<style>
@font-face { font-family: "opening"; font-weight: 200 900; font-display: swap; src: url("%(font)s") format("woff2"); }
#opening { position: fixed; z-index: 1; inset: 0; pointer-events: none; overflow: hidden; color-scheme: light dark;
  padding: 0.75rem clamp(1rem, 4vw, 3.5rem); border-left: var(--beside) solid light-dark(%(panel)s);
  color: light-dark(%(text)s); font-family: "opening", "Source Sans", sans-serif; }
#opening * { display: block; padding-left: var(--before); line-height: 1.3; }
#opening b { font-size: 1.5rem; }
#opening span { font-size: 0.875rem; line-height: 1.35; opacity: 0.6; }
#opening ~ #root [data-testid="stAppViewContainer"]:not(:has([data-testid="stSidebar"])) {
  padding-left: var(--beside); }
#opening ~ #root .st-key-strip-heading { padding-left: var(--before); }
#opening ~ #root [data-testid="stAppSkeleton"] { visibility: hidden; }
</style>
<script>(() => {
  const kept = (name) => { try { return JSON.parse(localStorage.getItem(name)); } catch { return null; } };
  const narrow = innerWidth < %(narrow)s, folded = kept("stSidebarCollapsed-") ?? narrow;
  const beside = folded || narrow ? 0 : kept("sidebarWidth") ?? %(sidebar)s;
  document.documentElement.style.setProperty("--beside", `${beside}px`);
  document.documentElement.style.setProperty("--before", folded ? "2.25rem" : "0");
  const there = (what) => document.querySelector(`[data-testid=${what}]`), tab = document.title;
  new MutationObserver((_, seen) => {
    if (document.title !== tab) document.title = tab; // Streamlit’s own, until it has heard of the script’s
    const all = there("stMain")?.querySelector("h1") && there(folded ? "stExpandSidebarButton" : "stSidebar");
    if (!all && !there("stException") && !document.querySelector("[role=dialog]")) return;
    document.getElementById("opening").remove();
    seen.disconnect();
  }).observe(document, {childList: true, subtree: true});
})();</script>
<div id="opening" aria-hidden="true"><b>%(heading)s</b><span>%(about)s</span></div>
"""
BODY = b"<body>"
TITLE = b"<title>Streamlit</title>"
FONT = re.compile(rb'href="([^"]+)"\s+as="font"')  # the one that Streamlit has its pages load first
BLANK = "<style>html { background: %s } @media (prefers-color-scheme: dark) { html { background: %s } }</style>\n"


class Opening:
    """Writes all of it into each page that is opened."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not opens_a_page(scope):
            await self.app(scope, receive, send)
            return
        if right := _written_otherwise(scope["path"]):  # Streamlit would show the first page, without a word
            query = scope["query_string"].decode("latin-1")
            await RedirectResponse(f"{right}?{query}" if query else right)(scope, receive, send)
            return
        asked = {**scope, "headers": [each for each in scope["headers"] if each[0] not in UNHEARD]}
        start: Message | None = None
        body = b""

        async def write(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start" and _is_page(message):
                start = message
            elif start is None:
                await send(message)
            else:
                body += message.get("body", b"")
                if not message.get("more_body"):
                    written = body.replace(BEGIN, BEGIN + blank() + where(), 1).replace(END, style() + END, 1)
                    if page := _page_of(scope):
                        written = written.replace(TITLE, title(page)).replace(BODY, BODY + heading(page, body), 1)
                    await send(_with_length(start, written))
                    await send({"type": "http.response.body", "body": written})

        await self.app(asked, receive, write)


def opens_a_page(scope: Scope) -> bool:
    """Whether a browser asks for what it is to show by itself."""
    asks = scope["type"] == "http" and scope["method"] == "GET"
    return asks and "text/html" in Headers(scope=scope).get("accept", "")


@cache
def style() -> bytes:
    """All of it, as an element of a page."""
    rules = "\n".join(path.read_text() for path in sorted(ASSETS.glob("*.css")))
    return f"<style>\n{rules}</style>\n".encode()


@cache
def blank() -> bytes:
    """How a page looks before there is anything on it, in the colours that its themes have."""
    colours = [config.get_option(f"theme.{theme}.backgroundColor") for theme in THEMES]
    return (BLANK % tuple(colours)).encode() if all(colours) else b""


def title(page: Page) -> bytes:
    """What the browser calls the page, as an element of it."""
    return f"<title>{escape(page.tab)}</title>".encode()


def heading(page: Page, body: bytes) -> bytes:
    """Its heading and what it is about, as elements of that page, until the script's own come."""
    font = FONT.search(body)
    told = {"heading": page.headline, "about": page.about, "font": font[1].decode() if font else ""}
    for name, option, usual in (("panel", "secondaryBackgroundColor", "canvas"), ("text", "textColor", "canvastext")):
        told[name] = ", ".join(config.get_option(f"theme.{theme}.{option}") or usual for theme in THEMES)
    sizes = {"narrow": NARROW, "sidebar": SIDEBAR}
    return (HEADING % ({name: escape(each) for name, each in told.items()} | sizes)).encode()


@cache
def where() -> bytes:
    """A script that says where the server is, as an element of a page."""
    pages = ["", *_names()]
    host = {"allowedOrigins": config.get_option("client.allowedOrigins"), "useExternalAuthToken": False}
    told = {"pages": pages, "host": host, "themes": _themes()}
    return (WHERE % {name: json.dumps(each) for name, each in told.items()}).encode()


@cache
def _names() -> tuple[str, ...]:
    """By what pages are known in addresses."""
    return tuple(Path(page.script).stem.split("_", 1)[-1] for page in PAGES.values())


def _page_of(scope: Scope) -> Page | None:
    """The page that is opened, where it will have a heading: not one that is switched off, or shown in another's."""
    page = dict(zip(("", *_names()[1:]), PAGES.values(), strict=True)).get(scope["path"].rpartition("/")[2])
    embedded = parse_qs(scope["query_string"].decode("latin-1")).get("embed", [""])[-1].lower() == "true"
    return None if page is None or is_off(page.title) or embedded else page


def _written_otherwise(path: str) -> str | None:
    """The name of the page, where an address has it in other letters, as “/feature-maps”."""
    name = path.rpartition("/")[2]
    right = {each.lower(): each for each in _names()[1:]}.get(name.lower().replace("-", "_"))  # the first is at “/”
    return None if right == name else right


def _themes() -> dict[str, dict[str, object]]:
    """The colours of both; without them a page has Streamlit's own until it has heard of the server."""
    return {
        f"{theme.upper()}_THEME": {"base": base}
        | {each: colour for each in COLOURS if (colour := config.get_option(f"theme.{theme}.{each}"))}
        for base, theme in enumerate(THEMES)
    }


def _is_page(start: Message) -> bool:
    return start["status"] == 200 and Headers(raw=start["headers"]).get("content-type", "").startswith("text/html")


def _with_length(start: Message, body: bytes) -> Message:
    headers = MutableHeaders(scope={**start, "headers": list(start["headers"])})
    for name in ("etag", "last-modified"):  # of the file without it
        del headers[name]
    headers["content-length"] = str(len(body))
    return {**start, "headers": headers.raw}
