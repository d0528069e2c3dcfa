"""What networks there are."""
