"""The live camera: predictions a second, and how long one waits from a frame to its painted answer.

Chromium's pretended camera (1280 × 720 px) films for a server on this machine, both on the same cores, once without and
once with Grad-CAM; a wait ends when the browser has painted the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from browser.demos.serving import serving
from playwright.sync_api import Page

from benchmarks.browsing import chromium, measured_by_itself
from benchmarks.measuring import Row, Setting, asked, compared
from visionlab.network.zoo.models import TO_NAME

TITLE = "The live camera"

# The waits of all answers within so many seconds, in ms.
ANSWERS = """async (seconds) => {
    const waits = [];
    const note = (event) => waits.push(event.detail);
    document.addEventListener('answered', note);
    await pause(1000 * seconds);
    document.removeEventListener('answered', note);
    return waits;
}"""


def answers(url: str, seconds: int, start: Callable[[Page], None]) -> list[float]:
    """The waits of all answers within so many seconds from when start(page) has started the camera, in seconds."""

    def film(page: Page) -> None:
        page.goto(url)
        start(page)

    with chromium() as port:
        return [each / 1e3 for each in measured_by_itself(port, film, ANSWERS, seconds, 20 + 2 * seconds, leave=5_000)]


def filmed(page: Page, why: bool) -> None:
    page.get_by_role("button", name="Start the camera").click()
    page.get_by_label("Where it looks (Grad-CAM)").set_checked(why)
    page.locator(".pace").get_by_text("predictions a second").wait_for()


def measure(setting: Setting) -> Iterator[Row]:
    seconds = 3 if setting.short else 10
    for url in serving("camera.py"):
        for network in TO_NAME[:1] if setting.short else TO_NAME:
            address = f"{url}/?network={network}"
            answers(address, 1, partial(filmed, why=True))  # a server's first page, while all is still being loaded
            for title, why in {"predictions": False, "with Grad-CAM": True}.items():
                waits = answers(address, seconds, partial(filmed, why=why))
                yield compared(f"{network}, {title}: frame → painted answer", {"ours": waits}, high=True)
                yield Row(f"{network}, {title}", len(waits) / seconds, "a second")


if __name__ == "__main__":
    asked(TITLE, measure, __doc__)
