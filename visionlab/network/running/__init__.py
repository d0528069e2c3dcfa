"""Running a network."""
