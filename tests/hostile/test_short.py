"""A short form of what `make hostile` tries."""

from hostile import heads, weight_files, zips
from hostile.__main__ import report
from hostile.outcome import Outcome

from visionlab.errors import HeadError


def test_zips():
    found = zips.run(2 * len(zips.MAKERS), seed=7)
    assert found.failures == []
    assert found.attempts == 2 * len(zips.MAKERS) * len(zips.DOORS)
    assert min(found.taken, found.refused) > 20


def test_heads_and_chains():
    found = heads.run(40, minutes=1 / 60, first=3)
    assert found.failures == []
    assert found.attempts >= 240


def test_weight_files():
    found = weight_files.run(3, 2)
    assert found.failures == []
    assert found.attempts == 5


def test_what_breaks_a_promise_is_told():
    outcome = Outcome("Zips")
    outcome.attempt("good", lambda: None, 10)
    outcome.attempt("bug", lambda: 1 / 0, 10)
    outcome.attempt("slow", lambda: None, -1)

    def refuse(text: str) -> None:
        raise HeadError(text)

    outcome.attempt("refused", lambda: refuse("no"), 10)
    outcome.attempt("endless", lambda: refuse("no" * 1_000), 10)
    assert [told.partition(":")[0] for told in outcome.failures] == ["bug", "slow", "endless"]
    assert "**broke a promise:** bug: ZeroDivisionError at test_short.py" in report([outcome])
