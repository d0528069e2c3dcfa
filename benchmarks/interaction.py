"""How long a person waits: from a control's change to the painted picture, and frames a second while the lab plays.

    python benchmarks/interaction.py [--times 40]

Starts the app, opens it in Chromium, uploads a picture of 1 megapixel, of which the page is to show every pixel, and
changes the dilation of a kernel again and again; each time it waits until the browser has decoded and painted the new
response.
"""

from __future__ import annotations

import os
import platform
import re
import statistics
from typing import Annotated

import numpy as np
import typer
from browsing import TOOLS, attached, chromium, measured_by_itself, settle, start_server
from playwright.sync_api import Page

from visionlab.imaging.image import encode_jpeg
from visionlab.imaging.samples import load_sample

# Runs in the page, by itself: clicks the stepper, and waits until the response has been decoded and a frame with it has
# been painted, and the script has come to rest. What it took, in ms, is left in window.waits, and the title says so.
CHANGES = (
    """async (times) => {"""
    + TOOLS
    + """
    const lab = find(document, '.lab');
    const inputs = [...document.querySelectorAll('[data-testid=stNumberInput]')];
    const stepper = inputs.find((element) => /Dilation/.test(element.textContent));
    window.waits = [];
    await pause(3000);  // whoever watched the page has gone
    for (let i = 0; i < times; i++) {
        const changed = new Promise((told) => {
            const watch = new MutationObserver(() => { watch.disconnect(); told(); });
            watch.observe(lab, {attributes: true, attributeFilter: ['data-response']});
        });
        const start = performance.now();
        stepper.querySelector(`[data-testid=stNumberInputStep${i % 8 < 4 ? 'Up' : 'Down'}]`).click();
        await changed;
        await drawn();
        window.waits.push(performance.now() - start);
        await rest();
    }
    document.title = 'measured';
}"""
)


def megapixel() -> bytes:
    """1024 × 1024 pixels with a photograph's detail: the astronaut and her mirror images, pixel for pixel."""
    quarter = load_sample("astronaut")
    half = np.hstack([quarter, quarter[:, ::-1]])
    return encode_jpeg(np.vstack([half, half[::-1]]), 92)


def frames(page: Page, url: str) -> float:
    """Frames a second while the window walks over the picture at a speed at which each frame shows another place."""
    page.goto(f"{url}/Convolution?speed=4")
    settle(page)
    page.locator(".bench .play").click()
    page.wait_for_timeout(4000)
    return float(page.locator(".bench").get_attribute("data-fps"))


def main(times: Annotated[int, typer.Option(help="How many changes to measure.")] = 40) -> None:
    """Print the median and the 95th percentile of the wait, and the frames a second."""
    server, url = start_server()
    try:
        with chromium() as port:
            with attached(port) as page:
                page.goto(f"{url}/Convolution?detail=1024")
                settle(page)
                upload = {"name": "megapixel.jpg", "mimeType": "image/jpeg", "buffer": megapixel()}
                page.get_by_test_id("stFileUploaderDropzoneInput").first.set_input_files(upload)
                page.get_by_text("megapixel.jpg · 1024 × 1024 px").wait_for()
                settle(page)
                page.get_by_role("button", name=re.compile("^(tune )?Stride 1|slides")).click()
                page.get_by_test_id("stNumberInput").filter(has_text="Dilation").wait_for()
                page.evaluate(f"(times) => {{ ({CHANGES})(times); }}", times + 4)
            measured_by_itself(port, 10 + 3 * times)
            with attached(port) as page:
                measured = page.evaluate("window.waits")[4:]
                rate = frames(page, url)
    finally:
        server.terminate()
    p95 = statistics.quantiles(measured, n=20)[-1]
    print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, {len(measured)} changes at 1 megapixel"
    )
    print(f"change to painted picture: median {statistics.median(measured):.0f} ms, p95 {p95:.0f} ms")
    print(f"playing over the picture: {rate:.0f} frames a second")


if __name__ == "__main__":
    typer.run(main)
