"""Many machines: the same networks and the same work over Ray. Nothing but this room imports Ray, and nothing imports
the modules that do before a person has asked for a cluster.

choice.py is the engine that VISIONLAB_ENGINE chooses, and knows no Ray itself. joining.py joins a cluster, and
compares versions; sizing.py says what fits into it. serving.py deploys networks with Ray Serve, whose weights shelf.py
hands to nodes that lack them, and engine.py asks them. listing.py finds pictures in folders and object stores; many.py
puts them through a network with Ray Data, a shard after the other, as shards.py writes them; training.py makes a head
of what comes out.
"""
