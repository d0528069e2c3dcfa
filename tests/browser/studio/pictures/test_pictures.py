"""The studio's pictures in a real browser: brought in, dragged, undone; still there after a reload and a killed server,
and nobody else's."""

import re
from pathlib import Path

import numpy as np
import pytest
from browser.driver import name_classes, open_page, settle
from browser.servers import start_server
from PIL import Image as PillowImage
from playwright.sync_api import Browser, Locator, Page, expect

PATIENCE = 60_000  # ms


@pytest.fixture(scope="module")
def photographs(tmp_path_factory) -> Path:
    """Two folders of six pictures that differ, in a folder."""
    root = tmp_path_factory.mktemp("photographs") / "pets"
    for kind, name in enumerate(("cats", "dogs")):
        (root / name).mkdir(parents=True)
        for i in range(6):
            coarse = np.random.default_rng(10 * kind + i).integers(0, 256, (8, 8, 3)).astype(np.uint8)
            PillowImage.fromarray(coarse.repeat(20, 0).repeat(20, 1)).save(root / name / f"{name}-{i}.png")
    return root


def uploader(page: Page, name: str = "") -> Locator:
    """The one of that name; the one for pictures of a class is first."""
    return page.get_by_test_id("stFileUploader").filter(has_text=name).get_by_test_id("stFileUploaderDropzoneInput")


def choose_class(page: Page, name: str) -> None:
    page.get_by_test_id("stRadioOption").filter(has_text=re.compile(rf"^{name} ·")).click()
    expect(page.get_by_text(f"Add pictures to {name}", exact=True)).to_be_visible()
    settle(page)


def counted(page: Page, **counts: int) -> None:
    for name, count in counts.items():
        expect(page.get_by_test_id("stRadio").get_by_text(f"{name} · {count}", exact=True)).to_be_visible()
    settle(page)


def tiles(page: Page) -> Locator:
    return page.get_by_role("listbox", name="Pictures").get_by_role("option")


def bring(page: Page, photographs: Path) -> None:
    """Two classes, named and filled by hand."""
    open_page(page, "Fine_tune")
    name_classes(page, "cats", "dogs")
    counted(page, cats=0, dogs=0)
    for name in ("cats", "dogs"):
        choose_class(page, name)
        uploader(page).first.set_input_files(sorted((photographs / name).glob("*")))
        counted(page, **{name: 6})
        expect(page.get_by_text("6 pictures added.")).to_be_visible()
    expect(tiles(page)).to_have_count(6)


def drag(page: Page, what: Locator, to: Locator) -> None:
    to.scroll_into_view_if_needed()
    start, end = what.bounding_box(), to.bounding_box()
    page.mouse.move(start["x"] + 20, start["y"] + 20)
    page.mouse.down()
    page.mouse.move(end["x"] + end["width"] / 2, end["y"] + end["height"] / 2, steps=5)
    page.mouse.up()


def test_two_classes_a_drag_an_undo_and_a_reload(page: Page, photographs: Path, browser: Browser, server: str):
    bring(page, photographs)
    chips = page.get_by_role("group", name="Move what is selected to")
    drag(page, tiles(page).first, chips.get_by_role("button", name="cats"))
    counted(page, cats=7, dogs=5)
    expect(tiles(page)).to_have_count(5)
    undo = page.get_by_role("button", name="undo")
    undo.hover()
    expect(page.get_by_role("tooltip")).to_have_text("Undo: Moved 1 picture to “cats”")
    undo.click()
    counted(page, cats=6, dogs=6)
    tiles(page).first.focus()
    page.keyboard.press("Delete")
    counted(page, cats=6, dogs=5)
    page.get_by_role("button", name="undo").click()
    counted(page, cats=6, dogs=6)
    address, project = page.url, re.search(r"project=[\w-]{22}", page.url)[0]
    page.reload()
    counted(page, cats=6, dogs=6)
    expect(tiles(page)).to_have_count(12)
    expect(page.get_by_text("12 pictures · 2 classes")).to_be_visible()

    page.get_by_test_id("stSidebar").get_by_text("Home", exact=True).click()
    expect(page.get_by_text("See how a computer sees")).to_be_visible()
    settle(page)
    page.get_by_test_id("stSidebar").get_by_text("Fine-tune", exact=True).click()
    counted(page, cats=6, dogs=6)
    assert project in page.url, "it is in the link again"

    other = browser.new_context(base_url=server).new_page()
    open_page(other, "Fine_tune")
    expect(other.get_by_text("Or name your classes, with commas.")).to_be_visible(timeout=PATIENCE)
    assert "cats and dogs" not in other.content()
    other.goto(address)
    expect(other.get_by_text("opened by its link")).to_be_visible(timeout=PATIENCE)
    other.context.close()


def test_what_is_added_while_an_uploader_hands_over_what_came_before_comes_in_too(page: Page, photographs: Path):
    open_page(page, "Fine_tune")
    name_classes(page, "cats", "dogs")
    for name in ("cats", "dogs"):
        choose_class(page, name)
        files = sorted((photographs / name).glob("*"))
        for start in (0, 2, 4):
            uploader(page).first.set_input_files(files[start : start + 2])
        counted(page, **{name: 6})
    expect(page.get_by_text("6 pictures added.")).to_be_visible()


def test_a_dialog_that_was_open_while_others_were_handed_over_is_answered_too(page: Page, photographs: Path):
    open_page(page, "Fine_tune")
    name_classes(page, "cats", "dogs")
    choose_class(page, "cats")
    files = sorted((photographs / "cats").glob("*"))
    with page.expect_file_chooser() as dialog:
        page.get_by_test_id("stFileUploader").first.locator("button").click()
    uploader(page).first.set_input_files(files[:2])
    counted(page, cats=2)
    assert not dialog.value.element.evaluate("input => input.isConnected")
    dialog.value.set_files(files[2:])
    counted(page, cats=6)


def test_a_picture_large_and_a_folder(page: Page, photographs: Path):
    open_page(page, "Fine_tune")
    uploader(page, "A folder").set_input_files(photographs)
    expect(page.get_by_text("12 pictures added.")).to_be_visible()
    page.get_by_role("radio", name="Pictures", exact=True).click()
    counted(page, cats=6, dogs=6)
    expect(page.get_by_text("12 pictures added.")).to_have_count(0)  # which was of the other step
    tiles(page).nth(2).dblclick()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("cats-2.png")).to_be_visible()
    dialog.get_by_test_id("stSelectbox").locator("input").click()
    page.get_by_role("option", name="dogs", exact=True).click()
    expect(dialog).to_be_hidden()
    counted(page, cats=5, dogs=7)
    page.get_by_role("button", name="Save the pictures as a zip").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the zip").click()
    assert download.value.suggested_filename == "pets.zip"
    page.get_by_role("button", name="Train", exact=True).last.click()
    page.wait_for_url(re.compile("step=Train"))
    page.reload()
    settle(page)
    expect(page.get_by_role("radio", name="Train")).to_be_checked()


def test_back_goes_through_the_steps_as_they_were_taken(page: Page):
    open_page(page, "Predict")
    page.get_by_test_id("stSidebar").get_by_text("Fine-tune", exact=True).click()
    expect(page.get_by_label("Add classes")).to_be_visible()
    name_classes(page, "ant", "bee")
    for step in ("Train", "Judge"):
        page.get_by_role("radio", name=step, exact=True).click()
        page.wait_for_url(re.compile(f"step={step}"))
        settle(page)

    def is_at(step: str) -> None:
        expect(page.get_by_role("radio", name=step, exact=True)).to_be_checked()
        settle(page)
        assert ("step=" in page.url) == (step != "Classes")
        assert "project=" in page.url

    for step in ("Train", "Pictures", "Classes"):
        page.go_back()
        is_at(step)
    for step in ("Pictures", "Train"):
        page.go_forward()
        is_at(step)
    page.get_by_role("radio", name="Take away", exact=True).click()
    page.wait_for_url(re.compile("step=Take"))
    settle(page)
    for step in ("Train", "Pictures", "Classes"):
        page.go_back()
        is_at(step)
    page.go_back()
    page.wait_for_url(re.compile("/Predict"))


def test_a_burst_of_the_camera_goes_into_the_class(page: Page):
    open_page(page, "Fine_tune")
    name_classes(page, "me")
    choose_class(page, "me")
    page.get_by_role("tab", name="Camera").click()
    page.get_by_role("button", name="Turn on the camera").click()
    hold = page.get_by_role("button", name="Hold to record")
    expect(hold).to_be_enabled()
    hold.hover()
    page.mouse.down()
    page.wait_for_function(
        "() => parseInt(document.querySelector('.st-key-burst [data-testid=stBidiComponentIsolated]')"
        ".shadowRoot.querySelector('.count').textContent) >= 3"
    )
    page.mouse.up()
    expect(page.get_by_text(re.compile(r"\d+ pictures added"))).to_be_visible()
    expect(page.get_by_text("or of one burst, in 1 group.")).to_be_visible()
    expect(hold).to_be_enabled()  # the camera is still on
    expect(tiles(page).first.get_by_text(re.compile(r"^\d+ alike$"))).to_be_visible()


def test_a_killed_server_loses_nothing(browser: Browser, photographs: Path):
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    process, url = start_server()
    try:
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(url)
        page.get_by_test_id("stApp").wait_for()
        page.goto(f"{url}/Fine_tune")
        name_classes(page, "cats")
        choose_class(page, "cats")
        uploader(page).first.set_input_files(sorted((photographs / "cats").glob("*")))
        counted(page, cats=6)
        tail = page.url.removeprefix(url)
    finally:
        process.kill()  # SIGKILL: nothing is tidied up
        process.wait(20)
    process, url = start_server()
    try:
        page.goto(f"{url}{tail}")
        counted(page, cats=6)
        expect(tiles(page)).to_have_count(6)
        expect(page.get_by_role("combobox", name="Project")).to_have_value("cats")
        expect(page.get_by_text("opened by its link")).to_have_count(0)
        page.get_by_role("button", name="undo").click()
        counted(page, cats=0)
    finally:
        context.close()
        process.terminate()
        process.wait(20)
