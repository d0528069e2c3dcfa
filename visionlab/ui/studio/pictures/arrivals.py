"""What comes into a project, on the page: how far it is, what came of it, and what was not taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from math import inf

import streamlit as st

from visionlab.learning.projects.intake import Intake
from visionlab.learning.projects.project import Project
from visionlab.learning.projects.renaming import read_as, read_names_as
from visionlab.learning.sets.copies import copies_left_out, kept_together
from visionlab.ui.shared import jobs
from visionlab.ui.shared.page import sentence
from visionlab.ui.shared.undisturbed import attempt
from visionlab.ui.shared.widgets import icon_button, names_read
from visionlab.ui.studio import uploads
from visionlab.ui.studio.pictures import intake, one_class
from visionlab.ui.studio.pictures.intake import WATCHED, Taken, Unclear

SOON = 0.4  # seconds that a page waits for intakes before it shows their progress
ENDED = "ended-intakes"  # in the session: those after whose end the page has run
OF_SETS = ("folder", "zip")  # uploaders


def wait(project: Project) -> None:
    """Give what comes in a moment; run the page anew after the end of each, since what stands above was drawn before
    it, or may have been. To be called before anything of the project is drawn."""
    watched, ended = (st.session_state.setdefault(key, []) for key in (WATCHED, ENDED))
    going = [job for job in intake.coming(project) if not job.over]
    watched += [job for job in going if job not in watched]
    if going:
        jobs.Jobs(going).wait(SOON)
    over = [job for job in watched if job.over and job not in ended]
    if over:
        st.session_state[ENDED] = [job for job in watched if job.over]
        st.rerun()


def is_busy(project: Project) -> bool:
    """Whether pictures are on their way into the project."""
    return any(not job.over for job in intake.coming(project))


def show(project: Project) -> bool:
    """How far all of it is, or what came of it; whether something goes on."""
    mine = [uploads.of_class(one_class.place_of(project.id, each.id)) for each in project.classes()]
    return _show(project, intake.coming(project), [*OF_SETS, *mine], "intake", _count(project))


def show_sets(project: Project) -> bool:
    """The same of whole sets alone, where cards show what comes into their classes."""
    return _show(project, intake.coming_whole(project), OF_SETS, "intake", _count(project))


def watch_class(project: Project, class_id: int) -> bool:
    """How far it is with what comes into a class, in a row of a card; whether something does."""
    going = [job for job in intake.coming(project, class_id) if not job.over]
    if going:
        card = partial(_in_a_card, going)
        jobs.watch(jobs.Jobs(going), card, "Cancel", f"cancel-intake-{class_id}", beside=True)
    return bool(going)


def show_class(project: Project, class_id: int, uploader: str, count: int, whole_sets: str) -> None:
    """What came of it, below, in a card of so many pictures: that pictures were added is seen there, and not said.
    whole_sets: what it says where a zip is taken."""
    _came(project, intake.coming(project, class_id), [uploader], f"intake-{class_id}", count, whole_sets=whole_sets)


def show_refused(uploader: str, whole_sets: str) -> None:
    """What the browser did not take, where nothing has come in yet. whole_sets: as of show_class."""
    if lines := uploads.refused(uploader):
        with st.container(horizontal=True, wrap=False, vertical_alignment="top", key=f"came-{uploader}"):
            with st.container(gap="xsmall"):
                _listed_as_refused(lines, whole_sets)
            icon_button(f"{uploader}-seen", "close", "Close", uploads.forget_refused, uploader)


def _listed_as_refused(lines: Sequence[str], whole_sets: str) -> None:
    uploads.listed(lines, "was not taken", "were not taken")
    zips = [name for line in lines if intake.is_zip(name := line.partition(": ")[0])]
    if whole_sets and zips:
        st.text(intake.of_zips(zips, whole_sets))


def _count(project: Project) -> int:
    return sum(each.count for each in project.classes())


def _show(project: Project, found: Sequence[jobs.Job], uploaders: Sequence[str], key: str, count: int) -> bool:
    going = [job for job in found if not job.over]
    if going:
        with st.container(border=True, key=f"going-{key}"):
            jobs.watch(jobs.Jobs(going), lambda: _progress(going), "Cancel", f"cancel-{key}")
        return True
    _came(project, found, uploaders, key, count)
    return False


def _came(
    project: Project, found: Sequence[jobs.Job], uploaders: Sequence[str], key: str, count: int, whole_sets: str = ""
) -> None:
    """What came of these. count: how many pictures there are now. whole_sets: where these are of one class, what it
    says where a zip is taken."""
    whole = not whole_sets
    over = [job for job in st.session_state.get(WATCHED, ()) if job in found and job.over]
    if asked := [job.latest for job in over if isinstance(job.latest, Unclear)]:
        _ask(project, asked[-1])
        return
    refused = [text for each in uploaders for text in uploads.refused(each)]
    taken = _merged([job.latest.intake for job in over if isinstance(job.latest, Taken)])
    failed = [job for job in over if not isinstance(job.latest, Taken)]
    undone = not whole and project.redoable is not None  # since: what comes in ends what can be done again
    if taken.added and (not count or undone) and not failed:
        over, taken = [], _merged([])  # all of it was taken back
    guesses = list(dict.fromkeys(job.latest.intake.names for job in over if isinstance(job.latest, Taken)))
    guesses = [each for each in guesses if each]
    if over and not guesses:
        ended = max(job.ended_at or inf for job in over)
        if (whole and project.changed > ended) or any(run.started > ended for run in project.runs()):
            over, failed, taken = [], [], _merged([])  # something else has been done since
    problems = [problem for job in failed if isinstance(job.latest, Intake) for problem in job.latest.problems]
    if not refused and (
        not over or not (whole or failed or taken.copies or guesses or set(taken.told) - set(taken.left_out))
    ):
        return  # a session that did not see it go on has no use for what came of it
    bordered = whole and not any(job.error for job in failed)  # a sentence about an error has a border of its own
    with st.container(border=bordered, horizontal=True, wrap=False, vertical_alignment="top", key=f"came-{key}"):
        with st.container(gap="xsmall"):
            for job in failed:
                _failed(job)
            if len(failed) < len(over):
                st.markdown(f":material/check_circle: {told(taken if whole else replace(taken, near=0))}")
            for text in taken.told:
                if text not in [*taken.left_out, *(each.told for each in guesses)]:
                    st.text(text)
            for number, each in enumerate(guesses):
                act = partial(read_names_as, project, each)
                names_read(each, read_as(project, each), f"names-{key}-{number}", act)  # also after an undo
            _listed_as_refused(refused, whole_sets)
            uploads.listed(problems, "could not be read", "could not be read")
        icon_button(f"{key}-seen", "close", "Close", _put_away, over, uploaders)


def leave_step() -> None:
    """What was told of what came in is told no longer at another step; what failed, and how names were read, is."""
    told = [job for job in st.session_state.get(ENDED, ()) if intake.is_told(job)]
    st.session_state[WATCHED] = [job for job in st.session_state.get(WATCHED, ()) if job not in told]


def _put_away(over: Sequence[jobs.Job], uploaders: Sequence[str]) -> None:
    st.session_state[WATCHED] = [job for job in st.session_state.get(WATCHED, ()) if job not in over]
    for uploader in uploaders:
        uploads.forget_refused(uploader)


def _merged(intakes: Sequence[Intake]) -> Intake:
    """What several came to, as one."""
    done, added, copies, near = (
        sum(getattr(each, name) for each in intakes) for name in ("done", "added", "copies", "near")
    )
    texts = [
        tuple(text for each in intakes for text in getattr(each, name)) for name in ("problems", "told", "left_out")
    ]
    return Intake(done, done, added, copies, near, *texts[:2], left_out=texts[2])


def _ask(project: Project, asked: Unclear) -> None:
    with st.container(border=True):
        st.markdown("**:material/help: Parts of the set, or classes?**")
        st.text(asked.sentence)
        with st.container(horizontal=True):
            ways = {"They are parts of the set": True, "They are classes": False, "Bring in nothing": None}
            for number, (label, parts) in enumerate(ways.items()):
                st.button(label, key=f"folders-are-{number}", on_click=_answered, args=(project, asked, parts))


def _answered(project: Project, asked: Unclear, parts: bool | None) -> None:
    st.session_state[WATCHED] = [job for job in st.session_state[WATCHED] if job.latest is not asked]
    attempt(intake.answer, project, asked, parts)


def _so_far(going: Sequence[jobs.Job]) -> tuple[list[object], Intake, int]:
    """What they last said, what that makes together, and of how many pictures; 0 while nobody knows."""
    events = [job.latest.intake if isinstance(job.latest, Taken) else job.latest for job in going if job.events]
    now = [each for each in events if isinstance(each, Intake)]
    return events, _merged(now), sum(each.total or 0 for each in now)


def _in_a_card(going: Sequence[jobs.Job]) -> None:
    """In the room of a row of pictures."""
    _, now, total = _so_far(going)
    waiting = all(job.state == "waiting" for job in going)
    told = "Waiting …" if waiting else f"{now.done:,} of {total:,} looked at" if total else "Coming in …"
    st.progress(min(1.0, now.done / total) if total else 0.0, told)


def _progress(going: Sequence[jobs.Job]) -> None:
    events, now, total = _so_far(going)
    share = max(job.share for job in going)
    if all(job.state == "waiting" for job in going):
        st.progress(0.0, "Waiting: others are bringing in pictures, too …")
    elif not events and share:
        st.progress(share, f"Downloading the set: {share:.0%}")
    elif not events:
        st.progress(0.0, "Looking what is there …")
    else:
        of = f" of {total:,}" if total else ""
        done = min(1.0, now.done / total) if total else 0.0
        st.progress(done, f"{now.done:,}{of} pictures looked at, {now.added:,} of them new")


def _failed(job: jobs.Job) -> None:
    if job.error:
        sentence(job.error)
    else:
        st.markdown(":material/stop_circle: Cancelled; the project is as it was.")


def told(came: Intake) -> str:
    """What an intake came to, in one line."""
    parts = [f"{_counted(came.added, 'picture')} added" if came.added else "No new pictures"]
    if came.copies:
        parts.append(copies_left_out(came.copies))
    if came.near:
        parts.append(kept_together(came.near))
    return ", ".join(parts) + "."


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
