"""The step Take away: step.py tries the head, as_zip.py packs it, opening.py opens what was packed."""
