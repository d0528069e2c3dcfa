"""The step Judge: step.py picks a run, case.py asks its head, and answers.py, labels.py, training.py, refusal.py and
folder.py each show a side of it, with cells.py, gallery.py and charts.py."""
