"""The Predict page: answers.py, explanations.py (one map, and how faithful it is), comparison.py (maps beside each
other), rubbing.py (what is left once a part is rubbed out), fooling.py (a change that nobody sees), many_view.py (a zip
of pictures), many_space.py (these on a plane), live.py (the camera); state.py, caches.py, things_to_try.py."""
