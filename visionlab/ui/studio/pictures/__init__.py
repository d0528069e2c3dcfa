"""The step Pictures: step.py shows intake.py (what comes in; arrivals.py, what came of it), sets.py (ready-made ones),
one_class.py, gallery.py, in_space.py (where a network places them) and as_zip.py (the project as a zip)."""
