"""The server itself is killed (SIGKILL) at random moments of uploading, labelling, embedding, training, exporting and
downloading, by visitors who speak to it as a browser does. What the page had said is there afterwards, everything that
is there can be read, and a run goes on and loses an epoch at most.
"""

from __future__ import annotations

import hashlib
import io
import os
import random
import re
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookiejar import CookieJar
from multiprocessing.process import BaseProcess
from signal import SIGKILL

from browser.driver import striped
from browser.servers import ADDRESS, fork_server
from hostile.outcome import BROKEN, TAKEN, Outcome
from hostile.visitor import Visitor
from websockets.exceptions import WebSocketException

from visionlab.errors import VisionlabError
from visionlab.learning.heads.head import load_head
from visionlab.learning.projects.intake import from_files, take
from visionlab.learning.projects.outcome import Outcome as Answers
from visionlab.learning.projects.project import Project
from visionlab.learning.projects.workspace import Workspace
from visionlab.network.zoo.loading import load_classifier
from visionlab.ui.shared.visitor import COOKIE
from visionlab.ui.studio.train.run import Settings, noted, train


class Broken(Exception):
    """The page shows an exception."""


CUT = (OSError, WebSocketException, Broken)  # what an answer ends with that the server did not live to give
CLASSES = ("across", "down")
SOON = 300.0  # seconds in which a run that is taken up again has to come to its next epoch, on a busy machine


@dataclass
class Scene:
    """A project, who works on it, and what the page has said of it so far.

    acknowledged: what has to be there: digests of pictures, or (picture, class, enabled) of each, or what else the
    action is about; pending: what may be there instead, since it was under way. wrong: what was answered wrongly.
    """

    project: Project
    visitor: Visitor
    chance: random.Random
    kill: Callable[[], None]  # to be called when it begins
    acknowledged: object = None
    pending: object = None
    wrong: list[str] = field(default_factory=list)


# What is going on when the server is killed: each goes on until then -------------------------------------------------


def uploading(scene: Scene) -> None:
    """Pictures into classes, a few at a time, each time until their number stands on the page."""
    scene.acknowledged = scene.pending = digests(scene.project)
    counts = {each.name: each.count for each in scene.project.classes()}
    places = uploaders(scene.visitor.open("Fine_tune", project=scene.project.id))
    scene.kill()
    while True:
        kind = scene.chance.randrange(2)
        files = fresh(scene.chance, kind, scene.chance.randrange(1, 9))
        scene.pending = scene.acknowledged | {hashlib.sha256(data).hexdigest() for _, data in files}
        counts[CLASSES[kind]] += len(files)
        scene.visitor.upload(places[kind], files)
        places = wait(scene, lambda: told_counts(scene.visitor) == list(counts.values())) and uploaders(scene.visitor)
        scene.acknowledged = scene.pending


def labelling(scene: Scene) -> None:
    """Pictures are moved, switched off and removed, as the gallery tells it, and taken back by undo."""
    scene.visitor.open("Fine_tune", project=scene.project.id, step="Pictures")
    before = scene.acknowledged = scene.pending = labels(scene.project)
    classes, box = [each.id for each in scene.project.classes()], scene.chance.random()
    scene.kill()
    for number in range(1, 10_000):
        [chosen] = scene.chance.sample(sorted(scene.acknowledged), 1)
        picture, class_id, enabled = chosen
        act = scene.chance.choice(["move", "enable", "undo", *(["remove"] if len(scene.acknowledged) > 4 else [])])
        if act == "undo" and before == scene.acknowledged:
            act = "enable"
        if act == "undo":
            scene.pending, before = before, before
            scene.visitor.click("undo")
        else:
            rest, to = scene.acknowledged - {chosen}, classes[class_id == classes[0]]
            changed = {"move": {(picture, to, enabled)}, "enable": {(picture, class_id, not enabled)}, "remove": set()}
            before, scene.pending = scene.acknowledged, rest | changed[act]
            told = {"move": {"to": classes.index(to)}, "enable": {"on": not enabled}, "remove": {}}[act]
            event = {act: [str(picture)], **told}
            scene.visitor.trigger("gallery", "sent", {"box": box, "first": number, "events": [event]})
        scene.acknowledged = scene.pending


def training(scene: Scene, kind: str = "Hidden layer") -> None:
    """One run after the other, watched as a person does: (how many began, the last one's epoch) is what was told."""
    visitor = scene.visitor.open("Fine_tune", project=scene.project.id, step="Train")
    scene.acknowledged = (0, 0)

    def over() -> bool:
        if told := re.search(r"Epoch (\d+) of", visitor.text):
            scene.acknowledged = (scene.acknowledged[0], int(told[1]))
        return "stop-run" not in visitor.keys

    scene.kill()
    while True:
        visitor.pick("kind", kind)
        visitor.click("train")
        scene.acknowledged = (scene.acknowledged[0] + 1, 0)
        wait(scene, over)


def embedding(scene: Scene) -> None:
    """As training, on pictures that no network has seen: fine-tuning takes three views of each through it."""
    fill(scene.project, scene.chance, 20)
    training(scene, "Fine-tuning")


def exporting(scene: Scene) -> None:
    """The head is packed, with the pictures, and downloaded."""
    scene.visitor.open("Fine_tune", project=scene.project.id, step="Take away")
    scene.kill()
    for whole in 10_000 * [True, False]:
        scene.visitor.tick("with-pictures", whole)
        if "pack" in scene.visitor.keys:
            scene.visitor.click("pack")
        wait(scene, lambda: "download-zip" in scene.visitor.keys)
        with zipfile.ZipFile(io.BytesIO(scene.visitor.download("download-zip"))) as packed:
            if damaged := packed.testzip():
                scene.wrong.append(f"{damaged} in the zip is damaged")


def downloading(scene: Scene) -> None:
    """The head, and the zip of all pictures, again and again: each is whole, or the browser says that it failed."""
    visitor = scene.visitor.open("Fine_tune", project=scene.project.id, step="Take away")
    head = scene.project.runs()[0].head.read_bytes()
    scene.kill()
    while True:
        if visitor.download("download-head") != head:
            scene.wrong.append("a head that was downloaded is another one, or cut short")


ACTIONS: dict[str, tuple[Callable[[Scene], None], float]] = {  # and within how many seconds the server is killed
    "uploading": (uploading, 3),
    "labelling": (labelling, 2),
    "embedding": (embedding, 3),
    "training": (training, 4),
    "fine-tuning": (lambda scene: training(scene, "Fine-tuning"), 8),
    "exporting": (exporting, 9),
    "downloading": (downloading, 2),
}


# What has to hold afterwards ------------------------------------------------------------------------------------------


def holds(kind: str, scene: Scene, workspace: Workspace) -> Iterator[str]:
    """What does not, of what is on disk while no server runs."""
    project = workspace.open(scene.project.id)
    found = {"uploading": digests, "labelling": labels}.get(kind)
    if found and found(project) not in (scene.acknowledged, scene.pending):
        yield f"{len(found(project))} pictures are otherwise than the page had said"
    if kind in ("embedding", "training", "fine-tuning"):
        known, (begun, epoch) = project.runs(), scene.acknowledged
        if len(known) - 1 < begun:
            yield "a run that had begun is gone"
        elif len(known) - 1 == begun and len(known[0].epochs) < epoch:
            yield f"the page had told of epoch {epoch}, and {len(known[0].epochs)} are noted"
        if {run.state for run in known} - {"done", "interrupted"}:
            yield f"runs are {', '.join(run.state for run in known)}"
    yield from scene.wrong
    yield from unreadable(project)


def unreadable(project: Project) -> Iterator[str]:
    """What of a project cannot be read, or lies about for no reason once it is tidied."""
    project.tidy()
    for picture in project.pictures(limit=10_000):
        if hashlib.sha256(project.path(picture.digest).read_bytes()).hexdigest() != picture.digest:
            yield f"the bytes of {picture.name} are others"
        try:
            project.load(picture)
        except VisionlabError as error:
            yield str(error)
    for run in project.runs():
        answers = None
        try:
            if run.head:
                load_head(run.head)
            if answers := project.outcome(run.id):
                Answers.from_bytes(answers)
        except VisionlabError as error:
            yield f"of a run that is {run.state}: {error}"
        if run.state == "done" and not (run.head and answers and run.report):
            yield "a run that is done lacks its head, its answers or its report"
    known = {f"{each.digest[:2]}/{each.digest}" for each in project.pictures(limit=10_000)}
    kept = {str(file.relative_to(project.folder / "pictures")) for file in (project.folder / "pictures").glob("??/*")}
    if len(kept - known) > 200:  # those that an undo brings back may stay
        yield f"{len(kept - known)} files of pictures belong to nothing"
    left = [file.name for file in project.folder.rglob("*") if file.suffix == ".part" or file.parent.name == "incoming"]
    if left:
        yield f"{', '.join(left)} is left over"


def goes_on(scene: Scene) -> Iterator[str]:
    """What does not hold on the page of the server that was started again."""
    visitor = scene.visitor.open("Fine_tune", project=scene.project.id, step="Train")
    yield from visitor.exceptions
    interrupted = scene.project.interrupted()
    if not interrupted:
        return
    [run] = interrupted
    before = [epoch["index"] for epoch in run.epochs]
    visitor.click(next(key for key in visitor.keys if key.startswith("go-on")))
    ends = time.monotonic() + SOON
    while time.monotonic() < ends and len((now := scene.project.run(run.id)).epochs) == len(before):
        if now.state not in ("waiting", "running"):
            break
        time.sleep(0.1)
    later = [epoch["index"] for epoch in now.epochs][len(before) :]
    if not later and now.state != "done":
        yield f"a run does not go on; it is {now.state}: {now.error}"
    if later and before and before[-1] - (later[0] - 1) > 1:
        yield f"a run that was at epoch {before[-1]} went on at epoch {later[0]}"
    if "stop-run" in visitor.keys:
        visitor.run()
    if "stop-run" in visitor.keys:
        visitor.click("stop-run")
        wait(scene, lambda: "stop-run" not in visitor.keys)
    yield from unreadable(scene.project)


# ----------------------------------------------------------------------------------------------------------------------


def run(count: int = 50, seed: int = 0) -> Outcome:
    """So many servers are killed, one action after the other, each at a moment by chance."""
    outcome, chance = Outcome("Killed servers"), random.Random(seed)
    with tempfile.TemporaryDirectory() as base, environment(VISIONLAB_WORKSPACE=base, OMP_NUM_THREADS="1"):
        workspace, cookies = Workspace(base), CookieJar()
        process = fork_server()
        try:
            visitor = Visitor(ADDRESS, cookies).open("Fine_tune")
            first = prepared(workspace, visitor.cookie(COOKIE))
            for number in range(count):
                kind = [*ACTIONS][number % len(ACTIONS)]
                act, most = ACTIONS[kind]
                project = workspace.duplicate(first.id, f"{kind} {number}", visitor.cookie(COOKIE))
                killer = threading.Timer(chance.uniform(0.05, most), process.kill)
                scene = Scene(project, visitor, random.Random(chance.randrange(2**32)), killer.start)
                killed_during(act, scene, process, killer)
                problems = [*holds(kind, scene, workspace)]
                process = fork_server()
                problems += goes_on(scene)
                note(outcome, kind, problems)
            note(outcome, "all projects in the end", [told for each in opened(workspace) for told in unreadable(each)])
        finally:
            process.kill()
            process.join(20)
    return outcome


def killed_during(act: Callable[[Scene], None], scene: Scene, process: BaseProcess, killer: threading.Timer) -> None:
    """Do it until the server is killed, at a moment after it has begun."""
    try:
        act(scene)
    except CUT as error:
        killer.join()
        process.join(20)
        if process.exitcode != -SIGKILL:
            scene.wrong.append(f"the server ended by itself ({process.exitcode}, {error})")
    except LookupError as error:
        scene.wrong.append(str(error))
        killer.join()
    finally:
        scene.visitor.close()


def note(outcome: Outcome, kind: str, problems: list[str]) -> None:
    outcome.note(kind, BROKEN if problems else TAKEN, 0.0, SOON, "; ".join(problems))


def prepared(workspace: Workspace, owner: str) -> Project:
    """A project of two classes with a finished run."""
    project = workspace.create("First", owner)
    fill(project, random.Random(7), 12)
    settings = Settings("vgg16-tinyimagenet", "linear", (), 0.25, 0)
    begun = project.begin_run(noted(settings, 24), waiting=True)
    for _ in train(project, begun, load_classifier(settings.network, "cpu")):
        pass
    return project


def opened(workspace: Workspace) -> Iterator[Project]:
    for folder in workspace.folder.iterdir():
        if folder.name in workspace:
            yield workspace.open(folder.name)


def fresh(chance: random.Random, kind: int, count: int) -> list[tuple[str, bytes]]:
    seeds = [chance.randrange(2**31) for _ in range(count)]
    return [(f"{seed}.png", striped(kind, seed)) for seed in seeds]


def fill(project: Project, chance: random.Random, count: int) -> None:
    for kind, name in enumerate(CLASSES):
        for _ in take(project, from_files(name, fresh(chance, kind, count))):
            pass


def digests(project: Project) -> frozenset[str]:
    return frozenset(each.digest for each in project.pictures(limit=10_000))


def labels(project: Project) -> frozenset[tuple[int, int, bool]]:
    return frozenset((each.id, each.class_id, each.enabled) for each in project.pictures(limit=10_000))


def uploaders(visitor: Visitor) -> list[str]:
    return [key for key in visitor.keys if key.startswith("pictures-")]


def told_counts(visitor: Visitor) -> list[int]:
    """How many pictures each class has, as its card says."""
    bodies = [each.body for each in visitor.shown() if type(each).__name__ == "Markdown"]
    return [int(body) for body in bodies if body.isdecimal()]


def wait(scene: Scene, until: Callable[[], bool]) -> bool:
    """Look at the page again and again, as long as it shows no exception."""
    while not until():
        if scene.visitor.exceptions:
            scene.wrong.append(f"the page shows {scene.visitor.exceptions[0]}")
            raise Broken
        time.sleep(0.05)
        scene.visitor.run()
    return True


@contextmanager
def environment(**variables: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value
