"""What the tests of the studio's steps have in common: a project of striped pictures, and a run on a tiny network."""

import numpy as np
from streamlit.testing.v1 import AppTest

from visionlab.imaging.image import encode_png
from visionlab.learning.projects.intake import from_files, take
from visionlab.learning.projects.project import Project
from visionlab.learning.projects.runs import RunInfo
from visionlab.network.running.classifier import Classifier
from visionlab.ui.shared import jobs
from visionlab.ui.studio.train.run import Settings, noted, train

ME = "a text that only I know"


def striped(kind: int, seed: int) -> bytes:
    rows, columns = np.mgrid[:40, :40]
    wave = (np.sin(rows / 2), np.sin(columns / 2))[kind] * 90
    picture = 128 + wave[..., None] + np.random.default_rng([kind, seed]).normal(0, 25, (40, 40, 3))
    return encode_png(picture.clip(0, 255).astype(np.uint8))


def stripes(project: Project, count: int = 12) -> Project:
    """Two classes of that many pictures."""
    for kind, name in enumerate(("across", "**down**")):
        files = [(f"{name} {seed}.png", striped(kind, seed)) for seed in range(count)]
        for _ in take(project, from_files(name, files)):
            pass
    return project


def begun(project: Project, net: Classifier, **changed) -> RunInfo:
    """A finished run."""
    settings = Settings("tiny", **({"kind": "linear", "views": (), "validation": 0.5, "seed": 0} | changed))
    run = project.begin_run(noted(settings, 24), waiting=True)
    for _ in train(project, run, net):
        pass
    return project.run(run)


def lines(app: AppTest) -> str:
    """What a person reads."""
    kinds = (app.subheader, app.markdown, app.text, app.caption, app.info)
    return "\n".join(each.value for kind in kinds for each in kind)


def finish(app: AppTest, registry: jobs.Registry) -> AppTest:
    """Wait for all jobs, look again, and see that no further ones were begun."""
    for _ in range(5):
        going_on = [job for job in list(registry._jobs.values()) if not job.over]
        if not going_on:
            break
        assert all(job.wait(60) for job in going_on)
        app.run()
        assert not app.exception
    app.run()
    assert not app.exception
    return app
