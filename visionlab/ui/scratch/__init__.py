"""The page From scratch, a module an experiment: numbers.py, softmax.py, convnet.py, eight.py (with five_steps.py),
birds.py, cost.py, closing.py.

sets/ picks the pictures, lesson.py says how long they take, layers.py edits the network, runs.py runs it, parts.py
and charts.py show what they share.
"""
