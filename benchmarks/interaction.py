"""How long a person waits: for a page, from a control's change to the painted picture; frames a second in the lab.

    python benchmarks/interaction.py [--times 40]

Starts the app, opens it in Chromium, uploads a picture of 1 megapixel, of which every pixel is shown, and changes the
dilation of a kernel, the radius of a blur, the layer that is open, the class that is explained, again and again; each
time it waits until the browser has decoded and painted the new picture. Then it opens every page anew, until its
heading has been painted.
"""

from __future__ import annotations

import os
import platform
import statistics
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import typer
from browsing import TOOLS, attached, chromium, measured_by_itself, settle, start_server
from playwright.sync_api import Page

from visionlab.imaging.image import encode_jpeg
from visionlab.imaging.samples import load_sample
from visionlab.ui.shared.page import PAGES

OPENINGS = 7  # of each page; the first two are not counted
WARM = 4  # changes that are not counted, either


@dataclass(frozen=True)
class Control:
    """A control of a page, as JavaScript: begin once, change it, the picture that changes, and by which attribute."""

    title: str
    address: str
    begin: str
    change: str
    picture: str
    attribute: str
    most: int = 1000  # times that it can be changed to what was never shown before


CONTROLS = (
    Control(
        "Convolution, dilation",
        "Convolution?detail=1024",
        """
        document.querySelector('.st-key-sliding button').click();
        await until(() => /Dilation/.test(document.querySelector('[data-testid=stPopoverBody]')?.textContent));
        const inputs = [...document.querySelectorAll('[data-testid=stNumberInput]')];
        const stepper = inputs.find((element) => /Dilation/.test(element.textContent));
        """,
        "stepper.querySelector(`[data-testid=stNumberInputStep${i % 8 < 4 ? 'Up' : 'Down'}]`).click();",
        ".lab",
        "data-response",
    ),
    Control(
        "Filters, a slider that is held",
        "Filters",
        """
        const slider = document.querySelector('[data-testid=stSlider] input[type=range]');
        slider.dispatchEvent(new PointerEvent('pointerdown', {bubbles: true, composed: true, button: 0}));
        const set = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set;
        """,
        "set.call(slider, String(Number(slider.value) + (i % 8 < 4 ? 1 : -1) * Number(slider.step)));",
        "img.after",
        "src",
    ),
    Control(
        "Feature maps, another layer",
        "Feature_maps",
        "const slabs = find(document, 'svg[role=radiogroup]').querySelectorAll('.slab');",
        "slabs[(7 * i + 7) % 30].dispatchEvent(new MouseEvent('click', {bubbles: true}));",
        ".stage",
        "aria-label",  # written once the mosaic has been decoded
    ),
    Control(
        "Predict, another class explained",
        "Predict?count=20",
        "const rows = find(document, '.bars').children;",
        "rows[i + 1].click();",
        'img[alt*="over the picture"]',
        "src",
        most=19,
    ),
)


def changes(control: Control) -> str:
    """Runs in the page, by itself: changes the control, and waits until the picture has been decoded and a frame with
    it has been painted, and the script has come to rest. What it took, in ms, is left in window.waits.
    """
    return f"""async (times) => {{
        {TOOLS}
        const until = async (there) => {{ while (!there()) await pause(50); }};
        {control.begin}
        const picture = find(document, '{control.picture}');
        window.waits = [];
        await pause(3000);  // whoever watched the page has gone
        for (let i = 0; i < times; i++) {{
            const changed = new Promise((told) => {{
                const watch = new MutationObserver(() => {{ watch.disconnect(); told(); }});
                watch.observe(picture, {{attributes: true, attributeFilter: ['{control.attribute}']}});
            }});
            const start = performance.now();
            {control.change}
            await changed;
            await picture.decode?.();
            await drawn();
            window.waits.push(performance.now() - start);
            await rest();
        }}
        document.title = 'measured';
    }}"""


def megapixel() -> bytes:
    """1024 × 1024 pixels with a photograph's detail: the astronaut and her mirror images, pixel for pixel."""
    quarter = load_sample("astronaut")
    half = np.hstack([quarter, quarter[:, ::-1]])
    return encode_jpeg(np.vstack([half, half[::-1]]), 92)


def waits(port: int, url: str, control: Control, times: int) -> list[float]:
    """What each change took, in ms."""
    times = min(times, control.most - WARM)
    with attached(port) as page:
        page.goto(f"{url}/{control.address}")
        settle(page)
        upload = {"name": "megapixel.jpg", "mimeType": "image/jpeg", "buffer": megapixel()}
        page.get_by_test_id("stFileUploaderDropzoneInput").first.set_input_files(upload)
        page.get_by_text("megapixel.jpg · 1024 × 1024 px").wait_for()
        settle(page)
        page.evaluate(f"(times) => {{ ({changes(control)})(times); }}", times + WARM)
    measured_by_itself(port, 10 + 3 * times)
    with attached(port) as page:
        return page.evaluate("window.waits")[WARM:]


def frames(page: Page, url: str) -> float:
    """Frames a second while the window walks over the picture at a speed at which each frame shows another place."""
    page.goto(f"{url}/Convolution?speed=4")
    settle(page)
    page.locator(".bench .play").click()
    page.wait_for_timeout(4000)
    return float(page.locator(".bench").get_attribute("data-fps"))


def opening(page: Page, address: str) -> float:
    """Milliseconds from asking for a page until a frame with its heading has been painted."""
    page.goto(address, wait_until="commit")
    page.wait_for_selector("[data-testid=stMain] h1")
    painted = page.evaluate("() => new Promise((told) => requestAnimationFrame(() => told(performance.now())))")
    settle(page)
    return painted


def main(times: Annotated[int, typer.Option(help="How many changes to measure.")] = 40) -> None:
    """Print medians and 95th percentiles of the waits, the frames a second, and how soon pages are there."""
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores")
    server, url = start_server()
    try:
        with chromium() as port:
            for control in CONTROLS:
                measured = waits(port, url, control, times)
                median, p95 = statistics.median(measured), statistics.quantiles(measured, n=20)[-1]
                made = f"{len(measured)} changes at 1 megapixel"
                print(
                    f"{control.title}, {made}: median {median:.0f} ms, p95 {p95:.0f} ms, load {os.getloadavg()[0]:.1f}"
                )
            with attached(port) as page:
                print(f"playing over the picture: {frames(page, url):.0f} frames a second")
                for title in PAGES:
                    address = f"{url}/{'' if title == 'Home' else title.replace(' ', '_').replace('-', '_')}"
                    seen = [opening(page, address) for _ in range(OPENINGS)][2:]
                    print(f"{title}: its heading after {statistics.median(seen):.0f} ms in the median")
    finally:
        server.terminate()


if __name__ == "__main__":
    typer.run(main)
