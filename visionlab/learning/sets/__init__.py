"""What labelled pictures are, and how they come in.

archive.py (zips and folders; names.py: what a zip's entries are called; layout.py: what the folders are) →
dataset.py: LabelledImages, split by splits.py without leaks, as similar.py finds near-duplicates, and sides.py keeps
bursts in order.
online_sets.py (brings torchvision's) → reading.py (files of public sets, as arrays) → ready_made.py (sets that are
offered), and visionlab/learning/scratch/data.py.
"""
