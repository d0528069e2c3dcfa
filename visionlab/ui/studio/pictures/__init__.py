"""The step Pictures: step.py shows intake.py (what comes in; arrivals.py, what came of it), sets.py (ready-made ones),
one_class.py, gallery.py and as_zip.py (the project as a zip)."""
