"""Each page does its job in a real browser, through its deep link, from a server that nobody has asked anything."""

import re
from collections.abc import Iterator

import numpy as np
import pytest
from browser.driver import LONG, attribute, choose, open_page, pixels, settle, use_photo
from browser.servers import PORT, running_server, start_server
from playwright.sync_api import Page, expect

import visionlab as vl

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


@pytest.fixture
def server(request) -> Iterator[str]:
    """A new one for each test; started as people start it where the test asks for that, else with its imports done."""
    if not hasattr(request, "param"):
        with running_server() as url:
            yield url
        return
    process, url = start_server(port=PORT)
    yield url
    process.terminate()
    process.wait(20)


cold = pytest.mark.parametrize("server", ["cold"], indirect=True)


def images(page: Page, alt: str):
    return page.get_by_role("img", name=alt)


def bars(page: Page) -> list[str]:
    """The lines of the prediction bars, as a person reads them: class and percentage."""
    lines = page.get_by_role("listitem").or_(page.locator(".bars").get_by_role("radio")).filter(has_text="%")
    expect(lines.first).to_be_visible()  # a component draws after the script has run
    return [text.strip().replace("\n", " ") for text in lines.all_inner_texts()]


def expected_bars(image: np.ndarray, top: int = 5) -> list[str]:
    net = vl.load_classifier("vgg16-tinyimagenet", "cpu")
    return [f"{answer.label} {answer.probability:.1%}" for answer in vl.predict(net, [image], top)[0]]


@cold
def test_home_shows_the_whole_way_at_once(page: Page):
    open_page(page, "")
    expect(page.get_by_role("heading", name="See how a computer sees")).to_be_visible()
    assert pixels(images(page, "Its vertical edges")).std() > 10
    assert pixels(images(page, "Sixteen feature maps of the layer conv2_2")).std() > 10
    assert bars(page) == expected_bars(vl.load_sample("cat"))
    page.get_by_role("link", name="Open every layer").click()
    expect(page.get_by_role("heading", name="Feature maps")).to_be_visible()


@cold
def test_predictions_and_their_reasons(page: Page, photo):
    open_page(page, "Predict")
    use_photo(page, photo)
    expected = expected_bars(vl.load_image(photo))
    assert bars(page) == expected
    heat = images(page, "Grad-CAM, over the picture")
    seen = pixels(heat)
    lines = page.locator(".bars").get_by_role("radio")
    expect(lines.nth(0)).to_be_checked()

    def click(place: int) -> None:
        lines.nth(place).click()

    def press_down(place: int) -> None:
        lines.nth(place - 1).press("ArrowDown")

    def pick(place: int) -> None:
        choose(page, "Why this class?", re.sub(r" [\d.]+%$", "", expected[place]))

    for place, ask in enumerate((click, press_down, pick), start=1):
        old = attribute(heat, "src")
        ask(place)
        expect(heat).not_to_have_attribute("src", old)
        settle(page)
        expect(lines.nth(place)).to_be_checked()
        chosen = page.get_by_role("combobox", name=re.compile("Why this class"))
        expect(chosen).to_have_value(re.sub(r" [\d.]+%$", "", expected[place]))
        before, seen = seen, pixels(heat)
        assert before.shape == seen.shape
        assert np.abs(before.astype(int) - seen).max() > 20
    told = page.get_by_test_id("stMetric").filter(has_text=re.compile("chance|can’t be told"))
    expect(told).to_have_count(0)
    page.get_by_text("How faithful it is").click()
    expect(page).to_have_url(re.compile("faithful=true"))
    expect(told).to_have_count(2, timeout=LONG)  # some hundred passes through the network


def test_a_class_that_is_pressed_while_the_page_runs_anew_is_chosen_when_let_go(page: Page, photo):
    open_page(page, "Predict")
    use_photo(page, photo)
    row = page.locator(".bars").get_by_role("radio").nth(2)
    for _ in range(2):  # a person does things twice
        expect(row).not_to_be_checked()
        row.hover()
        page.mouse.down()
        began = page.evaluate("runs.ended")
        page.keyboard.press("r")  # runs the page anew, as the end of a job does
        page.wait_for_function("began => runs.ended > began", arg=began)
        settle(page)
        page.mouse.up()
        expect(row).to_be_checked()
        page.locator(".bars").get_by_role("radio").nth(0).click()


def test_one_click_takes_a_temperature_back_for_good_and_settings_follow_the_answer(page: Page):
    """Its slider lies in a menu that is closed: what the browser still holds of it is not to come back."""
    open_page(page, "Predict")
    told, lines = page.get_by_text("at temperature", exact=False).first, page.locator(".bars").get_by_role("radio")
    before = bars(page)
    for _ in range(2):
        page.get_by_role("button", name="Network, classes, temperature").click()
        page.get_by_role("slider", name="Temperature").press("End")
        page.keyboard.press("Escape")
        expect(told).to_have_text("at temperature 4")
        settle(page)
        page.get_by_role("button", name="Back to 1").click()
        expect(told).to_have_count(0)
        settle(page)
        for place in (1, 0):
            lines.nth(place).click()
            expect(lines.nth(place)).to_be_checked()
            settle(page)
        assert bars(page) == before
    tops = [page.get_by_text(text).bounding_box() for text in ("It always names one of its classes", "Asked: ")]
    assert tops[1]["y"] - tops[0]["y"] - tops[0]["height"] < 60, "also where the picture beside it is a tall one"


def test_a_thing_to_try_stays_whatever_a_closed_menu_held(page: Page):
    open_page(page, "Predict")
    page.get_by_role("button", name="Method, layer, colours").click()
    expect(page.get_by_role("combobox", name="Method")).to_be_visible()
    page.keyboard.press("Escape")
    settle(page)
    page.get_by_role("button", name="Cover it, bit by bit").click()
    expect(page).to_have_url(re.compile("method=Occlusion"))
    settle(page)
    lines = page.locator(".bars").get_by_role("radio")
    for place in (1, 2):
        lines.nth(place).click()
        expect(lines.nth(place)).to_be_checked()
        settle(page)
        expect(page).to_have_url(re.compile("method=Occlusion"))
    assert "explained-layer" not in page.url
    page.get_by_role("button", name="Method, layer, colours").click()
    expect(page.get_by_role("combobox", name="Method")).to_have_value("Occlusion")


def test_a_picture_goes_along_and_survives_a_bad_one(page: Page, photo, tmp_path):
    open_page(page, "Convolution")
    use_photo(page, photo)
    page.get_by_role("link", name="Predict").click()
    expect(page.get_by_role("heading", name="Predict")).to_be_visible()
    expect(page.get_by_text("my photo.png · 300 × 200 px")).to_be_visible()
    settle(page)
    before = bars(page)
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(photo.read_bytes()[:600])
    page.get_by_test_id("stFileUploaderDropzoneInput").first.set_input_files(broken)
    expect(page.get_by_text(re.compile(r"broken\.jpg: .+\."))).to_be_visible()
    expect(page.get_by_text("my photo.png · 300 × 200 px")).to_be_visible()
    settle(page)
    assert bars(page) == before


@pytest.mark.parametrize("address", ["", "Filters", "Convolution"])
def test_a_page_that_is_opened_is_one_entry_of_the_browsers_history(page: Page, address):
    """Though Streamlit writes into its link what it shows; else Back would lead to where one is."""
    page.goto("about:blank")
    for more in (1, 2):
        before = page.evaluate("history.length")
        page.goto(f"/{address}?again={more}")
        settle(page)
        assert page.evaluate("history.length") == before + 1
    page.go_back()
    settle(page)
    page.go_back()
    expect(page).to_have_url("about:blank")
