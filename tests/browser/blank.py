"""A page without Streamlit, for what is tested of components: their own JavaScript, in what a page gives them.

Streamlit's page takes longer to start than most tests take besides, and computes at every run. This one, blank.js,
speaks to the same server, which runs the same script, and shows components in the same surroundings: HTML and CSS in a
shadow root, the theme's variables around it, JavaScript called and let go of when Streamlit does, what it sets sent as
Streamlit sends it. tests/browser/shared/components/test_blank.py holds it to that. Of all else that a script draws it
shows texts, headings, buttons, toggles, radio buttons and lines to write in, one below another.

What depends on Streamlit's page is tested there, some of each component, too: where the focus goes, what comes and goes
on a page, its scrolling. With VISIONLAB_BLANK=off everything is (driver.open_blank).
"""

import json
from pathlib import Path

import streamlit
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

# What is read and written of Streamlit's messages.
MESSAGES = {
    *("ForwardMsg", "ForwardMsgMetadata", "RunIdentity", "NewSession", "SessionStatus", "Delta", "Block", "Element"),
    *("BidiComponent", "Text", "Heading", "Button", "Checkbox", "Radio", "TextInput", "FileUploader", "Exception"),
    *("BackMsg", "ClientState", "WidgetStates", "WidgetState", "ContextInfo"),
}
KINDS = {FieldDescriptor.TYPE_STRING: "text", FieldDescriptor.TYPE_BYTES: "bytes"}
# The light theme as Streamlit makes it of .streamlit/config.toml, as far as components use it.
THEME = {
    "--st-primary-color": "#0B62A8",
    "--st-background-color": "#FFFFFF",
    "--st-secondary-background-color": "#F3F6FA",
    "--st-text-color": "#16202C",
    "--st-border-color": "#D9E1EA",
    "--st-base-radius": "0.5rem",
    "--st-font": '"Source Sans",sans-serif',
}
FONT = next(Path(streamlit.__file__).parent.glob("static/static/media/SourceSans*-Upright.*"))
LOOKS = """
    @font-face { font-family: "Source Sans"; src: url("/static/media/%(file)s"); font-weight: 200 900; }
    body { margin: 0; font: 16px/1.6 %(font)s; color: %(text)s; }
    [data-testid=stApp], [data-testid=stMain] { position: absolute; inset: 0; overflow: auto; }
    [data-testid=stMainBlockContainer] { padding: 6rem 5rem 10rem; }
    [data-testid=stMainBlockContainer], .frame { display: flex; flex-direction: column; gap: 1rem; }
    .stBidiComponent, [data-testid=stBidiComponentIsolated] { width: 100%%; height: 100%%; }
    .theme { display: contents; %(theme)s }
    * { box-sizing: border-box; }
    button { align-self: start; }
    @media (width < 864px) { [data-testid=stMainBlockContainer] { padding-inline: 1rem; } }
"""


def _described(*roots: Descriptor) -> dict[str, dict[int, dict[str, object]]]:
    """{message: {number: {name, kind, many}}}; a kind is text, bytes, number or another of MESSAGES."""
    found: dict[str, dict[int, dict[str, object]]] = {}
    for root in roots:
        if root.name in found or root.name not in MESSAGES:
            continue
        found[root.name] = {
            field.number: {"name": field.name, "kind": _kind(field), "many": field.is_repeated}
            for field in root.fields
            if _kind(field)
        }
        found |= _described(
            *(f.message_type for f in root.fields if f.message_type and f.message_type.name not in found)
        )
    return found


def _kind(field: FieldDescriptor) -> str | None:
    if field.message_type:
        return field.message_type.name if field.message_type.name in MESSAGES else None
    return KINDS.get(field.type, "number")


def _page(request: Request) -> HTMLResponse:
    finished = ForwardMsg.ScriptFinishedStatus
    told = {
        "messages": _described(ForwardMsg.DESCRIPTOR, BackMsg.DESCRIPTOR),
        "finished": [finished.FINISHED_SUCCESSFULLY, finished.FINISHED_FRAGMENT_RUN_SUCCESSFULLY],
    }
    theme = " ".join(f"{name}: {value};" for name, value in THEME.items())
    looks = {"theme": theme, "text": THEME["--st-text-color"], "font": THEME["--st-font"], "file": FONT.name}
    return HTMLResponse(
        f"""<!doctype html>
<html lang="en">
<title>A page without Streamlit</title>
<style>{LOOKS % looks}</style>
<div data-testid="stApp"><main data-testid="stMain"><div data-testid="stMainBlockContainer"></div></main></div>
<script type="application/json" id="told">{json.dumps(told)}</script>
<script type="module">{Path(__file__).with_suffix(".js").read_text()}</script>
"""
    )


ROUTE = Route("/blank", _page)
