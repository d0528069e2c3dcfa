"""Looking inside a network: activations.py (every layer's maps), channels.py (statistics, rankings and weights of a
layer's channels), contributions.py (what they add to a class), depth.py (how deep a layer lies), trace.py (one unit as
the sum that it is), sensitivity.py (what each pixel does to it), excitation.py (what excites a channel),
visualisation.py (what it looks for)."""
