"""Networks: which there are, their files, running them, looking inside, and their reasons.

files/ (weights) → zoo/ (which there are) → running/ (what a Classifier is, and its answers), inside/, explain/
All speak of one record, running/classifier.py's Classifier, which zoo/ makes: running/ imports files/ alone, zoo/ both,
inside/ and explain/ any of the three.
"""
