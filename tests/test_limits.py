"""What an operator sets: read anew each time, told where it is none, and all of it in the document for operators."""

import re
from pathlib import Path

import pytest

from visionlab import limits
from visionlab.errors import LINE, DatasetError, ParameterError
from visionlab.learning.projects.files import check_project

TITLES = ("Predict", "From scratch", "Fine-tune")
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
        with pytest.raises(ParameterError, match=rf"^{limit.variable} is '{told}'; it must be a whole number of"):
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
    monkeypatch.delenv(limits.PAGES_OFF, raising=False)
    assert limits.pages_off(TITLES) == frozenset()
    for told in ("From scratch, Fine-tune,", "fine-tune,FROM  SCRATCH , no such page"):
        monkeypatch.setenv(limits.PAGES_OFF, told)
        assert limits.pages_off(TITLES) == {"From scratch", "Fine-tune"}


@pytest.mark.parametrize("told", ["from scratch; predict", "Nonsense"])
def test_what_is_no_page_is_told_when_the_server_starts_with_those_that_are(told, monkeypatch):
    monkeypatch.setenv(limits.PAGES_OFF, f"{told}, from scratch, {told}")
    [line] = limits.settle(TITLES)
    assert line.startswith(f"{limits.PAGES_OFF} names {told!r}, which is no page;")
    assert line.endswith("Predict, From scratch, Fine-tune.")


def test_what_is_set_wrongly_is_told_when_the_server_starts_and_harms_nobody(monkeypatch):
    for each in (*limits.LIMITS, *limits.SWITCHES):
        monkeypatch.setenv(each.variable, "-3")
    lines = list(limits.settle(TITLES))
    for each, line in zip((*limits.LIMITS, *limits.SWITCHES), lines, strict=True):
        assert line.startswith(f"{each.variable} is '-3'; it must be ")
        assert len(line) <= LINE
    assert lines[3].endswith("above 0 and at most 36,500, such as 90. As long as it is not, this counts: no limit.")
    assert lines[4].endswith("from 1 to 64, such as 2. As long as it is not, this counts: 2 jobs.")
    assert [limit.value() for limit in limits.LIMITS] == [limit.usual for limit in limits.LIMITS]
    assert not any(switch.is_on() for switch in limits.SWITCHES)
    assert not list(limits.settle(TITLES))


@pytest.mark.parametrize("limit", limits.LIMITS, ids=lambda limit: limit.variable)
def test_the_bounds_that_are_told_are_taken_and_what_is_beyond_is_not(limit, monkeypatch):
    monkeypatch.setenv(limit.variable, "0")
    with pytest.raises(ParameterError) as refused:
        limit.value()
    found = re.search(r"(?:from (1) to|above (0) and at most) ([\d,]+)", str(refused.value))
    least, _, most = found.groups()
    assert bool(least) == limit.whole, "0 itself is none"
    for good in (least or "0.001", most.replace(",", "")):
        monkeypatch.setenv(limit.variable, good)
        assert limit.value() == float(good)
    monkeypatch.setenv(limit.variable, str(int(most.replace(",", "")) + 1))
    with pytest.raises(ParameterError):
        limit.value()


def test_a_setting_that_is_none_is_told_with_the_one_that_may_be_meant(monkeypatch):
    for each in limits.NAMES:
        monkeypatch.delenv(each, raising=False)
    monkeypatch.setenv("VISIONLAB_WORKSPACE_LIMT", "5")
    monkeypatch.setenv("VISIONLAB_WIGHTS", "/models")
    monkeypatch.setenv("VISIONLAB_PORT_8501_TCP_ADDR", "10.0.0.1")  # Kubernetes tells of a service visionlab so
    monkeypatch.setenv("VISIONLAB_SERVICE_HOST", "10.0.0.1")
    nearest = " is no setting, so it does nothing; is VISIONLAB_{} meant?"
    assert list(limits.settle(TITLES)) == [
        "VISIONLAB_WIGHTS" + nearest.format("WEIGHTS"),
        "VISIONLAB_WORKSPACE_LIMT" + nearest.format("WORKSPACE_LIMIT"),
    ]


def test_weights_that_are_looked_for_in_no_folder_are_told(monkeypatch, tmp_path):
    monkeypatch.setenv(limits.WEIGHTS_FOLDER, str(tmp_path))
    assert not list(limits.settle(TITLES))
    monkeypatch.setenv(limits.WEIGHTS_FOLDER, str(tmp_path / "nothing"))
    [line] = limits.settle(TITLES)
    assert line.startswith(f"VISIONLAB_WEIGHTS is '{tmp_path}/nothing', which is no folder")


def test_pages_that_are_off_so_that_nothing_opens_by_itself_are_told(monkeypatch):
    monkeypatch.setenv(limits.PAGES_OFF, "predict")
    assert [*limits.settle(TITLES)] == [
        "VISIONLAB_PAGES_OFF switches 'Predict' off: who comes without a page in the link is led on to 'From scratch'."
    ]
    monkeypatch.setenv(limits.PAGES_OFF, ", ".join(TITLES))
    [line] = limits.settle(TITLES)
    assert "switches all pages off" in line


def test_the_document_for_operators_names_all_that_can_be_set():
    assert set(limits.NAMES) <= set(re.findall(r"`(VISIONLAB_\w+)`", DOCUMENT.read_text()))


def test_the_table_for_operators_is_that_of_the_code():
    rows = re.findall(r"^\| (.+) \| `(VISIONLAB_\w+)` \| (.+) \|$", DOCUMENT.read_text(), re.MULTILINE)
    usual = {each.variable: f"{each.usual:,} {each.unit}" if each.usual else "no limit" for each in limits.LIMITS}
    expected = [(limit.what, limit.variable, usual[limit.variable]) for limit in limits.LIMITS]
    expected += [(switch.what, switch.variable, "on") for switch in limits.SWITCHES]
    assert rows[:-1] == expected
    assert rows[-1][1] == limits.PAGES_OFF


def test_a_project_says_what_it_may_hold(monkeypatch):
    check_project(5_000, 10**12)
    with pytest.raises(DatasetError, match="At most 5,000 pictures are taken in one project"):
        check_project(5_001, 0)
    monkeypatch.setenv(limits.PICTURES.variable, "20")
    with pytest.raises(DatasetError, match="At most 20 pictures"):
        check_project(21, 0)
    monkeypatch.setenv(limits.PROJECT.variable, "0.5")
    with pytest.raises(DatasetError, match=r"would take 600 MB, but at most 500 MB are taken"):
        check_project(3, 600_000_000)
