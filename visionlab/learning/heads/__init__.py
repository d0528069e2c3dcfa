"""Heads: what they are, and how they learn.

training.py asks inputs.py for the features of pictures and views, gives one of KINDS (kinds.py) a Problem
(problem.py), and makes a Head (head.py) of the best of its Trials, epoch by epoch. The kinds learn in linear.py,
descent.py (an MLP) and fine_tuning.py (the last block, block.py), the linear one in streamed.py where the features do
not fit into memory. checkpoints.py is what a stopped run goes on from, gate.py what the file of a head may hold.

`visionlab.learning.heads.training`, which is vl.training, is imported when it is first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, ["training"])
