"""The head as one zip that works elsewhere: packed and compared in the background, then there to be downloaded."""

from __future__ import annotations

import re
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import BinaryIO
from zipfile import ZipFile

import streamlit as st

from visionlab.learning.projects.as_zip import Packed, export_zip
from visionlab.learning.projects.files import telling
from visionlab.learning.takeaway.export import Parity
from visionlab.learning.takeaway.package import Packing, check_size, pack
from visionlab.ui.shared import cached, jobs
from visionlab.ui.shared.networks import own_head
from visionlab.ui.shared.page import roomy_columns, sentence
from visionlab.ui.shared.undisturbed import attempt
from visionlab.ui.studio.judge.case import Case, counted
from visionlab.ui.studio.takeaway import opening
from visionlab.ui.studio.takeaway.opening import BEGAN
from visionlab.wording import sized

COMPARED = 200  # pictures at most on which the export has to answer like the original
HOLDS = """\
- `model.onnx`: the whole network, with resizing and normalisation inside; pictures of any size go in
- `predict.py`, `pixels.py`, `folders.py` and `refusing.py`: what runs it, and reads, finds and refuses as this app
- `head.safetensors`: the head, to open it here again
- `labels.txt`, `requirements.txt`, `model-card.md` and `training.json`: what it was made from, and what it is worth
"""
RUN = "python -m pip install -r requirements.txt\npython predict.py photo.jpg my-pictures"


@dataclass(frozen=True, eq=False)
class Ready:
    """The zip, an open temporary file; its size in bytes, its model card, how the export compared, and whose it is."""

    file: BinaryIO
    size: int
    card: str
    parity: Parity
    key: str
    _alone: threading.Lock = field(default_factory=threading.Lock)  # downloads that read it come from any thread

    def read(self, name: str | None = None) -> bytes:
        """The zip's bytes, or those of a file in it; Streamlit takes nothing else, and has them in memory meanwhile."""
        with self._alone:
            if name is None:
                self.file.seek(0)
                return self.file.read()
            with ZipFile(self.file) as packed:
                return packed.read(name)


def show(case: Case) -> None:
    """What is packed, the button that packs, its progress, and what came of it."""
    job = jobs.registry().about(_subject(case))
    busy = job is not None and not job.over
    about, act = roomy_columns([1.3, 1], "details-take-away", gap="large")
    with about:
        st.markdown(f"One zip that predicts the same elsewhere, without this app:\n{HOLDS}")
        st.code(RUN, language="sh")
    with act:
        whole = st.checkbox(
            "With the pictures, to train on later",
            key="with-pictures",
            persist_state="session",  # what was packed is there when one comes back
            disabled=busy,
            help="Then the zip can be opened here again, to add pictures and to train on.",
        )
        ready = job.latest if job and isinstance(job.latest, Ready) and job.latest.key == _key(case, whole) else None
        if busy:
            jobs.watch(job, lambda: _progress(job), "Cancel", "cancel-pack")
        elif ready:
            _ready(ready)
        else:
            if job and job.error:
                sentence(job.error)
            st.button(
                "Pack it",
                type="primary",
                icon=":material/inventory_2:",
                key="pack",
                # As the box is then: the page may not have run since it was ticked.
                on_click=attempt,
                args=(lambda: _begin(case, st.session_state["with-pictures"]),),
            )
            st.caption(
                "The exported network has to answer like the original first: it is compared picture by picture, and "
                "nothing is handed out where it differs."
            )
        st.download_button(
            "The head alone",
            case.head.to_bytes,
            "head.safetensors",
            "application/octet-stream",
            icon=":material/download:",
            key="download-head",
            on_click="ignore",
        )
    if ready:
        with st.expander("The model card", icon=":material/description:"):
            st.markdown(re.sub("^#", "###", ready.card, flags=re.MULTILINE))  # headings below those of the page


def _ready(ready: Ready) -> None:
    st.download_button(
        f"Download the zip · {sized(ready.size)}",
        ready.read,
        "my-classifier.zip",
        "application/zip",
        type="primary",
        icon=":material/download:",
        key="download-zip",
        on_click="ignore",
    )
    st.markdown(f":green[:material/check_circle:] {in_words(ready.parity)}")
    st.download_button(
        "The ONNX model alone",
        lambda: ready.read("model.onnx"),
        "model.onnx",
        "application/octet-stream",
        icon=":material/download:",
        key="download-onnx",
        on_click="ignore",
    )


def in_words(parity: Parity) -> str:
    """How the export compared with the original, for people."""
    most = f"{parity.difference:.0e}".replace("e-0", "e-")
    return f"onnxruntime and PyTorch agree to {most} on {counted(parity.pictures)}: no probability differs by more."


def _key(case: Case, whole: bool) -> str:
    return f"{case.key} {own_head.key_of(case.head)} {whole}"  # a head that refuses another share is another one


def _begin(case: Case, whole: bool) -> None:
    before = jobs.registry().about(_subject(case))
    if before and isinstance(before.latest, Ready):
        before.latest.file.close()  # at once, not when the server forgets that job
    net, report = cached.classifier(case.head.network), case.evaluation.report if case.held_out else None
    pictures = case.held_out or case.learned
    images = case.images(pictures[:: -(-len(pictures) // COMPARED) or 1])
    most = opening.most_bytes()
    began = datetime.fromtimestamp(case.run.started, UTC).isoformat(timespec="seconds")
    training = {"seconds": case.run.report["seconds"], BEGAN: began}

    def work(_: jobs.Job) -> Iterator[Packed | Packing | Ready]:
        if whole:
            check_size(sum(each.bytes for each in case.project.snapshot()[1]), most)  # before any of them is packed
        with telling():
            file = tempfile.TemporaryFile(dir=case.project.folder)  # where a full disk is told of  # noqa: SIM115
            labelled = tempfile.TemporaryFile(dir=case.project.folder) if whole else None  # noqa: SIM115
            if labelled is not None:
                yield from export_zip(case.project, labelled)
            for packing in pack(
                case.head, net, file, images, report=report, pictures=labelled, training=training, most=most
            ):
                yield packing
            size = file.tell()
            with ZipFile(file) as packed:
                card = packed.read("model-card.md").decode()
        yield Ready(file, size, card, packing.parity, _key(case, whole))

    jobs.registry().submit(work, _subject(case))


def _subject(case: Case) -> str:
    return f"package of {case.project.id} {case.run.id}"


def _progress(job: jobs.Job) -> None:
    latest = job.latest
    if isinstance(latest, Packed):
        st.progress(latest.done / latest.total, f"Packing picture {latest.done:,} of {latest.total:,}")
    elif isinstance(latest, Packing):
        text = latest.doing if latest.of == 1 else f"{latest.doing}: {latest.done:,} of {counted(latest.of)}"
        st.progress(latest.done / latest.of, f"{text} …")
    else:
        st.progress(0.0, "Waiting for its turn …" if job.state == "waiting" else "Beginning …")
