"""What stands beside every page: where it is computed."""

import pytest

from visionlab import limits
from visionlab.device import describe
from visionlab.ui.shared import cached


@pytest.fixture
def aside(open_page, monkeypatch):
    """What the sidebar says, and the explanation of its last line, where that was chosen."""

    def aside(value):
        monkeypatch.setenv(limits.ENGINE, value)
        cached.where_computed.clear()
        captions = open_page("Convolution").sidebar.caption
        return [each.value for each in captions], captions[-1].help

    yield aside
    cached.where_computed.clear()


def test_a_server_by_itself_says_on_what_it_computes(aside):
    told, _ = aside("")
    assert told[-1] == f":material/memory: {describe()}"


def test_a_cluster_that_cannot_be_joined_is_a_line_and_says_why_where_one_asks(aside):
    told, why = aside("http://lab")
    assert told[-2] == f":material/memory: {describe()}"
    assert told[-1].endswith("Not on the cluster: computed here")
    assert "“http://lab” is no address of a cluster" in why
    assert why.endswith("Meanwhile, this server computes by itself.")
