"""A zip of pictures on the Predict page: what is on each of them, as a table and a CSV file, and graded by words."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from visionlab.learning.answers.first_words import accepted_labels, grade_predictions, word_of
from visionlab.learning.answers.many import (
    THUMBNAIL,
    Found,
    Unreadable,
    left_out,
    predict_many,
    write_csv,
    zip_sources,
)
from visionlab.learning.judging.metrics import counted
from visionlab.learning.judging.refusal import still_counted
from visionlab.learning.sets import archive
from visionlab.learning.sets.names import Guess, called, guess
from visionlab.network.running.classifier import Classifier
from visionlab.network.zoo.models import TO_NAME, first_here
from visionlab.ui.predict import many_space
from visionlab.ui.shared import cached, jobs, links
from visionlab.ui.shared.networks import YOUR_HEAD, Network, model_picker, suggest, tell_not_here
from visionlab.ui.shared.page import sentence
from visionlab.ui.shared.widgets import file_uploader, how_far, names_read, plain
from visionlab.wording import not_read

TOP = 3  # classes of each picture
IN_TABLE = 1000  # rows; more of them are in the CSV file
UNREADABLE_SHOWN = 20
TABLE, SPACE = WAYS = ("As a table", "In space")
SEEN = "many-seen"  # in the link
WORDS_SHOWN = 36


@dataclass(frozen=True, eq=False)
class _Asked:
    """Which network was asked about which zip: its name and the id that Streamlit gave it; by which job; and in which
    encoding names are read, where a person said so."""

    network: Network
    name: str
    file: str
    job: str
    names_in: str | None = None  # what a person said of names that were guessed


def show() -> None:
    """Zip in, table out."""
    chosen = model_picker(TO_NAME)
    tell_not_here(chosen)
    suggest(TO_NAME, chosen)
    asked: _Asked | None = st.session_state.get("many")
    job = jobs.registry().find(asked.job) if asked else None
    busy = job is not None and not job.over
    file = file_uploader(
        "A zip of pictures", type=["zip"], key="many-zip", max_upload_size=archive.MAX_UPLOAD_BYTES >> 20, disabled=busy
    )
    st.button(
        "Name what they show",
        key="many-start",
        type="primary",
        icon=":material/play_arrow:",
        disabled=busy or file is None,
        on_click=_start,
        args=(file, chosen),
    )
    st.caption(f"Every picture in the zip, in all its folders. From a shell: `{_command(chosen)}`")
    if job is None:
        return
    st.markdown(f"**{plain(asked.name)}**, named by **{plain(asked.network.title)}**")
    if other := _chosen_since(asked, chosen, file):
        st.info(f"Since then you have chosen {other}: “Name what they show” asks anew.", icon=":material/history:")
    if busy:
        jobs.watch(job, lambda: how_far(job, f"{len(_rows(job))} looked at"), "Stop", "stop-many")
    else:
        _outcome(job, asked, file if file and file.file_id == asked.file else None)


def _chosen_since(asked: _Asked, chosen: Network, file: UploadedFile | None) -> str:
    """The network and the zip that are chosen now, as far as they are others than those that were asked."""
    others = []
    if chosen.name != asked.network.name:
        others.append(plain(chosen.title))
    elif chosen.name == YOUR_HEAD and chosen.key != asked.network.key:
        others.append("another head of your own")
    if file is not None and file.file_id != asked.file:
        others.append(plain(file.name) if file.name != asked.name else "another zip of that name")
    return " and ".join(others)


def _command(network: Network) -> str:
    """What asks this network in a shell; a head by the name that its file has where it is taken away."""
    if network.name == YOUR_HEAD:
        return "python -m visionlab predict FOLDER --head head.safetensors"
    option = "" if network.name == first_here(TO_NAME) else f" --model {network.name}"
    return f"python -m visionlab predict FOLDER{option}"


def _start(file: UploadedFile, network: Network) -> None:
    data = file.getvalue()  # the uploader may be emptied while the job is at work

    def work(job: jobs.Job) -> Iterator[Found | Unreadable | Guess]:
        sources = zip_sources(io.BytesIO(data))
        with archive.opened(io.BytesIO(data)) as opened:
            if guessed := guess(opened):
                yield guessed
        found = predict_many(network.net, sources, TOP, engine=cached.engine_of(network.net))
        for done, each in enumerate(found, 1):
            job.report(done / len(sources))
            yield each
        yield from left_out(io.BytesIO(data))

    st.session_state["many"] = _Asked(network, file.name, file.file_id, jobs.registry().submit(work))


def _rows(job: jobs.Job) -> list[Found | Unreadable]:
    return [each for each in job.events if not isinstance(each, Guess)]


def _read_names_as(encoding: str) -> None:
    st.session_state["many"] = replace(st.session_state["many"], names_in=encoding)


def _outcome(job: jobs.Job, asked: _Asked, file: UploadedFile | None) -> None:
    if job.error:
        sentence(job.error)
    if job.state == "cancelled":
        st.caption("Stopped: these had been looked at.")
    rows = _rows(job)
    in_zip = [each.name for each in rows if isinstance(each, Found)]
    if guessed := next((each for each in job.events if isinstance(each, Guess)), None):
        names_in = asked.names_in or guessed.encoding
        names_read(guessed, names_in, "many-names", _read_names_as)
        renamed = guessed.renamed(guessed.encoding, names_in)
        rows = [replace(each, name=called(each.name, renamed)) for each in rows]
    found = [each for each in rows if isinstance(each, Found)]
    unreadable = [each for each in rows if isinstance(each, Unreadable)]
    net = asked.network.net
    named = [(word, each) for each in found if (word := word_of(each.name)) and accepted_labels(net, word)]
    if found:
        links.begin(SEEN, {way: way for way in WAYS}, "way to see them", TABLE)
        seen = st.segmented_control(
            "Seen as", WAYS, default=TABLE, required=True, key=SEEN, bind="query-params", label_visibility="collapsed"
        )
        selected = None
        if seen == SPACE:
            graded = grade_predictions(net, [(word, each.predictions) for word, each in named]).graded
            right = {each.name: one.right for one, (_, each) in zip(graded, named, strict=True)}
            selected = many_space.show(asked.job, asked.network, file, found, in_zip, right)
        _table(found, unreadable, selected)
    if unreadable:
        st.markdown(f"{not_read(len(unreadable), len(rows))}:")
        more = ["…"] if len(unreadable) > UNREADABLE_SHOWN else []
        st.text("\n".join([*(f"{each.name}: {each.why}" for each in unreadable[:UNREADABLE_SHOWN]), *more]))
    if named:
        _words(named, net)


def _table(
    found: Sequence[Found], unreadable: Sequence[Unreadable], selected: Mapping[str, float | None] | None = None
) -> None:
    """What is on the pictures, or on those that are selected, each with how much it is like the first of them."""
    rows, refuses = [], found[0].answer is not None and found[0].answer.limit is not None
    by_name = {each.name: each for each in found}
    shown = found if selected is None else [by_name[name] for name in selected]
    for each in shown[:IN_TABLE]:
        image = f"data:image/jpeg;base64,{base64.b64encode(each.thumbnail).decode()}"
        row: dict[str, object] = {"": image, "Picture": each.name}
        if selected and selected[each.name] is not None:
            row["Alike"] = selected[each.name]
        if refuses:
            row["None of these"] = each.answer.refused
        for place, answer in enumerate(each.predictions, 1):
            row |= {f"Answer {place}": answer.label, f"Probability {place}": 100 * answer.probability}
        rows.append(row)
    columns = {"": st.column_config.ImageColumn(width="small")}
    columns |= {f"Probability {place}": st.column_config.NumberColumn(format="%.1f%%") for place in range(1, TOP + 1)}
    columns["Alike"] = st.column_config.NumberColumn(
        format="%.2f", help="The cosine between what the network says of both"
    )
    if selected is not None:
        st.markdown(f"**{len(shown):,} pictures from the plane**")
    st.dataframe(rows, hide_index=True, column_config=columns, row_height=56)
    if len(shown) > IN_TABLE:
        st.caption(f"The first {IN_TABLE:,} of {len(shown):,}; all of them are in the CSV file.")
    st.download_button(
        "All as CSV",
        lambda: _csv([*found, *unreadable]),
        "predictions.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
    )


def _csv(rows: Sequence[Found | Unreadable]) -> bytes:
    file = io.StringIO(newline="")
    write_csv(rows, file)
    return file.getvalue().encode("utf-8-sig")


def _words(named: Sequence[tuple[str, Found]], net: Classifier) -> None:
    """The pictures graded by the words that their names or folders give, which are words for this network."""
    top = st.segmented_control(
        "Right if it is among the first", range(1, TOP + 1), default=1, required=True, key="words-top"
    )
    sheet = grade_predictions(net, [(word, each.predictions) for word, each in named], top)
    st.subheader(f"First words: {sheet.score} of {sheet.of}", anchor=False)
    st.caption("A picture’s file or folder gives the word that a child would say; kinds of the thing are right, too.")
    pairs = [(graded, each) for graded, (_, each) in zip(sheet.graded, named, strict=True)]
    refused = [of.right for of, each in pairs if each.answer is not None and each.answer.refused]
    if refused:
        st.caption(still_counted(len(refused), sum(refused), counted(len(pairs))))
    wrong = [(of, each) for of, each in pairs if not of.right]
    right = [(of, each) for of, each in pairs if of.right]
    shown = [*wrong, *right][:WORDS_SHOWN]
    for start in range(0, len(shown), 6):
        for column, (graded, each) in zip(st.columns(6), shown[start : start + 6], strict=False):
            with column:
                st.image(each.thumbnail, width=THUMBNAIL)
                st.text(f"{'✓' if graded.right else '✗'} {graded.word}: {graded.predictions[0].label}")
    if len(named) > WORDS_SHOWN:
        st.caption(f"{WORDS_SHOWN} of {len(named):,} are shown, those that were wrong first.")
