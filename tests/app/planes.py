"""What the tests of pictures on a plane have in common: what is drawn there, and what a person does with it."""

import pytest
from app.conftest import finish_jobs
from streamlit.testing.v1 import AppTest

from visionlab.ui.shared.components.space import Points
from visionlab.ui.shared.plane import selecting

DEEDS: list[tuple[str, object]] = []  # what a person does next


def planes_drawn(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Points, dict]]:
    """What the component is given from now on, run by run."""
    kept: list[tuple[Points, dict]] = []

    def space(points: Points, **more) -> None:
        kept.append((points, more))
        if DEEDS:
            deed, what = DEEDS.pop()
            more[deed](what)

    monkeypatch.setattr(selecting, "space", space)
    return kept


def settled(app: AppTest) -> AppTest:
    for _ in range(3):
        finish_jobs()
        app.run()
        assert not app.exception
    return app
