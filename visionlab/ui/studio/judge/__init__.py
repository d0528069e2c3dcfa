"""The step Judge."""
