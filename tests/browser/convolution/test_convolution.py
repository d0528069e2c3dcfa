"""The convolution lab in a real browser: its numbers are the library's, and it follows the pointer and the keys."""

import base64
import io
import json
import re
from fractions import Fraction
from urllib.parse import quote

import numpy as np
import pytest
from browser.driver import NEVER_AFTER, attribute, choose, downloaded, open_page, settle, use_photo
from PIL import Image as PillowImage
from playwright.sync_api import Browser, Locator, Page, expect

import visionlab as vl
from visionlab.imaging.convolution import BORDERS
from visionlab.imaging.image import encode_png, fit
from visionlab.imaging.render import MODES, fitted_range, plain_range, render
from visionlab.imaging.samples import load_sample
from visionlab.ui.convolution.channels import CHANNELS, grey
from visionlab.ui.convolution.kernel_choice import LARGEST
from visionlab.ui.convolution.settings import Settings
from visionlab.ui.shared.components.convolution_lab import FOLDER, SCRIPTS
from visionlab.ui.shared.components.kept_picture import digest_of
from visionlab.ui.shared.components.looks import INK


@pytest.fixture(scope="module")
def arithmetic(browser: Browser):
    """A function that lets the lab's own scripts compute: a JavaScript function of them and of an argument → JSON."""
    page = browser.new_page()
    address = "data:text/javascript;charset=utf-8," + quote(
        INK + "\n".join((FOLDER / name).read_text() for name in SCRIPTS)
    )

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


WHOLE = """(lab, cases) => cases.map(({pixels, weights, how, apart, mode, fit, brightness}) => {
    const planes = pixels.map((rows) => lab.plane(rows.length, rows[0].length, (y, x) => rows[y][x]));
    const response = lab.wholeResponse(planes, weights, how, apart);
    const range = lab.rangeOf(response, mode, fit, brightness);
    const image = lab.coloured(response, {mode, ...range});
    const parts = response.parts.map((part) => [...part]);
    return {parts, range, shape: [image.height, image.width], data: [...image.data]};
})"""


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("channel", ["grey", "sum", "each"])
def test_what_is_seen_before_the_server_answers_is_what_it_will_answer(arithmetic, border, channel):
    """The response, the range that is shown of it, and its colours, in every mode, fitted and plain."""
    rng = np.random.default_rng(len(border))
    cases, expected = [], []
    for place, (mode, fitted) in enumerate([(mode, fitted) for mode in MODES for fitted in (False, True)]):
        image = rng.integers(0, 256, (23, 31, 3)).astype(np.uint8)
        sides = [(3, 3), (2, 5), (4, 1)][place % 3]
        kernel = vl.Kernel("yours", (rng.normal(size=sides) + 0.3 * (place % 2)).round(3))
        settings = Settings(1 + place % 3, 1 + place % 2, border, place % 2 == 0, channel, 64, mode, fitted)
        planes = np.atleast_3d(CHANNELS[channel].take(image)).transpose(2, 0, 1)
        response = vl.convolve(CHANNELS[channel].take(image), kernel, **settings.options, device="cpu")
        response = response.sum(2) if channel == "sum" else response
        plain = plain_range(response, mode)
        ends = settings.ends(kernel, response) or plain
        expected.append((response, ends, plain, render(response, mode, ends)))
        brightness = round(kernel.total, 6) * CHANNELS[channel].planes
        asked = {
            "how": settings.options,
            "mode": mode,
            "fit": fitted,
            "brightness": brightness,
            "apart": channel == "each",
        }
        cases.append({"pixels": planes.tolist(), "weights": kernel.weights.astype(float).tolist(), **asked})
    for found, case, (response, ends, plain, shown) in zip(arithmetic(WHOLE, cases), cases, expected, strict=True):
        parts = np.array(found["parts"]).transpose().reshape(response.shape)
        np.testing.assert_allclose(parts, response, rtol=1e-4, atol=2e-3)
        np.testing.assert_allclose([found["range"]["low"], found["range"]["high"]], ends, rtol=1e-4, atol=2e-3)
        np.testing.assert_allclose(found["range"]["plain"], plain, rtol=1e-4, atol=2e-3)
        colours = np.array(found["data"]).reshape(*found["shape"], 4)
        assert (colours[..., 3] == 255).all()
        a_level = 4 if case["mode"] == "diverging" else 1  # of 255 colours, whose steps are up to four apart
        assert np.abs(colours[..., :3] - shown.astype(int)).max() <= a_level


def test_what_would_take_long_is_left_to_the_server(arithmetic):
    asked = """(lab, taps) => {
        const weights = Array.from({length: taps}, () => Array(taps).fill(1));
        const planes = [lab.plane(1024, 1024, () => 1)];
        return lab.wholeResponse(planes, weights, {stride: 1, dilation: 1, border: "zero", flip: false}, false)?.rows;
    }"""
    assert arithmetic(asked, 5) == 1024
    assert arithmetic(asked, 7) is None


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
            lab.moved(before, after, 2),
            lab.moved(before, wrong, 2),
            lab.moved({...before, how: {...how, stride: 2}}, after, 1),
        ];
    }""",
        None,
    )
    assert moved[0] == {"compared": 7 * 5, "largest": 0}
    assert moved[1]["largest"] > 1
    assert moved[2] is None


def number(text: str) -> Fraction:
    return Fraction(text.strip("()").replace("−", "-"))


def value_of(equation: str) -> Fraction:
    """“12·1/9 + 3·(−2)”, worked out by hand."""
    return sum(
        (number(left) * number(right) for left, right in (t.split("·") for t in equation.split(" + "))), Fraction()
    )


def adds_up(exact: Fraction, shown: str) -> bool:
    """Whether the shown result is that, rounded to as many decimals as are shown."""
    decimals = len(shown.partition(".")[2])
    return abs(exact - number(shown)) <= Fraction(1, 2 * 10**decimals) + Fraction(1, 10**12)


def test_every_sum_adds_up_as_it_is_written(arithmetic):
    """For each kernel of the table, in many places of the picture that the page begins with."""
    pixels = grey(fit(load_sample("cat"), 256))
    rng = np.random.default_rng(0)
    for kernel in vl.KERNELS.values():
        rows, columns = kernel.size
        tops, lefts = rng.integers(0, pixels.shape[0] - rows, 60), rng.integers(0, pixels.shape[1] - columns, 60)
        windows = [pixels[top : top + rows, left : left + columns] for top, left in zip(tops, lefts, strict=True)]
        found = arithmetic(
            """(lab, {windows, weights}) => windows.map((window) => {
                const run = lab.correlate([lab.plane(window.length, window[0].length, (y, x) => window[y][x])], weights,
                    {stride: 1, dilation: 1, border: "valid", flip: false});
                return lab.written(lab.termsOf(run, 0, 0));
            })""",
            {"windows": [window.tolist() for window in windows], "weights": kernel.weights.astype(float).tolist()},
        )
        for window, told in zip(windows, found, strict=True):
            expected = float((window.astype(np.float64) * kernel.weights).sum())
            assert told["total"] == pytest.approx(expected, abs=1e-6)
            assert adds_up(sum(map(number, told["products"]), Fraction()), told["text"]), (kernel.name, told)
            assert float(number(told["text"])) == pytest.approx(expected, rel=6e-3, abs=6e-3)
            assert (told["equation"] is None) == (window.size > 9)
            spelled = list(map(number, told["weights"]))
            for value, weight, product in zip(window.ravel().tolist(), spelled, told["products"], strict=True):
                assert adds_up(value * weight, product), (kernel.name, value, weight, product)
            if told["equation"]:
                assert adds_up(value_of(told["equation"]), told["text"]), (kernel.name, told)
                assert {factor.split("·")[1].strip("()") for factor in told["equation"].split(" + ")} == set(
                    told["weights"]
                )
        assert len({tuple(told["weights"]) for told in found}) == 1, "wherever the window is"


def test_numbers_are_written_as_people_write_them(arithmetic):
    found = arithmetic(
        """(lab) => [lab.fixed(-0.0001, 2), lab.exact(3.84e-9), lab.short(-0), lab.exact(-2.5), lab.weightText(1 / 9),
            lab.weightText(-0.0625), lab.weightText(0.25), lab.weightText(-3), lab.exact(0.00346),
            lab.brief(-146.5), lab.brief(146.5), lab.brief(-0.25)]""",
        None,
    )
    assert found == ["0", "0", "0", "−2.5", "1/9", "−1/16", "0.25", "−3", "0.00346", "−147", "147", "−0.3"]
    weights = [1e-9, float(np.float32(1e-9)), -2.5e-5, 0.1247577, 0, 1e-3, 1 / 7]
    told = ["1e−9", "1e−9", "−2.5e−5", "0.124758", "0", "0.001", "1/7"]
    assert arithmetic("(lab, weights) => weights.map(lab.weightText)", weights) == told
    assert arithmetic("(lab, weights) => lab.spelled(weights)", weights) == told


def test_the_kernels_own_cells_spell_a_weight_as_the_sums_do(arithmetic):
    """For those whose weights have no short exact form, in cells of 52 and of 41 pixels: all of it where there is room,
    else all with as many decimals as there is room for."""
    for name, decimals in (("gaussian_3", 6), ("gaussian_5", 6), ("unsharp", 5)):
        kernel = vl.KERNELS[name]
        shown, spelled = arithmetic(
            """(lab, {panel, weights}) => {
            const root = document.createElement("div");
            root.innerHTML = panel;
            const grid = new lab.KernelGrid(root, () => {});
            grid.show(weights);
            return [[...grid.grid.children].map((field) => field.value), lab.spelled(weights.flat())];
        }""",
            {"panel": (FOLDER / "lab.html").read_text(), "weights": kernel.weights.astype(float).tolist()},
        )
        assert list(map(number, shown)) == [round(number(text), decimals) for text in spelled], name


WRITTEN = {
    "0.5": 0.5,
    "0,5": 0.5,
    "1/9": 1 / 9,
    "-2": -2,
    "−2": -2,
    " 3 ": 3,
    ".25": 0.25,
    "1e-3": 1e-3,
    "-1/4": -0.25,
    "": None,
    "abc": None,
    "1/0": None,
    "1/2/3": None,
    "1;2": None,
    "--1": None,
    "1e999": None,
}
PASTED = {
    "1 0 -1\n2 0 -2\n1 0 -1": [[1, 0, -1], [2, 0, -2], [1, 0, -1]],
    "1\t0,5\n−1\t1/4\n": [[1, 0.5], [-1, 0.25]],
    "1,0,-1;2,0,-2": [[1, 0, -1], [2, 0, -2]],
    "[[1, 0, -1], [2, 0, -2]]": [[1, 0, -1], [2, 0, -2]],
    "np.array([[0.5, 1.],\n          [2., -3.]], dtype=float)": [[0.5, 1], [2, -3]],
    "[1, 2, 3]": [[1, 2, 3]],
    "0,5 1,5\n2 3": [[0.5, 1.5], [2, 3]],
    "0,5, 1, 0,5": [[0.5, 1, 0.5]],
    "0,5; 1; 0,5": [[0.5], [1], [0.5]],
    "0,5 , -1,25\n1, 2": [[0.5, -1.25], [1, 2]],
    "0,5;1;0,5\n1;2;3": [[0.5, 1, 0.5], [1, 2, 3]],
    "1 0 -1;\n2 0 -2;": [[1, 0, -1], [2, 0, -2]],
    "[[1,0],\n [0, 1]]": [[1, 0], [0, 1]],
    "[0,5, 1]": [[0, 5, 1]],
    "0.5, 1, 0.5": [[0.5, 1, 0.5]],
    "1,-1\n0,5": [[1, -1], [0, 5]],
    "1,0\n0,1": [[1, 0], [0, 1]],
    "2\n3": [[2], [3]],
}
REFUSED = {
    "1 2\n3": "2 and 1 weights",
    "1 b": "“b” is no number",
    "": "Nothing",
    " ; \n": "Nothing",
    " ".join(["1"] * 16): "1 × 16 weights are too many",
    "1 1/0": "“1/0” is dividing by 0.",
    "0,5; 1,5": "“0,5” may be one weight or two. Write 0.5, or 0 5.",
    "0.5, 1,5, 2": "“1,5” may be one weight or two. Write 1.5, or 1 5.",
}
WHY_NOT = {
    "": "A weight cannot be empty",
    "2x": "“2x” is no number",
    "1/3/3": "“1/3/3” has two strokes, where one can be",
    "1/0": "“1/0” is dividing by 0",
    "1/0,0": "“1/0,0” is dividing by 0",
    "7e400": "“7e400” is beyond what a weight may be, −1e30 to 1e30",
}


def test_weights_are_read_as_people_write_and_paste_them(arithmetic):
    read = arithmetic("(lab, texts) => texts.map(lab.readWeight)", list(WRITTEN))
    assert dict(zip(WRITTEN, read, strict=True)) == WRITTEN
    for text, weights in PASTED.items():
        assert arithmetic("(lab, text) => lab.readWeights(text)", text) == {"weights": weights}, text
    for text, why in REFUSED.items():
        assert why in arithmetic("(lab, text) => lab.readWeights(text)", text)["problem"], text
    told = arithmetic("(lab, texts) => texts.map((text) => lab.whyNot(text))", list(WHY_NOT))
    assert dict(zip(WHY_NOT, told, strict=True)) == WHY_NOT
    told = arithmetic("(lab, texts) => texts.map((text) => lab.whyNot(text, 'bias', 10000))", ["", "20000", "much"])
    assert told == [
        "A bias cannot be empty",
        "“20000” is beyond what a bias may be, −10000 to 10000",
        "“much” is no number",
    ]


def test_a_kernel_may_be_as_large_here_as_in_a_link(arithmetic):
    assert arithmetic("(lab) => lab.LARGEST", None) == LARGEST


def test_scores_follow_from_the_shares_as_they_are_written_and_percents_add_up(arithmetic):
    """By hand: of 200, 66 and 29 the shares are 1, 0.33 and 0.15; a score is what they make, to its last decimal."""
    found = arithmetic(
        """(lab, {values, weights, chances}) => {
        const shares = lab.shares({rows: 1, columns: 3, values});
        const planes = weights.map((values) => ({rows: 1, columns: 3, values}));
        return {shares: [...shares.values], scores: lab.scoresOf(shares, planes), percents: chances.map(lab.percentsOf),
            dark: [...lab.shares({rows: 1, columns: 2, values: [0, 0]}).values]};
    }""",
        {
            "values": [200, 66, 29],
            "weights": [[0.67, -0.33, -0.33], [-0.33, 0.67, -0.33], [-1, 1, 0.01]],
            "chances": [[1 / 3, 1 / 3, 1 / 3], [0.12342, 0.44448, 0.4321], [1, 0, 0], [0.0004, 0.4998, 0.4998]],
        },
    )
    assert found["shares"] == [1, 0.33, 0.15]
    assert found["scores"] == [0.5116, -0.1584, -0.6685]
    assert found["percents"] == [
        ["33.3", "33.3", "33.3"],  # they never add up
        ["12.34", "44.45", "43.21"],  # with one decimal, to 99.9
        ["100.0", "0.0", "0.0"],
        ["0.0", "50.0", "50.0"],
    ]
    assert found["dark"] == [0, 0]


def test_what_turns_a_kernel(arithmetic):
    weights = [[1, 2, 3], [4, 5, 6]]
    tools = arithmetic(
        """(lab, w) => ({rotated: lab.rotated(w), transposed: lab.transposed(w), normalised: lab.normalised(w),
            edge: lab.normalised([[1, 0, -3], [1, 0, 1]]), zero: lab.normalised([[0, 0]]), random: lab.random(w),
            larger: lab.resized(w, 4, 5), smaller: lab.resized(lab.resized(w, 4, 5), 2, 3),
            ones: lab.stepped(w, 2, 1, false), tenths: lab.stepped([[0.5]], 0.2, 1, false),
            fine: lab.stepped(w, 0, -1, true)})""",
        weights,
    )
    array = np.array(weights)
    assert tools["rotated"] == np.rot90(array, -1).tolist()
    assert tools["transposed"] == array.T.tolist()
    np.testing.assert_allclose(tools["normalised"], array / 21)
    np.testing.assert_allclose(tools["edge"], np.array([[1, 0, -3], [1, 0, 1]]) / 6)
    assert tools["zero"] == [[0, 0]]
    assert np.isin(tools["random"], range(-3, 4)).all()
    assert tools["larger"] == np.pad(array, [(1, 1), (1, 1)]).tolist()
    assert tools["smaller"] == weights
    assert (tools["ones"], tools["tenths"], tools["fine"]) == (3, 0.3, -0.1)


def test_undo_after_another_kernel_was_chosen_returns_what_stood_there(arithmetic):
    """Chosen twice, and told again by the server while it stands, which is no other one."""
    found = arithmetic(
        """(lab, {panel, chosen}) => {
        const root = document.createElement("div");
        root.innerHTML = panel;
        const told = [];
        const grid = new lab.KernelGrid(root, (weights) => told.push(weights.flat()));
        const undo = root.querySelector(".undo");
        grid.show(chosen[0]);
        const fresh = undo.disabled;
        const field = (k) => grid.grid.children[k];
        for (const [k, value] of [[0, "5"], [1, "7"]]) {
            field(k).dispatchEvent(new Event("focus"));
            field(k).value = value;
            field(k).dispatchEvent(new Event("input"));
        }
        for (const weights of [chosen[1], chosen[1], chosen[2]]) grid.show(weights);
        told.length = 0;
        for (let k = 0; k < 4; k++) undo.click();
        return {fresh, told, spent: undo.disabled};
    }""",
        {
            "panel": (FOLDER / "lab.html").read_text(),
            "chosen": [[[1, 0], [0, -1]], [[0, 0], [0, 1]], [[0, 0, 0, 1]]],
        },
    )
    assert found == {"fresh": True, "told": [[0, 0, 0, 1], [5, 7, 0, -1], [5, 0, 0, -1], [1, 0, 0, -1]], "spent": True}


@pytest.mark.parametrize("channel", CHANNELS)
def test_the_lab_sees_the_channels_that_the_server_sees(arithmetic, channel):
    image = np.random.default_rng(1).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    rgba = np.dstack([image, np.full(image.shape[:2], 255, np.uint8)])
    found = arithmetic(
        """(lab, {data, width, height, channel}) =>
            lab.planesOf({width, height, data: Uint8ClampedArray.from(data)}, channel).map((p) => [...p.values])""",
        {"data": rgba.ravel().tolist(), "width": 7, "height": 5, "channel": channel},
    )
    taken = CHANNELS[channel].take(image)
    planes = [taken] if taken.ndim == 2 else [taken[..., k] for k in range(3)]
    assert [np.reshape(values, (5, 7)).tolist() for values in found] == [plane.tolist() for plane in planes]


# --- a person at the lab --------------------------------------------------------------------------------------------


PASTE = """(field, text) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text", text);
    field.dispatchEvent(new ClipboardEvent("paste", {bubbles: true, cancelable: true, clipboardData}));
}"""


def open_lab(page: Page, name: str) -> None:
    """The page, once all of the lab is there: that comes after the page itself has settled."""
    open_page(page, name)
    attribute(page.locator(".lab"), "data-response")


def part(page: Page, selector: str) -> Locator:
    return page.locator(f".bench {selector}")


def cell(page: Page, row: int, column: int) -> Locator:
    """The field of a weight, counted from 1."""
    return page.get_by_label(f"Weight in row {row}, column {column}", exact=True)


def response_file(page: Page) -> np.ndarray:
    button = page.get_by_role("button", name="The response as PNG")
    if not button.is_visible():
        page.get_by_text("The response: its size, its cost, its files").click()
    return vl.load_image(downloaded(page, button).path())


def shown_for(image: np.ndarray, kernel, mode: str = "absolute", side: int = 256, **how) -> np.ndarray:
    """What the page is to show of a grey picture's response."""
    response = vl.convolve(grey(fit(image, side)), kernel, **how)
    return vl.render(response, mode, fitted_range(response, mode))


def wait_for_response(page: Page, expected: np.ndarray) -> None:
    """Wait until the response that the browser has is that picture, to the pixel."""
    digest = digest_of(encode_png(expected))
    expect(page.locator(".lab")).to_have_attribute("data-response", digest)


def wait_until_said(page: Page, text: str | re.Pattern, where: str = ".bench") -> None:
    expect(page.locator(f"{where} .live")).to_have_text(text)


def point_at(page: Page, canvas: str, row: float, column: float, size: tuple[int, int]) -> dict[str, float]:
    """The place on a canvas over that pixel (or cell), of so many rows and columns."""
    box = page.locator(canvas).bounding_box()
    return {"x": box["width"] * (column + 0.5) / size[1], "y": box["height"] * (row + 0.5) / size[0]}


def put_square(page: Page, x: int, y: int, side: int) -> None:
    """The square of so many pixels a side to that place of the photograph, at 128 px, by hand."""
    page.get_by_label("Pixels a side of the square").fill(str(side))
    middle = point_at(page, ".bench .picture", y + side // 2 - 1, x + side // 2 - 1, (85, 128))
    page.locator(".bench .picture").click(position=middle)
    page.locator(".bench .picture").press("Escape")
    expect(page).to_have_url(re.compile(f"square={x}%2C{y}%2C{side}"))


def test_the_window_follows_the_pointer_anywhere_and_a_click_holds_it(page: Page, photo):
    open_lab(page, "Convolution")
    use_photo(page, photo)
    pixels = grey(fit(vl.load_image(photo), 256))
    response = vl.convolve(pixels, vl.KERNELS["sobel_x"])

    def told(row: int, column: int) -> str:
        return f"Row {row + 1}, column {column + 1}: sum {int(response[row, column])}".replace("-", "−")

    for canvas in (".bench .picture", ".bench .response"):
        for row, column in ((3, 5), (pixels.shape[0] - 3, pixels.shape[1] - 4), (80, 120)):
            page.locator(canvas).hover(position=point_at(page, canvas, row, column, pixels.shape))
            wait_until_said(page, told(row, column))
    numbers = part(page, ".sum canvas")
    window = [number(text) for text in attribute(numbers.nth(0), "aria-label").split()]
    assert window == pixels[79:82, 119:122].ravel().tolist()
    products = [number(text) for text in attribute(numbers.nth(2), "aria-label").split()]
    assert sum(products) == response[80, 120]
    equation, _, total = part(page, ".equation").inner_text().rpartition(" = ")
    assert value_of(equation) == number(total) == response[80, 120]

    page.locator(".bench .picture").click(position=point_at(page, ".bench .picture", 40, 60, pixels.shape))
    wait_until_said(page, told(40, 60))
    expect(part(page, ".where")).to_contain_text("held")
    page.locator(".bench .picture").hover(position=point_at(page, ".bench .picture", 10, 10, pixels.shape))
    wait_until_said(page, told(40, 60))
    expect(page).to_have_url(re.compile(r"square=56%2C36%2C10")), "the square begins where the window is held"
    page.locator(".bench .picture").press("ArrowRight")
    wait_until_said(page, told(40, 61))
    expect(page.locator(".story .where")).to_contain_text("Row 41, column 61")  # where it was held, by the same numbers
    page.get_by_role("button", name="How it slides").click()
    page.get_by_role("spinbutton", name="Stride").fill("2")
    page.keyboard.press("Enter")
    expect(part(page, ".where")).to_contain_text(re.compile("Row 21, column 3[12]"))  # the same place of the picture
    page.get_by_role("spinbutton", name="Stride").fill("1")
    page.keyboard.press("Enter")
    expect(part(page, ".where")).to_contain_text(re.compile("Row 41, column 6[12]"))
    page.keyboard.press("Escape")
    page.locator(".bench .picture").press("Escape")
    expect(part(page, ".where")).not_to_contain_text("held")
    page.locator(".bench .picture").hover(position=point_at(page, ".bench .picture", 20, 30, pixels.shape))
    wait_until_said(page, told(20, 30))
    page.locator(".bench .response").press("Home")
    wait_until_said(page, told(0, 0))


def test_what_is_held_is_in_the_link_moves_by_a_drag_and_ends_with_its_picture(page: Page, photo):
    open_lab(page, "Convolution")
    settle(page)
    beginning = part(page, ".equation").inner_text().rpartition(" = ")[2]
    assert number(beginning) > 0, "what is negative would be nothing from ReLU on"
    size = (170, 256)
    page.locator(".bench .picture").click(position=point_at(page, ".bench .picture", 40, 60, size))
    expect(part(page, ".where")).to_have_text(
        "Row 41, column 61 of the response · held: Esc, a click or a tap on it lets go"
    )
    expect(page).to_have_url(re.compile("at=40%2C60&held=True"))
    page.goto(page.url)
    expect(part(page, ".where")).to_contain_text("Row 41, column 61 of the response · held")
    settle(page)
    box = page.locator(".bench .picture").bounding_box()
    start, end = (point_at(page, ".bench .picture", *place, size) for place in ((40, 60), (50, 90)))
    page.mouse.move(box["x"] + start["x"], box["y"] + start["y"])
    page.mouse.down()
    page.mouse.move(box["x"] + end["x"], box["y"] + end["y"], steps=4)
    expect(part(page, ".where")).to_contain_text("Row 51, column 91")
    page.mouse.up()
    expect(part(page, ".where")).to_contain_text("Row 51, column 91 of the response · held")
    use_photo(page, photo)
    expect(part(page, ".where")).not_to_contain_text("held")
    place = re.compile(r"Row \d+, column \d+")
    expect(page.locator(".story .where")).to_contain_text(place.search(part(page, ".where").inner_text())[0])


def test_every_edit_counts_is_yours_and_stays(page: Page, photo):
    open_lab(page, f"Convolution?kernel={quote(vl.KERNELS['sobel_y'].title)}")
    use_photo(page, photo)
    image, weights = vl.load_image(photo), vl.KERNELS["sobel_y"].weights.copy()
    wait_for_response(page, shown_for(image, weights))
    for (row, column), text, value in (
        ((2, 2), "4", 4),
        ((1, 3), "0,5", 0.5),
        ((3, 1), "1/4", 0.25),
        ((2, 2), "-2", -2),
    ):
        cell(page, row, column).fill(text)
        weights[row - 1, column - 1] = value
        wait_for_response(page, shown_for(image, weights))  # as that of the kernel that is changed, whatever its sum
    cell(page, 2, 2).press("ArrowUp")
    weights[1, 1] = -1.9  # among weights that are not whole an arrow is a tenth
    wait_for_response(page, shown_for(image, weights))
    settle(page)
    expect(page.get_by_test_id("stSelectbox").filter(has_text="Kernel").locator("input")).to_have_value("Yours")
    expect(part(page, ".response-title")).to_have_text("Response of Yours")
    np.testing.assert_array_equal(response_file(page), shown_for(image, weights))

    page.get_by_role("link", name="Filters").click()
    expect(page.get_by_role("heading", name="Filters", exact=True)).to_be_visible()
    settle(page)
    page.get_by_role("link", name="Convolution").click()
    expect(cell(page, 2, 2)).to_have_value("−1.9")
    wait_for_response(page, shown_for(image, weights))
    settle(page)
    link = page.url
    page.goto(link)
    settle(page)
    expect(cell(page, 3, 1)).to_have_value("0.25")
    page.get_by_role("link", name="Home").click()
    expect(page.get_by_role("heading", name="See how a computer sees")).to_be_visible()
    settle(page)
    page.go_back()
    expect(cell(page, 3, 1)).to_have_value("0.25")
    expect(page.get_by_test_id("stSelectbox").filter(has_text="Kernel").locator("input")).to_have_value("Yours")
    settle(page)
    cell(page, 3, 1).fill("7")  # and an edit after a link, and another
    cell(page, 1, 1).fill("8")
    expect(page).to_have_url(re.compile(r"weights=8%2C"))
    assert "7%2C" in page.url
    settle(page)
    choose(page, "Kernel", vl.KERNELS["identity"].title)
    expect(cell(page, 2, 2)).to_have_value("1")
    assert "weights" not in page.url
    choose(page, "Kernel", "Yours")
    expect(cell(page, 1, 1)).to_have_value("8"), "what one made is still there"


def test_what_is_no_weight_is_refused_at_the_cell(page: Page):
    open_lab(page, "Convolution")
    cell(page, 2, 3).fill("2x")
    expect(cell(page, 2, 3)).to_have_attribute("aria-invalid", "true")
    cell(page, 2, 3).press("Tab")
    expect(cell(page, 2, 3)).to_have_value("2")
    refused = page.locator(".kernel-panel .refused")
    expect(refused).to_have_text("“2x” is no number: row 2, column 3 stays 2. Write 0.5, 0,5, 1/9 or −2.")
    assert "weights" not in page.url
    cell(page, 1, 1).evaluate(PASTE, "1 2\n3")
    expect(refused).to_contain_text("2 and 1 weights")
    cell(page, 1, 1).evaluate(PASTE, "[[0, -1, 0, 2],\n [1, 1/2, 0, 5]]")
    expect(cell(page, 2, 2)).to_have_value("0.5")
    expect(page.get_by_label("Columns")).to_have_value("4")
    expect(refused).to_have_text("")
    expect(page).to_have_url(re.compile("weights=0%2C-1%2C0%2C2%3B1%2C0.5%2C0%2C5"))
    taken_back = {
        "1/0": "“1/0” is dividing by 0",
        "2*3": "“2*3” is no number",
        "7e400": "“7e400” is beyond what a weight may be",
    }
    for text, said in taken_back.items():  # begun as numbers: no step for Undo
        cell(page, 1, 1).click()
        page.keyboard.type(text)
        page.keyboard.press("Tab")
        expect(refused).to_contain_text(said)
        expect(refused).to_contain_text("row 1, column 1 stays 0")
    page.get_by_label("Rows").fill("")
    page.get_by_label("Rows").press("Tab")
    expect(refused).to_have_text("The number of rows cannot be empty: there are still 2. Write 1 to 15.")
    expect(page.get_by_label("Rows")).to_have_value("2")
    page.get_by_label("Rows").fill("99")
    page.get_by_label("Rows").press("Enter")
    expect(refused).to_contain_text("A kernel has 1 to 15 rows and columns, not 99")
    cell(page, 1, 1).fill("")
    expect(refused).to_have_text("")  # of something else
    cell(page, 1, 1).press("Tab")
    expect(refused).to_contain_text("A weight cannot be empty: row 1, column 1 stays 0")
    page.get_by_label("Columns").fill("")
    expect(refused).to_have_text("")
    page.get_by_label("Columns").press("Tab")
    expect(refused).to_contain_text("The number of columns cannot be empty")
    page.get_by_role("button", name="Undo").click()
    expect(cell(page, 3, 3)).to_have_value("1")
    page.get_by_role("button", name="Rotate").click()
    expect(cell(page, 1, 2)).to_have_value("−2")


def test_a_finger_that_slides_the_page_leaves_the_window_where_it_was(page: Page):
    page.set_viewport_size({"width": 420, "height": 700})
    open_lab(page, "Convolution?at=30,200&held=True")
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setTouchEmulationEnabled", {"enabled": True})
    main, places = page.get_by_test_id("stMain"), page.locator(".lab .where")
    before = places.all_inner_texts()
    assert before[0].startswith("Row 31, column 201 of the response")
    for name in (".bench .picture", ".bench .response", ".story .output"):
        canvas = page.locator(name)
        canvas.evaluate("(canvas) => canvas.scrollIntoView({block: 'center'})")
        box, slid = canvas.bounding_box(), main.evaluate("(main) => main.scrollTop")
        at = {"x": box["x"] + box["width"] / 4, "y": box["y"] + box["height"] * 0.8}
        for kind, step in (("touchStart", 0), *(("touchMove", step) for step in range(8))):
            moved = {"x": at["x"] + step % 2, "y": at["y"] - 15 * step}
            session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [moved]})
        session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        page.wait_for_function("([main, slid]) => main.scrollTop > slid + 50", arg=[main.element_handle(), slid])
        assert places.all_inner_texts() == before, name


def test_a_kernel_whose_changes_are_all_taken_back_has_its_name_again(page: Page):
    title = vl.KERNELS["identity"].title
    open_lab(page, f"Convolution?kernel={quote(title)}")
    picked = page.get_by_test_id("stSelectbox").filter(has_text="Kernel").locator("input")
    for _ in range(2):  # a person does things twice
        cell(page, 1, 1).fill("7")
        cell(page, 2, 2).fill("8")
        expect(picked).to_have_value("Yours")
        settle(page)
        page.get_by_role("link", name="Filters").click()
        expect(page.get_by_role("heading", name="Filters", exact=True)).to_be_visible()
        settle(page)
        page.go_back()
        for _ in range(2):  # what can be taken back is remembered
            page.get_by_role("button", name="Undo").click()
        expect(picked).to_have_value(title)
        expect(part(page, ".response-title")).to_have_text(f"Response of {title}")
        settle(page)
        assert "weights=" not in page.url
        expect(cell(page, 2, 2)).to_have_value("1")
    choose(page, "Kernel", vl.KERNELS["sobel_x"].title)
    expect(cell(page, 1, 1)).to_have_value("−1")
    choose(page, "Kernel", title)
    expect(cell(page, 1, 1)).to_have_value("0")


def test_it_plays_on_from_where_it_is(page: Page, photo):
    open_lab(page, "Convolution?speed=3")
    use_photo(page, photo)
    part(page, ".play").click()
    page.wait_for_function(
        "() => [...document.querySelectorAll('*')].some(e => e.shadowRoot?.querySelector('.bench')?.dataset.fps)"
    )
    assert float(attribute(page.locator(".bench"), "data-fps")) > 5  # that it moves; how fast is the benchmark's
    part(page, ".play").click()

    def place() -> int:
        row, column = map(int, re.findall(r"\d+", part(page, ".where").inner_text())[:2])
        return (row - 1) * 256 + column

    held = place()
    assert held > 50
    part(page, ".step").click()
    assert place() == held + 1
    part(page, ".play").click()
    page.wait_for_timeout(100)
    part(page, ".play").click()
    assert held < place() < held + 10_000, "from there, and not from the first place"
    part(page, ".speed").fill("6")
    part(page, ".play").click()
    expect(part(page, ".play")).to_have_text("▶ Play")
    expect(part(page, ".where")).to_have_text(re.compile("Row 171, column 256"))


def test_the_story_stays_where_the_window_is_whatever_slides(page: Page):
    open_lab(page, "Convolution")
    both = page.locator(".where")
    expect(both).to_have_text([re.compile("^Row ")] * 2)
    page.get_by_role("button", name="How it slides").click()
    for label, value in (("Stride", "2"), ("Stride", "3"), ("Dilation", "2"), ("Stride", "1"), ("Dilation", "1")):
        former = both.first.inner_text()
        field = page.get_by_role("spinbutton", name=label)
        field.fill(value)
        field.press("Enter")
        if label == "Stride":
            expect(both.first).not_to_have_text(former)
        settle(page)
        expect(both.last).to_have_text(both.first.inner_text().replace(" of the response", ""))


def test_the_story_goes_on_to_the_probabilities(page: Page, photo):
    open_lab(page, "Convolution?detail=128")
    use_photo(page, photo)
    put_square(page, 40, 30, 12)
    response = vl.convolve(grey(fit(vl.load_image(photo), 128)), vl.KERNELS["sobel_x"])[30:42, 40:52]
    story = page.locator(".story")
    story.locator(".output").hover(position=point_at(page, ".story .output", 5, 3, (12, 12)))
    wait_until_said(page, f"Row 36, column 44: sum {int(response[5, 3])}".replace("-", "−"), ".story")
    bias = page.get_by_label("Bias")
    bias.fill("0,5")
    expect(page).to_have_url(re.compile("bias=0.5"))
    bias.fill("much")
    bias.press("Tab")
    expect(page.locator(".bias-refused")).to_contain_text("“much” is no number: it stays 0.5")
    bias.fill("")
    expect(page.locator(".bias-refused")).to_have_text("")
    bias.fill("-10")
    page.get_by_role("radio", name="3 · ReLU").click()
    active = np.maximum(response - 10, 0)
    wait_until_said(page, f"Row 36, column 44: after ReLU {int(active[5, 3])}", ".story")
    page.get_by_role("radio", name="4 · 2 × 2 max pool").click()
    pooled = active.reshape(6, 2, 6, 2).max((1, 3))
    wait_until_said(page, f"Pooled row 3, column 2: largest of four {int(pooled[2, 1])}", ".story")
    page.get_by_role("radio", name="5 · Flatten").click()
    assert len(np.unique(pooled)) > 10, "there is something to tell"
    whole, largest = pooled.astype(int), int(pooled.max())
    shares = (200 * whole + largest) // (2 * largest) / 100  # rounded as by hand, halves up
    told = f"number 14 is row 3, column 2, {shares[2, 1]:g} of the largest"
    expect(story.locator(".window-view .equation")).to_contain_text(told)
    page.get_by_role("radio", name="7 · Softmax").click()
    thirds = np.repeat([[0, 1, 2]], 2, axis=1).ravel()  # which class a column is for
    scores = np.array([(shares * np.where(thirds == k, 0.67, -0.33)).sum() for k in range(3)])
    chances = np.exp(scores - scores.max())
    chances /= chances.sum()
    told = [float(text.removesuffix("%")) for text in story.locator(".percent").all_inner_texts()]
    np.testing.assert_allclose(told, 100 * chances, atol=0.1)
    assert sum(told) == pytest.approx(100, abs=1e-9)
    story.locator(".wanted").first.click(position={"x": 5, "y": 5})  # its weight there becomes another
    expect(story.locator(".percent").first).not_to_have_text(f"{told[0]:.1f}%")
    page.get_by_role("radio", name="6 · Weights").click()
    expect(page).to_have_url(re.compile("stage=5"))
    said = story.locator(".window-view .equation")
    expect(said).to_contain_text(f"here {shares[0, 0]:g} times −1, −0.33, −0.33")
    story.locator(".wanted").first.press(" ")  # the keys are where the click was
    expect(said).to_contain_text(f"here {shares[0, 0]:g} times 0, −0.33, −0.33")
    page.get_by_role("radio", name="7 · Softmax").click()
    expect(page).to_have_url(re.compile("stage=6"))
    assert "bias=-10" in page.url
    page.get_by_role("link", name="Filters").click()
    expect(page.get_by_role("heading", name="Filters", exact=True)).to_be_visible()
    settle(page)
    page.get_by_role("link", name="Convolution").click()
    expect(page.get_by_role("radio", name="7 · Softmax")).to_be_checked()
    expect(page.get_by_label("Bias")).to_have_value("−10")


@pytest.mark.parametrize("how", ["at once", "pressed", "in focus"])
def test_what_was_done_last_is_kept_before_something_else_is_done(page: Page, how):
    open_lab(page, "Convolution?detail=128")
    page.evaluate(NEVER_AFTER, 300)
    bias, away = page.get_by_label("Bias"), page.get_by_role("link", name="Filters")
    if how == "at once":
        page.get_by_role("radio", name="7 · Softmax").click()
        expect(page).to_have_url(re.compile("stage=6"))
        bias.fill("5")
        bias.press("Enter")
    else:
        bias.fill("5")
        away.hover()
        page.mouse.down() if how == "pressed" else away.focus()
    expect(page).to_have_url(re.compile("bias=5"))
    page.mouse.up() if how == "pressed" else away.press("Enter")
    expect(page.get_by_role("button", name="Ready-made")).to_be_visible()
    page.get_by_role("link", name="Convolution").click()
    expect(bias).to_have_value("5")
    if how == "at once":
        expect(page.get_by_role("radio", name="7 · Softmax")).to_be_checked()


def test_another_page_comes_whole_also_where_the_lab_speaks_as_it_is_left(page: Page):
    open_lab(page, "Convolution?detail=128")
    page.get_by_role("radio", name="7 · Softmax").click()
    page.get_by_role("link", name="Filters").click()  # sooner than a hand: the lab is heard of after that
    expect(page.get_by_role("button", name="Ready-made")).to_be_visible()
    settle(page)
    page.get_by_role("link", name="Convolution").click()
    expect(page.get_by_role("radio", name="7 · Softmax")).to_be_visible()


def drawn(canvas: Locator) -> np.ndarray:
    """What is drawn there: uint8 (H, W, 3)."""
    data = canvas.evaluate("(canvas) => canvas.toDataURL().split(',')[1]")
    return vl.load_image(base64.b64decode(data))


@pytest.mark.parametrize("kernel", ["sobel_x", "gaussian_5"])
def test_under_dilation_each_pixel_in_use_is_marked_and_its_number_can_be_read(page: Page, kernel):
    open_lab(page, f"Convolution?dilation=2&kernel={kernel}")
    grid = page.locator(".story canvas.input")
    seen = []
    for key in ("Home", "End"):
        grid.press(key)
        seen.append(drawn(grid).astype(int))
    cells = 10 + 2 * (vl.KERNELS[kernel].size[0] - 1)  # the square, and what its windows see around it
    side = seen[0].shape[1] / cells
    changed = 0
    for row in range(cells):
        for column in range(cells):
            for part in (0.25, 0):  # the middle of a cell, which has the number; all of it
                ends = [slice(round((k + part) * side), round((k + 1 - part) * side)) for k in (row, column)]
                differs = (seen[0][tuple(ends)] != seen[1][tuple(ends)]).any()
                if part:
                    assert not differs, f"the number of row {row}, column {column}"
                changed += differs
    assert changed >= 2 * vl.KERNELS[kernel].weights.size


def test_each_stage_says_how_large_what_it_shows_is(page: Page):
    open_lab(page, "Convolution?square=40,30,11&stride=1")
    story, said = page.locator(".story"), page.locator(".story .size")
    for stage, text in (
        (
            "1 · Convolution",
            "Response a side = ⌊(pixels + padding − window) / stride⌋ + 1: ⌊(11 + 2 − 3) / 1⌋ + 1 = 11.",
        ),
        (
            "4 · 2 × 2 max pool",
            "Pooled a side = ⌊response / 2⌋: ⌊11 / 2⌋ = 5. The last row and the last column are left out.",
        ),
        ("5 · Flatten", "In one row: 5 × 5 = 25 numbers."),
        ("6 · Weights", "Weights: 3 classes × 25 numbers = 75, and a score for each class."),
        ("7 · Softmax", "Probabilities: 3, one for each score; they add up to 100%."),
    ):
        story.get_by_role("radio", name=stage).click()
        expect(said).to_have_text(text)
    expect(story.locator(".flat-title")).to_contain_text("rounded to two decimals")
    expect(story.locator(".window-view .equation")).to_contain_text("Softmax, of the scores as they are shown: exp(")
    story.get_by_role("radio", name="As tiles").click()
    expect(said).to_contain_text("Response a side")
    story.get_by_role("radio", name="4 · Pool").click()
    expect(said).to_contain_text("Pooled a side")


def test_where_nothing_is_left_the_story_says_so(page: Page):
    open_lab(page, "Convolution?bias=-2000&view=shift")
    expect(page.locator(".shift-text")).to_contain_text("nothing of the square is left after ReLU")
    expect(page.locator(".shift-text")).not_to_contain_text("%")
    story = page.locator(".story")
    story.get_by_role("radio", name="The window").click()
    story.get_by_role("radio", name="5 · Flatten").click()
    expect(story.locator(".flat-title")).to_have_text(re.compile("all of them 0$"))
    story.get_by_role("radio", name="7 · Softmax").click()
    said = story.locator(".window-view .equation")
    expect(said).to_contain_text("= 33.3%. No response is left, so that no class is more likely than another.")
    assert story.locator(".percent").all_inner_texts() == ["33.3%"] * 3


def test_the_place_is_kept_over_pages_where_another_stride_has_numbered_it_anew(page: Page):
    open_lab(page, "Convolution?stride=1")
    where = page.locator(".bench .where")
    before = where.inner_text()
    page.get_by_role("button", name="How it slides").click()
    page.get_by_role("spinbutton", name="Stride").fill("3")
    page.keyboard.press("Enter")
    expect(where).not_to_have_text(before)
    page.wait_for_url(re.compile("at="))
    settle(page)
    here = where.inner_text()
    page.get_by_role("link", name="Filters").first.click()
    settle(page)
    page.get_by_role("link", name="Convolution").first.click()
    expect(page.locator(".bench .where")).to_have_text(here)


HOLD = """() => {
    const [held, send] = [[], WebSocket.prototype.send];
    WebSocket.prototype.send = function (data) { held.push(() => send.call(this, data)); };
    window.letGo = () => { WebSocket.prototype.send = send; held.forEach((each) => each()); };
}"""


def test_the_response_to_a_weight_is_there_before_the_server_answers(page: Page):
    """And is the server's, but for a level, once it has."""
    open_lab(page, "Convolution?detail=256")
    lab, response = page.locator(".lab"), page.locator(".bench canvas.response")
    first, sent = response.screenshot(), attribute(lab, "data-response")
    page.evaluate(HOLD)
    seen = [first]
    for weight in ("2", "-3"):
        shown = attribute(lab, "data-shown")
        cell(page, 1, 1).fill(weight)
        expect(lab).not_to_have_attribute("data-shown", shown)
        seen.append(response.screenshot())
    assert len(set(seen)) == 3
    assert attribute(lab, "data-response") == sent
    page.evaluate("letGo()")
    expect(lab).not_to_have_attribute("data-response", sent)
    settle(page)
    painted = [PillowImage.open(io.BytesIO(each)).convert("L") for each in (seen[-1], response.screenshot())]
    assert np.abs(np.subtract(*(np.asarray(each, int) for each in painted))).max() <= 3


def test_at_420_px_the_responses_title_is_whole_and_it_stands_beside_the_picture(page: Page):
    page.set_viewport_size({"width": 420, "height": 850})
    open_lab(page, f"Convolution?kernel={max(vl.KERNELS, key=lambda name: len(vl.KERNELS[name].title))}")
    title = page.locator(".response-title")
    assert title.evaluate("(title) => title.scrollWidth <= title.clientWidth")
    assert title.evaluate("(title) => getComputedStyle(title).whiteSpace") == "normal"
    tops = [page.locator(f".bench canvas.{name}").bounding_box()["y"] for name in ("picture", "response")]
    assert tops[0] == pytest.approx(tops[1], abs=1)


def test_tiles_and_shifts_are_told_on_the_picture(page: Page, photo):
    open_lab(page, "Convolution?detail=128")
    use_photo(page, photo)
    put_square(page, 40, 30, 12)
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
    told = page.locator(".shift-text").inner_text()
    response, pool, whole = (int(text) for text in re.findall(r"by (\d+)%", told))
    assert ("the more is pooled, the less" in told) == (whole < pool < response)
    page.get_by_role("button", name="How it slides").click()
    page.get_by_test_id("stNumberInput").filter(has_text="Stride").locator("input").fill("2")
    page.keyboard.press("Enter")
    expect(page.locator(".shift-text")).to_have_text(re.compile("no multiple of the stride, 2"))


def test_no_window_fits_is_said_and_mended(page: Page, photo):
    open_lab(page, f"Convolution?square=40,30,8&kernel={quote(vl.KERNELS['gabor_15'].title)}&border=None+(valid)")
    use_photo(page, photo)
    expect(page.locator(".story .window-view .equation")).to_have_text(
        re.compile("spans 15 × 15 pixels, more than the square has")
    )
    page.get_by_label("Pixels a side of the square").fill("20")
    expect(page.locator(".output-title")).to_have_text("Response: 6 × 6")


def test_the_range_that_was_asked_for_stays_whatever_a_closed_menu_held(page: Page):
    """Once it has been opened, the browser keeps what its switch was at."""
    open_lab(page, "Convolution")
    page.get_by_role("button", name="What is shown").click()
    page.get_by_role("combobox", name="Channels").fill("Green")
    page.keyboard.press("Enter")
    settle(page)
    page.keyboard.press("Escape")
    asks = page.locator(".bench .fit")
    for weight, now, then in (("5", "Show 0 to 255", "Fit it to the response"), ("6", "Fit it", "Show 0 to 255")):
        expect(asks).to_contain_text(now)
        asks.click()
        expect(asks).to_contain_text(then)
        settle(page)
        before = attribute(page.locator(".lab"), "data-response")
        cell(page, 1, 1).fill(weight)
        expect(page.locator(".lab")).not_to_have_attribute("data-response", before)
        settle(page)
        expect(asks).to_contain_text(then)
    open_lab(page, "Convolution?plain=true")
    expect(asks).to_contain_text("Fit it to the response")
    page.get_by_role("button", name="Plain range").click()
    page.get_by_text("The plain range").click()
    expect(asks).to_contain_text("Show 0 to 255")
    expect(page).not_to_have_url(re.compile("plain"))


def test_one_click_shows_the_plain_range_and_back(page: Page, photo):
    open_lab(page, "Convolution")
    use_photo(page, photo)
    response = vl.convolve(grey(fit(vl.load_image(photo), 256)), vl.KERNELS["sobel_x"])
    fitted, plain = vl.render(response, "absolute", fitted_range(response, "absolute")), vl.render(response, "absolute")
    wait_for_response(page, fitted)
    expect(part(page, ".high")).to_have_text(
        re.compile(rf"^±{int(fitted_range(response, 'absolute')[1])}(\.\d+)? and more$")
    )
    part(page, ".fit").click()
    wait_for_response(page, plain)
    expect(part(page, ".high")).to_have_text("±255")
    part(page, ".fit").click()
    wait_for_response(page, fitted)


def test_at_420_px_every_cell_has_its_number_and_a_finger_can_scroll(page: Page):
    page.set_viewport_size({"width": 420, "height": 850})
    open_lab(page, "Convolution?stage=3")
    widths = (
        page.locator(".story .pool").bounding_box()["width"],
        page.locator(".story .output").bounding_box()["width"],
    )
    assert min(widths[0] / 5, widths[1] / 10) >= 21, "from 21 px on a cell has its number"
    page.get_by_role("radio", name="1 · Convolution").click()
    assert page.locator(".story .input").bounding_box()["width"] / 12 >= 21
    canvases = page.locator(".lab canvas")
    assert {canvas.evaluate("(c) => getComputedStyle(c).touchAction") for canvas in canvases.all()} == {"pan-y"}
    for canvas in (".bench .picture", ".bench .response", ".bench .weights", ".bench .play"):
        box = page.locator(canvas).bounding_box()
        assert box["x"] >= 0, canvas
        assert box["x"] + box["width"] <= 420, canvas
    opener = page.get_by_test_id("stExpandSidebarButton")
    page.mouse.move(200, 500)
    for way, seen in ((900, False), (-5000, True)):  # it would lie over what one reads
        page.mouse.wheel(0, way)
        expect(opener).to_be_visible(visible=seen)


def test_what_is_offered_on_a_first_visit_sets_the_page_up(page: Page):
    open_lab(page, "Convolution")

    def try_out(label: str) -> None:
        button = page.get_by_role("button", name=label)
        if not button.is_visible():
            page.get_by_role("button", name="Try more").click()
        button.click()
        expect(page.get_by_text(f"{label}.", exact=True)).to_be_visible()
        settle(page)

    try_out("Blur it")
    expect(part(page, ".response-title")).to_have_text("Response of Gaussian blur, 5 × 5")
    try_out("Make your own")
    expect(part(page, ".response-title")).to_have_text("Response of Yours")
    expect(cell(page, 2, 2)).to_have_value("1")
    cell(page, 2, 2).press("ArrowUp")
    expect(page).to_have_url(re.compile(r"weights=0%2C0%2C0%3B0%2C2%2C0"))
    settle(page)
    try_out("Move the picture")
    expect(page.get_by_role("radio", name="Shift test")).to_be_checked()
    expect(page.get_by_label("Shift in pixels")).to_have_value("1")
    expect(cell(page, 2, 2)).to_have_value("2"), "what one made is still there"


def test_what_opens_at_a_button_is_reached_from_it_by_keyboard(page: Page):
    """Streamlit puts it at the end of the page."""
    open_lab(page, "Convolution")
    button = page.get_by_role("button", name="How it slides")
    stride, helps = page.get_by_role("spinbutton", name="Stride"), page.get_by_role("button", name="Help for Stride")
    for _ in range(2):
        button.press("Enter")
        expect(stride).to_be_focused()
        page.keyboard.press("Shift+Tab")
        expect(helps).to_be_focused()
        page.keyboard.press("Shift+Tab")  # round to the last
        page.keyboard.press("Tab")
        expect(helps).to_be_focused()
        page.keyboard.press("Escape")
        expect(button).to_be_focused()
        expect(stride).to_be_hidden()


def test_the_picture_in_its_former_size_is_still_there_after_many_responses(page: Page):
    open_lab(page, "Convolution")
    lab, title = page.locator(".lab"), page.locator(".picture-title")
    former = title.inner_text()
    for value in range(2, 12):  # more than the browser keeps of what no part of the page shows
        before = attribute(lab, "data-response")
        page.locator(".weights input").first.fill(str(value))
        expect(lab).not_to_have_attribute("data-response", before)
    settle(page)
    page.get_by_role("button", name="What is shown").click()
    side = page.get_by_role("slider", name="Pixels on the picture’s longer side")
    side.press("ArrowLeft")
    expect(title).not_to_have_text(former)
    settle(page)
    side.press("ArrowRight")
    expect(title).to_have_text(former)
