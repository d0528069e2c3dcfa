"""The live camera: predictions a second, and how long one waits from a frame to the painted answer.

    python benchmarks/live.py [--seconds 20] [--network vgg16-tinyimagenet]

Chromium's pretended camera (1280 × 720 px) films for a server on this machine, both on the same cores, once without and
once with Grad-CAM; a wait ends when the browser has painted the answer.
"""

from __future__ import annotations

import os
import platform
import statistics
from typing import Annotated

import typer
from browsing import TOOLS, attached, chromium, measured_by_itself

# isort: split
from browser.demos.serving import serving  # browsing has said where it is

# Runs in the page, by itself: notes each answer's wait, in ms, in window.waits for so many seconds.
ANSWERS = (
    """async (seconds) => {"""
    + TOOLS
    + """
    document.title = 'measuring';
    window.waits = [];
    await pause(5000);  // whoever watched the page has gone
    const note = (event) => window.waits.push(event.detail);
    document.addEventListener('answered', note);
    await pause(1000 * seconds);
    document.removeEventListener('answered', note);
    document.title = 'measured';
}"""
)


def measure(url: str, seconds: int, why: bool) -> list[float]:
    """The waits of all answers within so many seconds, in ms."""
    with chromium() as port:
        with attached(port) as page:
            page.goto(url)
            page.get_by_role("button", name="Start the camera").click()
            page.get_by_label("Where it looks (Grad-CAM)").set_checked(why)
            page.locator(".pace").get_by_text("predictions a second").wait_for()
            page.evaluate(f"(seconds) => {{ ({ANSWERS})(seconds); }}", seconds)
        measured_by_itself(port, 20 + 2 * seconds)
        with attached(port) as page:
            return page.evaluate("window.waits")


def main(
    seconds: Annotated[int, typer.Option(help="How long to measure.")] = 20,
    network: Annotated[str, typer.Option(help="One of visionlab.MODELS.")] = "vgg16-tinyimagenet",
) -> None:
    """Print the rate, and the wait's median and 95th percentile, without and with Grad-CAM."""
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, {network}, {seconds} s each")
    for url in serving("camera.py"):
        measure(f"{url}/?network={network}", 1, True)  # a server's first page, while all is still being loaded
        for title, why in {"predictions": False, "with Grad-CAM": True}.items():
            waits = measure(f"{url}/?network={network}", seconds, why)
            p95 = statistics.quantiles(waits, n=20)[-1]
            rate = len(waits) / seconds
            print(
                f"{title}: {rate:.1f} a second; frame to painted answer: median {statistics.median(waits):.0f} ms, "
                f"p95 {p95:.0f} ms"
            )


if __name__ == "__main__":
    typer.run(main)
