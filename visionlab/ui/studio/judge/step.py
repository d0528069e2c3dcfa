"""The step “Judge”: what a run is worth in one sentence, against baselines, and then one thing at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from visionlab.learning.judging import metrics
from visionlab.learning.judging.baselines import Baseline
from visionlab.learning.judging.evaluation import Evaluation
from visionlab.learning.judging.metrics import mcnemar
from visionlab.learning.projects.project import Project
from visionlab.ui.shared import charts, links
from visionlab.ui.shared.page import roomy_columns
from visionlab.ui.shared.terms import term
from visionlab.ui.studio import runs
from visionlab.ui.studio.judge import answers, folder, labels, more_pictures, refusal, where_it_looks
from visionlab.ui.studio.judge import charts as evaluation_charts
from visionlab.ui.studio.judge.case import Case, baselines_of, case_of, counted
from visionlab.wording import percent

OVERVIEW = "How good"
LOOKS = {
    "Mistakes": answers.mistakes,
    "A class": answers.one_class,
    "How sure": answers.how_sure,
    "Labels": labels.show,
    "More pictures?": more_pictures.show,
    "None of these": refusal.show,
    "Where it looks": where_it_looks.show,
    "A test folder": folder.show,
}
JUDGED = "judged-project"  # in the session: the id of the one that was judged last; another begins at the beginning
CHANCE = 0.05  # p below which a difference is called clear
UNTOLD = "The package that it came in does not say which of its pictures these were."
UNJUDGED = ("Labels", "None of these", "A test folder")  # what can be looked at where nothing is held out


def show(project: Project) -> None:
    """The whole step."""
    run = runs.picked(project)
    if run is None:
        return
    case = case_of(project, run)
    looks = [OVERVIEW, *LOOKS] if len(case.held_out) else list(UNJUDGED)
    if st.session_state.get(JUDGED, project.id) != project.id:
        st.session_state["look"] = looks[0]
    st.session_state[JUDGED] = project.id
    links.begin("look", {name: name for name in looks}, "way to look closer", looks[0])
    look = st.segmented_control(
        "Look closer",
        looks,
        default=looks[0],
        required=True,
        key="look",
        bind="query-params",
        label_visibility="collapsed",
        wrap=True,
    )
    if not len(case.held_out):
        st.info(_unjudged(run.report or {}, case.limit_set_on > 0), icon=":material/help:")
    elif look == OVERVIEW:
        _worth(case)
    else:
        _in_a_line(case)
    _changed(case)
    if look != OVERVIEW:
        LOOKS[look](case)


def _in_a_line(case: Case) -> None:
    """Over what is looked at closer, so that it begins on the first screen."""
    report = case.evaluation.report
    low, high = map(percent, report.interval)
    right = f"{report.confusion.trace():,} of {report.told('held-out picture')}"
    each_class = runs.each_class(case.head, report.balanced, report.balanced_interval)
    parts = [f"**{percent(report.accuracy)} right**: {right}; on others like these, {low} to {high}."]
    st.caption(" ".join([*parts, *filter(None, (each_class, runs.split_told(case.head)))]))


def _worth(case: Case) -> None:
    found = case.evaluation
    report = found.report
    low, high = report.interval
    beside = {"gap": "large", "vertical_alignment": "center"}
    words, bars = roomy_columns([1, 1.15], "details-worth", **beside) if case.learned else (st.container(),) * 2
    with words:
        st.subheader(f"{percent(report.accuracy)} are right", anchor=False, help=term("accuracy"))
        st.markdown(
            f"{report.confusion.trace():,} of {report.told('held-out picture')}, which it had not "
            f"learned from when it was asked. On other pictures like these, expect between **{percent(low)}** and "
            f"**{percent(high)}** (95% interval).",
            help=term("95% interval"),
        )
        told = runs.each_class(case.head, report.balanced, report.balanced_interval)
        if told:
            st.caption(told)
        for worth_less in filter(None, (runs.split_told(case.head), runs.epochs_told(case.run))):
            st.caption(f":material/info: {worth_less}")
    with bars:
        compared = baselines_of(case) if case.learned else None
        if compared:
            figure = evaluation_charts.baselines(compared, report, "This head")
            st.plotly_chart(figure, config=charts.PLAIN, key="baselines")
    with words:
        if compared:
            st.markdown(against(found, compared))
            if (case.labels != case.taught).any():
                st.caption("The baselines, too, learn from the labels that it was trained with.")
        f1_low, f1_high = found.f1_interval
        st.caption(f"Mean F1 of the classes: {found.f1:.2f}, between {f1_low:.2f} and {f1_high:.2f}.", help=term("F1"))


def _unjudged(report: Mapping[str, object], known: bool) -> str:
    """Why no answer can be looked at closer; known: whether it was kept which pictures were held out."""
    if "accuracy" not in report:
        return (
            "No picture that this head did not learn from is left, so nobody knows how good it is. Add pictures and "
            "train again, or try it on a test folder."
        )
    low, high = report["accuracy_interval"]
    rests_on = metrics.counted(report["held_out"], report.get("different"), "held-out picture")
    why = "None of these is in the project any more." if known else UNTOLD
    return (
        f"When it was trained, it was right on {percent(report['accuracy'])} of "
        f"{rests_on}: on others like these, between {percent(low)} and "
        f"{percent(high)} (95% interval). {why} Train again to look closer at its answers, or try it on a test folder."
    )


def against(found: Evaluation, compared: Sequence[Baseline]) -> str:
    """How the accuracy stands beside the best baseline, in a sentence."""
    report, best = found.report, max(compared, key=lambda each: each.accuracy)
    named = f"**{best.title.lower()}** ({percent(best.accuracy)})"
    if report.accuracy == best.accuracy == 1:
        return f"The best baseline, {named}, has all of them right, too: these pictures are easily told apart."
    better = report.accuracy > best.accuracy
    if not _is_clear(found, best):
        how = "better" if better else "no better"
        return f"That is {how} than the best baseline, {named}, but on so few pictures it may be chance."
    if better:
        return f"That is clearly better than the best baseline, {named}."
    return f":orange[:material/warning:] That is clearly worse than the best baseline, {named}."


def _is_clear(found: Evaluation, other: Baseline) -> bool:
    """Whether chance explains so large a difference on the same pictures in fewer than 5 of 100 cases. Pictures of a
    group count together as what they are worth."""
    report = found.report
    if other.right is None:  # its accuracy is known
        low, high = report.interval
        return not low <= other.accuracy <= high
    right, share = found.predicted == found.truth, report.worth / len(found.truth)
    alone = (right & ~other.right).sum(), (other.right & ~right).sum()
    return mcnemar(*(int(count * share) for count in alone)) < CHANCE


def _changed(case: Case) -> None:
    parts = []
    if case.gone:
        parts.append(f"{counted(case.gone)} of this run {'is' if case.gone == 1 else 'are'} gone and left out")
    if case.moved:
        parts.append(
            f"{case.moved:,} {'has' if case.moved == 1 else 'have'} another label since, which all figures count; the "
            "head still knows the old one"
        )
    if case.elsewhere:
        parts.append(
            f"{case.elsewhere:,} {'is' if case.elsewhere == 1 else 'are'} now of a class that it does not know, and "
            "counted as before"
        )
    if parts:
        st.caption(f":material/history: Since it was trained: {'; '.join(parts)}.")
