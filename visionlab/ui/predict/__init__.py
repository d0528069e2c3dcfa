"""The Predict page: answers.py, explanations.py, many_view.py (folders and zips), live.py (the camera); caches.py,
things_to_try.py."""
