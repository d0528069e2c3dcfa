"""The step Take away: step.py shows packing.py, which packs the head, and opening.py opens what was packed."""
