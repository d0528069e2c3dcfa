"""The Predict page: many or few classes, temperature, where a class stands, several networks, uploads of several."""

import hashlib
import io
import json
import re
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import streamlit as st
from app.conftest import finish_jobs, unfold
from app.shared.test_pages import bars
from streamlit.testing.v1 import AppTest
from zipped import unmarked

import visionlab as vl
from visionlab.imaging.guards import no_picture
from visionlab.imaging.image import encode_jpeg, encode_png
from visionlab.learning.features.source import network_fingerprint
from visionlab.learning.heads.head import Head
from visionlab.learning.judging.refusal import fit_refusal
from visionlab.network.files import weights
from visionlab.network.running.certainty import tempered
from visionlab.network.running.prediction import probabilities
from visionlab.network.zoo.models import MODELS
from visionlab.ui.predict import many_view
from visionlab.ui.shared.components.camera import Frame
from visionlab.ui.shared.live import answer_to
from visionlab.ui.shared.networks.own_head import TrainedHead
from visionlab.ui.shared.server.pages import PAGES
from visionlab.ui.shared.state import SAMPLE
from visionlab.ui.shared.visitor import COOKIE
from visionlab.ui.shared.widgets import plain
from visionlab.wording import sized


@pytest.fixture(scope="module")
def net() -> vl.Classifier:
    return vl.load_classifier("vgg16-tinyimagenet", "cpu")


@pytest.fixture(scope="module")
def cat(net) -> np.ndarray:
    """What the network makes of the sample cat: (classes,)."""
    return probabilities(net, [vl.load_sample("cat")])[0]


def picture(seed: int) -> tuple[str, bytes, str]:
    pixels = np.random.default_rng(seed).integers(0, 256, (40, 60 + seed, 3), dtype=np.uint8)
    return f"{seed}.png", encode_png(pixels), "image/png"


def texts(app) -> list[str]:
    return [element.value for element in app.text]


def test_more_classes_and_another_temperature(open_page, net, cat):
    app = open_page("Predict")
    app.slider(key="count").set_value(12).run()
    app.slider(key="temperature").set_value(2.0).run()
    assert not app.exception
    warm = tempered(cat, 2)
    best = np.argsort(-warm, kind="stable")[:12]
    assert bars(app) == [(net.labels[i], f"{warm[i]:.1%}") for i in best]


def test_the_temperature_is_kept_in_the_link_by_the_run_that_shows_it(open_page, new_app):
    app = open_page("Predict")
    assert "temperature" not in app.query_params
    for value in (1.5, 2.25, 1.0, 3.0):
        app.slider(key="temperature").set_value(value).run()
        told = app.query_params.get("temperature", "1")
        assert float(told[0] if isinstance(told, list) else told) == value
    app.switch_page("home.py").run()
    app.switch_page("pages/4_Predict.py").run()
    assert app.slider(key="temperature").value == 3.0
    assert app.slider(key="temperature").proto.default == [3.0], "a menu that is opened late begins with it"
    for linked, value in (("2.5", 2.5), ("hot", 1.0), ("99", 1.0), ("nan", 1.0)):
        other = new_app()
        other.run()
        other.query_params["temperature"] = linked
        other.switch_page("pages/4_Predict.py").run()
        assert not other.exception
        assert other.slider(key="temperature").value == value


def test_a_temperature_is_seen_beside_the_answers_and_one_click_takes_it_back(open_page, net, cat):
    app = open_page("Predict")

    def tells(text: str) -> bool:
        return any(text in each.value for each in (*app.markdown, *app.caption))

    assert not tells("temperature")
    for value in (2.0, 0.5):  # a person does it twice
        app.slider(key="temperature" if value == 2 else "temperature-1").set_value(value).run()
        assert tells(f"at temperature {value:g}")
        app.segmented_control(key=SAMPLE).set_value("rocket" if value == 2 else "cat").run()
        assert tells(f"at temperature {value:g}"), "it stays for the next picture"
        app.segmented_control(key="mode").set_value("Several networks").run()
        assert tells("At temperature 1, as the network answers by itself")
        app.segmented_control(key="mode").set_value("A picture").run()
        app.button(key="back-to-temperature-1").click().run()
        assert not app.exception
        for _ in range(2):
            assert not tells("temperature")
            assert "temperature" not in app.query_params
            app.run()
    assert bars(app)[0] == (net.labels[cat.argmax()], f"{cat.max():.1%}")


@pytest.mark.parametrize("mode", ["A picture", "Live camera", "Many pictures"])
def test_a_link_to_a_network_that_is_not_here_says_how_to_get_it(app, mode):
    app.run()
    app.query_params.update({"network": "resnet50", "mode": mode})
    app.switch_page("pages/4_Predict.py").run()
    said = [text for text in texts(app) if text.startswith("ResNet-50 (ImageNet) is not here yet")]
    assert len(said) == 1
    assert "python -m visionlab models --get resnet50" in said[0]
    assert "“Several networks”" in said[0]


@pytest.mark.parametrize("labels", [("cats", "dogs"), ("pets",)])
def test_a_head_shows_as_many_classes_as_it_has_and_a_larger_network_again_as_many_as_were_wanted(
    open_page, net, labels
):
    """One class is what is left where all others were merged into it."""
    width, few = net.layer("avgpool").shape[0], len(labels)
    weights = np.random.default_rng(0).normal(size=(few, width)).astype(np.float32)
    head = Head(weights, np.zeros(few, np.float32), labels, net.name, "avgpool", network_fingerprint(net))
    app = open_page("Predict")
    app.session_state["trained_head"] = TrainedHead(f"of {few}", head)
    app.run()
    for wanted in (5, 12):
        if wanted != 5:
            app.slider(key="count").set_value(wanted).run()
        for name, shown in {"your-head": few, net.name: wanted}.items():
            app.selectbox(key="network").set_value(name).run()
            for _ in range(2):
                assert not app.exception
                assert len(bars(app)) == shown
                app.run()
            app.switch_page("home.py").run()
            app.switch_page("pages/4_Predict.py").run()
            assert not app.exception
            assert len(bars(app)) == shown


def test_a_weight_file_that_is_damaged_while_the_app_runs_and_the_good_one_put_back(open_page, tmp_path, monkeypatch):
    path = tmp_path / MODELS["vgg16-tinyimagenet"].file.name
    content = (weights.folder() / path.name).read_bytes()
    path.write_bytes(content)
    monkeypatch.setenv("VISIONLAB_WEIGHTS", str(tmp_path))
    st.cache_resource.clear()
    app = open_page("Predict")
    good = bars(app)
    for damaged in (content[:-1] + bytes([content[-1] ^ 1]), content[:1000]):
        path.write_bytes(damaged)
        app.run()
        assert not app.exception
        assert [text for text in texts(app) if f"{path} is not {path.name}" in text]
        assert not bars(app)
        path.write_bytes(content)
        for sample in ("coffee", "rocket", "cat"):  # some of them nobody has asked for yet
            app.segmented_control(key=SAMPLE).set_value(sample).run()
            assert not [text for text in texts(app) if "SHA-256" in text]
        assert bars(app) == good


@pytest.mark.parametrize(
    ("name", "wanted", "told"),
    [
        ("count", "999", "A number of classes of “999” is not offered, so it is 20. Choose from 1 to 20."),
        ("count", "few", "A number of classes of “few” is not offered, so it is 5. Choose from 1 to 20."),
        ("temperature", "hot", "A temperature of “hot” is not offered, so it is 1. Choose from 0.25 to 4."),
        ("temperature", "nan", "A temperature of “nan” is not offered, so it is 1. Choose from 0.25 to 4."),
    ],
)
def test_a_number_in_a_link_that_is_not_offered_is_told(app, open_page, name, wanted, told):
    app.run().query_params[name] = wanted
    assert told in texts(open_page("Predict"))
    assert told in texts(app.run()), "for as long as it is shown"
    app.slider(key=name).set_value(2).run()
    assert told not in texts(app)


def test_a_small_lead_is_no_lead_of_nothing(app, open_page):
    app.run().query_params["temperature"] = "4"
    unfold(open_page("Predict"), "in-numbers").run()
    lead = next(each.value for each in app.metric if each.label == "Lead")
    shares = sorted((float(share.rstrip("%")) for _, share in bars(app)), reverse=True)
    assert re.fullmatch(r"\d\.\d points", lead)
    assert float(lead.split()[0]) == pytest.approx(shares[0] - shares[1], abs=0.16)


def test_where_a_class_stands(open_page, net, cat):
    app = unfold(open_page("Predict"), "in-numbers").run()
    banana = net.target("banana")
    app.selectbox(key=f"search-{net.name}").set_value(banana).run()
    place = int((cat > cat[banana]).sum()) + 1
    assert f"banana: place {place} of 202, {cat[banana]:.2%}" in texts(app)


def test_several_networks_and_what_they_agree_on(open_page, net, cat):
    width = net.layer("avgpool").shape[0]
    best = net.labels[int(cat.argmax())]
    bias = np.array([5, 0], np.float32)
    head = Head(np.zeros((2, width), np.float32), bias, (best, "<i>dog"), net.name, "avgpool", network_fingerprint(net))
    app = open_page("Predict")
    app.session_state["trained_head"] = TrainedHead("an agreeing head", head)
    app.segmented_control(key="mode").set_value("Several networks").run()
    assert not app.exception
    table = next(element.value for element in app.get("html") if 'class="networks"' in element.value)
    assert table.count(f'class="agreed">{best} ✓') == 2
    assert table.count("✓") == 2
    assert "&lt;i&gt;dog" in table
    assert "<i>dog" not in table
    assert len(re.findall(r"\d+ ms</td>", table)) == 2


def test_a_network_that_cannot_be_used_says_why_in_its_row(open_page, tmp_path, monkeypatch):
    good, bad = (MODELS[name].file for name in ("vgg16-tinyimagenet", "squeezenet1_1"))
    (tmp_path / good.name).symlink_to(weights.find(good))
    (tmp_path / bad.name).write_bytes(b"cut short")
    monkeypatch.setenv("VISIONLAB_WEIGHTS", str(tmp_path))
    app = open_page("Predict")
    app.segmented_control(key="mode").set_value("Several networks").run()
    assert not app.exception
    table = next(element.value for element in app.get("html") if 'class="networks"' in element.value)
    assert len(re.findall(r"\d+ ms</td>", table)) == 1  # the built-in network answers all the same
    assert f"{bad.name} " in table
    assert "remove it so that it can be downloaded" in table


def test_networks_that_are_not_here_show_their_size_and_a_button(open_page):
    app = open_page("Predict")
    app.segmented_control(key="mode").set_value("Several networks").run()
    absent = [name for name in MODELS if name != "vgg16-tinyimagenet"]
    assert {button.key for button in app.button if button.key.startswith("download-")} == {
        f"download-{name}" for name in absent
    }
    shown = "\n".join(element.value for element in app.markdown)
    assert "**VGG16 (ImageNet)** · 553 MB" in shown


def zipped(files: dict[str, bytes]) -> tuple[str, bytes, str]:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return "many.zip", target.getvalue(), "application/zip"


def test_a_zip_of_pictures_and_their_words(open_page, net):
    samples = {"cats/1.png": "cat", "rockets/1.png": "rocket", "mug.png": "coffee"}
    files = {name: encode_png(vl.load_sample(sample)) for name, sample in samples.items()}
    app = open_page("Predict")
    app.segmented_control(key="mode").set_value("Many pictures").run()
    assert app.button(key="many-start").disabled
    others = {"bad.jpg": b"no picture", "cats/notes.txt": b"no picture either", "scan.psd": b"8BPS"}
    app.file_uploader(key="many-zip").set_value(zipped({**files, **others, "Thumbs.db": b"left behind"})).run()
    app.button(key="many-start").click().run()
    finish_jobs()
    app.run()
    assert not app.exception
    table = app.dataframe[0].value
    assert list(table["Picture"]) == sorted(samples)
    for row, (name, sample) in zip(table.to_dict("records"), sorted(samples.items()), strict=True):
        (expected,) = vl.predict(net, [vl.load_image(files[name])], 3)
        assert [row[f"Answer {i}"] for i in (1, 2, 3)] == [answer.label for answer in expected], sample
        assert row["Probability 1"] == pytest.approx(100 * expected[0].probability, abs=1e-2)
    formats = json.loads(app.dataframe[0].proto.columns)
    assert {formats[f"Probability {i}"]["type_config"]["format"] for i in (1, 2, 3)} == {"%.1f%%"}
    assert any(each.value == f"3 of {3 + len(samples)} files could not be read:" for each in app.markdown)
    listed = next(text for text in texts(app) if text.startswith("bad.jpg: ")).splitlines()
    assert [line.split(":")[0] for line in listed] == list(others)
    assert listed[1:] == [
        f"cats/notes.txt: {no_picture(b'?')}",
        f"scan.psd: {no_picture(b'8BPS')}",
    ]
    graded = [text for text in texts(app) if text[0] in "✓✗"]
    assert {text[2:].split(":")[0] for text in graded} <= {"cat", "mug", "rocket"}
    assert any(heading.value.startswith("First words: ") for heading in app.subheader)


def head_on(net, *labels: str) -> Head:
    """One that knows these classes, and nothing of them."""
    width, count = net.layer("avgpool").shape[0], len(labels)
    weights = np.random.default_rng(0).normal(size=(count, width)).astype(np.float32)
    return Head(weights, np.zeros(count, np.float32), labels, net.name, "avgpool", network_fingerprint(net))


def test_answers_to_a_zip_stay_those_of_the_network_that_was_asked(open_page, net, monkeypatch):
    """Whatever network or zip is chosen since; they are graded by its words."""
    monkeypatch.setattr(many_view, "first_here", lambda names: "another")  # as where the built-in one is not the best
    app = open_page("Predict")
    app.session_state["trained_head"] = TrainedHead("of two", head_on(net, "cat", "dog"))
    app.segmented_control(key="mode").set_value("Many pictures").run()
    first, second = (zipped({f"{name}/1.png": encode_png(vl.load_sample("cat"))}) for name in ("dogs", "rockets"))
    for name, title, option in (
        ("your-head", "Your own head", " --head head.safetensors"),
        (net.name, MODELS[net.name].title, f" --model {net.name}"),
    ):
        app.selectbox(key="network").set_value(name).run()
        assert any(each.value.endswith(f"`python -m visionlab predict FOLDER{option}`") for each in app.caption)
        app.file_uploader(key="many-zip").set_value(first).run()
        app.button(key="many-start").click().run()
        finish_jobs()
        app.run()
        assert [each.value for each in app.markdown if "named by" in each.value] == [
            f"**many\\.zip**, named by **{plain(title)}**"
        ]
        assert not app.info, "these are the answers that were asked for"
    app.selectbox(key="network").set_value("your-head").run()
    app.file_uploader(key="many-zip").set_value(("other.zip", *second[1:])).run()
    assert not app.exception
    assert "you have chosen Your own head and other\\.zip:" in app.info[0].value
    (expected,) = vl.predict(net, [vl.load_sample("cat")], 3)
    [row] = app.dataframe[0].value.to_dict("records")
    assert [row[f"Answer {i}"] for i in (1, 2, 3)] == [answer.label for answer in expected]
    [graded] = [text for text in texts(app) if text[0] in "✓✗"]
    assert graded == f"✗ dog: {expected[0].label}"
    app.button(key="many-start").click().run()
    finish_jobs()
    app.run()
    assert not app.info
    assert not [text for text in texts(app) if text[0] in "✓✗"], "the head knows no word of rockets"


def test_names_of_many_pictures_that_were_guessed_wrong_are_read_another_way(open_page):
    app = open_page("Predict")
    app.segmented_control(key="mode").set_value("Many pictures").run()
    names = ["kočka/druhá.png", *(f"žába/první {number}.png" for number in range(4))]
    files = {name: encode_png(vl.load_sample("cat")[place:]) for place, name in enumerate(names)}
    files |= {"žába/poznámka.txt": b"", "mug.png": b"no"}
    app.file_uploader(key="many-zip").set_value(("many.zip", unmarked(files, "cp1250"), "application/zip")).run()
    app.button(key="many-start").click().run()
    finish_jobs()
    app.run()
    assert "koèka/druhá.png" in list(app.dataframe[0].value["Picture"])
    for _ in range(2):
        app.selectbox(key="many-names").set_value("cp1250").run()
        assert not app.exception
        assert list(app.dataframe[0].value["Picture"]) == names
        assert any("žába/poznámka.txt: The file is empty" in text for text in texts(app))
        app.selectbox(key="many-names").set_value("cp1252").run()
        assert "koèka/druhá.png" in list(app.dataframe[0].value["Picture"])
    app.selectbox(key="many-names").set_value("cp1250").run()
    app.segmented_control(key="many-seen").set_value("In space").run()
    finish_jobs()
    app.run()
    assert not app.exception
    assert app.segmented_control(key="many-colours").options == ["Folder", "Answer"]


def test_a_zip_without_pictures_gets_a_sentence(open_page):
    app = open_page("Predict")
    app.segmented_control(key="mode").set_value("Many pictures").run()
    app.file_uploader(key="many-zip").set_value(zipped({"notes.txt": b"nothing"})).run()
    app.button(key="many-start").click().run()
    finish_jobs()
    app.run()
    assert "The zip holds no picture; put JPEG, PNG, WebP, AVIF, HEIC, GIF, BMP or TIFF files into it." in texts(app)


def test_several_uploads_at_once_and_each_of_them_again(open_page):
    app = open_page("Predict")
    broken = ("broken.jpg", b"no picture", "image/jpeg")
    app.file_uploader(key="upload").set_value([picture(1), picture(2), broken, picture(3)]).run()
    assert not app.exception
    assert "3.png\N{NO-BREAK SPACE}· 63 × 40 px" in texts(app)
    assert [text for text in texts(app) if text.startswith("broken.jpg: ")]
    which = app.selectbox(key="which")
    assert which.options == ["3.png", "2.png", "1.png"]
    which.set_value(hashlib.sha256(picture(1)[1]).hexdigest()).run()
    assert not app.exception
    assert "1.png\N{NO-BREAK SPACE}· 61 × 40 px" in texts(app)
    app.file_uploader(key="upload").set_value([picture(1), (picture(1)[0], *picture(4)[1:])]).run()
    which = app.selectbox(key="which")
    assert which.options == ["1.png", "1.png (2)", "3.png", "2.png"], "no two the same"
    which.set_value(hashlib.sha256(picture(1)[1]).hexdigest()).run()
    assert "1.png\N{NO-BREAK SPACE}· 61 × 40 px" in texts(app)
    app.switch_page("pages/3_Feature_maps.py").run()
    assert "1.png\N{NO-BREAK SPACE}· 61 × 40 px" in texts(app)
    assert not app.exception


def test_class_and_explained_layer_are_in_the_link_and_are_left_behind_with_picture_and_network(open_page, app, net):
    app.query_params["class"] = "banana"
    app.query_params["explained-layer"] = "relu4_2"
    app = open_page("Predict")
    [why] = [box for box in app.selectbox if box.label == "Why this class?"]
    assert net.labels[why.value] == "banana"
    layer = app.selectbox(key=f"explained-layer-{net.name}")
    assert layer.value == "relu4_2"
    app.run()
    assert app.query_params["class"] == "banana"
    assert app.query_params["explained-layer"] == "relu4_2"
    app.selectbox(key=f"explained-layer-{net.name}").set_value("").run()
    app.segmented_control(key=SAMPLE).set_value("rocket").run()
    assert not app.exception
    assert "class" not in app.query_params
    assert "explained-layer" not in app.query_params


@pytest.mark.parametrize(
    ("link", "told"),
    [
        ({"class": "banane"}, "There is no class “banane”, so “{best}” is shown. Did you mean “banana”?"),
        ({"explained-layer": "relu9_9"}, "so “the last convolution” is shown. Did you mean “relu"),
        ({"layer": "fc9"}, "There is no layer for reasons “fc9”, so “the last convolution” is shown."),
        ({"method": "guesses"}, "There is no method “guesses”, so “Grad-CAM” is shown. There are grad-cam, "),
        ({"mode": "Live"}, "There is no mode “Live”, so “A picture” is shown. There are A picture, Live camera, "),
        ({"closer": "<b>"}, "There is no closer look “<b>”. There are All methods, "),
        ({"sample": "zebra"}, "There is no sample “zebra”, so “Cat” is shown. There are cat, "),
    ],
)
def test_what_a_link_names_and_is_not_there_gets_a_sentence_while_something_else_is_shown(
    app, open_page, net, cat, link, told
):
    app.query_params.update(link)
    app = open_page("Predict")
    told = told.format(best=net.labels[int(cat.argmax())])
    for _ in range(2):
        assert [told in text for text in texts(app)].count(True) == 1, texts(app)
        [why] = [box for box in app.selectbox if box.label == "Why this class?"]
        assert why.value == int(cat.argmax())
        assert app.selectbox(key=f"explained-layer-{net.name}").value == ""
        assert app.selectbox(key="method").value == "grad-cam"
        app.run()
        assert not app.exception
    app.segmented_control(key=SAMPLE).set_value("rocket").run()
    app.selectbox(key="method").set_value("layer-cam").run()
    app.selectbox(key=f"explained-layer-{net.name}").set_value("relu4_2").run()
    app.segmented_control(key="closer").set_value("Every layer").run()
    app.segmented_control(key="mode").set_value("Many pictures").run()
    app.segmented_control(key="mode").set_value("A picture").run()
    assert not any(told.split(",")[0] in text for text in texts(app))


@pytest.mark.parametrize("link", [{"method": "occlusion"}, {"method": "Occlusion"}])
def test_a_link_names_a_method_as_the_shell_or_as_the_page_does(app, open_page, link):
    app.query_params.update(link)
    app = open_page("Predict")
    for _ in range(2):
        assert app.selectbox(key="method").value == "occlusion"
        assert not [text for text in texts(app) if "method" in text]
        app.run()
    assert app.query_params["method"] in ("Occlusion", ["Occlusion"])


def test_one_comes_back_to_class_method_and_layer_as_one_left_them(open_page, net):
    app = open_page("Predict")
    for label, layer in (("banana", "relu4_2"), ("lemon", "relu5_1")):
        [why] = [box for box in app.selectbox if box.label == "Why this class?"]
        why.set_value(net.labels.index(label)).run()
        app.selectbox(key="method").set_value("layer-cam").run()
        app.selectbox(key=f"explained-layer-{net.name}").set_value(layer).run()
        for script in ("home.py", "pages/2_Filters.py", "pages/4_Predict.py"):
            app.switch_page(script).run()
            assert not app.exception
        [why] = [box for box in app.selectbox if box.label == "Why this class?"]
        assert net.labels[why.value] == label
        assert app.selectbox(key="method").value == "layer-cam"
        assert app.selectbox(key=f"explained-layer-{net.name}").value == layer
        assert app.query_params["class"] == label
        assert app.query_params["explained-layer"] == layer


def test_a_photograph_is_shown_with_what_is_said_of_it_and_leads_to_the_reasons(open_page, net):
    app = open_page("Predict")
    for sample in ("rocket", "coffee"):  # a person takes two
        app.segmented_control(key="mode").set_value("Live camera").run()
        still = encode_jpeg(vl.load_sample(sample), 95)
        app.session_state["live-camera-photograph"] = still  # as the camera hands it over
        app.run()
        assert not app.exception
        expected = vl.predict(net, [vl.load_image(still)], 5)[0]
        assert bars(app) == [(each.label, f"{each.probability:.1%}") for each in expected]
        app.run()
        assert len(bars(app)) == 5, "it stays"
        next(button for button in app.button if button.label == "See the reasons").click().run()
        assert not app.exception
        assert app.segmented_control(key="mode").value == "A picture"
        assert bars(app) == [(each.label, f"{each.probability:.1%}") for each in expected]
    app.segmented_control(key=SAMPLE).set_value("cat").run()
    app.segmented_control(key="mode").set_value("Live camera").run()
    assert bars(app), "its photograph is still the last picture of one’s own"


def test_the_edge_of_what_the_network_sees_has_a_word(open_page):
    app = open_page("Predict")
    square = encode_png(np.random.default_rng(0).integers(0, 256, (80, 80, 3), dtype=np.uint8))
    wide = encode_png(np.random.default_rng(0).integers(0, 256, (80, 200, 3), dtype=np.uint8))
    for name, file, told in (("wide.png", wide, True), ("square.png", square, False)):
        app.file_uploader(key="upload").set_value((name, file, "image/png")).run()
        finish_jobs()
        app.run()
        assert any("sees the middle of the picture alone" in each.value for each in app.caption) == told


@pytest.mark.parametrize(
    ("asked", "told"),
    [("yours", "own picture is not kept when a page"), ("zebra", "There is no sample “zebra”, so “Cat” is")],
)
def test_a_link_to_a_picture_that_is_not_here_says_so_until_another_is_chosen(app, open_page, asked, told):
    app.query_params[SAMPLE] = asked
    app = open_page("Predict")
    for _ in range(2):
        assert any(told in text for text in texts(app))
        app.run()
    app.segmented_control(key=SAMPLE).set_value("rocket").run()
    assert not any(told in text for text in texts(app))
    assert app.query_params[SAMPLE] == "rocket"


def test_what_the_link_asked_for_in_vain_is_told_on_its_page_alone(app, open_page):
    app.query_params[SAMPLE] = "yours"
    app = open_page("Filters")
    assert any("own picture is not kept" in text for text in texts(app))
    app = open_page("Predict")
    assert not any("own picture is not kept" in text for text in texts(app))


def test_a_class_that_was_asked_of_another_picture_is_not_asked_of_the_sample(app, open_page, net):
    *_, second = vl.predict(net, [vl.load_sample("cat")], top=2)[0]
    app.query_params[SAMPLE], app.query_params["class"] = "yours", second.label
    app = open_page("Predict")
    assert "class" not in app.query_params


def test_the_link_says_that_the_picture_is_ones_own(open_page):
    app = open_page("Predict")
    app.file_uploader(key="upload").set_value([picture(1)]).run()
    assert not app.exception
    assert app.query_params[SAMPLE] == "yours"


@pytest.mark.parametrize("refuses", [True, False])
def test_a_head_that_refuses_says_so_wherever_it_is_asked(open_page, net, refuses):
    """On a picture, in the table of several networks, on a photograph, and to a frame of the camera."""
    width = net.layer("avgpool").shape[0]
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(2, width)).astype(np.float32)
    learned = rng.normal(size=(40, width)).astype(np.float32)
    refusal = replace(fit_refusal(learned, np.arange(40) % 2, learned), threshold=0.0 if refuses else 1e9)
    named = (("cats", "dogs"), net.name, "avgpool", network_fingerprint(net))
    head = Head(weights, np.zeros(2, np.float32), *named, refusal=refusal)
    mine = head.as_classifier(net)
    assert vl.answer(mine, [vl.load_sample("cat")])[0].refused == refuses
    app = open_page("Predict")
    app.session_state["trained_head"] = TrainedHead(f"refuses {refuses}", head)
    app.run()
    app.selectbox(key="network").set_value("your-head").run()
    assert not app.exception
    assert any("**None of these.**" in each.value for each in app.markdown) == refuses
    assert any("**It says " in each.value for each in app.markdown) != refuses
    order = [getattr(each, "value", None) or str(each.proto) for each in app.main]
    says = next(place for place, text in enumerate(order) if "**None of these.**" in text or "**It says " in text)
    names = next(place for place, text in enumerate(order) if "visionlab_bars" in text)
    assert (says < names) == refuses, "a refusal leads, or one reads a name first"
    app.segmented_control(key="mode").set_value("Several networks").run()
    table = next(element.value for element in app.get("html") if 'class="networks"' in element.value)
    assert ("None of these" in table) == refuses
    app.segmented_control(key="mode").set_value("Live camera").run()
    app.session_state["live-camera-photograph"] = encode_jpeg(vl.load_sample("cat"), 95)
    app.run()
    assert not app.exception
    assert any("**None of these.**" in each.value for each in app.markdown) == refuses
    for why in (False, True):
        frame = Frame(1, encode_jpeg(vl.load_sample("cat"), 95), why)
        assert answer_to(frame, mine).refused == refuses


def keeping(heads: list) -> None:
    from visionlab.ui.shared.networks import own_head

    for head in heads:
        own_head.keep(head)


def test_ones_own_head_stays_after_a_reload_and_where_it_is_lost_that_is_said(open_page, new_app, net):
    width, browser = net.layer("avgpool").shape[0], "a" * 32
    first, second = (
        Head(np.zeros((2, width), np.float32), np.zeros(2, np.float32), labels, net.name, "avgpool", "x")
        for labels in (("cats", "dogs"), ("ants", "bees"))
    )
    first, second = (replace(each, fingerprint=network_fingerprint(net)) for each in (first, second))
    before = AppTest.from_function(keeping, args=([first, second],))
    before.session_state[COOKIE] = browser
    before.run()
    link = {"network": "Your own head", "head": hashlib.sha256(first.to_bytes()).hexdigest()[:16]}
    for cookie, told in ((browser, False), ("b" * 32, True)):
        app = new_app()
        app.session_state[COOKIE] = cookie
        app.run().switch_page("pages/4_Predict.py")
        for name, value in link.items():
            app.query_params[name] = value
        app.run()
        assert not app.exception
        assert (app.selectbox(key="network").value == "your-head") != told
        for _ in range(2):
            assert any("a head that this browser does not have" in text for text in texts(app)) == told
            assert app.query_params["network"] in ("Your own head", ["Your own head"]), "it is asked again on a reload"
            assert app.query_params["head"] in (link["head"], [link["head"]])
            app.run()
        if not told:
            assert {name for name, _ in bars(app)} == {"cats", "dogs"}, "not the latest one: that of the link"
            continue
        app.switch_page("pages/3_Feature_maps.py").run()
        assert any("a head that this browser does not have" in text for text in texts(app))


def test_what_was_asked_of_a_head_that_is_not_here_is_not_asked_of_another_network(new_app, net, cat):
    """Class, layer and unit of the link; and that the head is not here stands over what another one answers."""
    pages = {}
    for title, asked in (
        ("Predict", {"class": "banana", "explained-layer": "relu1_1"}),
        ("Feature maps", {"class": "banana", "layer": "prob", "channel": "7", "unit": "0,0", "order": "contribution"}),
    ):
        pages[title] = app = new_app()
        app.run().switch_page(PAGES[title].script)
        app.query_params.update({"network": "Your own head", "head": "0" * 16, **asked})
        app.run()
        assert not app.exception
        assert not [text for text in texts(app) if text.startswith("There is no ")]
        shown = [str(getattr(element, "value", "")) for element in app.main]
        [said] = [at for at, value in enumerate(shown) if "this browser does not have" in value]
        [answered] = [at for at, value in enumerate(shown) if value.startswith(("**Top 5 of", "Channel, 0 to"))]
        assert said < answered
    predict, maps = pages.values()
    assert next(box for box in predict.selectbox if box.label == "Why this class?").value == cat.argmax()
    assert predict.selectbox(key=f"explained-layer-{net.name}").value == ""
    assert maps.session_state["spot"].layer == "conv1_1"
    assert not maps.session_state["spot"].held
    assert next(box for box in maps.selectbox if box.label == "Class").value == cat.argmax()


def test_what_was_refused_is_told_on_the_page_where_it_was_and_on_no_other(open_page):
    app = open_page("Predict")
    app.file_uploader(key="upload").set_value([("broken.jpg", b"no picture", "image/jpeg")]).run()
    for _ in range(2):
        assert [text for text in texts(app) if text.startswith("broken.jpg: ")]
        app.run()
    for script in ("pages/3_Feature_maps.py", "pages/4_Predict.py"):
        app.switch_page(script).run()
        assert not app.exception
        assert not [text for text in texts(app) if text.startswith("broken.jpg: ")]


def test_sizes_are_in_megabytes_of_a_million_bytes_and_the_own_temperature_is_told(open_page, net):
    app = open_page("Predict")
    assert f"divided by {net.temperature:.3g}" in app.slider(key="temperature").help
    app.segmented_control(key="mode").set_value("Several networks").run()
    table = next(element.value for element in app.get("html") if 'class="networks"' in element.value)
    size = sum(parameter.nbytes for parameter in net.module.parameters())
    assert f"<td>{sized(size)}</td>" in table
