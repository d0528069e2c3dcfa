"""Learning from the user's own pictures: data, embedding, heads, training, and what a run is worth."""
