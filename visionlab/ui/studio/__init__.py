"""The page Fine-tune: projects.py picks the project, or start.py begins one, runs.py picks a run of it, and a room a
step works on it. What is uploaded comes by uploads.py; lost.py tells what did not come in.

pictures/ → train/ → judge/ → takeaway/       each begins in its own “step”
"""
