"""The Feature maps page as a person uses it: from the drawing to a layer, a channel, a unit; by pointer and by keys."""

import re

import pytest
from browser.driver import choose, downloaded, open_page, settle, use_photo
from playwright.sync_api import Locator, Page, expect

import visionlab as vl


@pytest.fixture
def maps(photo) -> dict:
    net = vl.load_classifier("vgg16-tinyimagenet", "cpu")
    return vl.feature_maps(net, vl.load_image(photo))


def slab(page: Page, layer: str) -> Locator:
    return page.get_by_role("radio", name=re.compile(rf"^{layer} ·"))


def grid(page: Page, what: str | re.Pattern) -> Locator:
    return page.get_by_role("application", name=what)


def click_cell(stage: Locator, cell: int, rows: int, columns: int) -> None:
    box = stage.bounding_box()
    row, column = divmod(cell, columns)
    stage.click(position={"x": box["width"] * (column + 0.5) / columns, "y": box["height"] * (row + 0.5) / rows})


def test_from_the_drawing_down_to_one_unit(page: Page, photo, maps):
    open_page(page, "Feature_maps")
    use_photo(page, photo)
    slab(page, "relu4_2").click()
    mosaic = grid(page, "The feature maps of relu4_2")
    expect(mosaic.locator("img")).to_be_visible()
    expect(slab(page, "relu4_2")).to_have_attribute("aria-checked", "true")
    click_cell(mosaic, 37, 14, 19)  # as large as they can be in 600 × 420
    expect(page.get_by_label("Channel, 0 to 255")).to_have_value("37")
    one = grid(page, "The map of channel 37 of relu4_2")
    click_cell(one, 5 * 14 + 9, 14, 14)
    expect(page.get_by_text("One unit: relu4_2, channel 37, row 5, column 9")).to_be_visible()
    settle(page)
    value = maps["conv4_2"].values[37, 5, 9]
    expect(page.locator("table.trace tr.sum td").last).to_have_text(f"{value:.4f}".replace("-", "−"))
    expect(page.get_by_text("the sum agrees")).to_be_visible()
    for part in ("layer=relu4_2", "channel=37", "unit=5%2C9"):
        assert part in page.url
    page.reload()
    expect(page.get_by_text("One unit: relu4_2, channel 37, row 5, column 9")).to_be_visible()
    expect(slab(page, "relu4_2")).to_have_attribute("aria-checked", "true")


def test_keys_alone_suffice(page: Page):
    open_page(page, "Feature_maps")
    slab(page, "conv1_1").focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")  # relu1_2
    mosaic = grid(page, "The feature maps of relu1_2")
    expect(mosaic).to_be_visible()
    settle(page)
    mosaic.focus()
    page.keyboard.press("Control+Home")
    page.keyboard.press("ArrowRight")
    expect(mosaic.locator("xpath=ancestor::figure").locator("figcaption .name")).to_have_text("channel 1")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Channel, 0 to 31")).to_have_value("1")
    page.wait_for_url(re.compile("channel=1(&|$)"))


def test_the_choice_of_a_channel_goes_along_from_a_convolution_to_its_relu(page: Page):
    page.goto("/Feature_maps?layer=conv3_1&channel=17")
    expect(page.get_by_label("Channel, 0 to 127")).to_have_value("17")
    settle(page)
    slab(page, "relu3_1").click()
    expect(grid(page, "The map of channel 17 of relu3_1")).to_be_visible()
    slab(page, "conv3_2").click()
    expect(grid(page, "The feature maps of conv3_2")).to_be_visible()
    settle(page)
    assert "channel=17" not in page.url


def test_a_kernel_leads_to_the_channel_that_it_looks_at(page: Page):
    page.goto("/Feature_maps?layer=conv3_2&channel=5")
    expect(page.get_by_label("Channel, 0 to 127")).to_have_value("5")
    page.get_by_role("radio", name="Weights").click()
    kernels = grid(page, "The strongest kernels of channel 5")
    expect(kernels.locator("img")).to_be_visible()
    click_cell(kernels, 0, 4, 4)
    expect(page.get_by_role("application", name="The feature maps of relu3_1")).to_be_visible()


def test_two_pictures_side_by_side(page: Page, photo):
    open_page(page, "Feature_maps")
    use_photo(page, photo)
    page.get_by_role("button", name="Change or compare").click()
    choose(page, "Compare with", "Coffee")
    page.keyboard.press("Escape")
    expect(grid(page, "The feature maps of conv1_1")).to_have_count(2)
    expect(page.get_by_text("Coffee", exact=True).last).to_be_visible()
    picture, other = grid(page, "The feature maps of conv1_1").all()
    click_cell(picture, 1, 5, 7)
    expect(grid(page, re.compile("^The map of channel"))).to_have_count(2)
    for each in (picture, other):
        expect(each.locator(".chosen")).to_have_attribute("style", re.compile(r"left: 1\d\.\d+%; top: 0%"))


def test_what_a_channel_looks_for_is_drawn(page: Page):
    page.goto("/Feature_maps?layer=relu1_2&channel=3")
    expect(page.get_by_label("Channel, 0 to 31")).to_have_value("3")
    parts = page.get_by_role("radiogroup", name="What to see of it").get_by_role("radio")
    assert len({part.bounding_box()["y"] for part in parts.all()}) == 1, "they stand in one line"
    page.get_by_role("radio", name="Looks for").click()
    page.get_by_role("button", name="Draw it", exact=True).click()
    expect(page.get_by_text("The channel answers it with")).to_be_visible()
    expect(page.get_by_role("button", name="Stop", exact=True)).to_have_count(0)
    expect(page.get_by_alt_text("What the channel looks for")).to_be_visible()


def test_downloads(page: Page, maps, photo, tmp_path):
    import numpy as np

    open_page(page, "Feature_maps")
    use_photo(page, photo)
    page.get_by_role("button", name="Take them away").click()
    waiting = downloaded(page, page.get_by_role("button", name="All layers as .npz"))
    waiting.save_as(tmp_path / "all.npz")
    found = np.load(tmp_path / "all.npz")
    assert set(found) == set(maps)
    np.testing.assert_allclose(found["conv5_3"], maps["conv5_3"].values, rtol=1e-4, atol=1e-4)
    waiting = downloaded(page, page.get_by_role("button", name="Mosaic as PNG"))
    waiting.save_as(tmp_path / "mosaic.png")
    assert vl.load_image(tmp_path / "mosaic.png").std() > 3
