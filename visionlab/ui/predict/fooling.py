"""A change that nobody sees, on the Predict page: the picture, the change enlarged, what all networks answer before and
after, and what becomes of it when the picture is saved, blurred or resized."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import PurePath

import numpy as np
import streamlit as st

from visionlab.errors import VisionlabError
from visionlab.imaging.image import Image, encode_jpeg, encode_png, middle
from visionlab.network.changes.adversarial import WAYS, Adversarial, adversarial, difference
from visionlab.network.changes.surviving import FATES
from visionlab.network.running.prediction import Answer
from visionlab.ui.predict.explanations import PATIENCE, Case, stopped
from visionlab.ui.shared import cached, jobs, links, picture_bar, state
from visionlab.ui.shared.networks import Network, network, networks_here, title_of
from visionlab.ui.shared.page import roomy_columns
from visionlab.ui.shared.state import Picture
from visionlab.ui.shared.terms import term
from visionlab.ui.shared.widgets import SLIMMEST, how_far, plain, shown_width, size_of, sliding

WORKED = 1024  # pixels of the longest side: gradients of more take the memory of many pictures
TALLEST = 300  # pixels on the screen
TOWARDS, BUDGET, WAY = "towards", "budget", "way"  # in the link
ANY = "anything else"
ANYTHING = -1  # the index that stands for it
USUAL, MOST = 2, 16  # grey levels
NONE = "None of these"
ROWS = {"before": "Before", "after": "After", **{fate.name: fate.title for fate in FATES.values()}}


@dataclass(frozen=True, eq=False)
class Asked:
    """What a network of that title says to each of ROWS' pictures; or the sentence that says why it cannot."""

    title: str
    answers: Mapping[str, Answer]
    problem: str = ""


@st.cache_resource(max_entries=32, show_spinner=False)
def _fooling(
    session: str,
    net_key: str,
    picture_key: str,
    target: int | None,
    budget: int,
    way: str,
    others: tuple[str, ...],
    _case: Case,
    _image: Image,
    _networks: Sequence[Network | Asked],
) -> str:
    """The id of a job that makes the change, and then asks every network: an Adversarial, and an Asked a network."""

    def work(job: jobs.Job) -> Iterator[Adversarial | Asked]:
        engine = cached.engine_of(_case.net)
        told = {"progress": lambda share: job.report(0.7 * share)}
        made = engine.run(adversarial, _image, target, budget, way, **told)
        yield made
        pictures = {"before": _image, "after": made.image}
        pictures |= {name: fate.apply(made.image) for name, fate in FATES.items()}
        for place, one in enumerate(_networks, 1):
            yield one if isinstance(one, Asked) else _asked(one, pictures)
            job.report(0.7 + 0.3 * place / len(_networks))

    return jobs.registry().submit(work)


def _asked(one: Network, pictures: Mapping[str, Image]) -> Asked:
    try:
        engine = cached.engine_of(one.net)
        return Asked(one.title, {name: engine.answer(picture) for name, picture in pictures.items()})
    except VisionlabError as error:
        return Asked(one.title, {}, str(error))


def show(case: Case, picture: Picture) -> None:
    image = cached.fitted(case.key, WORKED, case.image)
    said = cached.answer(case.network.key, f"{case.key} at {WORKED}", case.net, image)
    target, budget, way = _choices(case, said)
    networks = [_network(name) for name in networks_here()]
    keys = tuple(one.title if isinstance(one, Asked) else one.key for one in networks)
    arguments = (jobs.session(), case.network.key, case.key, target, budget, way, keys, case, image, networks)
    job = jobs.only("fooling", _fooling, *arguments)
    job.wait(PATIENCE)
    if not job.events:
        if not job.over:
            what = "Following the gradient …"
            jobs.watch(job, lambda: how_far(job, what), "Stop", "stop-fooling")
        else:
            stopped(job, _fooling, arguments)
        return
    made, *rows = job.events
    _pictures(case, image, made, said)
    if not job.over:
        what = "Asking every network …"
        jobs.watch(job, lambda: how_far(job, what), "Stop", "stop-fooling")
        return
    if stopped(job, _fooling, arguments):
        return
    st.html(_table(rows, case))
    st.caption(
        "✗: another answer than that network gave before. The change was made for "
        f"{plain(case.network.title)} alone; what else falls for it has learned much the same. After it the picture is "
        + ", ".join(f"{fate.about}" for fate in FATES.values())
        + "."
    )
    with st.container(horizontal=True, gap="small"):
        name = f"{PurePath(picture.name).stem}, changed.png"  # a JPEG would change it again
        st.button(
            "Use it on every page",
            icon=":material/check:",
            key="use-fooled",
            on_click=lambda: picture_bar.take([(name, encode_png(made.image))]),
        )
        st.download_button(
            "The changed picture as PNG",
            lambda: encode_png(made.image),
            name,
            "image/png",
            icon=":material/download:",
            on_click="ignore",
            key="save-fooled",
        )


def _choices(case: Case, said: Answer) -> tuple[int | None, int, str]:
    """Which class it is to become (None: any other), by how many grey levels at most, and how that is searched for."""
    labels = case.net.labels
    links.begin(WAY, {name: known.title for name, known in WAYS.items()}, "way", next(iter(WAYS)))
    key = f"{TOWARDS}-{case.network.key}-{case.key}"
    first, *others = [each.index for each in said.top(len(labels))]
    linked, told = state.linked_once(TOWARDS), None
    if linked and key not in st.session_state and not state.asked_of_another():
        if linked in labels and labels.index(linked) != first:
            st.session_state[key] = labels.index(linked)
        elif linked not in labels:
            told = links.unknown("class to aim at", linked, labels, ANY)
    links.tell(TOWARDS, told, (key, st.session_state.get(key)))
    links.number(BUDGET, "A budget of", 1, MOST, st.session_state.get(BUDGET, USUAL))
    one, two, three = roomy_columns(3, "fooling", gap="medium")
    target = one.selectbox(
        f"Not “{plain(labels[first])}”, but",
        [ANYTHING, *others],
        format_func=lambda index: ANY if index == ANYTHING else labels[index],
        key=key,
        persist_state="session",
    )
    state.keep_in_link(TOWARDS, None if target == ANYTHING else labels[target])
    budget = two.slider(
        "Grey levels, at most", 1, MOST, USUAL, key=BUDGET, bind="query-params", help=term("adversarial budget")
    )
    way = three.segmented_control(
        "How",
        WAYS,
        format_func=lambda name: WAYS[name].title,
        default=next(iter(WAYS)),
        required=True,
        key=WAY,
        bind="query-params",
        help=" ".join(f"{known.title}: {known.about} ({known.paper})" for known in WAYS.values()),
    )
    return None if target == ANYTHING else target, budget, way


def _network(name: str) -> Network | Asked:
    try:
        return network(name)
    except VisionlabError as error:
        return Asked(title_of(name), {}, str(error))


def _pictures(case: Case, image: Image, made: Adversarial, said: Answer) -> None:
    labels = case.net.labels
    now = cached.engine_of(case.net).answer(made.image)
    moved = np.abs(made.image.astype(np.int16) - image)
    columns = roomy_columns(3, "fooled", gap="medium")
    texts = (
        f"Before: {_said(said)}.",
        f"The change, {127.5 / made.budget:.0f} times as strong: {moved.max()} of 255 levels at most, "
        f"{moved.mean():.1f} in the mean.",
        f"After: {_said(now)}.",
    )
    pictures = (image, difference(image, made.image, made.budget), made.image)
    alts = ("The picture before", "The change, enlarged", "The picture after")
    for column, picture, text, alt in zip(columns, pictures, texts, alts, strict=True):
        shown = middle(picture, SLIMMEST)
        column.image(encode_jpeg(shown, 95), width=shown_width(shown, TALLEST), alt=alt)
        column.markdown(text)
    wanted = ANY if made.target is None else labels[made.target]
    if not made.reached:
        more = "" if len(made.probabilities) > 2 else ", or many small steps"
        st.info(
            f"{case.network.title} does not take it for “{wanted}” yet. Allow more grey levels{more}.",
            icon=":material/help:",
        )
    if image.shape != case.image.shape:
        st.caption(f"Worked on at {size_of(image, case.image)}.")


def _said(answer: Answer) -> str:
    [best] = answer.top(1)
    label, share = plain(best.label), f"{best.probability:.1%}"
    return f"**{NONE}**, at best {label}, {share}" if answer.refused else f"**{label}**, {share}"


def _class_of(answer: Answer) -> int | None:
    """The index of the class that is named; None where the picture is refused."""
    return None if answer.refused else answer.top(1)[0].index


def _table(rows: Sequence[Asked], case: Case) -> str:
    body = ""
    for row in rows:
        own = " (made for it)" if row.title == case.network.title else ""
        head = f'<th scope="row">{escape(row.title)}<small>{own}</small></th>'
        if row.problem:
            body += f'<tr>{head}<td colspan="{len(ROWS)}">{escape(row.problem)}</td></tr>'
            continue
        was = _class_of(row.answers["before"])
        cells = ""
        for name in ROWS:
            said = row.answers[name]
            [best] = said.top(1)
            mark, sign = (' class="agreed"', " ✗") if _class_of(said) != was else ("", "")
            label, beside = (NONE, f"at best {best.label}, ") if said.refused else (best.label, "")
            cells += f"<td{mark}>{escape(label)}{sign}<br><small>{escape(beside)}{best.probability:.1%}</small></td>"
        body += f"<tr>{head}{cells}</tr>"
    heads = "".join(f'<th scope="col">{head}</th>' for head in ("Network", *ROWS.values()))
    whole = f'<table class="networks"><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>'
    return sliding(whole, "What each network says, before and after the change")
