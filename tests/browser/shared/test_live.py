"""The live camera in a real browser with a pretended device: what is sent, what is shown, and that it is let go of."""

import base64
import re
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from browser.conftest import PATIENCE
from browser.demos.serving import serving
from browser.driver import FLAGS, open_blank, open_page, program, settle
from browser.streams import KEEP_STREAMS, STATES, streams_are
from playwright.sync_api import Browser, Page, expect
from tiny import tiny_classifier

from visionlab.errors import ImageError
from visionlab.imaging.image import encode_jpeg, encode_png, load_image
from visionlab.imaging.render import colour
from visionlab.network.explain import explain
from visionlab.network.explain.heatmap import lay_over
from visionlab.network.running.prediction import predict
from visionlab.ui.shared.components.camera import Frame
from visionlab.ui.shared.live import answer_to


def refuse(name: str) -> str:
    return f"navigator.mediaDevices.getUserMedia = async () => {{ throw new DOMException('', '{name}'); }};"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    yield from serving("camera.py")


def start(page: Page, opening: Callable[[Page, str], None] = open_blank) -> None:
    page.add_init_script(KEEP_STREAMS)
    opening(page, "")
    page.get_by_role("button", name="Start the camera").click()
    expect(page.locator(".pace")).to_contain_text("predictions a second")


def answers(page: Page, more: int) -> None:
    """Wait until so many more answers have been painted."""
    page.evaluate(
        "(more) => new Promise((done) => document.addEventListener('answered', () => --more || done()))",
        more,
    )


def test_bars_come_and_keep_coming(page: Page):
    start(page)
    rows = page.get_by_role("list", name="Predictions").get_by_role("listitem")
    expect(rows).to_have_count(5)
    shares = []
    for text in rows.all_inner_texts():
        label, share = re.fullmatch(r"(<b>class \d</b>)\s+([\d.]+)%", text).groups()  # as text: no HTML came of it
        assert label
        shares.append(float(share))
    assert shares == sorted(shares, reverse=True)
    assert 0 < sum(shares) <= 100.3
    expect(page.locator(".bars b")).to_have_count(0)
    expect(page.locator(".camera [aria-live=polite]")).to_have_text(re.compile(r"^<b>class \d</b>, \d+%$"))
    expect(page.locator(".pace")).to_have_text(
        re.compile(r"^[\d.]+ predictions a second · \d+ ms from frame to answer$")
    )
    answers(page, 20)


def test_the_camera_is_not_asked_for_before_one_wants_it(page: Page):
    page.add_init_script(KEEP_STREAMS)
    open_blank(page)
    expect(page.get_by_role("button", name="Start the camera")).to_be_visible()
    expect(page.get_by_role("button", name="Take a photograph")).to_be_disabled()
    expect(page.locator(".view")).to_be_hidden()
    assert page.evaluate(STATES) == []


def test_one_frame_is_under_way_at_a_time(page: Page):
    """Each frame leaves after the answer to the one before it, whatever the camera sees meanwhile, and however often
    its tab is left and come back to."""
    told: list[tuple[str, int]] = []

    def note(kind: str, pattern: bytes) -> Callable[[bytes | str], None]:
        def take(payload: bytes | str) -> None:
            if isinstance(payload, bytes) and (found := re.search(pattern, payload)):
                told.append((kind, int(found[1])))

        return take

    def listen(socket) -> None:
        socket.on("framesent", note("sent", rb'"frame":\{"number":(\d+),"jpeg"'))
        socket.on("framereceived", note("answered", rb'"answer": ?\{"number": ?(\d+)'))

    page.on("websocket", listen)
    start(page)
    page.evaluate("() => setInterval(() => document.dispatchEvent(new Event('visibilitychange')), 20)")
    answers(page, 12)
    page.get_by_role("button", name="Stop the camera").click()
    streams_are(page, "ended")
    waiting, frames = None, 0
    for kind, number in told:
        if kind == "sent" and number != waiting:
            assert waiting is None, "a frame left before the last one was answered"
            waiting, frames = number, frames + 1
        elif kind == "answered" and number == waiting:
            waiting = None
    assert frames >= 12


def test_frames_are_as_small_as_the_network_wants_them(page: Page):
    """The tiny network frames 72 px; the picture is the middle square of the pretended one, which is colourful."""
    sent: list[bytes] = []
    pattern = re.compile(rb'"jpeg":"([^"]+)"')
    page.on("websocket", lambda socket: socket.on("framesent", lambda payload: sent.extend(pattern.findall(payload))))
    start(page)
    image = load_image(base64.b64decode(sent[-1]))
    assert image.shape == (72, 72, 3)
    assert np.ptp(image) > 50
    assert len(sent[-1]) < 10_000


def test_stop_lets_go_of_the_camera(page: Page):
    start(page)
    streams_are(page, "live")
    page.get_by_role("button", name="Stop the camera").click()
    streams_are(page, "ended")
    expect(page.locator(".view")).to_be_hidden()
    page.get_by_role("button", name="Start the camera").click()
    expect(page.locator(".pace")).to_contain_text("predictions a second")
    streams_are(page, "ended", "live")


def test_another_page_lets_go_of_the_camera(page: Page):
    start(page, opening=open_page)
    page.get_by_role("link", name="Elsewhere").click()
    expect(page.get_by_text("Nothing to see here")).to_be_visible()
    streams_are(page, "ended")


def test_another_mode_lets_go_of_the_camera(page: Page):
    start(page, opening=open_page)
    page.get_by_text("Upload", exact=True).click()
    expect(page.get_by_test_id("stFileUploader")).to_be_visible()
    streams_are(page, "ended")
    page.get_by_text("Live", exact=True).click()
    page.get_by_role("button", name="Start the camera").click()
    expect(page.locator(".pace")).to_contain_text("predictions a second")
    streams_are(page, "ended", "live")


# What is done as soon as the next frame has been captured: before it can leave, in the very turn of the event loop.
WITH_A_FRAME = """(act) => {
    const written = HTMLCanvasElement.prototype.toDataURL;
    HTMLCanvasElement.prototype.toDataURL = function (...how) {
        HTMLCanvasElement.prototype.toDataURL = written;
        queueMicrotask(() => eval(act));
        return written.apply(this, how);
    };
}"""


@pytest.mark.parametrize(
    ("click", "then"),
    [
        ("document.querySelectorAll('[data-testid=stRadio] input')[1].click()", "1GB per file"),
        ("document.querySelector('[data-testid=stPageLink] a').click()", "Nothing to see here"),
    ],
)
def test_a_click_is_not_lost_to_a_frame(page: Page, click: str, then: str):
    start(page, opening=open_page)
    page.evaluate(WITH_A_FRAME, click)
    expect(page.get_by_text(then)).to_be_visible()
    streams_are(page, "ended")
    settle(page)
    expect(page.get_by_text(then)).to_be_visible()


def test_what_is_typed_is_not_lost_to_a_frame(page: Page):
    start(page, opening=open_page)
    page.get_by_label("Note").fill("a cup")
    enter = "new KeyboardEvent('keydown', {key: 'Enter', bubbles: true, composed: true})"
    page.evaluate(WITH_A_FRAME, f"document.querySelector('[data-testid=stTextInput] input').dispatchEvent({enter})")
    expect(page.get_by_text("noted: a cup")).to_be_visible()
    answers(page, 3)


def test_frames_wait_for_what_a_person_does_elsewhere(page: Page):
    """A run of the whole page ends the waiting, or two seconds in which none has come.

    The key is pressed while a frame is under way, after it has left: one that overtakes a frame which is just leaving
    has the page run at once.
    """
    start(page, opening=open_page)
    page.get_by_label("Note").evaluate(
        """(note) => {
            window.after = [];
            const press = () => {
                const key = new KeyboardEvent("keydown", {key: "a", bubbles: true, composed: true});
                document.addEventListener("answered", () => window.after.push(performance.now() - key.timeStamp));
                note.dispatchEvent(key);
            };
            document.addEventListener("answered", () => setTimeout(() => setTimeout(press)), {once: true});
        }"""
    )
    after = page.wait_for_function("() => window.after?.length >= 3 && window.after").json_value()
    assert after[1] >= 1_990  # one was under way
    page.get_by_label("Note").fill("a")
    page.get_by_label("Note").press("Enter")
    expect(page.get_by_text("noted: a")).to_be_visible()
    answers(page, 3)


def test_a_camera_that_comes_too_late_is_let_go_of(page: Page):
    """Stopped while the browser still asks whether the page may use it."""
    page.add_init_script(KEEP_STREAMS)
    page.add_init_script(
        """
        const soon = navigator.mediaDevices.getUserMedia;
        navigator.mediaDevices.getUserMedia = async (wanted) => {
            await new Promise((allow) => (window.allow = allow));
            return soon(wanted);
        };
        """
    )
    open_blank(page)
    page.get_by_role("button", name="Start the camera").click()
    page.get_by_role("button", name="Stop the camera").click()
    page.evaluate("window.allow()")
    streams_are(page, "ended")
    expect(page.locator(".view")).to_be_hidden()


def test_the_page_runs_on_while_the_camera_does(page: Page):
    start(page, opening=open_page)
    page.get_by_role("button", name="Run again").click()
    expect(page.get_by_text("ran again")).to_be_visible()
    answers(page, 5)
    streams_are(page, "live")


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (refuse("NotAllowedError"), "Allow it beside the address above"),
        (refuse("NotFoundError"), "There is no camera here."),
        (refuse("NotReadableError"), "Another program is using the camera."),
        (refuse("AbortError"), "The camera cannot be used (AbortError)."),
        ("Object.defineProperty(navigator, 'mediaDevices', {value: undefined});", "over HTTPS"),
    ],
)
def test_a_camera_that_cannot_be_had_takes_nothing_else_away(page: Page, script: str, words: str):
    page.add_init_script(script)
    open_blank(page)
    page.get_by_role("button", name="Start the camera").click()
    alert = page.locator(".camera").get_by_role("alert")
    expect(alert).to_contain_text(words)
    expect(alert).to_contain_text("You can still upload a picture.")
    expect(page.locator(".view")).to_be_hidden()
    expect(page.get_by_role("button", name="Start the camera")).to_be_enabled()
    page.get_by_text("Upload", exact=True).click()
    expect(page.get_by_test_id("stFileUploader")).to_be_visible()


def test_a_camera_that_is_unplugged(page: Page):
    start(page)
    page.evaluate("window.streams[0].getTracks()[0].dispatchEvent(new Event('ended'))")
    expect(page.locator(".camera").get_by_role("alert")).to_contain_text("The camera has been taken away.")
    expect(page.get_by_role("button", name="Start the camera")).to_be_visible()


def test_a_photograph_comes_once_and_whole(page: Page):
    start(page, opening=open_page)
    page.locator("video").evaluate("(video) => void (window.camera = video)")
    page.get_by_role("button", name="Take a photograph").click()
    expect(page.get_by_text(re.compile("^taken: "))).to_be_visible()
    streams_are(page, "live")  # still the one that was there before: the camera was not begun anew
    page.wait_for_function("Math.min(camera.videoWidth, camera.videoHeight) >= 480")
    width, height = page.evaluate("[camera.videoWidth, camera.videoHeight]")
    expect(page.get_by_text(re.compile("^taken: "))).to_have_text(
        re.compile(rf"^taken: {width} × {height} px, brightest \d{{3}}, now$")
    )
    runs = page.get_by_text(re.compile(r"^run \d+$")).inner_text()
    answers(page, 5)  # the camera goes on, and the page does not run again by itself
    assert page.get_by_text(re.compile(r"^run \d+$")).inner_text() == runs
    page.get_by_role("button", name="Run again").click()
    expect(page.get_by_text(re.compile("^taken: .*, before$"))).to_be_visible()
    assert page.evaluate("camera.isConnected")  # through all of it


def test_grad_cam_is_laid_over_the_picture(page: Page):
    """The network sees 64 of 72 px, and its last maps are 4 × 4: that many pixels, laid over what it sees."""
    start(page)
    heat = page.locator("canvas.heat")
    expect(heat).to_be_hidden()
    page.get_by_label("Where it looks (Grad-CAM)").check()
    expect(heat).to_be_visible()
    assert heat.evaluate("(canvas) => [canvas.width, canvas.height]") == [4, 4]
    pixels = "[...canvas.getContext('2d').getImageData(0, 0, 4, 4).data]"
    strongest = page.wait_for_function(
        f"""() => {{
            const canvas = document.querySelector(".st-key-live-camera [data-testid=stBidiComponentIsolated]")
                .shadowRoot.querySelector("canvas");
            const values = {pixels};
            const at = values.findIndex((value, i) => i % 4 === 3 && value === 178);  // 0.7 · 255
            return at >= 0 && values.slice(at - 3, at);
        }}"""
    ).json_value()
    np.testing.assert_allclose(strongest, colour(np.ones((1, 1)), "inferno")[0, 0], atol=2)  # kept as shares of 178
    video = page.locator("video").bounding_box()
    laid = heat.bounding_box()
    side = video["height"] * 64 / 72  # the picture is wider than it is high
    assert laid["height"] == pytest.approx(side, abs=1)
    assert laid["width"] == pytest.approx(side, abs=1)
    assert laid["x"] + laid["width"] / 2 == pytest.approx(video["x"] + video["width"] / 2, abs=1)
    page.get_by_label("Where it looks (Grad-CAM)").uncheck()
    expect(heat).to_be_hidden()


def test_mirrored_or_not(page: Page):
    start(page)
    flipped = "(video) => new DOMMatrix(getComputedStyle(video.parentElement).transform).a"
    assert page.locator("video").evaluate(flipped) == -1
    page.get_by_label("Mirror").uncheck()
    assert page.locator("video").evaluate(flipped) == 1


def test_a_hidden_page_sends_nothing(page: Page):
    start(page)
    page.evaluate(
        """() => {
            window.count = 0;
            Object.defineProperty(document, "hidden", {value: true, configurable: true});
            document.dispatchEvent(new Event("visibilitychange"));
            // One frame may be under way, and is answered; another answer may be about to be painted.
            document.addEventListener("answered", () => window.count++);
        }"""
    )
    page.get_by_role("button", name="Run again").click()  # a whole run and its answer pass by
    expect(page.get_by_text("ran again")).to_be_visible()
    settle(page)
    assert page.evaluate("window.count") <= 2
    page.evaluate(
        """() => {
            delete document.hidden;
            document.dispatchEvent(new Event("visibilitychange"));
        }"""
    )
    answers(page, 3)


def test_a_frame_that_is_never_answered_is_given_up(page_apart: Page):
    """The clock of the page is ours: ten seconds pass at once, and the next frame goes out."""
    page = page_apart
    page.clock.install()
    lost: list[str] = []

    def relay(socket) -> None:
        beyond = socket.connect_to_server()

        def forward(message: bytes | str) -> None:
            frame = isinstance(message, bytes) and re.search(rb'"frame":\{"number":(\d+)', message)
            if frame and not lost:
                lost.append(frame[1].decode())
            else:
                beyond.send(message)

        socket.on_message(forward)

    page.route_web_socket(re.compile("/_stcore/stream"), relay)
    open_blank(page)
    page.get_by_role("button", name="Start the camera").click()
    page.wait_for_function("() => true")
    expect(page.locator(".view")).to_be_visible()
    while not lost:
        page.clock.run_for(100)
    expect(page.locator(".bars li")).to_have_count(0)
    expect(page.locator(".pace")).to_have_text("")
    page.clock.fast_forward(3_000)
    expect(page.locator(".pace")).to_have_text("Waiting for an answer …")
    page.clock.fast_forward(7_000)
    expect(page.locator(".bars li")).to_have_count(5)
    expect(page.locator(".pace")).not_to_have_text("Waiting for an answer …")


@pytest.fixture
def two_cameras(browser: Browser, server: str) -> Iterator[Page]:
    """A page in a browser of its own, which has two cameras."""
    flags = [*FLAGS, "--use-fake-device-for-media-stream=device-count=2"]
    another = browser.browser_type.launch(executable_path=program(), args=flags)
    page = another.new_page(base_url=server)
    page.set_default_timeout(PATIENCE)
    yield page
    another.close()


def test_one_of_several_cameras_is_chosen(two_cameras: Page):
    page = two_cameras
    start(page)
    which = page.get_by_role("combobox", name="Camera")
    expect(which.locator("option")).to_have_count(2)
    first, second = which.locator("option").evaluate_all("(all) => all.map((option) => option.value)")
    expect(which).to_have_value(first)
    which.select_option(second)
    streams_are(page, "ended", "live")
    assert page.evaluate("window.streams[1].getVideoTracks()[0].getSettings().deviceId") == second
    expect(which).to_have_value(second)
    answers(page, 3)


def test_an_answer_is_the_networks_own(noise):
    net = tiny_classifier()
    square = noise[:, 10:80]
    plain = answer_to(Frame(7, encode_png(square), why=False), net)
    assert plain.number == 7
    assert plain.predictions == predict(net, [square], 5)[0]
    assert plain.heat is None
    told = answer_to(Frame(8, encode_png(square), why=True), net)
    assert [each.label for each in told.predictions] == [each.label for each in plain.predictions]
    shares = [each.probability for each in told.predictions]  # computed in another order of memory: last digits differ
    assert shares == pytest.approx([each.probability for each in plain.predictions], abs=1e-5)
    assert told.heat.shape == (4, 4)
    assert told.heat.dtype == np.uint8
    assert told.heat.max() == 255
    whole = lay_over(net.transform, square.shape[:2], told.heat.astype(np.float32))
    np.testing.assert_allclose(whole, explain(net, square, "grad-cam").values, atol=0.5 / 255 + 1e-6)


def test_a_damaged_frame_is_told_of(noise):
    with pytest.raises(ImageError):
        answer_to(Frame(1, encode_jpeg(noise)[:40], why=False), tiny_classifier())
