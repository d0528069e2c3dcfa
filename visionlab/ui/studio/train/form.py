"""What to train and how: the settings, what will happen with them, and the button over both."""

from __future__ import annotations

from collections.abc import Container, Sequence

import streamlit as st

from visionlab.errors import DatasetError, TooFewError
from visionlab.learning.features.augmentation import VIEWS
from visionlab.learning.heads.kinds import KINDS, one_is_enough, usual_kind, why_usual
from visionlab.learning.judging.refusal import PER_CENT
from visionlab.learning.projects.project import Project
from visionlab.learning.projects.runs import RunInfo
from visionlab.learning.sets.dataset import LabelledImages
from visionlab.learning.sets.kinds import TEST, VALIDATION
from visionlab.learning.sets.sides import sides
from visionlab.learning.sets.splits import HELD_OUT
from visionlab.network.zoo.models import MODELS, TO_NAME, available, first_here
from visionlab.ui.shared import links
from visionlab.ui.shared.page import roomy_columns
from visionlab.ui.shared.server.pages import is_off
from visionlab.ui.shared.terms import term
from visionlab.ui.shared.widgets import hindrance, number_field, plain
from visionlab.ui.studio import runs
from visionlab.ui.studio.train.run import Settings, is_of, labels_of
from visionlab.wording import MISTAKES

CHOSEN = "kind-chosen"  # in the session: the kind that was chosen by hand


def show(project: Project, latest: RunInfo | None) -> tuple[Settings, int] | None:
    """All of it; once “Train” is pressed, what is chosen and how many pictures there are. latest: the run that was
    trained last."""
    first = st.container()  # the next step stands over what it depends on
    try:
        labelled, lacks = project.labelled(), None
    except DatasetError as error:
        labelled, lacks = None, str(error)
    usual = next(iter(KINDS.values())) if labelled is None else usual_kind(labelled[0])
    settings, problem = _settings({each.part for each in project.snapshot()[1]}, usual.name)
    with first:
        if problem:
            hindrance(problem)
        if lacks and not problem:
            _lacks(lacks)
        pictures = None if problem or labelled is None else _plan(project, *labelled, settings, latest)
        pressed = st.button(
            "Train", type="primary", icon=":material/play_arrow:", width=220, disabled=pictures is None, key="train"
        )
    return (settings, pictures) if pressed else None


def _settings(parts: Container[str | None], usual: str) -> tuple[Settings, str | None]:
    """What is chosen, and a sentence on a number that cannot be; `parts` are those that the pictures are of, `usual` is
    the kind that is chosen unless a person, or a link, chose another."""
    networks = {name: MODELS[name].title for name in (first_here(TO_NAME), *available())}
    links.begin("kind", {name: kind.title for name, kind in KINDS.items()}, "way to learn", usual)
    _begin_usual(usual)
    links.begin("base", networks, "network underneath", next(iter(networks)))
    left, right = roomy_columns(2, "details", gap="large")
    kind = left.radio(
        "How it learns",
        KINDS,
        index=list(KINDS).index(usual),
        format_func=lambda name: KINDS[name].title,
        captions=[kind.about for kind in KINDS.values()],
        key="kind",
        bind="query-params",
        on_change=lambda: st.session_state.update({CHOSEN: st.session_state["kind"]}),
    )
    network = right.selectbox(
        "Network underneath",
        networks,
        format_func=networks.get,
        key="base",
        bind="query-params",
        help=term("embedding") + ("" if is_off("Predict") else " The Predict page downloads more networks."),
    )
    own = VALIDATION in parts and right.toggle(
        "Hold out the set’s own validation part", True, key="own-part", bind="query-params"
    )
    held_out = right.slider(
        "Held out to check with",
        10,
        50,
        round(100 * HELD_OUT),
        5,
        format="%d%%",
        key="held-out",
        bind="query-params",
        disabled=own,
        help=f"{term('held out')} After that, {_learning_all()} learns from all of them.",
    )
    way = KINDS[kind]
    views = right.pills(
        "Learn from varied copies, too",
        VIEWS,
        selection_mode="multi",
        default=list(way.views),
        format_func=lambda name: VIEWS[name].title,
        key=f"views-{kind}" if way.views else "views",
        bind="query-params",
        help="  \n".join([term("augmentation"), *(f"**{view.title}**: {view.about}" for view in VIEWS.values())]),
    )
    with right.expander("More"):
        seed, problem = number_field("Seed", 0, 2**31 - 1, 0, "seed", bind="query-params", help=term("seed"))
        if problem:
            hindrance(problem)
        refuse = st.slider(
            MISTAKES,
            *PER_CENT,
            5,
            format="%d%%",
            key="refuse",
            bind="query-params",
            help="A picture that lies far from all that was learned from is called none of these. The more good ones "
            "may be, the more pictures of something else are.",
        )
    settings = Settings(network, kind, tuple(views), None if own else held_out / 100, seed, refuse / 100)
    return settings, problem


def _begin_usual(usual: str) -> None:
    """The usual kind follows the pictures, until a person chose one: that stays, here and in later visits."""
    chosen, kept = st.session_state.get(CHOSEN), "kind-begun-with"
    shown = st.session_state.get("kind")
    if shown is None and chosen is not None and "kind" not in st.query_params:
        st.session_state["kind"] = chosen
    elif chosen is None and shown == st.session_state.get(kept) and shown not in (None, usual):
        st.session_state["kind"] = usual
    st.session_state[kept] = usual


def _learning_all() -> str:
    """The kinds whose head learns from the held-out pictures, too, in the end."""
    return " or ".join(f"“{kind.title}”" for kind in KINDS.values() if kind.learns_all)


def _plan(
    project: Project, data: LabelledImages, ids: Sequence[int], settings: Settings, latest: RunInfo | None
) -> int | None:
    """Say what will happen, or what lacks; how many pictures there are, None where it cannot be started. data, ids: as
    Project.labelled gives them."""
    try:
        way = KINDS[settings.kind]
        found = sides(data, settings.validation, settings.seed, alone=way.alone, needed=way.needs_held_out)
    except TooFewError as problem:
        _lacks(f"{problem.too_few} Or choose “{one_is_enough().title}”: for it, one is enough.")
        return None
    except DatasetError as problem:
        _lacks(str(problem))
        return None
    learned, held_out = found.train, found.held_out
    varied = f" and {number_of(len(learned) * len(settings.views), 'varied copy', 'varied copies')}"
    to_learn = f"**{number_of(len(learned))}**{varied if settings.views else ''} to learn from"
    if len(held_out):
        grouped = len(set(data.groups.tolist())) < len(data)
        together = "; near-duplicates stay together" if grouped and not found.by_time else ""
        tested = data.parts.count(TEST)
        test = f" The test part, {number_of(tested)}, waits in Judge." if tested else ""
        st.markdown(f"{to_learn}, **{len(held_out):,}** to check with{together}.{test}")
    else:
        st.markdown(f"{to_learn}.")
    if found.told:
        st.caption(f":material/info: {plain(found.told)}")
    if few := data.few():
        st.caption(f":material/warning: {plain(' '.join(filter(None, [few, why_usual(data)])))}")
    if latest and not is_of(latest, labels_of(data, ids, project.classes())):
        st.caption(runs.outdated(project, latest))
    return len(data)


def _lacks(told: str) -> None:
    with st.container(horizontal=True, wrap=False, vertical_alignment="top"):  # the icon beside, however long
        st.markdown(":orange[:material/add_photo_alternate:]", width="content")
        st.text(told, width="stretch")


def number_of(count: int, one: str = "picture", many: str = "pictures") -> str:
    return f"{count:,} {one if count == 1 else many}"
