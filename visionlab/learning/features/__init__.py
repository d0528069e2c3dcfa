"""Pictures → features, through a frozen network, and kept for the next time.

augmentation.py (VIEWS) → embedding.py (once through the network, up to the layer that source.py says) → cache.py
scaling.py, regression.py: as heads learn from them, linearly; streamed.py: from those that do not fit into memory
"""
