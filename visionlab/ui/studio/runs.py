"""The runs of a project that was chosen: which one is looked at, its head, and what that answered."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import streamlit as st

from visionlab.errors import DatasetError
from visionlab.learning.heads.head import Head, load_head
from visionlab.learning.heads.kinds import KINDS
from visionlab.learning.judging.metrics import counted
from visionlab.learning.projects.outcome import Outcome
from visionlab.learning.projects.project import Project
from visionlab.learning.projects.runs import RunInfo
from visionlab.learning.sets.dataset import UNEVEN
from visionlab.network.running.classifier import Classifier
from visionlab.network.zoo.models import title_of
from visionlab.ui.shared import cached, links, state
from visionlab.ui.shared.networks import YOUR_HEAD, own_head
from visionlab.ui.shared.page import link as link_to
from visionlab.ui.shared.widgets import distinct, plain
from visionlab.ui.studio.projects import info_of
from visionlab.wording import percent, shortened

RUN = state.RUN
_PICKED = "picked-run"


def picked(project: Project) -> RunInfo | None:
    """The finished run that the person looks at, the latest one unless another is picked; None where there is none."""
    known = project.runs()
    found = {run.id: run for run in finished(known)}
    if not found:
        st.info("Nothing is trained yet. “Train” is the step before this one.", icon=":material/school:")
        return None
    wanted = st.query_params.get(RUN)
    st.session_state[_PICKED] = picked = wanted if wanted in found else next(iter(found))
    told = None
    if wanted and wanted not in {run.id for run in known}:
        told = f"There is no run “{shortened(wanted)}” here, so the latest one is shown."
    links.tell(RUN, told, picked)
    titles = distinct({key: title(run) for key, run in found.items()})
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(
            "Run", found, format_func=titles.get, key=_PICKED, on_change=_link_picked, args=(found.keys(),)
        )
        offer_predict(project, found[chosen])
    link(chosen)
    return found[chosen]


def finished(known: Sequence[RunInfo]) -> list[RunInfo]:
    """Those of them that have a head and are over, in their order."""
    return [run for run in known if run.head is not None and run.state in ("done", "cancelled")]


def keep(project: Project, run: RunInfo) -> Head:
    """Its head, which becomes a network of this session, under the project's name."""
    head = head_of(run)
    own_head.keep(head, f"{project.id} {run.id}", info_of(project).name)
    return head


def offer_predict(project: Project, run: RunInfo) -> None:
    """A link to the page Predict, with the run's head at work there."""
    keep(project, run)
    link_to("Predict", "Predict with it", ":material/visibility:", asks={state.ASKED: YOUR_HEAD})


def split_told(head: Head) -> str:
    """What training says of how pictures were held out, where that makes a figure worth less; else ""."""
    return plain(str(head.facts.get("split", "")))


def each_class(head: Head, balanced: float | None, interval: Sequence[float] | None) -> str:
    """A head whose classes had very different numbers of pictures: how often it is right where they count the same, so
    that the largest does not hide the others. "" for any other, and where that was not noted."""
    counts = [count for count in dict(head.facts.get("pictures", {})).values() if count]
    if balanced is None or interval is None or not counts or max(counts) < UNEVEN * min(counts):
        return ""
    low, high = map(percent, interval)
    return (
        f":material/balance: The smallest class had {counted(min(counts))}, the largest {max(counts):,}. With each "
        f"class counting the same, it is right on {percent(balanced)} ({low} to {high})."
    )


def _link_picked(found: Container[str]) -> None:
    if st.session_state[_PICKED] in found:  # else the browser told a title that has changed since
        link(st.session_state[_PICKED])


def link(run: str) -> None:
    """The run that the next steps are about."""
    st.query_params[RUN] = run


def title(run: RunInfo) -> str:
    """“21 Nov, 18:40 · 92% · Linear · VGG16”: what tells runs apart comes first, since a narrow page cuts the rest."""
    date = f"{began(run):%-d %b, %H:%M}"
    right = [percent(run.report["accuracy"])] if run.report and "accuracy" in run.report else []
    return " · ".join([date, *right, kind_title(run), network_title(run)])


def began(run: RunInfo) -> datetime:
    """When it began, by the person's clock."""
    zone = timezone(-timedelta(minutes=st.context.timezone_offset or 0))
    return datetime.fromtimestamp(run.started, zone)


def of_epochs(run: RunInfo) -> str:
    """“3 of 9”: the epoch that was kept, of how many; "" for a kind of a single one, or where that was not noted."""
    kept = (run.report or {}).get("best_epoch")
    return f"{kept} of {_last_epoch(run)}" if kept and run.epochs and _most_epochs(run) > 1 else ""


def stopped_early(run: RunInfo) -> bool:
    """Whether it ended by itself before the last epoch that its kind allows."""
    return run.state == "done" and bool(of_epochs(run)) and _last_epoch(run) < _most_epochs(run)


def epochs_told(run: RunInfo) -> str:
    """Which epoch was kept, by what it was chosen, and whether training stopped early; "" as of of_epochs."""
    if not of_epochs(run) or not run.report["held_out"]:
        return ""
    last, most = _last_epoch(run), _most_epochs(run)
    ended = f"It stopped early, after epoch {last} of at most {most}. " if stopped_early(run) else ""
    return (
        f"{ended}Epoch {run.report['best_epoch']} is kept, the best on the held-out pictures; since "
        "they chose it, it may do a little worse on others."
    )


def _last_epoch(run: RunInfo) -> int:
    return max(each["index"] for each in run.epochs)


def _most_epochs(run: RunInfo) -> int:
    kind = KINDS.get(str(run.settings["kind"]))
    return kind.epochs if kind else 1


def network_title(run: RunInfo) -> str:
    return title_of(str(run.settings["network"]))


def kind_title(run: RunInfo) -> str:
    name = str(run.settings["kind"])
    return KINDS[name].title if name in KINDS else name


def outcome_of(project: Project, run: RunInfo) -> Outcome:
    """What its head answered to the pictures that it had not seen; DatasetError where that was not kept."""
    found = _kept(project, run)
    if found is None:
        raise DatasetError("What this run answered was not kept; train again, or pick another run.")
    return found


def _kept(project: Project, run: RunInfo) -> Outcome | None:
    data = project.outcome(run.id)
    if data is None:
        return None
    found = _outcome(hashlib.sha256(data).hexdigest(), data)
    return replace(found, classes=run.names(found.classes))


def relabelled(project: Project, run: RunInfo) -> int:
    """How many of the pictures that the run learned from or held out have another label now; 0 where it did not keep
    which they were. Where it did not note which its classes are, one of a name that it does not know may be one."""
    outcome = _kept(project, run)
    if outcome is None:
        return 0
    classes, pictures = project.snapshot()
    names = {each.id: each.name.casefold() for each in classes}
    now = {each.id: names[each.class_id] for each in pictures}
    then = [name.casefold() for name in outcome.classes]
    changed = [
        now[picture]
        for ids, labels in ((outcome.pictures, outcome.truth), (outcome.trained_on, outcome.trained_labels))
        for picture, label in zip(ids.tolist(), labels.tolist(), strict=True)
        if now.get(picture, then[label]) != then[label]
    ]
    return len(changed) if run.classes else sum(name in then for name in changed)


def outdated(project: Project, run: RunInfo) -> str:
    """What has changed since the run learned from the project's pictures, where something has, as Markdown."""
    count = relabelled(project, run)
    what = "The pictures have changed"
    if count:
        what = f"{count:,} {'label has' if count == 1 else 'labels have'} changed"
    return f":material/update: {what} since the last training. Train again to learn from them."


@st.cache_resource(max_entries=16, show_spinner=False)
def _outcome(digest: str, _data: bytes) -> Outcome:
    return Outcome.from_bytes(_data)


def head_of(run: RunInfo) -> Head:
    """Its head, which calls the classes as they are called now; DatasetError where it has none, or it was removed
    meanwhile."""
    try:
        written = run.head.stat() if run.head else None
    except FileNotFoundError:
        written = None
    if written is None:
        raise DatasetError("This run has no head; pick another one.")
    return _head(run.head, written.st_mtime_ns, written.st_size, run.classes, run)


@st.cache_resource(max_entries=4, show_spinner="Opening the head …")
def _head(path: Path, written: int, size: int, classes: tuple[str | None, ...], _run: RunInfo) -> Head:
    head = load_head(path)
    return _called(head, _run.names(head.classes))


def _called(head: Head, names: tuple[str, ...]) -> Head:
    """The head with other names of its classes, also where its facts say them."""
    if names == head.classes:
        return head
    now = dict(zip(head.classes, names, strict=True))
    facts = dict(head.facts)
    if isinstance(facts.get("pictures"), Mapping):
        facts["pictures"] = {now.get(name, name): count for name, count in facts["pictures"].items()}
    if "split" in facts:
        facts["split"] = re.sub("“(.*?)”", lambda found: f"“{now.get(found[1], found[1])}”", str(facts["split"]))
    return replace(head, classes=names, facts=facts)


def net_of(head: Head) -> Classifier:
    """The head as a network."""
    return cached.head_classifier(own_head.key_of(head), head)
