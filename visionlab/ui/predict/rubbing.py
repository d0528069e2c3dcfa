"""Rub it out, on the Predict page: what a person erases from the picture, what the network makes of what is left, and
whether a method of explanation would have known better what to erase."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from hashlib import sha256
from pathlib import PurePath

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from visionlab.garbage import leave_out_imports
from visionlab.imaging.image import Image, encode_jpeg, encode_png, fit, middle
from visionlab.network.changes.erasing import FILLINGS, SHARES, erase, grey_of, rubbed_out_by, share_of
from visionlab.network.explain import METHODS, explain
from visionlab.network.explain.cam import answer_and_map
from visionlab.network.explain.heatmap import lay_over
from visionlab.network.running.prediction import Answer, Prediction
from visionlab.ui.predict.answers import tell_at_one
from visionlab.ui.predict.explanations import LONGEST, MEASURES, Case, Overlay, stopped
from visionlab.ui.shared import cached, charts, jobs, links, picture_bar
from visionlab.ui.shared.components import eraser
from visionlab.ui.shared.components.eraser import Left, Rubbed
from visionlab.ui.shared.page import told
from visionlab.ui.shared.state import Picture
from visionlab.ui.shared.undisturbed import attempt
from visionlab.ui.shared.widgets import SLIMMEST, plain

FILLING, STRENGTH = "filling", "rub"  # in the link: what comes where something was, and how much of that goes
TOP = 5
TRAIL = 400  # places of a person's own curve that are remembered
MAP = 256  # pixels of the longer side of the maps by which methods erase
LEAST = 0.005  # of what the network sees: less than that is compared with nothing
CURVES = SHARES[-1]  # how far the methods' curves go
TAKEN = "rubbed-taken"  # the picture is another one now
HELD = "rubbed-last"  # the number of the mask that the methods have given way to
LOOK = 1.0  # seconds between looks at the methods' curves
HAND = 1.0  # seconds after a stroke in which the methods wait, for the next one


def show(case: Case, picture: Picture, look: Overlay) -> None:
    """The eraser, and under it the curves: one's own, and that of the method which is best at this."""
    _rub(case, picture, look)


@st.cache_resource(max_entries=32, show_spinner=False)
def _erasing(
    session: str, net_key: str, picture_key: str, target: int, filling: str, strength: float, _case: Case
) -> str:
    """The id of a job that erases by one method after the other: (method, the class's probabilities at SHARES)."""

    def work(job: jobs.Job) -> Iterator[tuple[str, NDArray[np.float32]]]:
        engine = cached.engine_of(_case.net)
        height, width = _case.image.shape[:2]
        scale = min(1.0, MAP / max(height, width))
        shape = max(1, round(height * scale)), max(1, round(width * scale))
        for place, method in enumerate(METHODS):

            def report(share: float, part: float, place: int = place) -> None:
                job.report((place + part + share / 2) / len(METHODS))

            asked = (method, _case.target, None, partial(report, part=0.0), shape)
            heat = engine.run(explain, _case.image, *asked)
            told = partial(report, part=0.5)
            yield method, engine.run(rubbed_out_by, _case.image, heat, SHARES, filling, strength, progress=told)

    return jobs.registry().submit(work, queue=MEASURES)


@st.fragment
def _rub(case: Case, picture: Picture, look: Overlay) -> None:
    """Runs again by itself with each change of what is rubbed out."""
    if st.session_state.pop(TAKEN, False):
        st.rerun()  # the whole page: it is another picture
    leave_out_imports()
    filling, strength = _choices()
    key, shape = f"rubbed-{case.network.key}-{case.key}", eraser.mask_shape(case.shown.shape[:2])
    rubbed = eraser.latest_rubbed(key, shape)
    kept_as = f"rubbed-{case.key}"  # over other pages, and for other networks
    before = st.session_state.get(kept_as)
    if rubbed:
        st.session_state[kept_as] = rubbed
    asked = (jobs.session(), case.network.key, case.key, case.target, filling, strength, case)
    left, share, erased = None, 0.0, None
    with st.container(), told():  # a place of its own, so that the eraser stays in its own
        if rubbed:
            job = jobs.only("erasing", _erasing, *asked)
            if st.session_state.get(HELD) != rubbed.number:
                st.session_state[HELD] = rubbed.number
                job.give_way(HAND)
            erased = erased_from(case, rubbed, filling, strength)
            share = share_of(case.net, rubbed.mask) if strength else 0.0
            left, probability = _answered(case, rubbed, erased, share, strength, look)
    eraser.eraser(
        key=key,
        picture=cached.picture_bytes(f"middle of {case.key}", LONGEST, case.shown),
        shape=shape,
        before=before,
        left=left,
        what="Rub over the picture, and see what the network is left with.",
    )
    if left is None or erased is None or rubbed is None:
        return
    st.markdown("**Can you beat the explanations?**")
    trail = _trail(case, rubbed, filling, strength, share, probability)
    if job.over:
        _compared(case, job, trail)
        stopped(job, _erasing, asked)
    else:
        jobs.watch(job, partial(_compared, case, job, trail), "Stop", "stop-erasing", every=LOOK)
    with st.container(horizontal=True, gap="small"):
        name = f"{PurePath(picture.name).stem}, rubbed out.png"

        def use() -> None:
            picture_bar.take([(name, encode_png(erased))])
            st.session_state[TAKEN] = True
            if not job.ended:  # else its watch might end the run that is to show the page anew
                job.cancel()
                _erasing.clear(*asked)

        st.button(
            "Use it on every page",
            icon=":material/check:",
            key="use-rubbed",
            disabled=not share,
            on_click=partial(attempt, use),
        )
        st.download_button(
            "The picture as PNG",
            lambda: encode_png(erased),
            name,
            "image/png",
            icon=":material/download:",
            on_click="ignore",
            key="save-rubbed",
        )


def _choices() -> tuple[str, float]:
    """What comes where something was, and how much of that goes."""
    usual = next(iter(FILLINGS))
    links.begin(FILLING, {name: known.title for name, known in FILLINGS.items()}, "filling", usual)
    links.number(STRENGTH, "A share of", 0, 100, st.session_state.get(STRENGTH, 100))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        filling = st.segmented_control(
            "What comes instead",
            FILLINGS,
            format_func=lambda name: FILLINGS[name].title,
            default=usual,
            required=True,
            key=FILLING,
            bind="query-params",
            help=" ".join(f"{known.title}: {known.about}" for known in FILLINGS.values()),
            width="content",
        )
        strength = st.slider("How much goes, %", 0, 100, 100, 5, key=STRENGTH, bind="query-params", width=220)
    return filling, strength / 100


def erased_from(case: Case, rubbed: Rubbed, filling: str, strength: float) -> Image:
    """The whole picture, rubbed out where its shown part was."""
    whole = case.image.copy()
    part = middle(whole, SLIMMEST)
    part[...] = erase(part, rubbed.mask, filling, strength, grey_of(case.net))
    return whole


def _answered(
    case: Case, rubbed: Rubbed, erased: Image, share: float, strength: float, look: Overlay
) -> tuple[Left, float]:
    """What is left, as it is shown; and the class's probability."""
    net, engine = case.net, cached.engine_of(case.net)
    probabilities, values = engine.run(answer_and_map, erased, case.target)
    said = Answer(net.labels, probabilities)
    strange = engine.answer(erased).strange if net.refusal else None
    shown = fit(middle(erased, SLIMMEST), LONGEST)
    heat = lay_over(net.transform, shown.shape[:2], values)
    label, probability = net.labels[case.target], float(said.probabilities[case.target])
    answers: list[Prediction] = said.top(TOP)
    if case.target not in [each.index for each in answers]:
        answers.append(Prediction(label, case.target, probability))
    far = "gone" if strength == 1 else f"gone by {strength:.0%}"
    gone = f"{share:.0%} of what the network sees is {far}. " if share else ""
    text = f"{gone}Where it looks now for “{label}” ({probability:.1%}), by Grad-CAM."
    if not heat.any():
        text = f"{gone}No place speaks for “{label}” ({probability:.1%}) any more, by Grad-CAM."
    laid = look.over(shown, heat)
    return Left(rubbed.number, encode_jpeg(shown), encode_jpeg(laid), answers, strange, text), probability


def _compared(case: Case, job: jobs.Job, trail: Sequence[tuple[float, float]]) -> None:
    """One's own curve beside those of the methods that have answered by now, and who is ahead."""
    found = dict(job.events)
    best = min(found, key=lambda method: found[method].mean()) if found else None
    label = plain(case.net.labels[case.target])
    share, probability = trail[-1]
    if best is None:
        st.caption("The methods are being asked what they would rub out first …")
    else:
        asked = f"the best of {len(found)} methods here" if job.ended else f"the best of {len(found)} so far"
        st.caption(f"Each would rub out first what it marks most for “{label}”. {METHODS[best].title} is {asked}.")
        if LEAST <= share <= CURVES:
            theirs = float(np.interp(share, SHARES, found[best]))
            mine, its = round(probability, 3), round(theirs, 3)  # as they are written
            ahead = "You are ahead" if mine < its else "It is ahead" if mine > its else "You are even"
            st.markdown(
                f"{ahead}: with {share:.0%} gone you left “{label}” {probability:.1%}, "
                f"{METHODS[best].title} would have left it {theirs:.1%}."
            )
        elif share > CURVES:
            st.caption(f"The methods’ curves end at {CURVES:.0%}: rub out less to be compared.")
    curves = {METHODS[method].title: found[method] for method in dict.fromkeys([best, "grad-cam"]) if method in found}
    tell_at_one()
    st.plotly_chart(charts.rubbed_out(trail, SHARES, curves), config=charts.PLAIN, key="rubbed-curves")
    if not job.ended:
        waits = "Waiting: other pictures are being measured first." if job.place else "Asking the methods …"
        st.progress(min(job.share, 1.0), waits)


def _trail(
    case: Case, rubbed: Rubbed, filling: str, strength: float, share: float, probability: float
) -> Sequence[tuple[float, float]]:
    """(share, the class's probability) of what has been rubbed out, bit by bit, on the way to what is now."""
    about = sha256(repr((case.network.key, case.key, case.target, filling, strength, rubbed.kept)).encode()).hexdigest()
    known, trail = st.session_state.get("rubbed-trail", (None, []))
    trail = [place for place in trail if place[0] < share] if known == about else []
    trail = [*trail, (share, probability)][-TRAIL:]
    st.session_state["rubbed-trail"] = about, trail
    return trail
