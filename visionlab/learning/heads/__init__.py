"""Heads: what they are, and how they learn."""
