"""Networks: which there are, their files, running them, looking inside, their reasons, and pictures that are changed.

files/ (weights) → zoo/ (which there are) → running/ (what a Classifier is, and its answers), inside/, explain/ →
changes/ (pictures that are changed to see what is said of them)
All speak of one record, running/classifier.py's Classifier, which zoo/ makes: running/ imports files/ alone, zoo/ both,
inside/ and explain/ any of the three.
"""
