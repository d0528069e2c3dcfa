"""The page without Streamlit does what Streamlit's own does for components: the same calls in the same order."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser.blank import THEME
from browser.demos.serving import serving
from browser.driver import open_page, settle
from playwright.sync_api import Page
from streamlit.proto.BackMsg_pb2 import BackMsg

from visionlab.ui.shared import components

WIDTHS = (864, 863, 420, 1400)
AROUND = """(names) => {
    const host = document.querySelector(".st-key-first [data-testid=stBidiComponentIsolated]");
    const looks = getComputedStyle(host);
    const theme = Object.fromEntries(names.map((name) => [name, looks.getPropertyValue(name)]));
    const text = ["color", "fontFamily", "fontSize", "lineHeight", "boxSizing"].map((name) => looks[name]);
    return { theme, text, parent: Boolean(host.closest(".stBidiComponent")) };
}"""
WIDTH = "document.querySelector('.st-key-first [data-testid=stBidiComponentIsolated]').getBoundingClientRect().width"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    yield from serving("noting.py")


def sent(payload: bytes | str) -> list[Any] | None:
    """What a message asks the server to run: a part of the page or all of it, and what components have set."""
    message = BackMsg.FromString(payload if isinstance(payload, bytes) else payload.encode())
    if not message.HasField("rerun_script"):
        return None
    asked = message.rerun_script
    values = [
        (re.sub(r"\$\$ID-[0-9a-f]+-", "", widget.id), widget.WhichOneof("value"), json.loads(getattr(widget, field)))
        for widget in asked.widget_states.widgets
        if (field := widget.WhichOneof("value")) in {"json_value", "json_trigger_value"}
    ]
    return [bool(asked.fragment_id), *sorted(values)]


def lived(page: Page, address: str) -> dict[str, Any]:
    """What components note, and the server is asked for and hears, in a life of all that befalls them."""
    asked: list[Any] = []
    page.once("websocket", lambda socket: socket.on("framesent", lambda payload: asked.append(sent(payload))))
    open_page(page, address)
    noted = {"around": page.evaluate(AROUND, list(THEME)), "widths": [], "heard": []}

    def hear() -> None:
        settle(page)
        noted["heard"].append(page.get_by_test_id("stText").all_inner_texts())

    def act(what: str) -> None:
        page.evaluate(what)
        hear()

    def press(label: str) -> None:
        page.get_by_text(label, exact=True).click()
        hear()

    press("Run again")
    act("noted.acts.first.setStateValue('state', {deep: [1]})")
    act("""() => {
        const { setStateValue, setTriggerValue } = noted.acts.first;
        setTriggerValue("act", 1);
        setStateValue("other", "b");
        setTriggerValue("deed", null);
        setStateValue("state", 2);
        setTriggerValue("act", "again");
    }""")
    act("noted.acts.second.setTriggerValue('act', [1, 2])")
    # two parts of the page in the same turn
    act("noted.acts.second.setStateValue('other', false); noted.acts.first.setStateValue('other', 'c')")
    press("Change")
    press("Run again")
    press("Change")  # from here on what it returns comes late …
    page.wait_for_function("() => window.go")  # the page may have settled before it calls the component
    press("Change")  # … and something newer has been given to it
    act("go()")
    press("Shown")
    press("Shown")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 1000})
        noted["widths"].append(page.evaluate(WIDTH))
    return {**noted, "calls": page.evaluate("noted.calls"), "asked": [each for each in asked if each]}


def test_components_live_as_in_streamlits_page(page: Page):
    own = lived(page, "")
    blank = lived(page, "blank")
    assert own["around"]["theme"] == THEME
    for what, found in own.items():
        assert blank[what] == found, what
    assert [kind for kind, *_ in own["calls"]["first"]] == [*["called"] * 4, "left", "left", "called"]


def test_the_theme_is_all_of_it_that_components_use():
    (folder,) = map(Path, components.__path__)
    used = {name for file in folder.glob("*/*.[cj]s*") for name in re.findall(r"--st-[a-z0-9-]+", file.read_text())}
    assert used == set(THEME)
