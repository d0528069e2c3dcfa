"""The Filters page."""
