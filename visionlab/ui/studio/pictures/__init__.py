"""The step Pictures."""
