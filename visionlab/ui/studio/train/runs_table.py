"""The runs of a project side by side: a table of them, and two of them compared picture by picture."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
import streamlit as st

from visionlab.learning.features.augmentation import VIEWS
from visionlab.learning.heads.kinds import KINDS
from visionlab.learning.projects.outcome import Comparison, compare
from visionlab.learning.projects.project import Project
from visionlab.learning.projects.runs import RunInfo
from visionlab.ui.shared import charts
from visionlab.ui.shared.page import told
from visionlab.ui.shared.widgets import written
from visionlab.ui.studio import runs
from visionlab.ui.studio.train.run import curve_of
from visionlab.wording import percent

STATES = {
    "waiting": "Waiting",
    "running": "At work",
    "done": "Done",
    "cancelled": "Stopped",
    "failed": "Failed",
    "interrupted": "Interrupted",
}
EPOCH = "Epoch kept"
CHANCE = 0.05  # p from which a difference may well be chance
_VERSION = "runs-table-version"  # a new table is one in which nothing is ticked


def show(project: Project, known: Sequence[RunInfo]) -> None:
    """The table, and what can be done with the runs that are ticked in it."""
    st.markdown("**All runs**")
    rows = [_row(run) for run in known]
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    if not any(columns[EPOCH]):
        del columns[EPOCH]  # none of these kinds has epochs
    event = st.dataframe(
        written(columns, {"Accuracy": percent}),
        hide_index=True,
        placeholder="–",
        column_config={
            "Copies": st.column_config.TextColumn(width=_width(columns["Copies"])),
            "Started": st.column_config.DatetimeColumn(format="D MMM, HH:mm"),
            "Macro-F1": st.column_config.NumberColumn(format="%.2f"),
            "Time": st.column_config.NumberColumn(format="%.1f s"),
        },
        on_select="rerun",
        selection_mode="multi-row",
        key=_key(),
    )
    ticked = [known[place] for place in event["selection"]["rows"] if place < len(known)]
    if not ticked:
        st.caption("Tick two runs to compare them, or any number to remove them.")
        return
    if len(ticked) == 2:
        first, second = sorted(ticked, key=lambda run: run.started)
        with told():  # they can still be removed
            _compared(project, first, second)
    name = "Remove this run" if len(ticked) == 1 else f"Remove these {len(ticked)} runs"
    if st.button(name, icon=":material/delete:", key="remove-runs"):
        for run in ticked:
            project.remove_run(run.id)
        st.session_state[_VERSION] = st.session_state.get(_VERSION, 0) + 1
        st.rerun()


def _key() -> str:
    return f"runs-{st.session_state.get(_VERSION, 0)}"


def _row(run: RunInfo) -> dict[str, object]:
    report = run.report or {}
    low, high = report.get("accuracy_interval", (None, None))
    views = [VIEWS[name].title if name in VIEWS else str(name) for name in run.settings["views"]]
    return {
        "Started": runs.began(run),
        "Network": runs.network_title(run),
        "Kind": runs.kind_title(run) + " (no better than linear)" * report.get("stayed_linear", False),
        EPOCH: (runs.of_epochs(run) + ", stopped early" * runs.stopped_early(run)) or None,
        "Copies": ", ".join(views) or None,
        "Learned from": _learned_from(run),
        "Held out": report.get("held_out"),
        "Accuracy": report.get("accuracy"),
        "95% interval": None if low is None else f"{percent(low)} to {percent(high)}",
        "Macro-F1": report.get("f1"),
        "Time": report.get("seconds"),
        "State": STATES[run.state],
    }


def _width(texts: Sequence[str | None]) -> int:
    """Pixels in which the longest of them is not cut: left alone, a column may be as narrow as its heading."""
    return 16 + 7 * max(len("Copies"), *(len(text or "") for text in texts))


def _learned_from(run: RunInfo) -> int | None:
    """How many pictures its head has learned from in the end; None while that is not known."""
    report, kind = run.report or {}, KINDS.get(str(run.settings["kind"]))
    if "trained_on" not in report:
        return None
    # As fit has it: a fine-tuned network that stayed linear is a linear head, which is quick to learn from all.
    quick = kind is not None and (kind.learns_all or report.get("stayed_linear", False)) and run.state == "done"
    return report["trained_on"] + report["held_out"] * quick


def _compared(project: Project, first: RunInfo, second: RunInfo) -> None:
    if first.head is None or second.head is None:
        st.caption("One of these runs has no head, so there is nothing to compare.")
        return
    found = compare(runs.outcome_of(project, first), runs.outcome_of(project, second))
    st.markdown(f"**A** · {runs.title(first)}  \n**B** · {runs.title(second)}")
    st.markdown(verdict(found))
    st.plotly_chart(_curves(first, second), config=charts.PLAIN, key="two-runs")


def verdict(found: Comparison) -> str:
    """What a comparison says, in words."""
    if not found.pictures:
        return "They held out none of the same pictures, so they cannot be compared. Train both with the same seed."
    one, two = found.first_right / found.pictures, found.second_right / found.pictures
    many = "the one picture" if found.pictures == 1 else f"the {found.pictures:,} pictures"
    points = round(100 * two) - round(100 * one)
    text = f"On {many} that both held out, A is right on {one:.0%} and B on {two:.0%} ({points:+d} points). "
    if not found.only_first + found.only_second:
        return f"{text}Both are right on the very same ones."
    text += (
        f"B is right on {found.only_second} where A is wrong, and wrong on {found.only_first} where A is right: "
        f"that {'may well be' if found.p >= CHANCE else 'is hardly'} chance (p = {found.p:.2g})."
    )
    return text


def _curves(first: RunInfo, second: RunInfo) -> go.Figure:
    """Accuracy (left axis) and loss (right axis) on the held-out pictures of both, over the epochs."""
    figure = go.Figure()
    for name, run, colour in (("A", first, charts.BLUE), ("B", second, charts.ORANGE)):
        epochs = curve_of(run)
        x = [epoch.index for epoch in epochs]
        mode = "lines" if len(x) > 1 else "markers"
        accuracy = [100 * epoch.validation_accuracy for epoch in epochs]
        loss = [epoch.validation_loss for epoch in epochs]
        figure.add_scatter(x=x, y=accuracy, name=f"{name}, accuracy", mode=mode, line={"color": colour, "width": 2.5})
        figure.add_scatter(
            x=x,
            y=loss,
            name=f"{name}, loss",
            mode=mode,
            line={"color": colour, "width": 2, "dash": "dot"},
            marker={"symbol": "circle-open"},
            yaxis="y2",
        )
    figure.update_layout(
        height=320,
        margin={"l": 10, "r": 10, "t": 40, "b": 10},
        legend={"orientation": "h", "y": 1.04, "yanchor": "bottom"},
        hovermode="x unified",
        xaxis={"title": "Epoch", "automargin": True, **charts.counting(max(map(len, map(curve_of, (first, second)))))},
        yaxis={"title": "Accuracy, held out, %", **charts.per_cent()},
        yaxis2={
            "title": "Loss, held out",
            "overlaying": "y",
            "side": "right",
            "rangemode": "tozero",
            "showgrid": False,
            "automargin": True,
        },
    )
    return figure
