"""What labelled pictures are, and how they come in.

archive.py (zips and folders; names.py: what a zip's entries are called; layout.py: what the folders are) and
reading.py (files of public sets) → dataset.py: LabelledImages, split by splits.py without leaks, as similar.py finds
near-duplicates, and sides.py keeps bursts in order. ready_made.py offers sets; online_sets.py brings torchvision's.
"""
