"""The app in AppTest: the home page first, then any page, with what a person would see on it."""

from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from visionlab.imaging.image import encode_png
from visionlab.ui.page import PAGES

ROOT = Path(__file__).parents[2]


@pytest.fixture
def app() -> AppTest:
    return AppTest.from_file(ROOT / "streamlit_app.py", default_timeout=60)


@pytest.fixture
def open_page(app):
    """Open the page of a title and see that it shows no exception."""

    def go(title: str) -> AppTest:
        app.run()
        if title != "Home":
            app.switch_page(PAGES[title].script).run()
        assert not app.exception
        return app

    return go


@pytest.fixture
def photo() -> tuple[str, bytes, str]:
    """A picture that a user might upload: name, bytes and type."""
    rows, columns = np.mgrid[:150, :220]
    picture = np.stack([rows, columns, (rows * columns) % 256], 2).clip(0, 255).astype(np.uint8)
    return "holiday_*photo*.png", encode_png(picture), "image/png"
