"""The Predict page: answers.py, explanations.py (one map, and how faithful it is), comparison.py (maps beside each
other), many_view.py (folders and zips), live.py (the camera); caches.py, things_to_try.py."""
