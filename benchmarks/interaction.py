"""How long a person waits: from a control's change to the painted picture, and frames a second while the lab plays.

    python benchmarks/interaction.py [--times 40]

Starts the app, opens it in Chromium, uploads a picture of 1 megapixel, and changes the dilation of a kernel again and
again; each time it waits until the browser has decoded and painted the new response.
"""

from __future__ import annotations

import os
import platform
import shutil
import statistics
import sys
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from browser.driver import FLAGS, open_page, settle, start_server

from visionlab.imaging.image import encode_jpeg
from visionlab.imaging.samples import load_sample

# Notes when the response's picture has been painted after its address changed.
WATCH = """() => {
    const find = (root) => {
        for (const element of root.querySelectorAll('*')) {
            if (element.matches('img.after')) return element;
            const inner = element.shadowRoot && find(element.shadowRoot);
            if (inner) return inner;
        }
    };
    const image = find(document);
    window.painted = 0;
    new MutationObserver(() => image.decode().then(() => requestAnimationFrame(() => requestAnimationFrame(() => {
        window.painted = performance.now();
    })))).observe(image, {attributes: true, attributeFilter: ['src']});
    document.addEventListener('click', () => { window.clicked = performance.now(); window.painted = 0; }, true);
}"""


def megapixel() -> bytes:
    """1024 × 1024 pixels with a photograph's detail: the astronaut and her mirror images, pixel for pixel."""
    quarter = load_sample("astronaut")
    half = np.hstack([quarter, quarter[:, ::-1]])
    return encode_jpeg(np.vstack([half, half[::-1]]), 92)


def waits(page: Page, times: int) -> list[float]:
    """Milliseconds from the click on the stepper to the painted response."""
    page.evaluate(WATCH)
    stepper = page.get_by_test_id("stNumberInput").filter(has_text="Dilation")
    found = []
    for i in range(times):
        button = stepper.get_by_test_id("stNumberInputStepUp" if i % 8 < 4 else "stNumberInputStepDown")
        button.click()
        page.wait_for_function("() => window.painted > 0")
        found.append(page.evaluate("() => window.painted - window.clicked"))
        settle(page)
    return found


def frames(page: Page) -> float:
    """Frames a second while a 32 × 32 square plays at the speed that draws the most."""
    open_page(page, "Convolution?square=20,20,32")
    page.get_by_label("Speed").fill("4")
    page.get_by_role("button", name="Play").click()
    lab = page.locator(".lab")
    page.wait_for_timeout(4000)
    return float(lab.get_attribute("data-fps"))


def main(times: Annotated[int, typer.Option(help="How many changes to measure.")] = 40) -> None:
    """Print the median and the 95th percentile of the wait, and the frames a second."""
    process, url = start_server()
    try:
        with sync_playwright() as playwright:
            found = shutil.which("chromium") or shutil.which("google-chrome")
            browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
            page = browser.new_page(base_url=url, viewport={"width": 1400, "height": 1000})
            page.set_default_timeout(90_000)
            open_page(page, "Convolution")
            upload = {"name": "megapixel.jpg", "mimeType": "image/jpeg", "buffer": megapixel()}
            page.get_by_test_id("stFileUploaderDropzoneInput").first.set_input_files(upload)
            page.get_by_text("megapixel.jpg · 1024 × 1024 px").wait_for()
            settle(page)
            measured = waits(page, times + 4)[4:]
            rate = frames(page)
            browser.close()
    finally:
        process.terminate()
    p95 = statistics.quantiles(measured, n=20)[-1]
    print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, {len(measured)} changes at 1 megapixel"
    )
    print(f"change to painted picture: median {statistics.median(measured):.0f} ms, p95 {p95:.0f} ms")
    print(f"playing a 32 × 32 square: {rate:.0f} frames a second")


if __name__ == "__main__":
    typer.run(main)
