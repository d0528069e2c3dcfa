"""The fine-tuning studio: projects, their pictures, training, what a run is worth, and taking it away."""
