"""Networks: which there are, their files, running them, looking inside, and their reasons.

files/ → zoo/ → running/ → inside/, explain/     all speak of one record, running/classifier.py's Classifier
"""
