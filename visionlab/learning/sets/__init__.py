"""What labelled pictures are, and how they come in."""
