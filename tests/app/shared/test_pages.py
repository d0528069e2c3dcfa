"""Each page on a sample at once and on an upload; bad uploads; what goes along from page to page."""

import json
import re
from html import unescape

import numpy as np
import pytest
from app.conftest import ROOT
from app.studio_tools import ME
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner_utils.script_run_context import ScriptRunContext
from streamlit.testing.v1 import AppTest

import visionlab as vl
from visionlab import limits
from visionlab.imaging.image import encode_jpeg, encode_png
from visionlab.learning.projects.workspace import Workspace
from visionlab.ui.shared import page as shared_page
from visionlab.ui.shared.server.pages import PAGES
from visionlab.ui.shared.visitor import COOKIE

WITH_PICTURE = [title for title, page in PAGES.items() if "image_picker(" in (ROOT / page.script).read_text()]


def texts(app) -> str:
    return "\n".join(element.value for kind in (app.text, app.markdown, app.caption) for element in kind)


def bars(app) -> list[tuple[str, str]]:
    """(class, percentage) of each prediction bar."""
    found = "".join(element.value for element in app.get("html"))
    rows = re.findall(r"<span[^>]*>([^<]+)</span><span[^>]*>([\d.]+%)</span>", found)
    drawn = [json.loads(part.proto.json) for part in app.get("bidi_component") if "bars" in part.proto.component_name]
    answers = [answer for data in drawn for answer in data["bars"]]
    return [*((unescape(label), share) for label, share in rows)] + [
        (answer["label"], answer["said"]) for answer in answers
    ]


@pytest.mark.parametrize("title", PAGES)
def test_every_page_opens_at_once_on_a_sample(open_page, title):
    app = open_page(title)
    assert not app.error
    assert app.title[0].value in (title, "See how a computer sees")


@pytest.mark.parametrize("title", PAGES)
def test_the_browsers_back_to_a_link_that_says_nothing_shows_what_is_usual(
    new_app, workspace_folder, monkeypatch, title
):
    """Streamlit then gives what is bound to the link its default, over what the page says: of some, that is None."""
    project = Workspace(workspace_folder).create("Mine", ME)
    project.add_classes(["ant", "bee"])
    app = new_app()
    app.session_state[COOKIE] = ME
    app.run()
    reset = ScriptRunContext.reset

    def back_to(self, **given) -> None:
        reset(self, **given | {"is_history_navigation": True})

    for _ in range(2):
        with monkeypatch.context() as patch:
            patch.setattr(ScriptRunContext, "reset", back_to)
            app.query_params.clear()
            app.query_params["project"] = project.id
            app.switch_page(PAGES[title].script).run()
            assert not app.exception
            if title == "Fine-tune":
                assert app.segmented_control(key="step").value == "Classes"
        app.switch_page(PAGES["Home"].script).run()


@pytest.mark.parametrize("script", [page.script for page in PAGES.values()])
def test_every_page_stands_by_itself(script):
    assert not AppTest.from_file(ROOT / script, default_timeout=60).run().exception


@pytest.mark.parametrize("title", WITH_PICTURE)
def test_every_page_works_on_an_upload(open_page, photo, title):
    app = open_page(title)
    app.file_uploader(key="upload").set_value(photo).run()
    assert not app.exception
    assert "holiday_*photo*.png\N{NO-BREAK SPACE}· 220 × 150 px" in [text.value for text in app.text], (
        "as plain text, not as Markdown"
    )
    assert app.session_state["sample"] == "yours"


SHAPES = {"one pixel": (1, 1), "a strip": (20, 8000), "a thread": (4000, 3), "blank": (300, 300)}


@pytest.mark.parametrize("name", SHAPES)
def test_odd_shapes_upset_no_page(open_page, name):
    app = open_page("Home")
    image = np.full((*SHAPES[name], 3), 90, np.uint8)
    app.file_uploader(key="upload").set_value((f"{name}.png", encode_png(image), "image/png")).run()
    assert not app.exception
    for title in WITH_PICTURE[1:]:
        app.switch_page(PAGES[title].script).run()
        assert not app.exception, title
        assert any(text.value.startswith(f"{name}.png") for text in app.text)


def test_the_upload_goes_along_and_a_sample_can_be_taken_again(open_page, photo):
    app = open_page("Convolution")
    app.file_uploader(key="upload").set_value(photo).run()
    for title in ("Filters", "Feature maps", "Predict"):
        app.switch_page(PAGES[title].script).run()
        assert "holiday_*photo*.png" in texts(app), title
    app.segmented_control(key="sample").set_value("coffee").run()
    assert "holiday_*photo*.png" not in texts(app)
    app.segmented_control(key="sample").set_value("yours").run()
    assert "holiday_*photo*.png" in texts(app)


def test_the_server_lets_go_of_an_upload_that_was_taken(open_page, photo, monkeypatch):
    gone = []
    monkeypatch.setattr(MemoryUploadedFileManager, "remove_file", lambda _, session, file: gone.append(file))
    app = open_page("Convolution")
    app.file_uploader(key="upload").set_value(photo).run()
    assert gone == [], "what ends this run may have it taken once more"
    app.run()
    assert gone == [file.file_id for file in app.session_state["upload"]]
    assert "holiday_*photo*.png" in texts(app)


BAD = {
    "empty.png": b"",
    "text.jpg": b"this is no picture at all",
    "cut.jpg": encode_jpeg(np.random.default_rng(0).integers(0, 256, (99, 99, 3), dtype=np.uint8))[:2000],
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_upload_gets_one_sentence_and_loses_nothing(open_page, photo, name, caplog):
    app = open_page("Predict")
    app.file_uploader(key="upload").set_value(photo).run()
    before = bars(app)
    assert len(before) == 5
    app.file_uploader(key="upload").set_value((name, BAD[name], "image/jpeg")).run()
    assert not app.exception
    told = [text.value for text in app.text if text.value.startswith(f"{name}: ")]
    assert len(told) == 1
    app.run()  # what is drawn again is not logged again
    assert [line.startswith(f"{name}: ") for line in caplog.messages if name in line] == [True]
    assert "holiday_*photo*.png" in texts(app)
    assert bars(app) == before
    app.file_uploader(key="upload").set_value(photo).run()
    assert f"{name}: " not in texts(app)


def test_predictions_are_the_librarys(open_page, photo):
    app = open_page("Predict")
    app.file_uploader(key="upload").set_value(photo).run()
    net = vl.load_classifier("vgg16-tinyimagenet", "cpu")
    expected = vl.predict(net, [vl.load_image(photo[1])])[0]
    assert bars(app) == [(answer.label, f"{answer.probability:.1%}") for answer in expected]


def test_a_page_that_the_operator_switched_off_says_so_and_is_linked_nowhere(open_page, monkeypatch):
    monkeypatch.setenv(limits.PAGES_OFF, "From scratch")
    app = open_page("From scratch")
    assert [each.value for each in app.text] == ["The page “From scratch” is switched off on this server."]
    assert not app.button
    assert "From scratch" not in [each.label for each in app.get("page_link")]


def test_no_page_leads_to_one_that_is_switched_off(open_page, monkeypatch):
    app = open_page("Home")
    leading = {each.page for each in app.get("page_link")}
    assert {"Convolution", "Feature_maps", "Predict"} <= leading
    monkeypatch.setenv(limits.PAGES_OFF, "convolution, feature maps, predict")
    app.run()
    assert not app.exception
    assert {each.page for each in app.get("page_link")} == leading - {"Convolution", "Feature_maps", "Predict"}
    monkeypatch.setenv(limits.PAGES_OFF, ",".join(PAGES.keys() - {"Home"}))
    app.run()
    assert not app.exception
    assert "What you can do here" not in texts(app)


def test_who_names_no_page_is_led_to_the_first_that_is_on(open_page, monkeypatch):
    monkeypatch.setenv(limits.PAGES_OFF, "Home, Convolution")
    app = open_page("Home")
    assert [each.value for each in app.title] == ["Filters"]
    assert not app.exception


def test_where_all_pages_are_off_a_sentence_says_so(open_page, monkeypatch):
    monkeypatch.setenv(limits.PAGES_OFF, ",".join(PAGES))
    for title in ("Home", "Predict"):
        app = open_page(title)
        told = "All pages are switched off on this server; its operator can switch them on."
        assert [each.value for each in app.text] == [told]
        assert not app.get("page_link")
        assert not app.title, "of a page that is not there"


def test_from_scratch_sends_nobody_to_a_page_that_is_switched_off(open_page, monkeypatch):
    monkeypatch.setenv(limits.PAGES_OFF, "Fine-tune")
    app = open_page("From scratch")
    assert "Fine-tune" not in [each.label for each in app.get("page_link")]


def test_a_page_is_drawn_from_all_that_was_done_and_follows_its_jobs(open_page, monkeypatch):
    used = []
    for name in ("drawn_from_all", "followed"):
        whole = getattr(shared_page, name)
        monkeypatch.setattr(shared_page, name, lambda name=name, whole=whole: used.append(name) or whole())
    open_page("Convolution")
    assert used == ["drawn_from_all", "followed"]
