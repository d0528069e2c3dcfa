"""Pictures on a plane: placing.py (where each lies, by what a network says of it), selecting.py (which of them a person
has drawn around, or asked for the nearest of)."""
