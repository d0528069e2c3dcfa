"""visionlab: see how a computer sees. Convolution, every layer of VGG16, predictions and reasons, heads of one's own.

    import visionlab as vl
    vl.predict(vl.load_classifier(), [vl.load_image("photo.jpg")])

The public names are those that __init__.pyi lists. They are imported when they are first used, so that filtering a
picture does not wait for torch.

__main__.py starts cli/. cli/ and ui/ stand on cluster/, that on learning/, that on network/, that on imaging/, and all
of them on errors.py, wording.py, shortage.py, device.py, writing.py, packing.py, limits.py and garbage.py. Where a
room's docstring draws arrows, they are the way of what is worked on: what one makes, the next takes.
"""

import os

import lazy_loader

__version__ = "0.2.0"

# Before torch comes, whose OpenMP reads it once. For how many turns a thread that has finished waits awake for the
# others: GNU's 300,000 hold a processor that these others need where something else runs too, which doubled the time
# of a training's small steps. With 10,000 nothing is slower on a machine at rest.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
