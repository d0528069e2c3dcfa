"""Which engine the environment chooses, with and without Ray."""

import pytest
from browser.servers import free_port
from tiny import tiny_classifier

from visionlab import limits
from visionlab.cluster import choice
from visionlab.errors import ClusterError, ParameterError
from visionlab.network.running.engine import LocalEngine


@pytest.fixture
def chosen(monkeypatch):
    def chosen(value):
        monkeypatch.setenv(limits.ENGINE, value)
        return choice.chosen()

    return chosen


@pytest.mark.parametrize("value", ["", "local"])
def test_unless_something_is_chosen_this_process_computes(chosen, value):
    found = chosen(value)
    assert (found.told, found.problem) == ("", "")
    engine = found.engine_of(tiny_classifier(), None)
    assert isinstance(engine, LocalEngine)


@pytest.mark.parametrize("value", ["http://lab:80", "lab", "ray://lab", "ray://:10001", "ray://lab:many", "Auto"])
def test_what_is_no_address_is_told_and_this_process_computes(chosen, value, caplog):
    found = chosen(value)
    assert f"“{value}” is no address of a cluster" in found.problem
    assert found.problem.endswith("Meanwhile, this server computes by itself.")
    [line] = caplog.messages
    assert line.startswith(f"VISIONLAB_ENGINE: “{value}” is no address of a cluster")
    assert isinstance(found.engine_of(tiny_classifier(), None), LocalEngine)
    with pytest.raises(ParameterError):
        choice.check_address(value)


def test_without_ray_a_sentence_says_what_brings_it(chosen, monkeypatch):
    monkeypatch.setattr(choice, "find_spec", lambda name: None)
    assert "pip install '.[cluster]'" in chosen("auto").problem
    with pytest.raises(ClusterError):
        choice.check_address("10.0.0.1:6379")


@pytest.mark.parametrize("form", ["ray://127.0.0.1:{}", "127.0.0.1:{}"])
def test_where_no_cluster_answers_that_is_told_at_once(chosen, form, monkeypatch):
    ray = pytest.importorskip("ray", reason="Ray is not installed: make test-cluster brings it")
    monkeypatch.setattr(ray, "is_initialized", lambda: False)  # whatever other tests have joined
    address = form.format(free_port())
    found = chosen(address)
    assert f"No Ray cluster answers at {address}" in found.problem
    assert isinstance(found.engine_of(tiny_classifier(), None), LocalEngine)
