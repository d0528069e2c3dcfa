"""A short form of what `make hostile` lets twenty visitors do. Servers are killed in tests/browser, too, and what works
for them in tests/learning/projects.
"""

import pytest
from hostile import sessions


@pytest.mark.timeout(200)
def test_two_visitors_get_nothing_of_each_other(built_in_alone, monkeypatch):
    monkeypatch.setenv("VISIONLAB_WEIGHTS", str(built_in_alone))
    found = sessions.run(2, minutes=0.02)
    assert found.failures == []
    assert found.kinds["bring a picture"].taken == 2
