"""What an operator sets: read anew each time, told where it is none, and all of it in the document for operators."""

import re
from pathlib import Path

import pytest

from visionlab import limits
from visionlab.errors import DatasetError, ParameterError
from visionlab.learning.projects.files import check_project

DOCUMENT = Path(__file__).parents[1] / "docs" / "DEPLOY.md"


@pytest.mark.parametrize("limit", limits.LIMITS, ids=lambda limit: limit.variable)
def test_a_limit_is_what_is_set_and_what_is_none_is_told(limit, monkeypatch):
    monkeypatch.delenv(limit.variable, raising=False)
    assert limit.value() == limit.usual
    monkeypatch.setenv(limit.variable, str(limit.example))
    assert limit.value() == limit.example
    for told in ("many", "0", "-1", "nan", "inf", "1e9"):
        monkeypatch.setenv(limit.variable, told)
        with pytest.raises(ParameterError, match=rf"^{limit.variable} is .*{limit.unit}"):
            limit.value()


@pytest.mark.parametrize("limit", [limits.PICTURES, limits.JOBS, limits.DECODINGS], ids=lambda limit: limit.variable)
def test_half_of_what_is_counted_is_refused(limit, monkeypatch):
    for told in ("0.5", "1.5"):
        monkeypatch.setenv(limit.variable, told)
        with pytest.raises(ParameterError, match=rf"^{limit.variable} is {told}; it must be a whole number of"):
            limit.value()
    monkeypatch.setenv(limit.variable, "3.0")
    assert repr(limit.value()) == "3"


def test_half_of_what_is_measured_is_taken(monkeypatch):
    for limit in (limits.WORKSPACE, limits.PROJECT, limits.KEEP_DAYS):
        monkeypatch.setenv(limit.variable, "0.5")
        assert limit.value() == 0.5


@pytest.mark.parametrize("switch", limits.SWITCHES, ids=lambda switch: switch.variable)
def test_a_switch_is_on_unless_it_is_off(switch, monkeypatch):
    monkeypatch.delenv(switch.variable, raising=False)
    assert switch.is_on()
    monkeypatch.setenv(switch.variable, "off")
    assert not switch.is_on()
    monkeypatch.setenv(switch.variable, "no")
    with pytest.raises(ParameterError, match="“on” or “off”"):
        switch.is_on()


def test_pages_are_switched_off_by_their_titles(monkeypatch):
    assert limits.pages_off() == frozenset()
    monkeypatch.setenv(limits.PAGES_OFF, "From scratch, Fine-tune,")
    assert limits.pages_off() == {"From scratch", "Fine-tune"}


def test_the_table_for_operators_is_that_of_the_code():
    rows = re.findall(r"^\| (.+) \| `(VISIONLAB_\w+)` \| (.+) \|$", DOCUMENT.read_text(), re.MULTILINE)
    usual = {each.variable: f"{each.usual:,} {each.unit}" if each.usual else "no limit" for each in limits.LIMITS}
    expected = [(limit.what, limit.variable, usual[limit.variable]) for limit in limits.LIMITS]
    expected += [(switch.what, switch.variable, "on") for switch in limits.SWITCHES]
    assert rows[:-1] == expected
    assert rows[-1][1] == limits.PAGES_OFF


def test_a_project_says_what_it_may_hold(monkeypatch):
    check_project(5_000, 10**12)
    with pytest.raises(DatasetError, match=r"5,001 pictures in one project; at most 5,000"):
        check_project(5_001, 0)
    monkeypatch.setenv(limits.PICTURES.variable, "20")
    with pytest.raises(DatasetError, match="at most 20"):
        check_project(21, 0)
    monkeypatch.setenv(limits.PROJECT.variable, "0.5")
    with pytest.raises(DatasetError, match=r"600 MB, but at most 0\.5 GB"):
        check_project(3, 600_000_000)
