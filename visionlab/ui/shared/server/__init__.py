"""What this server has, as its operator wants it: pages.py (which pages there are), store.py (its projects)."""
