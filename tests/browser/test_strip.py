"""What every page begins with: a low strip that says what the page is for, and right under it what it is about."""

import pytest
from browser.driver import open_page, settle
from playwright.sync_api import Page

from visionlab.ui.shared.page import PAGES

LOWEST = {1400: 96, 420: 140}  # px of the strip, by the window's width
SIZES = ((1400, 900), (800, 1000), (420, 850))


@pytest.mark.parametrize("title", PAGES)
def test_the_strip_is_low(page: Page, title):
    open_page(page, title.replace(" ", "_").replace("-", "_") if title != "Home" else "")
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        settle(page)
        strip = page.locator(".st-key-strip").bounding_box()
        assert strip["height"] <= LOWEST.get(width, 140)
        assert strip["y"] <= 16
        assert strip["x"] + strip["width"] <= width
