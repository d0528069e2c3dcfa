"""What a person changes in the picture on the Predict page: rubbed out, or so little that nobody sees it."""

import re
from pathlib import Path

import pytest
from browser.driver import attribute, downloaded, open_page, settle, use_photo
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser


def test_one_rubs_out_what_it_is_and_takes_the_picture_along(page: Page, photo: Path):
    open_page(page, "Predict?closer=Rub+it+out")
    use_photo(page, photo)
    said = page.locator(".eraser figcaption.said")
    expect(said).to_have_text(re.compile("^Where it looks now for|^No place speaks for"))
    for _ in range(2):  # a person does things twice
        canvas = page.get_by_role("application")
        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        page.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + 0.3 * box["height"])
        page.mouse.down()
        page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.6 * box["height"], steps=8)
        page.mouse.up()
        expect(said).to_have_text(re.compile(r"^\d+% of what the network sees is gone"))
        gone = said.inner_text()
        page.get_by_role("button", name="Undo").click()
        expect(said).not_to_have_text(gone)
        canvas.click(position={"x": box["width"] / 2, "y": box["height"] / 2})
        expect(said).to_have_text(re.compile(r"^\d+% of what the network sees is gone"))
        page.get_by_text("Grey", exact=True).click()
        expect(page).to_have_url(re.compile("filling=Grey"))
        page.get_by_text("Blurred", exact=True).click()
    expect(page.get_by_text(re.compile(r"is the best of \d"))).to_be_visible()
    expect(page.get_by_text(re.compile("^(You are ahead|It is ahead|You are even): with"))).to_be_visible()
    page.get_by_text("Grey", exact=True).click()
    expect(page).to_have_url(re.compile("filling=Grey"))
    expect(page.get_by_text(re.compile("^(Asking the methods|Waiting: )"))).to_be_visible()
    page.get_by_role("button", name="Use it on every page").click()  # while the methods are at work
    expect(page.get_by_text("my photo, rubbed out.png · 300 × 200 px")).to_be_visible()
    page.get_by_role("link", name="Filters").click()
    expect(page.get_by_text("my photo, rubbed out.png · 300 × 200 px")).to_be_visible()


def test_a_change_that_nobody_sees_and_all_networks_answers(page: Page, photo: Path):
    open_page(page, "Predict?closer=Fool+it&budget=8")
    use_photo(page, photo)
    table = page.get_by_role("table")
    expect(table).to_contain_text("(made for it)")
    change = page.get_by_alt_text("The change, enlarged")
    first = attribute(change, "src")
    expect(page.get_by_text(re.compile("^After: "))).to_be_visible()
    expect(page.get_by_text(re.compile("of 255 levels at most"))).to_be_visible()
    coming = downloaded(page, page.get_by_role("button", name="The changed picture as PNG"))
    assert coming.suggested_filename == "my photo, changed.png"
    page.get_by_text("One step", exact=True).click()
    expect(page).to_have_url(re.compile("way=One"))
    settle(page)
    expect(change).not_to_have_attribute("src", first)
    page.get_by_text("Many small steps", exact=True).click()
    expect(change).to_have_attribute("src", first)
    page.get_by_role("button", name="Use it on every page").click()
    expect(page.get_by_text("my photo, changed.png · 300 × 200 px")).to_be_visible()
