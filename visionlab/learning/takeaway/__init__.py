"""What a person takes away, to be used without this project.

export.py (ONNX, checked to answer alike) + model_card.py + what lies in contents/ → package.py: one zip
"""
