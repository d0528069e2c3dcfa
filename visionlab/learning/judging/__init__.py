"""How good a head is, and why."""
