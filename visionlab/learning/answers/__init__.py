"""What a network answers to many pictures."""
