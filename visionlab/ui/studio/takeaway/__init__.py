"""The step Take away."""
