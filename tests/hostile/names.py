"""Fifty awkward names of projects, classes and files, on every page in Chromium, with a finished training, judged,
taken away and asked on Predict: text is shown as text, nothing runs, nothing is wider than a telephone, downloads have
plain names, and no cell of a CSV file is a formula.
"""

from __future__ import annotations

import csv
import io
import random
import re
import tempfile
import unicodedata
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from browser.driver import FLAGS, KEEP_RUNS, open_page, program, settle, striped
from browser.servers import ADDRESS, running_server
from hostile.kills import environment
from hostile.outcome import BROKEN, TAKEN, Outcome
from playwright.sync_api import Download, Page, sync_playwright

from visionlab.learning.projects.intake import from_files, take
from visionlab.learning.projects.project import Project
from visionlab.learning.projects.workspace import Workspace
from visionlab.network.zoo.loading import load_classifier
from visionlab.ui.shared.visitor import COOKIE
from visionlab.ui.studio.train.run import Settings, noted, train

OWNER = "n" * 32
NAMES = [
    "<script>window.hacked=1</script>", "<img src=x onerror=window.hacked=1>", "<b>bold</b>", "</div></div><h1>out",
    "&lt;i&gt;", "&amp;&#39;", "javascript:window.hacked=1", "<svg/onload=window.hacked=1>", "'\"><iframe src=/>",
    "{{7*7}}", "${7*7}", "`code`", "**bold**", "_it_ *it*", "# Heading", "> quote", "- item", "1. item", "| a | b |",
    "[link](http://evil.example)", "![picture](http://evil.example/x.png)", "http://evil.example", "me@evil.example",
    "~~gone~~", "---", ":red[red]", ":material/delete:", ":smile:", "$x^2$", "$$\\frac{1}{2}$$", "\\(x\\)", "\\",
    "=1+1", "=HYPERLINK(\"http://evil.example\")", "+1", "-1", "@SUM(1)", "None", "null", "NaN", "true", "0", "..",
    "../../etc/passwd", "C:\\nul", "🦊👩‍👩‍👧‍👦🏳️‍🌈", "\u202eright to left", "שלום عليكم",
    "e\u0301\u0300\u0302\u0303\u0308 combining" + "\u0336" * 20,
    "w" * 60,
]  # fmt: skip
WIDTHS = (1400, 420)
PLAIN = re.compile(r"[\w .,()\[\]+-]{1,120}\.\w{2,12}")  # what a download may be called
UNSAFE = re.compile(r"[/\\:]|^\.+")  # what no path in a zip may have
FORMULA = ("=", "+", "-", "@", "\t", "\r")
# What has come of a name that was not shown as text.
MARKS = """() => [
    window.hacked && "something ran",
    document.querySelector("img[src='x'], [onerror], [onload], iframe[src='/'], a[href*='evil'], a[href^='javascript']")
        && "an element of a name",
    document.querySelector(".katex") && "a formula was set",
    [...document.querySelectorAll("strong, em, del, h1, h2, h3, li, code, blockquote")].some(({textContent}) =>
        ["bold", "it", "gone", "Heading", "out", "item", "code", "quote"].includes(textContent.trim()))
        && "Markdown was read",
].filter(Boolean)"""
WIDER = "() => document.documentElement.scrollWidth - innerWidth"


def run(count: int = len(NAMES)) -> Outcome:
    """So many of the names, all at once."""
    outcome, names = Outcome("Names"), NAMES[:count]
    with tempfile.TemporaryDirectory() as base, environment(VISIONLAB_WORKSPACE=base, OMP_NUM_THREADS="1"):
        project = prepared(Workspace(base), names)
        with running_server(), sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program(), args=FLAGS)
            with browser.new_context(base_url=ADDRESS, accept_downloads=True, reduced_motion="reduce") as context:
                context.add_cookies([{"name": COOKIE, "value": OWNER, "url": ADDRESS}])
                page = context.new_page()
                page.add_init_script(KEEP_RUNS)
                page.on("dialog", lambda dialog: (outcome.fail(f"a dialog opens: {dialog.message}"), dialog.dismiss()))
                page.set_default_timeout(60_000)
                for where, told in looked_at(page, project, names, Path(base, "files")):
                    kind, _, more = where.partition(", ")
                    outcome.note(kind, BROKEN if told else TAKEN, 0.0, 1.0, "; ".join(told), more)
            browser.close()
    return outcome


def prepared(workspace: Workspace, names: Sequence[str]) -> Project:
    """A project for each name, and one with a class for each and a finished training."""
    for name in names:
        workspace.create(name, OWNER)
    project, chance = workspace.create(names[0], OWNER), random.Random(0)
    project.add_classes(names)
    for place, name in enumerate(names):
        files = [(f"{name}{ending}", striped(place % 2, chance.randrange(2**31))) for ending in (".png", ".jpg", "")]
        for _ in take(project, from_files(name, files)):
            pass
    settings = Settings("vgg16-tinyimagenet", "linear", (), 0.3, 0)
    begun = project.begin_run(noted(settings, 3 * len(names)), waiting=True)
    for _ in train(project, begun, load_classifier(settings.network, "cpu")):
        pass
    return project


def looked_at(page: Page, project: Project, names: Sequence[str], folder: Path) -> Iterator[tuple[str, list[str]]]:
    """(where, what is wrong there), of every page and step, on a screen and on a telephone."""
    folder.mkdir()
    steps = ["Classes", "Pictures", "Train", "Judge&look=How+good", "Judge&look=Labels", "Take+away"]
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        for step in steps:
            open_page(page, f"Fine_tune?project={project.id}&step={step}")
            yield f"Fine-tune, {step}, {width} px", problems(page, names if step == "Pictures" else ())
    yield "Pictures as a zip", packed(page, project, names)
    head = folder / "head.safetensors"
    head.write_bytes(project.runs()[0].head.read_bytes())
    pictures = folder / "pictures.zip"
    with zipfile.ZipFile(pictures, "w") as file:
        for place, name in enumerate(dict.fromkeys(re.sub(UNSAFE, "_", name) for name in names)):
            file.writestr(f"{name}.png", striped(place % 2, place))
    open_page(page, f"Fine_tune?project={project.id}&step=Take+away")
    uploader = page.get_by_test_id("stFileUploader").filter(has_text="packed here")
    uploader.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(head)
    page.get_by_text("is your own head now").wait_for()
    settle(page)
    yield "a head opened", problems(page, ())
    for name in names[:: max(1, len(names) // 6)]:
        name = f"{re.sub('/', '_', name)}.png"
        told = name.replace('"', "%22")  # as browsers send it, by the standard of HTML
        turn_to(page, "Predict")
        dropzone = page.locator(".st-key-upload").get_by_test_id("stFileUploaderDropzoneInput")
        dropzone.set_input_files({"name": name, "mimeType": "image/png", "buffer": striped(0, len(name))})
        settle(page)
        for title in ("Predict", "Home", "Convolution", "Filters", "Feature maps"):
            turn_to(page, title)
            yield f"{title}, a picture “{name[:40]}”", on_both(page, [told])
    turn_to(page, "Predict")
    page.get_by_test_id("stButtonGroup").get_by_text("Many pictures", exact=True).click()
    settle(page)
    page.locator(".st-key-many-zip").get_by_test_id("stFileUploaderDropzoneInput").set_input_files(pictures)
    settle(page)
    page.get_by_role("button", name="Name what they show").click()
    page.get_by_role("button", name="All as CSV").wait_for()
    settle(page)
    yield "Predict, many pictures", [*on_both(page, ()), *table(page)]


def turn_to(page: Page, title: str) -> None:
    """By the sidebar, which a telephone does not show at first."""
    page.set_viewport_size({"width": max(WIDTHS), "height": 900})
    page.get_by_test_id("stSidebar").get_by_role("link", name=title, exact=True).click()
    settle(page)


def on_both(page: Page, shown: Sequence[str]) -> list[str]:
    """What is wrong on a screen, and then on a telephone."""
    found = problems(page, shown)
    page.set_viewport_size({"width": min(WIDTHS), "height": 900})
    settle(page)
    return found + problems(page, shown)


def problems(page: Page, shown: Sequence[str]) -> list[str]:
    """What is wrong with the page as it is; `shown` are texts that have to stand on it."""
    found = [f"an exception: {text[:200]}" for text in page.get_by_test_id("stException").all_inner_texts()]
    found += page.evaluate(MARKS)
    if page.viewport_size["width"] == min(WIDTHS) and (wider := page.evaluate(WIDER)) > 0:
        found.append(f"{wider} px wider than the window")
    text = letters(page.locator("body").inner_text())
    found += [f"“{name[:60]}” is not shown as it is" for name in shown if letters(name) not in text]
    return found


def letters(text: str) -> str:
    """In one Unicode form, without spaces and what keeps addresses from becoming links."""
    return re.sub(r"[\s\u2060]", "", unicodedata.normalize("NFC", text))


def packed(page: Page, project: Project, names: Sequence[str]) -> list[str]:
    open_page(page, f"Fine_tune?project={project.id}&step=Pictures")
    page.get_by_role("button", name="Save the pictures as a zip").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the zip").click()
    found = named(download.value)
    with zipfile.ZipFile(download.value.path()) as file:
        odd = [
            name
            for name in file.namelist()
            if name.startswith(("/", "..")) or "/../" in name or "\\" in name or ":" in name
        ]
        if len(file.namelist()) < 3 * len(names):
            found.append(f"{len(file.namelist())} files are in it")
    return found + [f"“{name}” is in the zip" for name in odd]


def named(download: Download) -> list[str]:
    name = download.suggested_filename
    return [] if PLAIN.fullmatch(name) else [f"a download is called “{name}”"]


def table(page: Page) -> list[str]:
    with page.expect_download() as download:
        page.get_by_role("button", name="All as CSV").click()
    text = Path(download.value.path()).read_text("utf-8-sig")
    cells = [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]
    return [*named(download.value), *(f"a cell is “{cell}”" for cell in cells if cell.startswith(FORMULA))]
