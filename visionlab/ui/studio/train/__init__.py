"""The step Train."""
