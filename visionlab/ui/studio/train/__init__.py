"""The step Train: step.py has form.py set up, and watches, run.py (a run, as a job); runs_table.py compares them."""
