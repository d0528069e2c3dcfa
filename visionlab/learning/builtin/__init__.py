"""The networks that this project trained: python -m visionlab.learning.builtin, and ….builtin.oxford_head.

corpus.py (the pictures) → training.py (the built-in VGG16; __main__.py starts it), or oxford_head.py (a head on
Oxford's convolutions) → shipping.py (the file that comes with the app)
winograd.py: convolutions for the features of very many pictures
"""
