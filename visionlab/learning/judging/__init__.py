"""How good a head is, and why.

evaluation.py makes metrics.py's report on held-out pictures; baselines.py is what it has to beat, learning_curve.py
what more pictures would bring, thresholds.py from when on to believe it, calibration.py how sure it may say that it
is, refusal.py which pictures are none of the classes, suspects.py which labels may be wrong, nearness.py which pictures
are near each other.
"""
