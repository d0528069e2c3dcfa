"""The app in Chromium: how soon its pages are there, and what a person waits for at a control.

A page is opened in a fresh browser, from a server that has drawn it before, beside a page of Streamlit that holds a
heading and a line. What is painted first are the words that the page is sent with; its heading is the script's own, and
it has come to rest once nothing has changed for a second. At a control, one waits from the change until the browser has
decoded and painted the new picture, of 1024 × 1024 pixels, of which every one is shown. The response to a weight is
first the browser's own, which the server's then takes the place of.
"""

from __future__ import annotations

import base64
import random
import re
import statistics
from dataclasses import dataclass

from playwright.sync_api import Page

from benchmarks.browsing import attached, chromium, measured_by_itself, opened, serving, settle
from benchmarks.measuring import Answer, Goal, Row, Setting, asked, compared
from benchmarks.pictures import files
from visionlab.ui.shared.server.pages import PAGES

TITLE = "The app in Chromium"
BARE = "a bare page"
WARM = 4  # changes that are not counted
MOSAIC = '.stage[aria-label^="The feature maps"] img'
MOMENTS = (  # of a page, what of a bare one it is compared with, in words, and its goal
    ("paint", "paint", "its first paint", Goal(1000, of="value")),
    ("heading", "heading", "its heading", None),
    ("picture", "settled", "its first picture", Goal(1.2)),
    ("settled", "settled", "at rest", Goal(1.5)),
)
MADE_OF = {
    "runs": "runs",
    "messages": "messages",
    "bytes": "bytes of these",
    "files": "files",
    "kilobytes": "kB of these",
    "elements": "elements",
    "components": "components",
    "busy": "ms of long tasks",
}


@dataclass(frozen=True)
class Control:
    """A control of a page, as JavaScript: begin once, change it, where the picture is, and by what of it, as
    `shown`, one sees that it is another one.

    goal is for the median, in ms. uploads: it is given pictures, as `files`, names and bytes in base64.
    """

    title: str
    address: str
    begin: str
    change: str
    picture: str
    mark: str
    goal: float
    most: int = 1000  # times that it can be changed to what was never shown before
    uploads: bool = False


CONTROLS = (
    Control(
        "Convolution, dilation → the painted response",
        "Convolution?detail=1024",
        """
        document.querySelector('.st-key-sliding button').click();
        await until(() => /Dilation/.test(document.querySelector('[data-testid=stPopoverBody]')?.textContent));
        const inputs = [...document.querySelectorAll('[data-testid=stNumberInput]')];
        const stepper = inputs.find((element) => /Dilation/.test(element.textContent));
        """,
        "stepper.querySelector(`[data-testid=stNumberInputStep${i % 8 < 4 ? 'Up' : 'Down'}]`).click();",
        ".lab",
        "shown.dataset.response",
        goal=120,
    ),
    Control(
        "Convolution, a weight that is typed → the painted response",
        "Convolution?detail=1024",
        "const grid = find(document, '.weights'), field = grid.querySelector('input');",
        """
        field.dispatchEvent(new Event('focus'));
        field.value = String(i + 2);
        field.dispatchEvent(new Event('input', {bubbles: true}));
        """,
        ".lab",
        "shown.dataset.shown",
        goal=120,
    ),
    Control(
        "Filters, a slider that is held → the painted picture",
        "Filters",
        """
        const thumb = document.querySelector('[data-testid=stSliderThumbValue]').parentElement;
        const box = thumb.getBoundingClientRect();
        let x = box.x + box.width / 2;
        const hand = (does, where) => where.dispatchEvent(new PointerEvent(does, {
            bubbles: true, composed: true, cancelable: true, pointerId: 1, pointerType: 'mouse', button: 0, buttons: 1,
            clientX: x, clientY: box.y + box.height / 2}));
        hand('pointerdown', thumb);
        """,
        "x += i % 8 < 4 ? 12 : -12; hand('pointermove', document);",
        "img.after",
        "shown.src",
        goal=120,
    ),
    Control(
        "Feature maps, another layer → the painted mosaic",
        "Feature_maps",
        "const slabs = find(document, 'svg[role=radiogroup]').querySelectorAll('.slab');",
        "slabs[(7 * i + 7) % 30].dispatchEvent(new MouseEvent('click', {bubbles: true}));",
        MOSAIC,
        "shown",
        goal=150,
    ),
    Control(
        "Feature maps, an upload → the painted mosaic",
        "Feature_maps",
        """
        const uploader = document.querySelector('[data-testid=stFileUploaderDropzoneInput]');
        const pictures = files.map(([name, bytes]) => new File(
            [Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))], name, {type: 'image/jpeg'}));
        """,
        """
        const chosen = new DataTransfer();
        chosen.items.add(pictures[i]);
        uploader.files = chosen.files;
        uploader.dispatchEvent(new Event('change', {bubbles: true}));
        """,
        MOSAIC,
        "shown",
        goal=500,
        most=20 + WARM,
        uploads=True,
    ),
    Control(
        "Predict, another class → its painted explanation",
        "Predict?count=20",
        "const rows = find(document, '.bars').children;",
        "rows[i + 1].click();",
        'img[alt*="over the picture"]',
        "shown.src",
        goal=500,
        most=19,
    ),
)


def changes(control: Control) -> str:
    """Runs in the page: changes the control, and waits until the picture has been decoded and a frame with it has been
    painted, and the script has come to rest; what each change took, in ms.
    """
    return f"""async ({{times, files}}) => {{
        const until = async (there) => {{ while (!there()) await pause(50); }};
        {control.begin}
        const picture = () => find(document, '{control.picture}');
        const look = () => {{ const shown = picture(); return shown && {control.mark}; }};
        const changed = async (before) => {{
            while ([before, undefined].includes(look())) await frame();
            await picture().decode?.();
        }};
        const waits = [];
        for (let i = 0; i < times; i++) {{
            const before = look(), start = performance.now();
            {control.change}
            await changed(before);
            await drawn();
            waits.push(performance.now() - start);
            await rest();
        }}
        return waits;
    }}"""


def waits(port: int, url: str, control: Control, times: int) -> list[float]:
    """What each change took, in seconds."""
    times = min(times, control.most - WARM) + WARM
    first, *others = files(times + 1 if control.uploads else 1, 1024, 1024)
    given = {"times": times, "files": [(f"{i}.jpg", base64.b64encode(each).decode()) for i, each in enumerate(others)]}

    def bring(page: Page) -> None:
        page.goto(f"{url}/{control.address}")
        settle(page)
        upload = {"name": "megapixel.jpg", "mimeType": "image/jpeg", "buffer": first}
        page.get_by_test_id("stFileUploaderDropzoneInput").first.set_input_files(upload)
        page.get_by_text("megapixel.jpg · 1024 × 1024 px").wait_for()
        settle(page)

    return [each / 1e3 for each in measured_by_itself(port, bring, changes(control), given, 60 + 5 * times)[WARM:]]


def frames(port: int, url: str) -> float:
    """Frames a second while the window walks over the picture at a speed at which each frame shows another place."""
    with attached(port) as page:
        page.goto(f"{url}/Convolution?speed=4")
        settle(page)
        page.locator(".bench .play").click()
        page.wait_for_timeout(4000)
        return float(page.locator(".bench").get_attribute("data-fps"))


def pages_of(url: str) -> dict[str, str]:
    """{title: address}."""
    return {title: f"{url}/{'' if title == 'Home' else re.sub('[ -]', '_', title)}" for title in PAGES}


def openings(bare: str, url: str, rounds: int) -> dict[str, list[dict[str, float]]]:
    """What is seen of a bare page and of each of the app's, {title: one for each round}, in a fresh browser each."""
    addresses, chance = {BARE: bare, **pages_of(url)}, random.Random(0)
    found: dict[str, list[dict[str, float]]] = {title: [] for title in addresses}
    with chromium() as port:
        for address in addresses.values():  # the server has drawn each before
            opened(port, address)
    for _ in range(rounds):
        for title in chance.sample(list(addresses), len(addresses)):
            with chromium() as port:
                found[title].append(opened(port, addresses[title]))
    return found


def first_paint(found: dict[str, list[dict[str, float]]]) -> tuple[list[Row], list[str]]:
    """Rows, and what each page is made of."""
    bare, rows, notes = found[BARE], [], []

    def seconds(of: list[dict[str, float]], what: str) -> list[float]:
        return [each[what] / 1e3 for each in of]

    for title, seen in found.items():
        for what, beside, told, goal in MOMENTS:
            if not all(what in each for each in seen):
                continue  # a page without a picture
            times = {"ours": seconds(seen, what)}
            alone = title == BARE
            beside_it = {} if alone else {BARE: seconds(bare, beside)}
            rows.append(compared(f"{title}, {told}", times | beside_it, None if alone else goal))
        middle = {name: round(statistics.median(each[name] for each in seen)) for name in MADE_OF}
        notes.append(f"{title}: " + ", ".join(f"{middle[name]:,} {told}" for name, told in MADE_OF.items()) + ".")
    return rows, notes


def measure(setting: Setting) -> Answer:
    with serving("benchmarks/bare.py") as (_, bare), serving() as (_, url):
        rows, notes = first_paint(openings(bare, url, 1 if setting.short else 4))
        with chromium() as port:
            for control in CONTROLS:
                times = waits(port, url, control, 3 if setting.short else 20)
                what = f"{control.title}, 1 Mpx"
                rows.append(compared(what, {"ours": times}, Goal(control.goal, of="value"), high=True))
            rows.append(Row("Convolution, the window at play", frames(port, url), "frames a second"))
    return Answer(rows, notes=notes)


if __name__ == "__main__":
    asked(TITLE, measure, __doc__)
