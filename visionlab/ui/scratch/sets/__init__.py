"""Which pictures the experiments are on.

opening.py (in the background) → bringing.py (downloaded, uploaded, named, a project) → choosing.py (the picker)
"""
