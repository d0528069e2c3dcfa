"""Networks trained from nothing: the experiments of five articles, on data that fits into memory.

    small_set.py (in memory) → softmax.py (a template a class)
                             → stack.py (layers as data) → training.py → moving_eight.py, birds.py, closing.py
    data.py: where small sets come from
    five_steps.py: the convolutional one of moving_eight.py, walked through
    forecast.py: how long those of several trainings take
    cost.py: what a layer costs        divergence.py: a loss that has run away
Each is a run that is iterated for frozen records of how it goes; what it learned is there at any time, and stopping is
not asking for the next.
"""

from visionlab.learning.scratch.birds import Birds, Verdict
from visionlab.learning.scratch.closing import Closing, Row
from visionlab.learning.scratch.cost import Cost, convolutional, fully_connected
from visionlab.learning.scratch.data import SOURCES, Source, download, load
from visionlab.learning.scratch.divergence import Diverged
from visionlab.learning.scratch.five_steps import FiveSteps, five_steps
from visionlab.learning.scratch.moving_eight import EightNet, MovingEight, ShiftMap, answer, shift_map, surest_first
from visionlab.learning.scratch.small_set import SmallSet
from visionlab.learning.scratch.softmax import SETTINGS, Settings, Softmax, Step
from visionlab.learning.scratch.stack import (
    CONVOLUTIONAL,
    STACKS,
    LayerShape,
    LayerSpec,
    Network,
    as_data,
    build,
    conv,
    dense,
    dropout,
    from_data,
    pool,
    shapes,
    with_classes,
)
from visionlab.learning.scratch.training import Epoch, Pace, Progress, Training, pace, probabilities

__all__ = [
    "CONVOLUTIONAL",
    "SETTINGS",
    "SOURCES",
    "STACKS",
    "Birds",
    "Closing",
    "Cost",
    "Diverged",
    "EightNet",
    "Epoch",
    "FiveSteps",
    "LayerShape",
    "LayerSpec",
    "MovingEight",
    "Network",
    "Pace",
    "Progress",
    "Row",
    "Settings",
    "ShiftMap",
    "SmallSet",
    "Softmax",
    "Source",
    "Step",
    "Training",
    "Verdict",
    "answer",
    "as_data",
    "build",
    "conv",
    "convolutional",
    "dense",
    "download",
    "dropout",
    "five_steps",
    "from_data",
    "fully_connected",
    "load",
    "pace",
    "pool",
    "probabilities",
    "shapes",
    "shift_map",
    "surest_first",
    "with_classes",
]
