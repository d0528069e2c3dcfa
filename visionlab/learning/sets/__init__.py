"""What labelled pictures are, and how they come in.

archive.py (zips and folders; guarded.py: what a zip is read from; names.py: what its entries are called; kinds.py:
which files are pictures; layout.py: what the folders are) →
dataset.py: LabelledImages (copies.py: each once, and which are alike) → sides.py: which of them are learned from,
and which are held out. splits.py parts without leaks, whole groups of near-duplicates, which similar.py finds;
learned.py knows pictures again that were learned from.
online_sets.py (brings torchvision's) → reading.py (files of public sets, as arrays) → ready_made.py (sets that are
offered), and visionlab/learning/scratch/data.py.
"""
