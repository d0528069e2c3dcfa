"""The page “From scratch” in a real browser: from Train to result with a reload in the midst, stopped, and the pad."""

import re

import pytest
from browser.driver import attribute, open_page, settle
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

LONG = 150_000  # ms: what is computed, on a machine that has other work as well
SOME_EPOCHS = re.compile(r"Epoch ([2-9]|\d{2,3}) of 200")


def begin(page: Page, experiment: str, **numbers: int) -> None:
    open_page(page, f"From_scratch?experiment={experiment}")
    for label, value in numbers.items():
        page.get_by_label(label, exact=True).fill(str(value))
        page.get_by_label(label, exact=True).press("Enter")
        settle(page)
    page.get_by_role("button", name="Train", exact=True).click()


def test_a_training_goes_on_through_a_reload_and_keeps_what_it_has_learned_when_it_is_stopped(page: Page):
    begin(page, "convnet", Epochs=200)
    expect(page.get_by_text(SOME_EPOCHS)).to_be_visible(timeout=LONG)
    expect(page).to_have_url(re.compile("convnet-run="))
    page.reload()
    expect(page.get_by_text(SOME_EPOCHS)).to_be_visible()
    page.get_by_role("button", name="Stop, and keep what it has learned").click()
    expect(page.get_by_text("It was stopped before its end.")).to_be_visible()
    expect(page.get_by_text("Right on the test part").first).to_be_visible(timeout=LONG)
    expect(page.get_by_role("button", name="Train", exact=True)).to_be_enabled()
    settle(page)
    epochs = attribute(page.get_by_role("slider", name="After epoch"), "max")
    figure = page.get_by_test_id("stMetricValue").first.inner_text()
    page.goto(page.url)  # as by a link
    settle(page)
    expect(page.get_by_test_id("stMetricValue").first).to_have_text(figure)
    expect(page.get_by_role("slider", name="After epoch")).to_have_attribute("max", epochs)


def test_what_one_draws_is_answered_by_four_networks(page: Page):
    begin(page, "moving-eight")
    pad = page.get_by_role("application")
    expect(pad).to_be_visible(timeout=LONG)
    shares = page.locator(".bars .share")
    expect(shares).to_have_count(4)
    before = shares.all_inner_texts()
    pad.focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    expect(page.locator(".place")).to_have_text("Moved 4 px right.")
    expect(shares.first).not_to_have_text(before[0])


def test_the_experiment_is_in_the_link(page: Page):
    open_page(page, "From_scratch")
    expect(page.get_by_text("64 numbers from 0 to")).to_be_visible()
    page.get_by_text("What layers cost").click()
    expect(page).to_have_url(re.compile("experiment=cost"))
    page.reload()
    expect(page.get_by_text("196,608,000").first).to_be_visible()


def test_back_and_forward_go_through_the_experiments_each_with_all_its_edges(page: Page):
    """Back left the page, and beside what was chosen boxes had three edges."""
    page.set_viewport_size({"width": 420, "height": 900})
    open_page(page, "From_scratch?experiment=softmax")
    bar = page.get_by_role("radiogroup", name="Experiment")
    chosen = bar.get_by_role("radio", checked=True)
    expect(chosen).to_have_text("Softmax")
    settle(page)
    for title in ("What layers cost", "Everything is a number"):
        bar.get_by_text(title).click()
        settle(page)
        expect(chosen).to_have_text(title)
        missing = "buttons => buttons.filter((one) => getComputedStyle(one).borderColor.includes(', 0)')).length"
        assert bar.get_by_role("radio").evaluate_all(missing) == 0
    page.go_back()
    expect(chosen).to_have_text("What layers cost")
    expect(page.get_by_text("196,608,000").first).to_be_visible()
    page.go_back()
    expect(chosen).to_have_text("Softmax")
    page.go_forward()
    expect(chosen).to_have_text("What layers cost")
