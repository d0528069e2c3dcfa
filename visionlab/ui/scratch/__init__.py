"""The page From scratch: a module an experiment (numbers, softmax, convnet, eight, birds, cost, closing).

sets.py picks the pictures, layers.py edits the network, runs.py runs it, parts.py and charts.py show what they share.
"""
