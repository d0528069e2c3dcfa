"""What labelled pictures are, and how they come in.

archive.py (zips and folders; names.py: what a zip's entries are called; layout.py: what the folders are) →
dataset.py: LabelledImages → sides.py: which of them are learned from, and which are held out. splits.py parts without
leaks, whole groups of near-duplicates, which similar.py finds.
online_sets.py (brings torchvision's) → reading.py (files of public sets, as arrays) → ready_made.py (sets that are
offered), and visionlab/learning/scratch/data.py.
"""
