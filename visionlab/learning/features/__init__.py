"""What a network makes of pictures, kept for the next time."""
