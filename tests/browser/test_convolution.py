"""The convolution lab in a real browser: its numbers are the library's, and it follows the pointer and the keys."""

import json
import re
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
from browser.driver import choose, open_page, settle, use_photo
from playwright.sync_api import Browser, Page, TimeoutError, expect

import visionlab as vl
from visionlab.imaging.convolution import BORDERS
from visionlab.imaging.image import fit

LAB = Path(vl.__file__).parent / "ui" / "shared" / "components" / "convolution_lab"
GREY = np.array([0.299, 0.587, 0.114])


@pytest.fixture(scope="module")
def arithmetic(browser: Browser):
    """A function that lets the lab's own numbers.js compute: what(planes, weights, how) → JSON."""
    page = browser.new_page()
    address = "data:text/javascript;charset=utf-8," + quote((LAB / "numbers.js").read_text())

    def compute(script: str, argument: object) -> object:
        return page.evaluate(
            f"async (input) => {{ const lab = await import({json.dumps(address)}); return ({script})(lab, input); }}",
            argument,
        )

    yield compute
    page.close()


CORRELATE = """(lab, {cases}) => cases.map(({pixels, weights, how}) => {
    const planes = pixels.map((rows) => lab.plane(rows.length, rows[0].length, (y, x) => rows[y][x]));
    const run = lab.correlate(planes, weights, how);
    const sums = [...run.answers.values.keys()].map((k) =>
        lab.termsOf(run, Math.floor(k / run.answers.columns), k % run.answers.columns)
           .reduce((sum, term) => sum + term.product, 0));
    return {rows: run.answers.rows, columns: run.answers.columns, values: [...run.answers.values], sums};
})"""


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("flip", [False, True])
def test_the_labs_sums_are_those_of_convolve(arithmetic, border, flip):
    """Every border, stride, dilation and flip, with odd, even, oblong and oversized kernels, on three planes."""
    rng = np.random.default_rng(len(border))
    cases, expected = [], []
    for stride in (1, 2, 3):
        for dilation in (1, 2, 3):
            for shape in ((3, 3), (2, 2), (1, 5), (4, 3), (7, 7), (1, 1)):
                if border == "valid" and (max(shape) - 1) * dilation + 1 > 9:
                    continue
                pixels = rng.integers(0, 256, (9, 11, 3)).astype(np.uint8)
                weights = rng.normal(size=shape).round(3)
                how = {"stride": stride, "dilation": dilation, "border": border, "flip": flip}
                planes = [pixels[..., k].tolist() for k in range(3)]
                cases.append({"pixels": planes, "weights": weights.tolist(), "how": how})
                expected.append(vl.convolve(pixels, weights, **how, device="cpu").sum(2))
    found = arithmetic(CORRELATE, {"cases": cases})
    assert len(found) > 20
    for answer, response, case in zip(found, expected, cases, strict=True):
        values = np.array(answer["values"]).reshape(answer["rows"], answer["columns"])
        np.testing.assert_allclose(values, response, rtol=1e-5, atol=2e-3, err_msg=str(case["how"]))
        np.testing.assert_allclose(answer["sums"], answer["values"], rtol=1e-9, atol=1e-9)


def test_pooling_and_the_shift_test_by_hand(arithmetic):
    grid = {"rows": 3, "columns": 4, "values": [1, 5, -2, 0, 3, 4, 7, -1, 9, 9, 9, 9]}
    pooled = arithmetic("(lab, grid) => { const p = lab.pooled(grid); return [p.rows, p.columns, ...p.values]; }", grid)
    assert pooled == [1, 2, 5, 7]
    moved = arithmetic(
        """(lab) => {
        const how = {stride: 1, dilation: 1, border: "zero", flip: false};
        const value = (y, x) => (7 * x * x + 3 * y * x + y) % 17;
        const planes = (shift) => [lab.plane(9, 9, (y, x) => value(y, x - shift))];
        const weights = [[1, 0, -1], [2, 0, -2], [1, 0, -1]];
        const [before, after] = [0, 2].map((shift) => lab.correlate(planes(shift), weights, how));
        const wrong = lab.correlate(planes(3), weights, how);
        return [
            lab.moved(before.answers, after.answers, 2, before),
            lab.moved(before.answers, wrong.answers, 2, before),
            lab.moved(before.answers, after.answers, 1, {...before, how: {...how, stride: 2}}),
        ];
    }""",
        None,
    )
    assert moved[0] == {"compared": 7 * 5, "largest": 0}
    assert moved[1]["largest"] > 1
    assert moved[2] is None


def downloaded(page: Page) -> np.ndarray:
    with page.expect_download() as download:
        page.get_by_role("button", name="The response as PNG").click()
    return vl.load_image(download.value.path())


def shown(page: Page, title: str) -> np.ndarray:
    """The picture of that title in the slider of before and after, as the browser got it."""
    encoded = page.get_by_role("img", name=title).evaluate(
        "async (image) => [...new Uint8Array(await (await fetch(image.src)).arrayBuffer())]"
    )
    return vl.load_image(bytes(encoded))


def open_cell(page: Page, row: int, column: int) -> None:
    """Double-click a cell of the 3 × 3 weights, again where the table had not yet noticed where it is."""
    page.get_by_role("heading", name="Convolution", exact=True).scroll_into_view_if_needed()
    table = page.get_by_test_id("stDataFrame").locator("canvas").first
    for _ in range(20):
        box = table.bounding_box()
        x, y = box["x"] + box["width"] * (column + 0.5) / 3, box["y"] + box["height"] * (row + 1.5) / 4  # with a header
        page.mouse.click(x, y)
        page.mouse.dblclick(x, y)
        try:
            page.locator(".gdg-input").wait_for(timeout=1000)
        except TimeoutError:
            continue
        return
    raise AssertionError("the cell never opened")


def test_convolution_of_ones_own_photograph(page: Page, photo):
    open_page(page, f"Convolution?kernel={quote(vl.KERNELS['sobel_y'].title)}")
    use_photo(page, photo)
    image = vl.load_image(photo)
    expected = vl.render(vl.convolve(image, vl.KERNELS["sobel_y"]), "absolute")
    np.testing.assert_array_equal(downloaded(page), expected)
    expect(page.get_by_role("img", name="Response of Sobel, vertical change")).to_be_visible()
    assert np.abs(shown(page, "Response of Sobel").astype(float) - expected).mean() < 5, "a JPEG of it"
    open_cell(page, row=1, column=1)
    page.locator(".gdg-input").fill("4")
    page.locator(".gdg-input").press("Enter")
    expect(page.get_by_text("Sum 4 · not separable (rank 2)")).to_be_visible()
    settle(page)
    weights = vl.KERNELS["sobel_y"].weights.copy()
    weights[1, 1] = 4
    np.testing.assert_array_equal(downloaded(page), vl.render(vl.convolve(image, weights), "clip"))
    link = page.url
    page.get_by_role("button", name="Back to the kernel as it was").click()
    expect(page.get_by_text("Sum 0 · separable (rank 1)")).to_be_visible()
    choose(page, "Border", "None (valid)")
    expect(page.get_by_test_id("stMetricValue").first).to_have_text("298 × 198")
    page.get_by_test_id("stNumberInput").filter(has_text="Stride").get_by_role("textbox").or_(
        page.get_by_test_id("stNumberInput").filter(has_text="Stride").get_by_role("spinbutton")
    ).fill("3")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("stMetricValue").first).to_have_text("100 × 66")
    settle(page)
    response = vl.convolve(image, vl.KERNELS["sobel_y"], stride=3, border="valid")
    np.testing.assert_array_equal(downloaded(page), vl.render(response, "absolute"))
    assert "stride=3" in page.url
    page.goto(link)
    settle(page)
    expect(page.get_by_text("Sum 4 · not separable (rank 2)")).to_be_visible()


def grid_of(photo: Path, longest: int, square: tuple[int, int, int]) -> np.ndarray:
    left, top, side = square
    return fit(vl.load_image(photo), longest)[top : top + side, left : left + side] @ GREY


def said(page: Page) -> str:
    return page.locator(".live").inner_text()


def wait_until_said(page: Page, text: str | re.Pattern) -> None:
    expect(page.locator(".live")).to_have_text(text)


def test_a_person_follows_the_window(page: Page, photo):
    open_page(page, "Convolution?square=40,30,12")
    use_photo(page, photo)
    pixels = grid_of(photo, 128, (40, 30, 12))
    response = vl.convolve(pixels, vl.KERNELS["sobel_x"])

    def sum_at(row: int, column: int) -> re.Pattern:
        value = f"{round(float(response[row, column]), 3):g}".replace("-", "−")
        number = re.escape(value.split(".")[0])  # the library answers in float32: the last digits may differ
        return re.compile(rf"Row {row + 1}, column {column + 1}: sum {number}(\.\d+)?$")

    box = page.locator("canvas.output").bounding_box()
    page.locator("canvas.output").hover(position={"x": box["width"] * 3.5 / 12, "y": box["height"] * 5.5 / 12})
    wait_until_said(page, sum_at(5, 3))
    page.locator("canvas.input").focus()
    page.keyboard.press("ArrowRight")
    wait_until_said(page, sum_at(5, 4))
    page.keyboard.press("ArrowUp")
    wait_until_said(page, sum_at(4, 4))
    page.keyboard.press("Home")
    wait_until_said(page, sum_at(0, 0))
    page.keyboard.press("ArrowLeft")
    wait_until_said(page, sum_at(0, 0))

    page.locator("canvas.output").click(position={"x": box["width"] * 7.5 / 12, "y": box["height"] * 2.5 / 12})
    wait_until_said(page, sum_at(2, 7))
    expect(page.locator(".where")).to_have_text("row 3, column 8 · held (Esc lets go)")
    page.locator("canvas.input").hover(position={"x": 20, "y": 20})
    wait_until_said(page, sum_at(2, 7))
    page.keyboard.press("Escape")

    page.get_by_label("Bias").fill("-100")
    page.get_by_role("radio", name="3 · ReLU").click()
    value = max(0.0, float(response[2, 7]) - 100)
    wait_until_said(page, re.compile(rf"after ReLU {int(value)}(\.\d+)?$"))
    page.get_by_role("radio", name="4 · 2 × 2 max pool").click()
    pooled = np.maximum(response - 100, 0)[2:4, 6:8].max()
    wait_until_said(page, re.compile(rf"Row 2, column 4: largest of four {int(pooled)}(\.\d+)?$"))


def test_the_square_is_dragged_resized_and_kept_in_the_link(page: Page, photo):
    open_page(page, "Convolution?square=40,30,12")
    use_photo(page, photo)
    canvas = page.locator("canvas.picture")
    box = canvas.bounding_box()
    scale = box["width"] / 128
    start = box["x"] + 46 * scale, box["y"] + 36 * scale
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(start[0] + 10 * scale, start[1] - 5 * scale, steps=4)
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"square=50%2C25%2C12"))
    settle(page)
    canvas.focus()
    page.keyboard.press("+")
    expect(page).to_have_url(re.compile(r"square=50%2C25%2C13"))
    expect(page.locator(".output-title")).to_have_text("Response: 13 × 13")
    page.keyboard.press("ArrowLeft")
    expect(page).to_have_url(re.compile(r"square=49%2C25%2C13"))


def test_it_plays_fast_enough_and_to_the_end(page: Page, photo):
    open_page(page, "Convolution?square=20,20,32")
    use_photo(page, photo)
    page.get_by_label("Speed").fill("3")
    page.get_by_role("button", name="Play").click()
    page.wait_for_function(
        "() => [...document.querySelectorAll('*')].some(e => e.shadowRoot?.querySelector('.lab')?.dataset.fps)"
    )
    assert float(page.locator(".lab").get_attribute("data-fps")) > 5  # that it moves; how fast is the benchmark's
    page.get_by_role("button", name="Pause").click()
    held = page.locator(".where").inner_text()
    page.get_by_role("button", name="One step on").click()
    assert page.locator(".where").inner_text() != held
    page.get_by_label("Speed").fill("6")
    page.get_by_role("button", name="Play").click()
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    expect(page.locator(".where")).to_have_text("row 32, column 32")


def test_tiles_and_shifts_are_told_on_the_picture(page: Page, photo):
    open_page(page, "Convolution?square=40,30,12")
    use_photo(page, photo)
    page.get_by_role("radio", name="The window").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="As tiles")).to_be_focused()
    expect(page.locator(".tile-text")).to_have_text(re.compile("12 × 12 overlapping tiles"))
    before = page.locator("canvas.tiles").screenshot()
    page.keyboard.press("Tab")  # past the other views, to the steps
    expect(page.get_by_role("radio", name="1 · Cut")).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="3 · Lay out")).to_be_checked()
    expect(page.locator(".tile-text")).to_have_text(re.compile("feature map"))
    assert page.locator("canvas.tiles").screenshot() != before
    page.get_by_role("radio", name="Shift test").click()
    page.get_by_label("Shift in pixels").fill("3")
    expect(page.locator(".shift-text")).to_have_text(re.compile(r"moved along by 3 pixels, exactly: \d+ values"))
    page.get_by_test_id("stNumberInput").filter(has_text="Stride").locator("input").fill("2")
    page.keyboard.press("Enter")
    expect(page.locator(".shift-text")).to_have_text(re.compile("no multiple of the stride, 2"))


def test_no_window_fits_is_said_and_mended(page: Page, photo):
    open_page(page, "Convolution?square=40,30,8")
    use_photo(page, photo)
    choose(page, "Kernel", vl.KERNELS["gabor_15"].title)
    choose(page, "Border", "None (valid)")
    expect(page.locator(".equation")).to_have_text(re.compile("spans 15 × 15 pixels, more than the square has"))
    page.get_by_label("Pixels a side of the square").fill("20")
    expect(page.locator(".output-title")).to_have_text("Response: 6 × 6")
