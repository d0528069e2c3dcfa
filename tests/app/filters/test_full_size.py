"""What the Filters page hands out is what it shows: picture, code, command and zip, small and at full size."""

import io
import re
import shlex
import zipfile

import cv2
import numpy as np
import pytest
import streamlit as st
from app.filters.test_filters import add, captions, chain, compared, drag, finished, ids, press, texts
from scripts import run_script
from typer.testing import CliRunner

from visionlab import cli
from visionlab.errors import DatasetError
from visionlab.imaging.chains import CHAINS
from visionlab.imaging.filters import FILTERS
from visionlab.imaging.image import encode_jpeg, fit, load_image
from visionlab.imaging.pipeline import Pipeline
from visionlab.ui.filters import full_size, stages, take_away
from visionlab.ui.shared import jobs
from visionlab.ui.shared.server.pages import PAGES
from visionlab.wording import sized

SHAPE = (1500, 2000)
SIZE = "2,000 × 1,500"  # in words
MINUTES = {"non_local_means"}  # what these take at full size


@pytest.fixture(scope="module")
def photo() -> bytes:
    """A photograph of twice the size that the page works on, as JPEG: smooth things, edges and grain."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(np.float32)
    disc = (np.hypot(rows - 700, columns - 950) < 450) * np.float32(90)
    light = 60 + columns / 20 + 20 * np.sin(rows / 35) + disc
    grain = rng.integers(-12, 12, SHAPE, dtype=np.int16)
    picture = np.stack([light + grain, 0.8 * light + grain, 230 - light + grain], axis=2)
    return encode_jpeg(picture.clip(0, 255).astype(np.uint8), 90)


@pytest.fixture
def downloads(monkeypatch):
    """{key: what the button of that key would give}"""
    found, original = {}, st.download_button

    def button(label, data, *arguments, **options):
        found[options.get("key")] = data
        return original(label, data, *arguments, **options)

    monkeypatch.setattr(st, "download_button", button)
    return lambda key: found[key]() if callable(found[key]) else found[key]


@pytest.fixture
def filters(open_page, photo, downloads):
    full_size.results.clear()
    app = open_page("Filters")
    app.session_state["take-away-tab"] = ":material/code: Python and shell"
    app.file_uploader(key="upload").set_value(("photo.jpg", photo, "image/jpeg")).run()
    return app


def handed_out(app, photo, folder, downloads):
    """The picture as it comes from the page's download, its Python, its command and its zip."""
    source, result = folder / "photo.jpg", folder / "result.png"
    source.write_bytes(photo)
    found = {"download": load_image(downloads("download-picture"))}
    code, command = (block.value for block in app.code)
    run_script(code, folder, source, result)
    found["code"] = load_image(result)
    arguments = shlex.split(command)[3:]
    answer = CliRunner().invoke(
        cli.app, [{"photo.jpg": str(source), "result.png": str(result)}.get(a, a) for a in arguments]
    )
    assert answer.exit_code == 0, answer.output
    found["command"] = load_image(result)
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("photo.jpg", photo)
    app.file_uploader(key="batch-zip").set_value(("one.zip", zipped.getvalue(), "application/zip")).run()
    press(app, "batch-start")
    with zipfile.ZipFile(finished(app).latest.file) as archive:
        found["zip"] = load_image(archive.read("photo.png"))
    return found


@pytest.mark.parametrize("name", CHAINS)
def test_page_code_command_and_zip_give_the_same_pixels(filters, photo, downloads, name, tmp_path, monkeypatch):
    slow = MINUTES & {step for step, _ in CHAINS[name].steps}
    if slow:
        monkeypatch.setattr(stages, "LONGEST", 256)
    press(filters, f"ready-{name}")
    shown = load_image(compared(filters)[1])
    expected = CHAINS[name].pipeline().run(fit(load_image(photo), stages.LONGEST))
    np.testing.assert_array_equal(shown, expected)
    for what, picture in handed_out(filters, photo, tmp_path, downloads).items():
        np.testing.assert_array_equal(picture, expected, err_msg=what)
    assert ("256 × 192" if slow else "1,024 × 768") + f" of {SIZE} px" in captions(filters)


def at_full_size(app):
    """Turn the switch on, and wait until that is worked out."""
    app.toggle(key=full_size.SWITCH).set_value(True).run()
    return worked_out(app)


def begun(app):
    return jobs.registry().find(app.session_state[full_size.JOB][1])


def worked_out(app, job=None):
    job = job or begun(app)
    assert job.wait(120)
    app.run()
    assert not app.exception
    return job


def test_at_full_size_all_is_at_full_size(filters, photo, downloads, tmp_path):
    press(filters, "ready-edge_map")
    filters.toggle(key=full_size.SWITCH).set_value(True).run()
    assert f"until {SIZE} is ready" in captions(filters) or "Worked on at its full size" in captions(filters)
    job = worked_out(filters)
    assert job.state == "done"
    assert not job.events, "the server keeps many jobs, and none of their pictures"
    assert f"Worked on at its full size, {SIZE} px" in captions(filters)
    expected = CHAINS["edge_map"].pipeline().run(load_image(photo))
    np.testing.assert_array_equal(load_image(compared(filters)[1]), fit(expected, stages.LONGEST))
    for what, picture in handed_out(filters, photo, tmp_path, downloads).items():
        np.testing.assert_array_equal(picture, expected, err_msg=what)
    press(filters, f"look-{ids(filters)[0]}")
    blurred = FILTERS["gaussian_blur"].apply(load_image(photo), sigma=1.5)
    np.testing.assert_array_equal(load_image(downloads("download-stage")), blurred)
    np.testing.assert_array_equal(load_image(downloads("download-picture")), expected)  # as the code does


def test_the_picture_is_taken_as_png_or_jpeg_named_after_the_photograph(filters, photo, downloads, monkeypatch):
    named, button = {}, st.download_button
    monkeypatch.setattr(
        st,
        "download_button",
        lambda *given, **options: named.update({options["key"]: given[2]}) or button(*given, **options),
    )
    press(filters, "ready-edge_map")
    at_full_size(filters)
    png = downloads("download-picture")
    assert "MB, and visionlab opens" not in captions(filters)
    monkeypatch.setattr(take_away, "MAX_BYTES", len(png) - 1)
    press(filters, f"look-{ids(filters)[1]}")
    assert f"This PNG has {sized(len(png))}, and visionlab opens files of at most" in captions(filters)
    assert (named["download-picture"], named["download-stage"]) == (
        "photo, filtered.png",
        "photo, filtered, step 2.png",
    )
    filters.segmented_control(key="picture-form").set_value("JPEG").run()
    assert (named["download-picture"], named["download-stage"]) == (
        "photo, filtered.jpg",
        "photo, filtered, step 2.jpg",
    )
    for key, steps in (("download-picture", None), ("download-stage", 2)):
        chain_to_it = Pipeline(CHAINS["edge_map"].steps[:steps])
        assert downloads(key) == encode_jpeg(chain_to_it.run(load_image(photo)))
    monkeypatch.setattr(take_away, "JPEG_SIDE", 1_999)
    filters.run()
    assert f"{SIZE} px: a JPEG is at most 1,999 pixels a side. Take the PNG." in captions(filters)


def test_full_size_is_worked_out_once(filters, monkeypatch):
    ran, original = [], Pipeline.stages
    monkeypatch.setattr(
        Pipeline, "stages", lambda self, image, *rest: ran.append(image.shape) or original(self, image, *rest)
    )
    press(filters, "clear")
    add(filters, "invert")
    at_full_size(filters)
    filters.toggle(key=full_size.SWITCH).set_value(False).run()
    assert "1,024 × 768 of" in captions(filters)
    filters.toggle(key=full_size.SWITCH).set_value(True).run()
    assert "Worked on at its full size" in captions(filters)
    filters.switch_page(PAGES["Home"].script).run()
    filters.switch_page(PAGES["Filters"].script).run()
    assert "Worked on at its full size" in captions(filters)
    assert ran.count((*SHAPE, 3)) == 1


def held_up(monkeypatch):
    """Full-size work that comes to its second step when the test says so; it gives what lets it go on."""
    go_on, original = jobs.threading.Event(), full_size.work_out

    def work_out(*arguments):
        events = original(*arguments)
        yield next(events)
        assert go_on.wait(60)
        yield from events

    monkeypatch.setattr(full_size, "work_out", work_out)
    return go_on


def test_full_size_can_be_stopped_and_begun_again(filters, monkeypatch):
    go_on = held_up(monkeypatch)
    press(filters, "ready-edge_map")
    filters.toggle(key=full_size.SWITCH).set_value(True).run()
    assert re.search(r"At full size: step \d of 3", filters.get("progress")[0].proto.text)
    np.testing.assert_array_equal(load_image(compared(filters)[1]).shape, (768, 1024, 3))
    job = begun(filters)
    press(filters, "full-size-stop")  # which ends it at once where it has not come to its second step yet
    go_on.set()
    assert worked_out(filters, job).state == "cancelled"
    assert not filters.toggle(key=full_size.SWITCH).value
    assert "1,024 × 768 of" in captions(filters)
    at_full_size(filters)
    assert "Worked on at its full size" in captions(filters)


def waiting_for(monkeypatch, name):
    """The heights of the pictures that this function of OpenCV was called with; the events that it was, and that let it
    go on."""
    heights, called, go_on = [], jobs.threading.Event(), jobs.threading.Event()

    def wait(image, *_):
        heights.append(len(image))
        called.set()
        assert go_on.wait(60)
        return image.copy()

    monkeypatch.setattr(cv2, name, wait)
    return heights, called, go_on


def stopped(filters, go_on):
    """What was told when Stop was pressed within a step, and the job once it has ended."""
    filters.toggle(key=full_size.SWITCH).set_value(True).run()
    job = begun(filters)
    assert not filters.button(key="full-size-stop").disabled
    press(filters, "full-size-stop")
    assert filters.button(key="full-size-stop").disabled
    told = filters.get("progress")[0].proto.text
    go_on.set()
    return told, worked_out(filters, job)


def test_a_slow_step_can_be_stopped_within_itself(filters, monkeypatch):
    press(filters, "clear")
    add(filters, "non_local_means")
    heights, _, go_on = waiting_for(monkeypatch, "fastNlMeansDenoising")
    told, job = stopped(filters, go_on)
    assert (told, job.state) in {("Stopping …", "cancelled"), ("Waiting for its turn …", "cancelled")}
    assert len(heights) <= 1
    assert all(height < SHAPE[0] / 4 for height in heights)
    assert "1,024 × 768 of" in captions(filters)


def test_the_last_step_is_kept_where_it_cannot_be_stopped(filters, monkeypatch):
    press(filters, "clear")
    add(filters, "median")
    heights, called, go_on = waiting_for(monkeypatch, "medianBlur")
    find = full_size.find

    def find_at_work(*arguments, **options):
        found = find(*arguments, **options)
        assert called.wait(60), "it is in its step when the page says how far it is"
        return found

    monkeypatch.setattr(full_size, "find", find_at_work)
    told, job = stopped(filters, go_on)
    assert (told, job.state) == ("The last step is nearly done, and is kept …", "done")
    assert f"Worked on at its full size, {SIZE} px" in captions(filters)
    assert heights == [SHAPE[0]]


def test_another_chain_takes_the_place_of_what_is_being_worked_out(filters, monkeypatch):
    go_on = held_up(monkeypatch)
    press(filters, "ready-edge_map")
    filters.toggle(key=full_size.SWITCH).set_value(True).run()
    first = begun(filters)
    filters.toggle(key=f"on-{ids(filters)[1]}").set_value(False).run()
    assert first.cancelled
    go_on.set()
    worked_out(filters)
    assert first.state == "cancelled"
    assert "Worked on at its full size" in captions(filters)
    assert chain(filters).off == {1}
    filters.toggle(key=full_size.SWITCH).set_value(False).run()
    assert full_size.JOB not in filters.session_state


def test_a_slider_is_followed_at_the_small_size_and_let_go_at_the_full(filters):
    press(filters, "ready-edge_map")
    at_full_size(filters)
    step = ids(filters)[0]
    known = filters.session_state[full_size.JOB]
    for sigma in (2.0, 3.0):
        drag(filters, step, "sigma", 1.5, sigma)
        assert f"until {SIZE} is ready" in captions(filters)
        assert not filters.get("progress")
        assert filters.session_state[full_size.JOB] == known, "not for each place that it passes"
    filters.slider(key=f"value-{step}-sigma").set_value(4.0).run()
    worked_out(filters)
    assert filters.session_state[full_size.JOB] != known
    assert "Worked on at its full size" in captions(filters)


def test_what_goes_wrong_at_full_size_is_told(filters, monkeypatch):
    def work_out(*_):
        raise DatasetError("It is too large.")
        yield

    monkeypatch.setattr(full_size, "work_out", work_out)
    at_full_size(filters)
    assert texts(filters) == ["It is too large."]
    monkeypatch.undo()
    press(filters, "full-size-again")
    worked_out(filters)
    assert "Worked on at its full size" in captions(filters)


def test_no_more_results_are_kept_than_there_is_room_for():
    results = full_size.Results(2_500)
    for number in range(4):
        results.keep(str(number), full_size.Result((), bytes(1_000)))
        results.find("0")
    assert [results.find(str(number)) is not None for number in range(4)] == [True, False, False, True]
    results.keep("large", full_size.Result((), bytes(9_000)))
    assert results.find("large"), "the one that is asked for is always there"
    assert results.find("3") is None


def test_that_it_is_at_full_size_is_in_the_link(app, open_page):
    full_size.results.clear()
    app.query_params[full_size.SWITCH] = "true"
    open_page("Filters")
    noise = np.random.default_rng(0).integers(0, 256, (8, 1100, 3), np.uint8)
    app.file_uploader(key="upload").set_value(("photo.jpg", encode_jpeg(noise, 90), "image/jpeg")).run()
    worked_out(app)
    assert app.toggle(key=full_size.SWITCH).value
    assert "Worked on at its full size, 1,100 × 8 px" in captions(app)
    app.toggle(key=full_size.SWITCH).set_value(False).run()
    assert "Worked on at 1,024 × 7 of 1,100 × 8 px" in captions(app)
