"""What is on the pictures: python predict.py photo.jpg …   (before: python -m pip install -r requirements.txt)"""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image, ImageOps


def load(path):
    """uint8 (height, width, 3) RGB: upright, transparency over white, 16-bit grey in 8 bits, the first frame."""
    picture = ImageOps.exif_transpose(Image.open(path))
    if picture.mode.startswith("I"):
        picture = Image.fromarray(np.rint(np.asarray(picture) / 257).clip(0, 255).astype(np.uint8))
    picture = picture.convert("RGBA")
    white = Image.new("RGBA", picture.size, "white")
    return np.array(Image.alpha_composite(white, picture).convert("RGB"))


session = onnxruntime.InferenceSession(Path(__file__).with_name("model.onnx"))
about = session.get_modelmeta().custom_metadata_map
labels, limit = json.loads(about["labels"]), float(about.get("threshold", "inf"))
for path in sys.argv[1:] or sys.exit(__doc__):
    probabilities, *distance = session.run(None, {"image": load(path)})
    answer = ", ".join(f"{labels[i]} {probabilities[i]:.4f}" for i in probabilities.argsort()[::-1][:5])
    if distance and distance[0] > limit:
        answer = f"none of these (distance {distance[0]:.4g}, the limit is {limit:.4g})"
    print(f"{path}: {answer}")
