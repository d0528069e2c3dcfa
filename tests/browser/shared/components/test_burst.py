"""Hold to record, with a pretended camera: what is taken while the button is held, how it arrives, and letting go."""

import base64
import io
import json
import re
from collections.abc import Callable, Iterator

import pytest
from browser.demos.serving import serving
from browser.driver import open_blank, open_page, settle
from browser.streams import KEEP_STREAMS, streams_are
from PIL import Image
from playwright.sync_api import Locator, Page, expect


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    yield from serving("burst.py")


def button(page: Page) -> Locator:
    return page.get_by_role("button", name="Hold to record")


def start(page: Page, address: str = "", opening: Callable[[Page, str], None] = open_blank) -> None:
    page.add_init_script(KEEP_STREAMS)
    opening(page, address)
    page.get_by_role("button", name="Turn on the camera").click()
    expect(button(page)).to_be_enabled()


def counted(page: Page, least: int) -> None:
    """Wait until so many frames have been taken in the burst that is under way."""
    page.wait_for_function(
        "(least) => parseInt(document.querySelector('.st-key-burst [data-testid=stBidiComponentIsolated]')"
        ".shadowRoot.querySelector('.count').textContent) >= least",
        arg=least,
    )


def sent(page: Page) -> int:
    """How many frames the last burst had, once the server has them all."""
    line = page.locator(".burst .count")
    expect(line).to_have_text(re.compile(r"^\d+ pictures? sent\.$"))
    return int(line.inner_text().split()[0])


def batches(page: Page, count: int) -> list[tuple[int, int, int, int]]:
    """What the server has taken in, so many batches: burst, number, count, frames."""
    lines = page.get_by_text(re.compile("^burst "))
    expect(lines).to_have_count(count)
    pattern = r"burst (\d+), batch (\d+) of (\d+): (\d+) frames of 640 × 360 px"
    return [tuple(map(int, re.fullmatch(pattern, text).groups())) for text in lines.all_inner_texts()]


def messages(page: Page) -> list[dict]:
    """What the component tells the server, as it leaves the browser."""
    found: list[dict] = []

    def note(payload: bytes | str) -> None:
        if isinstance(payload, bytes) and (start := payload.find(b'[{"event":"sent"')) >= 0:
            found.append(json.JSONDecoder().raw_decode(payload[start:].decode(errors="replace"))[0][0]["value"])

    page.on("websocket", lambda socket: socket.on("framesent", note))
    return found


def test_frames_are_taken_while_the_button_is_held(page: Page):
    told = messages(page)
    start(page, opening=open_page)
    button(page).hover()
    page.mouse.down()
    counted(page, 4)
    assert not told, "frames leave once the button is released"
    page.mouse.up()
    taken = sent(page)
    assert taken >= 4
    assert batches(page, 1) == [(0, 0, 1, taken)]
    different = int(page.get_by_text(re.compile("different frames$")).inner_text().split()[0])
    assert different >= 3  # the pretended camera never shows the same for long
    (event,) = told[0]["events"]
    image = Image.open(io.BytesIO(base64.b64decode(event["frames"][0])))
    assert image.format == "JPEG"
    streams_are(page, "live")
    page.get_by_role("button", name="Run again").click()
    settle(page)
    assert batches(page, 1) == [(0, 0, 1, taken)]  # none since
    expect(page.locator(".burst .count")).to_have_text("")  # the click was the next act


def test_by_keys(page: Page):
    start(page)
    for burst, key in enumerate(("Space", "Enter")):
        button(page).focus()
        page.keyboard.down(key)
        counted(page, 2)
        page.keyboard.down(key)  # a key that is held repeats
        counted(page, 3)
        page.keyboard.up(key)
        taken = sent(page)
        assert batches(page, burst + 1)[burst] == (burst, 0, 1, taken)


def test_the_pointer_may_slip_off(page: Page):
    start(page)
    button(page).hover()
    page.mouse.down()
    page.mouse.move(5, 5)
    counted(page, 3)
    page.mouse.up()
    taken = sent(page)
    assert batches(page, 1) == [(0, 0, 1, taken)]


def test_a_long_burst_ends_by_itself_and_comes_in_batches(page: Page):
    told = messages(page)
    start(page, "?rate=40&most=40")
    button(page).hover()
    page.mouse.down()
    assert sent(page) == 40
    assert batches(page, 3) == [(0, 0, 3, 16), (0, 1, 3, 16), (0, 2, 3, 8)]
    page.mouse.up()
    page.get_by_role("button", name="Run again").click()
    settle(page)
    assert len(batches(page, 3)) == 3
    assert [message["first"] for message in told] == [1, 2, 3]
    assert {len(message["events"]) for message in told} == {1}
    button(page).hover()
    page.mouse.down()
    counted(page, 1)
    page.mouse.up()
    sent(page)
    expect(page.get_by_text(re.compile("^burst 1, batch 0 "))).to_be_visible()


def test_frames_are_as_small_as_is_asked(page: Page):
    start(page, "?side=100")
    button(page).hover()
    page.mouse.down()
    counted(page, 1)
    page.mouse.up()
    expect(page.get_by_text(re.compile(r"^burst 0, batch 0 of 1: \d+ frames of 100 × 56 px$"))).to_be_visible()


def test_what_interrupts_a_burst_ends_it(page: Page):
    start(page)
    button(page).focus()
    page.keyboard.down("Space")
    counted(page, 1)
    page.get_by_role("button", name="Run again").focus()
    first = sent(page)
    page.keyboard.up("Space")
    button(page).hover()
    page.mouse.down()
    counted(page, 2)
    page.evaluate(
        """() => {
            Object.defineProperty(document, "hidden", {value: true, configurable: true});
            document.dispatchEvent(new Event("visibilitychange"));
        }"""
    )
    second = sent(page)
    page.mouse.up()
    assert [frames for *_, frames in batches(page, 2)] == [first, second]


def test_turning_off_lets_go_of_the_camera(page: Page):
    start(page)
    streams_are(page, "live")
    page.get_by_role("button", name="Turn off the camera").click()
    streams_are(page, "ended")
    expect(page.locator(".burst .view")).to_be_hidden()
    page.get_by_role("button", name="Turn on the camera").click()
    expect(button(page)).to_be_enabled()
    streams_are(page, "ended", "live")


def test_going_away_lets_go_of_the_camera(page: Page):
    start(page, opening=open_page)
    page.get_by_text("Camera", exact=True).first.click()
    expect(page.locator(".burst")).to_have_count(0)
    streams_are(page, "ended")


def test_a_disabled_one_records_nothing(page: Page):
    start(page)
    page.get_by_text("Disabled", exact=True).click()
    expect(button(page)).to_be_disabled()
    streams_are(page, "live")
    page.get_by_text("Disabled", exact=True).click()
    expect(button(page)).to_be_enabled()


def test_the_camera_is_not_asked_for_before_one_wants_it(page: Page):
    page.add_init_script(KEEP_STREAMS)
    open_blank(page)
    expect(page.get_by_role("button", name="Turn on the camera")).to_be_visible()
    expect(page.locator(".burst .view")).to_be_hidden()
    assert page.evaluate("window.streams.length") == 0


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (
            "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', 'NotAllowedError'); };",
            "Allow it beside the address above",
        ),
        (
            "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', 'NotFoundError'); };",
            "There is no camera here.",
        ),
        ("Object.defineProperty(navigator, 'mediaDevices', {value: undefined});", "over HTTPS"),
    ],
)
def test_a_camera_that_cannot_be_had(page: Page, script: str, words: str):
    page.add_init_script(script)
    open_blank(page)
    page.get_by_role("button", name="Turn on the camera").click()
    expect(page.locator(".burst").get_by_role("alert")).to_contain_text(words)
    expect(page.locator(".burst .view")).to_be_hidden()
    expect(page.get_by_role("button", name="Turn on the camera")).to_be_enabled()


def test_a_camera_that_is_unplugged_keeps_what_was_taken(page: Page):
    start(page)
    button(page).hover()
    page.mouse.down()
    counted(page, 2)
    page.evaluate("window.streams[0].getTracks()[0].dispatchEvent(new Event('ended'))")
    expect(page.locator(".burst").get_by_role("alert")).to_contain_text("The camera has been taken away.")
    taken = sent(page)
    assert batches(page, 1) == [(0, 0, 1, taken)]
    page.mouse.up()
