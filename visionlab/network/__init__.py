"""Networks: which there are, their files, running them, looking inside, and their reasons.

files/ → running/ (what a Classifier is, and its answers) → zoo/ (which there are) → inside/, explain/
Each knows those before it, and all speak of one record, running/classifier.py's Classifier.
"""
