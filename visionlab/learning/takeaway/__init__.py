"""What a person takes away, to be used without this project.

export.py (ONNX, checked to answer alike) + model_card.py + what lies in contents/ → package.py: one zip

package.py opens such a zip again, too, and is the door for every zip of classes that comes in: it tells one of these,
whose pictures are a zip within it, from a plain one.
"""
