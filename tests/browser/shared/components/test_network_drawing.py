"""The drawing of the network in a real browser: what it shows, the pointer, the keys, and what the server hears."""

import re
from collections.abc import Iterator
from itertools import pairwise

import pytest
from browser.demos.serving import serving
from browser.driver import open_blank, open_page, settle
from playwright.sync_api import Locator, Page, expect

from visionlab.network.zoo.torchvision_nets import LAYER_KINDS

FIRST, SECOND = ".st-key-first", ".st-key-second"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    yield from serving("network_drawing.py")


def slab(page: Page, name: str, which: str = FIRST) -> Locator:
    return page.locator(which).get_by_role("radio", name=re.compile(f"^{re.escape(name)} "))


def line(page: Page, which: str = FIRST) -> Locator:
    return page.locator(which).locator("figcaption")


def told(page: Page, text: str, which: str = "first") -> None:
    expect(page.get_by_text(re.compile(f"^{which} told "))).to_have_text(f"{which} told {text}")


def test_every_layer_is_there_and_can_be_clicked(page: Page):
    open_blank(page)
    slabs = page.locator(FIRST).get_by_role("radio")
    expect(slabs).to_have_count(38)
    labels = page.locator(FIRST).locator("svg text").all_text_contents()
    assert labels[:4] == ["Block 1", "224 × 224 × 64", "Block 2", "112 × 112 × 128"]
    assert labels[-2:] == ["Classifier", "7 × 7 × 512 → 1,000"]
    legend = page.locator(FIRST).locator(".legend li").all_text_contents()
    assert legend == ["Convolution", "ReLU", "Pooling", "Fully connected", "Softmax"]
    expect(slab(page, "conv3_1")).to_be_checked()
    expect(line(page)).to_have_text("conv3_1 · 256 × 56 × 56 · 295,168 parameters")
    names = [label.split(" ")[0] for label in slabs.evaluate_all("(all) => all.map((one) => one.ariaLabel)")]
    assert names[:5] == ["conv1_1", "relu1_1", "conv1_2", "relu1_2", "pool1"]
    assert names[-4:] == ["fc7", "relu7", "fc8", "prob"]
    for name in names:
        front = slab(page, name).locator(".front").bounding_box()
        x = front["x"] + front["width"] / 2
        page.mouse.move(x, front["y"] + front["height"] / 2)
        expect(line(page)).to_contain_text(f"{name} · ")
    slab(page, "relu5_2").locator(".front").click()
    told(page, "['relu5_2']")
    expect(slab(page, "relu5_2")).to_be_checked()
    expect(page.locator(FIRST).get_by_role("radio", checked=True)).to_have_count(1)
    slab(page, "relu5_2").locator(".front").click()
    told(page, "['relu5_2', 'relu5_2']")


def test_every_kind_of_layer_has_a_slab_a_name_and_a_colour(page: Page):
    open_blank(page, "?network=kinds")
    drawing = page.locator(FIRST)
    fronts = drawing.get_by_role("radio").locator(".front")
    kinds = len({kind for _, kind in LAYER_KINDS if kind} | {"softmax"})
    expect(fronts).to_have_count(kinds)
    boxes = [front.bounding_box() for front in fronts.all()]
    assert all(box["width"] >= 3 and box["height"] >= 8 for box in boxes)
    assert all(one["x"] < other["x"] for one, other in pairwise(boxes))
    legend = drawing.locator(".legend li")
    assert all(legend.all_text_contents())
    hues = legend.evaluate_all("(all) => all.map((item) => getComputedStyle(item).getPropertyValue('--hue'))")
    assert all(hues)
    assert len(hues) == kinds - 1  # both kinds of pooling are one


def test_small_slabs_are_hit_from_above_and_below(page: Page):
    open_blank(page)
    drawing = page.locator(FIRST).get_by_role("radiogroup").bounding_box()
    for name in ("pool5", "avgpool", "relu5_3"):
        front = slab(page, name).locator(".front").bounding_box()
        assert front["width"] >= 4
        middle = slab(page, name).evaluate(
            "(slab) => { const box = slab.parentNode.querySelectorAll('.reach')[slab.dataset.index]"
            ".getBoundingClientRect(); return [box.left + box.width / 2, box.width]; }"
        )
        assert middle[1] >= 6
        page.mouse.move(middle[0], drawing["y"] + 105)
        expect(line(page)).to_contain_text(f"{name} · ")
    page.mouse.move(5, 5)
    expect(line(page)).to_contain_text("conv3_1 · ")


def test_the_mark_does_not_wait_for_the_server(page: Page):
    open_blank(page)
    slab(page, "fc6").evaluate(
        """(slab) => {
            slab.dispatchEvent(new MouseEvent("click", {bubbles: true}));
            slab.dataset.seen = slab.ariaChecked;
        }"""
    )
    expect(slab(page, "fc6")).to_have_attribute("data-seen", "true")
    told(page, "['fc6']")


def test_one_tab_stop_and_the_arrows(page: Page):
    open_page(page, "")
    page.get_by_role("button", name="The server chooses").focus()
    page.keyboard.press("Shift+Tab")
    expect(slab(page, "conv3_1")).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(slab(page, "conv3_2")).to_be_focused()
    expect(line(page)).to_contain_text("conv3_2 · ")
    expect(slab(page, "conv3_2")).not_to_be_checked()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    told(page, "['relu3_1']")
    expect(slab(page, "relu3_1")).to_be_focused()
    expect(slab(page, "relu3_1")).to_be_checked()
    page.keyboard.press("End")
    page.keyboard.press("ArrowRight")
    expect(slab(page, "prob")).to_be_focused()
    page.keyboard.press("Space")
    told(page, "['relu3_1', 'prob']")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowLeft")
    expect(slab(page, "conv1_1")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="The server chooses")).to_be_focused()
    expect(line(page)).to_contain_text("prob · ")


def test_the_server_chooses_and_nothing_is_drawn_anew(page: Page):
    open_blank(page)
    slab(page, "pool2").locator(".front").click()
    told(page, "['pool2']")
    slab(page, "pool2").evaluate("(slab) => { slab.dataset.mine = 'yes'; }")
    page.get_by_role("button", name="The server chooses").click()
    expect(slab(page, "fc7")).to_be_checked()
    expect(slab(page, "pool2")).not_to_be_checked()
    expect(slab(page, "pool2")).to_have_attribute("data-mine", "yes")
    told(page, "['pool2']")


def test_two_do_not_disturb_each_other_and_a_choice_can_be_refused(page: Page):
    open_page(page, "")
    slab(page, "conv2_1", SECOND).locator(".front").click()
    told(page, "['refused conv2_1']", "second")
    told(page, "[]")  # what is in a fragment has only that run again
    expect(slab(page, "pool1", SECOND)).to_be_checked()
    expect(slab(page, "conv2_1", SECOND)).not_to_be_checked()
    expect(slab(page, "conv3_1")).to_be_checked()


def test_what_comes_from_people_is_text(page: Page):
    open_blank(page, "?network=bold")
    expect(line(page)).to_have_text("")  # the layer that is chosen is none of this network
    page.locator(FIRST).get_by_role("radio").locator(".front").click()
    expect(line(page)).to_have_text("<b>a</b> & <i>facts</i>")
    assert page.locator(FIRST).locator("svg text").all_text_contents() == ["<i>Block</i>", "4 × 4 × 8"]
    told(page, "['<b>a</b>']")


@pytest.mark.parametrize(("width", "scrolls"), [(1400, False), (1000, False), (560, False), (420, True)])
def test_it_fits_or_scrolls_in_its_own_box(page: Page, width, scrolls):
    page.set_viewport_size({"width": width, "height": 900})
    open_blank(page)
    settle(page)
    box = page.locator(FIRST).locator(".scroller")
    assert box.evaluate("(box) => box.scrollWidth > box.clientWidth") == scrolls
    expect(box).to_have_css("--right", "36px" if scrolls else "0px")  # it fades out where more of it lies
    assert (
        page.locator(FIRST).locator(".network").bounding_box()["height"] <= 180 + 40 * scrolls
    )  # with a bar, and the legend above
    assert page.evaluate("() => document.scrollingElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="The server chooses").click()
    expect(slab(page, "fc7")).to_be_checked()
    expect(slab(page, "fc7").locator(".front")).to_be_in_viewport(ratio=0.99)
    texts = (
        page.locator(FIRST)
        .locator("svg text.size")
        .evaluate_all(
            "(all) => all.map((text) => { const box = text.getBoundingClientRect(); return [box.left, box.right]; })"
        )
    )
    assert all(right < left for (_, right), (left, _) in pairwise(texts))
