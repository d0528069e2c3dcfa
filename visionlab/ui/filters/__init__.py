"""The Filters page: chain.py edits the chain, stages.py shows what each step makes of the picture (caches.py keeps it),
batch.py puts many pictures through."""
