"""The Filters page.

editor.py (the chain, as the session remembers it) → chain.py draws it, and what to begin with.
stages.py (what each step makes of the picture at the page's size; caches.py keeps it), full_size.py (the same at the
picture's own, in the background) → result.py shows it, take_away.py hands it out; batch.py puts many pictures through.
"""
