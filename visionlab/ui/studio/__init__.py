"""The page Fine-tune: projects.py picks the project, runs.py a run of it, and a room a step works on it. What is
uploaded comes by uploads.py; lost.py tells what did not come in.

classes/ (all that is needed, on one screen) → pictures/ → train/ → judge/ → takeaway/: each begins in its own “step”.
"""
