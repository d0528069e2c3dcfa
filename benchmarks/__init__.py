"""Measurements, of two kinds.

Speed, beside peers, limits and goals: `make bench`, or `python -m benchmarks`, asks all of these questions and writes
RESULTS.md, `python -m benchmarks.convolution` one of them:
    convolution, networks, loading, activations (and explanations), transfer, app, start, sessions, live, limits,
    growth, gpu
What they share: measuring.py (rounds, rows, goals), machine.py (the processor, and as an older one), report.py (the
report, why a peer wins, and whether something became slower), drawing.py (its pictures), browsing.py (Chromium),
bare.py (a page without anything), batching.py (many who ask at once), pictures.py (what is given).

What networks and heads are worth, for the cards in weights/ and for bounds in the code: `python benchmarks/builtin.py`,
    certainty.py, copies.py, embeddings.py, judging.py, scratch.py, worth.py; four_sets.py is what some of them read.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT / "tests") not in sys.path:  # servers, a visitor without a screen, tiny networks
    sys.path.append(str(ROOT / "tests"))
