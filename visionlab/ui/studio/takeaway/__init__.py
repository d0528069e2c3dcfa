"""The step Take away: step.py tries the head, packing.py packs it, opening.py opens what was packed."""
