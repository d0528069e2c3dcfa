"""“None of these”: from which distance on a picture is refused, whom that hits wrongly, and a picture to try it on."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from visionlab.learning.heads.head import Head
from visionlab.learning.judging.refusal import PER_CENT, promise
from visionlab.ui.shared import cached, charts, widgets
from visionlab.ui.shared.networks import own_head
from visionlab.ui.shared.page import roomy_columns
from visionlab.ui.shared.picture_bar import image_picker
from visionlab.ui.shared.state import Picture
from visionlab.ui.shared.undisturbed import follow, keep_followed
from visionlab.ui.studio import runs
from visionlab.ui.studio.judge import charts as evaluation_charts
from visionlab.ui.studio.judge.case import Case, seen
from visionlab.ui.studio.judge.gallery import gallery
from visionlab.wording import MISTAKES

UNKNOWN = "Nobody kept by which pictures the limit was set. Train again to choose which share is refused."


def show(case: Case) -> None:
    """The distances with the threshold, the false refusals, and a picture of something else."""
    st.markdown("**A picture of something else should be refused, not named**")
    if case.head.refusal is None:
        st.caption(
            "This head refuses nothing: the limit is set on held-out pictures, and ten or more are needed for that. "
            "Add pictures, and train again."
        )
        return
    if not case.held_out:
        _without_held_out(case)
    elif (looks := seen(case)) is not None:
        found = replace(case.evaluation, distances=looks.distances).limited(case.head.refusal)
        left, right = roomy_columns(2, "details-refusal", gap="large")
        with left:
            figure = evaluation_charts.distances(found.distances, found.threshold)
            st.plotly_chart(figure, config=charts.PLAIN, key="distances")
        with right:
            st.markdown("**Refused, though of your classes**")
            st.markdown(found.refusals_told)
            _set_share(case)
            words = [f"distance {found.distances[place]:.1f}" for place in found.refused]
            if words:
                gallery(case.project, [case.held_out[place] for place in found.refused], words, "refused", 8)
    st.markdown("**Try it with a picture of something else**")
    picture = image_picker(st.container())
    verdict(case.head, picture)


def _without_held_out(case: Case) -> None:
    """What the head itself still knows of the pictures that its limit was set by, where none of them is known."""
    refusal = case.head.refusal
    left, right = roomy_columns(2, "details-refusal", gap="large")
    if refusal.share is not None:
        figure = evaluation_charts.distances(refusal.held_out, refusal.threshold)
        left.plotly_chart(figure, config=charts.PLAIN, key="distances")
    with right:
        _set_share(case)


def _set_share(case: Case) -> None:
    """Which share is refused, and a slider to choose another one, where it is known what the limit was set by."""
    share = case.head.refusal.chosen
    if case.head.refusal.share is None:
        st.caption(promise(case.limit_set_on) if case.limit_set_on else UNKNOWN)
        return

    def choose(chosen: int) -> None:
        head = case.head.refusing(chosen / 100)
        case.project.keep_head(case.run.id, head.to_bytes())

    key = f"refused-share-{case.run.id}"
    follow(key, lambda: _in_reach(runs.head_of(case.project.run(case.run.id)).refusal.chosen))
    st.slider(MISTAKES, *PER_CENT, format="%d%%", key=key, on_change=keep_followed, args=(key, choose))
    # As the shell and the card have it: promised with the share that was asked for, which so few may not allow.
    st.caption(str(case.head.facts.get("refusal") or case.head.refusal.promise(share)))


def _in_reach(share: float) -> int:
    """Of the slider, in per cent."""
    least, most = PER_CENT
    return min(most, max(least, round(100 * share)))


def verdict(head: Head, picture: Picture) -> None:
    """Whether the head refuses the picture, in a sentence, and what it would call it."""
    net, key = runs.net_of(head), own_head.key_of(head)
    widgets.verdict(cached.answer(key, picture.key, net, picture.image))
