"""The step Judge: step.py picks a run, case.py asks its head, and answers.py, labels.py, more_pictures.py,
refusal.py, where_it_looks.py and folder.py each show a side of it, with cells.py, gallery.py and charts.py."""
