"""Running a network.

classifier.py: a network and how pictures enter it. prediction.py asks it, chunks.py as quickly as caches allow, with
convolutions.py as quickly as processors have them, batching.py for many callers at once, precision.py in half
precision; engine.py is who computes, here or elsewhere. certainty.py puts its sureness into words.
"""
