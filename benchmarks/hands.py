"""What follows a hand: the maps of a layer while one moves before the camera, a picture that one rubs over, and a plane
of 2,000 pictures that one pushes about.

Chromium's pretended camera (1280 × 720 px) films for a server on this machine, all on the same cores. A wait ends when
the browser has painted the answer. A frame of the plane counts when it has been drawn; every picture is on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from playwright.sync_api import Page

from benchmarks import ROOT
from benchmarks.browsing import chromium, measured_by_itself, serving, settle
from benchmarks.live import answers
from benchmarks.measuring import Goal, Row, Setting, asked, compared

TITLE = "Seen live, and changed by hand"
NETWORK, LAYERS = "vgg16-oxford", ("conv1_2", "conv2_2", "conv3_3")  # the last of each of the first blocks
SIDE = 128  # pixels of a frame, as the network sees it
POINTS = 2000
STROKES = """async (times) => {
    const waits = [];
    const eraser = find(document, '.eraser'), canvas = eraser.querySelector('canvas');
    const press = (key) => canvas.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true, composed: true}));
    for (let i = 0; i < times; i++) {
        press(['ArrowLeft', 'ArrowUp', 'ArrowRight', 'ArrowRight', 'ArrowDown'][i % 5]);
        const before = eraser.dataset.answered, start = performance.now();
        press(' ');
        while (eraser.dataset.answered === before) await frame();
        for (const each of eraser.querySelectorAll('img')) await each.decode();
        await drawn();
        waits.push(performance.now() - start);
        await rest();
    }
    return waits;
}"""
PUSHES = """async (seconds) => {
    const canvas = find(document, '.stage > canvas');
    const press = (key) => canvas.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true, composed: true}));
    const before = Number(canvas.dataset.frames), start = performance.now();
    for (let i = 0; performance.now() - start < 1000 * seconds; i++) {
        press(i % 60 < 30 ? 'ArrowLeft' : 'ArrowRight');
        await frame();
    }
    return (1000 * (Number(canvas.dataset.frames) - before)) / (performance.now() - start);
}"""


def filmed(page: Page) -> None:
    page.get_by_role("button", name="Start the camera").click()
    page.locator(".pace").get_by_text("mosaics a second").wait_for()


def found(url: str, shown: str, script: str, given: int, seconds: float) -> Any:
    """What the script gives on the page of that address, once what it works on is shown."""

    def look(page: Page) -> None:
        page.goto(url)
        settle(page)
        page.locator(shown).wait_for()

    with chromium() as port:
        return measured_by_itself(port, look, script, given, 60 + seconds)


def measure(setting: Setting) -> Iterator[Row]:
    seconds = 3 if setting.short else 10
    with serving() as (_, url):
        address = f"{url}/Feature_maps?live=true&network={NETWORK}&layer="
        answers(address + LAYERS[0], 1, filmed)  # a server's first page, while all is still being loaded
        for layer in LAYERS[-1:] if setting.short else LAYERS:
            waits = answers(address + layer, seconds, filmed)
            what = f"{NETWORK}, the mosaic of {layer} at {SIDE} px"
            yield compared(f"{what}: frame → painted", {"ours": waits}, high=True)
            yield Row(what, len(waits) / seconds, "a second", goal=Goal(6, of="value", least=True))
        what = "Predict, a stroke of the eraser → the painted answer and reason"
        times = 3 if setting.short else 20
        waits = found(f"{url}/Predict?closer=Rub+it+out", ".eraser[data-answered]", STROKES, times, 5 * times)
        yield compared(what, {"ours": [each / 1e3 for each in waits]}, Goal(300, of="value"), high=True)
    with serving(ROOT / "tests" / "browser" / "demos" / "space.py") as (_, url):
        what = f"A plane of {POINTS:,} pictures that is pushed"
        rate = found(f"{url}/?count={POINTS}", ".stage > canvas[data-frames]", PUSHES, seconds, seconds)
        yield Row(what, rate, "frames a second", goal=Goal(30, of="value", least=True))


if __name__ == "__main__":
    asked(TITLE, measure, __doc__)
