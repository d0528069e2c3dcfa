"""The picture that all pages work on: a sample at once, or the user's own: uploaded, pasted, or photographed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.scriptrunner import get_script_run_ctx

from visionlab.errors import ImageError, log_line
from visionlab.imaging.guards import too_many_bytes
from visionlab.imaging.image import MAX_BYTES, load_image
from visionlab.imaging.samples import SAMPLES, load_sample
from visionlab.ui.shared import links, state
from visionlab.ui.shared.components.paste_and_drop import Refused, paste_and_drop, refused
from visionlab.ui.shared.page import sentence, strip
from visionlab.ui.shared.widgets import distinct, show, upload_limit
from visionlab.wording import sized

THUMBNAIL = 112  # pixels, of which the strip shows half as many: sharp on any screen
STUCK = "\N{NO-BREAK SPACE}"  # or a dot would begin the second line
UPLOADER, PASTE = "upload", "paste"  # the widgets that bring one's own
SLIMMEST = 5 / 3  # times as long as wide: of what is slimmer the strip shows the middle


def image_picker(place: DeltaGenerator | None = None) -> state.Picture:
    """The picture, and what brings another, in the page's strip or at another place.

    The user's own picture goes along from page to page.
    """
    _take_uploads()
    mine = state.uploaded()
    options = [*SAMPLES, *([state.YOURS] if mine else [])]
    state.restore_choice(options)
    bar = {"horizontal": True, "vertical_alignment": "center", "gap": "small", "width": "content"}
    with (place or strip()).container(key="picture-bar", **bar):
        shown, told = (st.container(key=key, width="content") for key in ("picture-shown", "picture-name"))
        panel = st.container(key="another-picture", width="content")
        with panel, st.expander("Another picture", icon=":material/add_photo_alternate:"):
            picture = _choice(mine, options)
            with st.container(key="unseen-upload"):
                st.file_uploader(
                    "Your own picture",
                    type=None,  # it is known by its bytes: it may have no suffix, and what is none is told why
                    accept_multiple_files=True,
                    key=UPLOADER,
                    max_upload_size=_most() >> 20,
                )
            where = {"uploader": UPLOADER, "panel": "another-picture"}
            paste_and_drop(key=PASTE, **where, picture=picture.key, problem=state.upload_error(), most=_most())
        with shown:
            show(picture, THUMBNAIL, alt=f"The picture: {picture.name}", width="content", slimmest=SLIMMEST)
        height, width = picture.image.shape[:2]
        told.text(f"{picture.name}{STUCK}· {width} × {height} px")
    if problem := state.upload_error() or _missed():
        sentence(problem)
    return picture


def _missed() -> str | None:
    """Why the picture is not the one that the link asks for."""
    wanted, instead = state.missed_picture(), next(iter(SAMPLES.values())).title
    if wanted == state.YOURS:
        return (
            "One’s own picture is not kept when a page is opened anew, nor does a link carry it, so "
            f"“{instead}” is shown. Open it again, or drop it here."
        )
    return wanted and links.unknown("sample", wanted, SAMPLES, instead)


def _choice(mine: state.Picture | None, options: Sequence[str]) -> state.Picture:
    """A sample, or one of the user's own pictures."""
    titles = {name: sample.title for name, sample in SAMPLES.items()} | {state.YOURS: "Your picture"}
    picked = st.segmented_control(
        "Picture",
        options,
        required=True,
        format_func=titles.get,
        key=state.SAMPLE,
        wrap=True,
    )
    state.remember_choice(picked)
    if mine and picked == state.YOURS:
        return _which(mine)
    st.caption(SAMPLES[picked].about)
    return _sample(picked)


def second_picture(first: state.Picture, on_change: Callable[[], None], place: DeltaGenerator) -> state.Picture | None:
    """Another picture to compare with: a sample, which is in the link, or an earlier upload; None: none is wanted.

    on_change is called once a person has chosen, before the script runs again. At that place is told what the link
    names in vain.
    """
    uploads = {key: name for key, name in state.gallery().items() if key != first.key}
    titles = {name: sample.title for name, sample in SAMPLES.items() if name != first.key} | uploads
    titles = distinct({"": "No other picture"} | titles)
    with place:
        links.begin(state.SECOND, titles, "picture to compare with", "")
    state.restore_second(list(titles))
    picked = st.selectbox("Compare with", titles, format_func=titles.get, key=state.SECOND, on_change=on_change)
    state.remember_second(picked, in_link=picked in SAMPLES)
    if not picked:
        return None
    return state.from_gallery(picked) if picked in uploads else _sample(picked)


def take(files: list[tuple[str, bytes]], at: str | None = None, beside: Sequence[str] = ()) -> None:
    """Pictures that came in, by name: the last usable one becomes the picture, what is unusable is told, none is lost.

    at: the place where they came, if not the bar, and where what is unusable is told then; see `taken_at`. beside: what
    is to be told of others that came with them. To be called before the picture bar is drawn.
    """
    problems = [*beside]
    for name, data in files:
        key = hashlib.sha256(data).hexdigest()
        try:
            image = load_image(data)
        except ImageError as error:
            problems.append(f"{name}: {error}")
            log_line(problems[-1], error.__cause__)
            continue
        state.keep_upload(state.Picture(name, key, image), data)
        if at:
            st.session_state[_taken(at)] = key
    state.keep_upload_error("\n".join(problems) or None, at)


def taken_at(place: str) -> state.Picture | None:
    """The user's picture, while it is the one that came in at that place last."""
    mine = state.uploaded()
    return mine if mine and st.session_state.get(_taken(place)) == mine.key else None


def _taken(place: str) -> str:
    return f"taken-at-{place}"


def _take_uploads() -> None:
    """What is new in the uploader is taken; what came last is all that is told of.

    Not in its callback: one that the next run of the page overtakes is never called again, and the picture were lost.
    """
    stamp, files_refused = refused(PASTE)
    not_here = [f"{file.name}: {_why(file)}" for file in files_refused]
    if state.is_news_of_refused(stamp):
        for told, file in zip(not_here, files_refused, strict=True):
            log_line(f"{told} ({file.why})" if file.why else told)
        state.keep_upload_error("\n".join(not_here) or None)
    if UPLOADER not in st.session_state:
        return
    files = {file.file_id: file for file in st.session_state[UPLOADER] or []}
    known, context = state.taken_uploads(), get_script_run_ctx()
    for name in known & files.keys():  # by an earlier run: Streamlit would keep their bytes until the session ends
        context.uploaded_file_mgr.remove_file(context.session_id, name)
    if files.keys() != known:  # else what was said of them stays
        take([(file.name, file.getvalue()) for name, file in files.items() if name not in known], beside=not_here)
        state.keep_taken_uploads(set(files))


def _most() -> int:
    """Bytes that a picture's file may have here: no more than the server takes of any file."""
    return upload_limit(MAX_BYTES >> 20) << 20


def _why(file: Refused) -> str:
    """Why a file did not come in; what the browser says of what was refused on its way is for the log alone."""
    if file.size is None:
        return "The file did not reach the server. Choose it again, or a smaller one."
    if (most := _most()) == MAX_BYTES:
        return too_many_bytes(file.size)
    size = sized(file.size)
    return f"The file has {size}; this server takes files of at most {most >> 20} MB. Choose a smaller picture."


def _which(mine: state.Picture) -> state.Picture:
    """One of the user's pictures, where there are several."""
    names = state.gallery()
    if len(names) < 2:
        return mine
    st.session_state["which"] = mine.key
    titles = distinct({key: names[key] for key in reversed(names)})
    st.selectbox(
        "Your pictures so far",
        titles,
        format_func=titles.get,
        key="which",
        on_change=_choose,
    )
    return mine


def _choose() -> None:
    if st.session_state["which"] in state.gallery():  # else the browser told a title that has changed since
        state.choose_upload(st.session_state["which"])


def _sample(name: str) -> state.Picture:
    return state.Picture(SAMPLES[name].title, name, load_sample(name))
