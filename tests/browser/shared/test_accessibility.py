"""Every page by axe-core's rules, WCAG 2.2 among them, in both themes at three widths: nothing serious, or worse."""

from importlib.resources import files

import pytest
from browser.driver import settle
from playwright.sync_api import Page

from visionlab.ui.shared.server.pages import PAGES
from visionlab.ui.shared.widgets import ink_on

pytestmark = pytest.mark.browser

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text()
SIZES = ((1400, 900), (800, 1000), (420, 850))
# What a theme changes is colours: in the second one only the rules of these are asked.
RULES = {"light": {}, "dark": {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}}
# After a change of theme colours are on their way for a fifth of a second. What goes with scrolling is not waited for.
STILL = """() => document.getAnimations().every(({timeline, playState, effect}) => timeline !== document.timeline
    || playState !== "running" || effect.getComputedTiming().endTime === Infinity)"""
FOUND = """async (rules) => (await axe.run(document, {resultTypes: ["violations"], ...rules})).violations
    .filter(({impact}) => ["serious", "critical"].includes(impact))
    .flatMap(({id, nodes}) => nodes.map((node) => `${id}: ${node.html.slice(0, 300)} ${node.failureSummary}`))"""


@pytest.mark.parametrize("title", PAGES)
def test_nothing_serious_is_found(page: Page, title):
    page.goto("/" if title == "Home" else f"/{title.replace(' ', '_').replace('-', '_')}")
    settle(page)
    page.evaluate(AXE)
    for theme, rules in RULES.items():
        page.emulate_media(color_scheme=theme)
        for width, height in SIZES:
            page.set_viewport_size({"width": width, "height": height})
            settle(page)
            page.wait_for_function(STILL)
            assert page.evaluate(FOUND, rules) == [], f"{theme}, {width} px"


def test_ink_is_read_on_every_colour():
    def luminance(colour):
        linear = [
            c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (level / 255 for level in colour)
        ]
        return sum(weight * share for weight, share in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    for colour in [(level, level, level) for level in range(256)] + [
        (255, 0, 0),
        (0, 255, 0),
        (0, 0, 255),
        (222, 117, 20),
    ]:
        ink = (0, 0, 0) if ink_on(colour) == "#000000" else (255, 255, 255)
        low, high = sorted((luminance(colour), luminance(ink)))
        assert (high + 0.05) / (low + 0.05) >= 4.5, colour
