"""The step Train: step.py sets up and watches run.py (a run, as a job); runs_table.py compares them."""
