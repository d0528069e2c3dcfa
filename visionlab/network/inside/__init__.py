"""Looking inside a network: activations.py (every layer's maps), channels.py (statistics, rankings and weights of a
layer's channels), trace.py (one unit as the sum that it is), excitation.py (what excites a channel), visualisation.py
(what it looks for)."""
