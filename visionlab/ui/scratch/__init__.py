"""The page From scratch, a module an experiment: numbers.py, softmax.py, convnet.py, eight.py, birds.py, cost.py,
closing.py.

sets.py picks the pictures, layers.py edits the network, runs.py runs it, parts.py and charts.py show what they share.
"""
