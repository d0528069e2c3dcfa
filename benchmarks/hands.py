"""What follows a hand: the maps of a layer while one moves before the camera, a picture that one rubs over, and a plane
of 2,000 pictures that one pushes about.

Chromium's pretended camera (1280 × 720 px) films for a server on this machine, all on the same cores. A wait ends when
the browser has painted the answer. A frame of the plane counts when it has been drawn; every picture is on it.
"""

from __future__ import annotations

from collections.abc import Iterator

from playwright.sync_api import Page

from benchmarks import ROOT
from benchmarks.browsing import TOOLS, attached, chromium, measured_by_itself, serving, settle
from benchmarks.live import answers
from benchmarks.measuring import Goal, Row, Setting, asked, compared

TITLE = "Seen live, and changed by hand"
NETWORK, LAYERS = "vgg16-oxford", ("conv1_2", "conv2_2", "conv3_3")  # the last of each of the first blocks
SIDE = 128  # pixels of a frame, as the network sees it
POINTS = 2000
STROKES = (
    """async (times) => {"""
    + TOOLS
    + """
    window.waits = [];
    const eraser = find(document, '.eraser'), canvas = eraser.querySelector('canvas');
    const press = (key) => canvas.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true, composed: true}));
    await pause(3000);  // whoever watched the page has gone
    for (let i = 0; i < times; i++) {
        press(['ArrowLeft', 'ArrowUp', 'ArrowRight', 'ArrowRight', 'ArrowDown'][i % 5]);
        const before = eraser.dataset.answered, start = performance.now();
        press(' ');
        while (eraser.dataset.answered === before) await frame();
        for (const each of eraser.querySelectorAll('img')) await each.decode();
        await drawn();
        window.waits.push(performance.now() - start);
        await rest();
    }
    document.title = 'measured';
}"""
)
PUSHES = (
    """async (seconds) => {"""
    + TOOLS
    + """
    const canvas = find(document, '.stage > canvas');
    const press = (key) => canvas.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true, composed: true}));
    await pause(3000);  // whoever watched the page has gone
    const before = Number(canvas.dataset.frames), start = performance.now();
    for (let i = 0; performance.now() - start < 1000 * seconds; i++) {
        press(i % 60 < 30 ? 'ArrowLeft' : 'ArrowRight');
        await frame();
    }
    window.rate = (1000 * (Number(canvas.dataset.frames) - before)) / (performance.now() - start);
    document.title = 'measured';
}"""
)


def filmed(page: Page) -> None:
    page.get_by_role("button", name="Start the camera").click()
    page.locator(".pace").get_by_text("mosaics a second").wait_for()


def rubbed(url: str, times: int) -> list[float]:
    """How long the answers to so many strokes took, in seconds."""
    with chromium() as port:
        with attached(port) as page:
            page.goto(f"{url}/Predict?closer=Rub+it+out")
            settle(page)
            page.locator(".eraser[data-answered]").wait_for()
            page.evaluate(f"(times) => {{ ({STROKES})(times); }}", times)
        measured_by_itself(port, 60 + 5 * times)
        with attached(port) as page:
            return [each / 1e3 for each in page.evaluate("window.waits")]


def pushed(url: str, seconds: int) -> float:
    """Frames a second of the plane."""
    with chromium() as port:
        with attached(port) as page:
            page.goto(f"{url}/?count={POINTS}")
            settle(page)
            page.locator(".stage > canvas[data-frames]").wait_for()
            page.evaluate(f"(seconds) => {{ ({PUSHES})(seconds); }}", seconds)
        measured_by_itself(port, 60 + seconds)
        with attached(port) as page:
            return page.evaluate("window.rate")


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
        yield compared(what, {"ours": rubbed(url, 3 if setting.short else 20)}, Goal(300, of="value"), high=True)
    with serving(ROOT / "tests" / "browser" / "demos" / "space.py") as (_, url):
        what = f"A plane of {POINTS:,} pictures that is pushed"
        yield Row(what, pushed(url, seconds), "frames a second", goal=Goal(30, of="value", least=True))


if __name__ == "__main__":
    asked(TITLE, measure, __doc__)
