"""A run in a real browser: it goes on through pages and reloads, is stopped, and survives the server that it ran on."""

import re
from collections.abc import Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
from browser.driver import LONG, open_page, settle, striped
from browser.servers import fork_server
from playwright.sync_api import Page, expect

from visionlab.learning.projects.intake import from_files, take
from visionlab.learning.projects.project import Project
from visionlab.learning.projects.workspace import Workspace

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]


@pytest.fixture
def project(request, tmp_path: Path, monkeypatch) -> Project:
    """A project of two classes of so many pictures, in a workspace that the server is told of."""
    monkeypatch.setenv("VISIONLAB_WORKSPACE", str(tmp_path))
    found = Workspace(tmp_path).create("Stripes", "a text that only I know")
    for kind, name in enumerate(("across", "down")):
        for _ in take(found, from_files(name, [(f"{seed}.png", striped(kind, seed)) for seed in range(request.param)])):
            pass
    return found


@pytest.fixture
def server(project) -> Iterator[list[BaseProcess]]:
    """One of its own, which the test may kill, and start another in its place."""
    started = [fork_server()]
    yield started
    for process in started:
        process.kill()
        process.join(20)


def train(page: Page, project: Project, kind: str) -> None:
    open_page(page, f"Fine_tune?project={project.id}&step=Train")
    page.get_by_test_id("stRadio").get_by_text(kind, exact=True).click()
    settle(page)
    page.get_by_role("button", name="Train", exact=True).click()


@pytest.mark.parametrize("project", [12], indirect=True)
def test_a_run_goes_on_through_pages_and_reloads(page: Page, project: Project):
    train(page, project, "Linear")
    expect(page.get_by_text("It goes on without this page")).to_be_visible()
    page.get_by_role("link", name="From scratch").click()
    expect(page.get_by_role("heading", name="From scratch")).to_be_visible()
    page.get_by_role("link", name="Fine-tune").click()
    expect(page.get_by_text("Right on held-out pictures")).to_be_visible()
    page.reload()
    expect(page.get_by_text("Right on held-out pictures")).to_be_visible()
    (run,) = project.runs()
    assert run.state == "done"
    page.get_by_role("button", name="Judge it").click()
    expect(page.get_by_role("radio", name="Judge")).to_be_checked()
    assert f"run={run.id}" in page.url


@pytest.mark.parametrize("project", [24], indirect=True)
def test_a_run_that_is_stopped_keeps_its_best_head(page: Page, project: Project):
    train(page, project, "Fine-tuning")
    expect(page.get_by_text(re.compile(r"Epoch \d+ of at most 20"))).to_be_visible(timeout=LONG)
    page.get_by_role("button", name="Stop, and keep the best so far").click()
    expect(page.get_by_text("Stopped: the best head until then.")).to_be_visible()
    (run,) = project.runs()
    assert run.state == "cancelled"
    assert run.head.is_file()


@pytest.mark.parametrize("project", [12], indirect=True)
def test_a_killed_server_loses_no_run(page: Page, server, project: Project):
    train(page, project, "Fine-tuning")
    expect(page.get_by_text(re.compile(r"Epoch \d+ of at most 20"))).to_be_visible(timeout=LONG)
    server[0].kill()
    server[0].join(20)
    (before,) = project.runs()
    assert before.state == "interrupted"
    server.append(fork_server())
    page.goto(f"/Fine_tune?project={project.id}&step=Train")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("Right on held-out pictures")).to_be_visible(timeout=LONG)
    (run,) = project.runs()
    assert (run.id, run.state) == (before.id, "done")
    assert run.head.is_file()
