"""What a person takes away: a file, a zip, a card."""
