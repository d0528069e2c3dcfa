"""The page of filters: a chain is built, changed, shared, saved and loaded; a zip of pictures goes through it."""

import json
import re
import zipfile

import numpy as np
import pytest
from app.conftest import ROOT, unfold
from streamlit.testing.v1 import AppTest
from zipped import FILES, PICTURE, zipped

from visionlab.imaging.chains import CHAINS
from visionlab.imaging.filters import FILTERS
from visionlab.imaging.image import encode_png, load_image
from visionlab.imaging.pipeline import MAX_STEPS, Pipeline
from visionlab.imaging.samples import load_sample
from visionlab.ui.filters import batch, editor
from visionlab.ui.filters.chain import TRIES
from visionlab.ui.filters.editor import DEFAULT, LIVE
from visionlab.ui.filters.stages import LONGEST, THUMBNAIL
from visionlab.ui.shared import cached, jobs
from visionlab.ui.shared.server.pages import PAGES


@pytest.fixture
def filters(open_page):
    return open_page("Filters")


def chain(app) -> Pipeline:
    return app.session_state["filter_chain"].pipeline()


def names(app) -> list[str]:
    return [name for name, _ in chain(app).steps]


def ids(app) -> list[int]:
    return [step.id for step in app.session_state["filter_chain"].steps]


def press(app, key: str):
    app.button(key=key).click().run()
    assert not app.exception
    return app


def add(app, name: str):
    app.button_group(key="add-group").set_value(FILTERS[name].group).run()
    return press(app, f"add-{name}")


def opened_by(link: str) -> AppTest:
    """The page in another session, by a link."""
    other = AppTest.from_file(ROOT / PAGES["Filters"].script, default_timeout=60)
    other.query_params["chain"] = link
    other.run()
    assert not other.exception
    return other


def texts(app) -> list[str]:
    """What is told as plain text, beside the name of the picture."""
    return [text.value for text in app.text if not re.search(r"\s· \d+ × \d+ px$", text.value)]


def compared(app) -> tuple[dict, bytes]:
    """What the page shows: the facts of before and after, and the picture after, every pixel kept."""
    parts = [(each.proto.component_name, each.proto.bytes) for each in app.get("bidi_component")]
    sent = next(data for name, data in parts if name.endswith("compare"))
    facts = json.loads(sent[4 : 4 + int.from_bytes(sent[:4], "little")])
    kept = {data[:16].decode(): data[16:] for name, data in parts if name.endswith("kept_picture")}
    return facts, kept[facts["exact"]]


def code(app) -> str:
    app.session_state["take-away-tab"] = ":material/code: Python and shell"
    app.run()
    return next(block.value for block in app.code if "def pipeline" in block.value) + "\n"  # which the page strips


# The chain


def test_the_page_opens_on_a_chain_that_shows_something(filters):
    assert chain(filters) == DEFAULT
    assert code(filters) == DEFAULT.to_python(LONGEST)
    assert "chain" not in filters.query_params


@pytest.mark.parametrize("group", dict.fromkeys(entry.group for entry in FILTERS.values()))
def test_every_filter_can_be_added_and_has_its_controls(filters, group):
    press(filters, "clear")
    filters.button_group(key="add-group").set_value(group).run()
    added = [name for name, entry in FILTERS.items() if entry.group == group]
    for name in added:
        press(filters, f"add-{name}")
    assert chain(filters) == Pipeline([(name, {}) for name in added])
    shown = {slider.key for slider in filters.slider} | {box.key for box in filters.selectbox}
    for one, name in zip(ids(filters), added, strict=True):
        assert {f"value-{one}-{parameter.name}" for parameter in FILTERS[name].parameters} <= shown
        assert filters.toggle(key=f"on-{one}").help == FILTERS[name].about
    assert code(filters) == chain(filters).to_python(LONGEST)
    assert not texts(filters)


def test_no_filter_at_all_shows_the_picture(filters):
    press(filters, "clear")
    assert names(filters) == []
    assert not filters.slider
    assert filters.download_button(key="download-picture").label.startswith("Download the picture, ")
    press(filters, "undo")
    assert chain(filters) == DEFAULT


def test_a_filter_is_found_by_its_name(filters):
    filters.selectbox(key="add-by-name").select("otsu").run()
    assert names(filters) == ["gaussian_blur", "canny", "otsu"]
    assert filters.selectbox(key="add-by-name").value is None
    filters.selectbox(key="add-by-name").select("otsu").run()
    assert names(filters)[2:] == ["otsu", "otsu"]


def test_steps_are_moved_copied_switched_off_and_removed(filters):
    blur, canny = ids(filters)
    filters.slider(key=f"value-{blur}-sigma").set_value(4.5).run()
    assert filters.button(key=f"up-{blur}").disabled
    assert filters.button(key=f"down-{canny}").disabled
    press(filters, f"up-{canny}")
    assert chain(filters).steps == (("canny", FILTERS["canny"].settings()), ("gaussian_blur", {"sigma": 4.5}))
    assert filters.slider(key=f"value-{blur}-sigma").value == 4.5
    press(filters, f"copy-{blur}")
    assert names(filters) == ["canny", "gaussian_blur", "gaussian_blur"]
    copy = ids(filters)[2]
    assert filters.slider(key=f"value-{copy}-sigma").value == 4.5
    filters.slider(key=f"value-{copy}-sigma").set_value(1.0).run()
    assert [values.get("sigma") for _, values in chain(filters).steps] == [None, 4.5, 1.0]
    filters.toggle(key=f"on-{blur}").set_value(False).run()
    assert chain(filters).off == {1}
    assert "sigma=4.5" not in code(filters)
    assert f"value-{blur}-sigma" not in {slider.key for slider in filters.slider}
    filters.toggle(key=f"on-{blur}").set_value(True).run()
    assert filters.slider(key=f"value-{blur}-sigma").value == 4.5, "what is off keeps its values"
    press(filters, f"down-{canny}")
    press(filters, f"remove-{blur}")
    assert chain(filters).steps == (("canny", FILTERS["canny"].settings()), ("gaussian_blur", {"sigma": 1.0}))


def test_changes_are_taken_back_one_by_one(filters):
    assert filters.button(key="undo").disabled
    sigma = f"value-{ids(filters)[0]}-sigma"
    filters.slider(key=sigma).set_value(9.0).run()
    after = chain(filters)
    add(filters, "invert")
    press(filters, f"remove-{ids(filters)[0]}")
    press(filters, "undo")
    press(filters, "undo")
    assert chain(filters) == after
    assert filters.slider(key=f"value-{ids(filters)[0]}-sigma").value == 9.0
    press(filters, "undo")
    assert chain(filters) == DEFAULT
    assert filters.slider(key=f"value-{ids(filters)[0]}-sigma").value == 2.0
    assert filters.button(key="undo").disabled


@pytest.mark.parametrize("name", CHAINS)
def test_ready_made_chains(filters, name):
    press(filters, f"ready-{name}")
    assert chain(filters) == CHAINS[name].pipeline()
    assert code(filters) == CHAINS[name].pipeline().to_python(LONGEST)
    press(filters, "undo")
    assert chain(filters) == DEFAULT


def test_stages_have_their_times_and_are_looked_at(filters):
    first, second = (filters.button(key=f"look-{one}") for one in ids(filters))
    assert (first.label, second.label) == ("1 · Gaussian blur", "2 · Canny edges")
    assert all(re.fullmatch(r"Show this stage large\. It took [\d.,]+ ms\.", button.help) for button in (first, second))
    press(filters, f"look-{ids(filters)[0]}")
    assert filters.session_state["filter_chain"].looked_at == ids(filters)[0]
    press(filters, f"remove-{ids(filters)[0]}")  # what is looked at may go
    assert not filters.exception


def test_only_what_changed_is_computed_again(filters, monkeypatch):
    ran = []
    original = Pipeline.stages
    monkeypatch.setattr(Pipeline, "stages", lambda self, image: ran.append(self.steps[0][0]) or original(self, image))
    press(filters, "ready-sketch")
    steps = [name for name, _ in CHAINS["sketch"].steps]
    assert ran in ([], steps)  # empty where another test left them in the cache
    ran.clear()
    filters.slider(key=f"value-{ids(filters)[2]}-sigma").set_value(7.5).run()
    assert ran == steps[2:]
    ran.clear()
    filters.toggle(key=f"on-{ids(filters)[3]}").set_value(False).run()
    assert ran == []


def test_fourier_filters_show_their_spectrum(filters):
    told = "The spectrum of what comes in"
    assert not any(caption.value.startswith(told) for caption in filters.caption)
    add(filters, "fourier_low_pass")
    add(filters, "fourier_band_pass")
    assert not any(caption.value.startswith(told) for caption in filters.caption)
    unfold(filters, *(f"spectrum-{one}" for one in ids(filters))).run()
    assert sum(caption.value.startswith(told) for caption in filters.caption) == 2


def test_a_chain_that_enlarges_without_end_is_told(filters):
    press(filters, "clear")
    for _ in range(6):
        add(filters, "resize")
    for one in ids(filters):
        filters.slider(key=f"value-{one}-scale").set_value(200)
    filters.run()
    assert not filters.exception
    assert [text for text in texts(filters) if "megapixels; enlarge less" in text]


def test_the_chain_takes_no_more_than_it_holds(filters):
    full = Pipeline([("invert", {})] * MAX_STEPS)
    filters.file_uploader(key="chain-file-0").set_value(("full.json", full.to_json().encode(), "application/json"))
    filters.run()
    assert chain(filters) == full
    assert filters.button(key=f"copy-{ids(filters)[0]}").disabled
    assert "add-by-name" not in {box.key for box in filters.selectbox}


# It survives, and travels


def test_the_chain_survives_another_page(filters):
    add(filters, "invert")
    filters.slider(key=f"value-{ids(filters)[0]}-sigma").set_value(3.3).run()
    before = chain(filters)
    filters.switch_page(PAGES["Home"].script).run()
    filters.switch_page(PAGES["Filters"].script).run()
    assert not filters.exception
    assert chain(filters) == before
    assert filters.slider(key=f"value-{ids(filters)[0]}-sigma").value == 3.3
    assert json.loads(filters.query_params["chain"])[2] == {"filter": "invert"}


def test_the_link_holds_the_chain(filters):
    press(filters, "ready-cartoon")
    filters.toggle(key=f"on-{ids(filters)[1]}").set_value(False).run()
    link = filters.query_params["chain"]
    other = opened_by(link)
    assert chain(other) == chain(filters)
    assert other.button(key="undo").disabled


@pytest.mark.parametrize(
    "link", ["nonsense", "[]]", "[3]", '[{"filter":"cany"}]', '[{"filter":"gamma","values":{"gamma":99}}]']
)
def test_a_broken_link_is_told_and_the_usual_chain_is_there(link):
    other = opened_by(link)
    assert chain(other) == DEFAULT
    assert len([text for text in texts(other) if text.startswith("The link’s chain cannot be used: ")]) == 1
    press(other, "ready-sketch")
    assert not texts(other)


def test_a_saved_chain_opens_again(filters):
    pipeline = Pipeline([("median", {"size": 7}), ("gabor", {"angle": 33.0}), ("invert", {})], off={1})
    filters.file_uploader(key="chain-file-0").set_value(("mine.json", pipeline.to_json().encode(), "application/json"))
    filters.run()
    assert chain(filters) == pipeline
    assert not texts(filters)
    press(filters, "undo")
    assert chain(filters) == DEFAULT


BAD = {
    "not json": b"low = 3",
    "shape": b"[1, 2]",
    "unknown": b'{"steps": [{"filter": "cany"}]}',
    "range": b'{"steps": [{"filter": "canny", "values": {"low": -1}}]}',
    "huge": b" " * 900_000,
    "picture": encode_png(PICTURE),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_chain_file_is_one_sentence_and_the_chain_stays(filters, name):
    filters.slider(key=f"value-{ids(filters)[0]}-sigma").set_value(5.0).run()
    before = chain(filters)
    file = f"*{name}*.json"
    filters.file_uploader(key="chain-file-0").set_value((file, BAD[name], "application/json")).run()
    assert not filters.exception
    assert chain(filters) == before
    assert code(filters) == before.to_python(LONGEST)
    told = texts(filters)
    assert len(told) == 1
    assert told[0].startswith(f"{file}: ")
    add(filters, "invert")
    assert not texts(filters), "it has been read by now"


# Sliders that act while they are dragged


def drag(app, step: int, name: str, start: float, value: float):
    """As the browser tells while a slider is held."""
    moving = {"number": int(1000 * value), "key": f"value-{step}-{name}", "start": start, "value": value}
    app.session_state[LIVE] = {"moving": moving}
    app.run()
    assert not app.exception
    return chain(app).steps


def release(app):
    app.session_state[LIVE] = {"moving": None}
    app.run()
    return chain(app).steps


def test_a_slider_acts_while_it_is_dragged_and_a_drag_is_one_change(filters):
    blur, canny = ids(filters)
    for value in (2.5, 4.000000001, 7.7):
        steps = drag(filters, blur, "sigma", 2.0, value)
        assert steps[0] == ("gaussian_blur", {"sigma": round(value, 6)})
        assert code(filters) == chain(filters).to_python(LONGEST)
        assert filters.slider(key=f"value-{blur}-sigma").value == 2.0, "it is the browser's own as long as it is held"
    filters.slider(key=f"value-{blur}-sigma").set_value(8.0).run()  # let go; the last place is still told
    assert chain(filters).steps[0][1] == {"sigma": 8.0}
    assert release(filters)[0][1] == {"sigma": 8.0}
    assert drag(filters, canny, "low", 50, 72.9)[1][1] == {"low": 73, "high": 150}
    filters.slider(key=f"value-{canny}-low").set_value(80)
    release(filters)
    press(filters, "undo")
    assert [values for _, values in chain(filters).steps] == [{"sigma": 8.0}, {"low": 50, "high": 150}]
    press(filters, "undo")
    assert chain(filters) == DEFAULT
    assert filters.button(key="undo").disabled


def test_a_drag_that_ends_where_it_began_changes_nothing(filters):
    blur = ids(filters)[0]
    drag(filters, blur, "sigma", 2.0, 9.0)
    drag(filters, blur, "sigma", 2.0, 2.0)
    assert release(filters) == DEFAULT.steps
    assert drag(filters, blur, "sigma", 2.0, 1e9)[0][1] == {"sigma": 30.0}, "never beyond its end"
    press(filters, f"remove-{blur}")
    assert names(filters) == ["canny"], "what is told of a slider that is gone is of no account"


def test_steps_by_keys_in_one_go_are_one_change(filters, monkeypatch):
    blur, canny = ids(filters)
    sigma, low = filters.slider(key=f"value-{blur}-sigma"), filters.slider(key=f"value-{canny}-low")
    monkeypatch.setattr(editor, "ONE_GO", 600.0)
    for value in (2.1, 2.2, 2.3):
        sigma.set_value(value).run()
    for value in (51, 52):
        low.set_value(value).run()
    monkeypatch.setattr(editor, "ONE_GO", 0.0)  # after a rest
    low.set_value(53).run()
    found = []
    for _ in range(3):
        press(filters, "undo")
        found.append([values for _, values in chain(filters).steps])
    assert found[0] == [{"sigma": 2.3}, {"low": 52, "high": 150}]
    assert found[1] == [{"sigma": 2.3}, {"low": 50, "high": 150}]
    assert found[2] == [{"sigma": 2.0}, {"low": 50, "high": 150}]
    assert filters.button(key="undo").disabled


# What to begin with


@pytest.mark.parametrize("number", range(len(TRIES)))
def test_what_there_is_to_try_sets_the_page_up_and_says_what_to_notice(filters, number):
    label, _, notice, wanted = TRIES[number]

    def noticed() -> bool:
        return any(notice in each.value for each in filters.markdown)

    for _ in range(2):
        press(filters, f"try-Filters-{label}")
        assert chain(filters) == wanted
        assert noticed()
        filters.toggle(key=f"on-{ids(filters)[0]}").set_value(False).run()
        add(filters, "invert")
        assert noticed(), "it is what was asked for, and more"
        press(filters, "clear")
        assert not noticed()
    for other in ("undo", "ready-edge_map"):  # which brings another chain, maybe one that begins alike
        press(filters, f"try-Filters-{label}")
        press(filters, other)
        assert not noticed()


def upload(app, image, name="mine.png"):
    app.file_uploader(key="upload").set_value((name, encode_png(image), "image/png")).run()
    assert not app.exception


def captions(app) -> str:
    return "\n".join(caption.value for caption in app.caption)


def test_a_ready_made_chain_says_that_it_was_made_for_larger_pictures(filters):
    press(filters, "ready-cartoon")
    assert "was made for" not in captions(filters), "the sample is about as large as that"
    upload(filters, PICTURE)
    assert "“Cartoon” was made for pictures of about 1,024 pixels a side. On 40 × 30, what is in px" in captions(
        filters
    )
    diameter = f"value-{ids(filters)[0]}-diameter"
    filters.slider(key=diameter).set_value(5).run()
    assert "was made for" in captions(filters), "one step, and the rest is as it was made"
    press(filters, "ready-frequencies")
    assert "was made for" not in captions(filters), "nothing of it is in pixels"
    press(filters, "ready-noise_test")
    assert "was made for" in captions(filters)
    filters.slider(key=f"value-{ids(filters)[1]}-size").set_value(5).run()
    assert "was made for" not in captions(filters), "all that is in pixels is as somebody wants it here"


def test_what_changes_the_shape_is_shown_beside_the_picture(filters):
    press(filters, "clear")
    add(filters, "resize")
    assert not [each for each in filters.get("bidi_component") if each.proto.component_name.endswith("compare")]
    assert {"Before", "After Resize"} <= set(captions(filters).splitlines())
    assert "Download the picture, 226 × 150 px" in filters.download_button(key="download-picture").label


@pytest.mark.parametrize("shape", [(3, 5000), (5000, 3)])
def test_a_thread_of_a_picture_is_seen(filters, shape):
    upload(filters, np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8))
    facts, after = compared(filters)
    assert min(facts["width"], facts["height"]) * 25 >= max(facts["width"], facts["height"])
    assert load_image(after).shape[:2] == (facts["height"], facts["width"])
    press(filters, "clear")
    add(filters, "rotate")  # it changes nothing of the shape here, but its pictures are as thin
    filters.selectbox(key=f"value-{ids(filters)[0]}-canvas").set_value("grown").run()
    assert not filters.exception


# A zip of pictures


def finished(app):
    job = jobs.registry().find(app.session_state["batch"])
    assert job.wait(30)
    app.run()
    assert not app.exception
    return job


def test_a_zip_on_the_page(filters):
    assert filters.button(key="batch-start").disabled
    filters.file_uploader(key="batch-zip").set_value(("mine.zip", zipped(FILES), "application/zip")).run()
    press(filters, "batch-start")
    job = finished(filters)
    assert job.state == "done"
    assert any(element.value == "**3 pictures** went through the chain." for element in filters.markdown)
    assert any(text.startswith("b/broken.png: ") for text in texts(filters))
    assert filters.download_button(key="batch-download").label == "Download the zip"
    with zipfile.ZipFile(job.latest.file) as archive:
        assert np.array_equal(load_image(archive.read("b/two.png")), DEFAULT.run(PICTURE[:9]))
    press(filters, "batch-start")  # the result of before is given up for the new one
    assert job.latest.file.closed
    finished(filters)


def test_a_bad_zip_on_the_page_is_one_sentence(filters):
    filters.file_uploader(key="batch-zip").set_value(("mine.zip", b"no zip", "application/zip")).run()
    press(filters, "batch-start")
    assert finished(filters).state == "failed"
    assert len(texts(filters)) == 1
    assert "no zip" in texts(filters)[0]


def test_a_job_on_the_page_can_be_cancelled(filters):
    big = encode_png(np.repeat(np.repeat(load_sample("cat"), 3, axis=0), 3, axis=1))
    press(filters, "ready-low_light")  # slow enough to be stopped on the way
    many = zipped({f"{i}.png": big for i in range(40)})
    filters.file_uploader(key="batch-zip").set_value(("mine.zip", many, "application/zip")).run()
    press(filters, "batch-start")
    assert filters.button(key="batch-start").disabled
    press(filters, "batch-cancel")
    job = finished(filters)
    assert job.state == "cancelled"
    assert not any(isinstance(event, batch.Result) for event in job.events)
    assert any("nothing was kept" in info.value for info in filters.info)
    assert not filters.button(key="batch-start").disabled


def test_a_chain_that_leaves_nothing_says_so_and_an_empty_one_what_to_do(open_page, app):
    app.query_params["chain"] = json.dumps([{"filter": "canny", "values": {"low": 1000, "high": 1000}}])
    filters = open_page("Filters")
    assert "Everything is black" in captions(filters)
    filters.button(key="clear").click().run()
    assert not filters.exception
    assert "Everything is" not in captions(filters)
    assert "No filter: the picture stays as it is." in captions(filters)
    filters.button(key="undo").click().run()
    assert "No filter" not in captions(filters)
    assert "Everything is black" in captions(filters)


@pytest.mark.parametrize("shape", [(900, 20, 3), (20, 900, 3), (60, 80, 3)])
def test_no_thumbnail_is_taller_than_twice_its_width(filters, monkeypatch, shape):
    thumbnails, make = [], cached.picture_bytes

    def made(key, longest, image):
        if longest == 2 * THUMBNAIL:
            thumbnails.append(image.shape[:2])
        return make(key, longest, image)

    monkeypatch.setattr(cached, "picture_bytes", made)
    data = encode_png(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8))
    filters.file_uploader(key="upload").set_value(("strip.png", data, "image/png")).run()
    assert not filters.exception
    assert len(thumbnails) == len(DEFAULT.steps)
    assert all(max(sides) <= 2 * min(sides) for sides in thumbnails)
