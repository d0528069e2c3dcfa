"""A short form of what `make hostile` lets twenty visitors do. Servers are killed in tests/browser, too, and what works
for them in tests/learning/projects.
"""

import random
from types import SimpleNamespace

import pytest
from hostile import sessions
from hostile.outcome import Outcome
from hostile.sessions import Guest, Party, colours


@pytest.mark.timeout(200)
def test_two_visitors_get_nothing_of_each_other(built_in_alone, monkeypatch):
    monkeypatch.setenv("VISIONLAB_WEIGHTS", str(built_in_alone))
    found = sessions.run(2, minutes=0.02)
    assert found.failures == []
    assert found.kinds["bring a picture"].taken == 2


def test_what_is_anothers_is_noticed():
    party = Party(Outcome("Sessions"), [Guest(number, pair, random.Random(number)) for number, pair in colours(2)])
    mine, other = party.guests
    other.secrets.add(other.name.encode())
    heard, pictures = party.hear(mine), iter([mine.picture(), other.picture(3)])
    mine.visitor = SimpleNamespace(text='url: "/media/0.png"', get=lambda _: next(pictures))
    heard(b"of canary-000 alone")
    party.look(mine)
    assert party.outcome.failures == []
    heard(b"and of canary-001")
    mine.visitor.text = 'url: "/media/1.png"'
    party.look(mine)
    assert [told.partition(" was ")[2] for told in party.outcome.failures] == [
        "sent what is canary-001's",
        "sent the picture of canary-001",
    ]
