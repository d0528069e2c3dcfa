"""The step Classes, all on one screen: step.py lays out cards.py (a class: its name, pictures, files and camera),
training.py (one button) and trying.py (the camera, or a picture)."""
