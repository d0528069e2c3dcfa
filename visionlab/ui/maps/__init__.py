"""The Feature maps page."""
