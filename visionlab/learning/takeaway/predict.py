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
        picture = Image.fromarray(np.rint(np.asarray(picture) * (255 / 65535)).clip(0, 255).astype(np.uint8))
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        white = Image.new("RGB", picture.size, "white")
        white.paste(picture, mask=picture)
        picture = white
    return np.array(picture.convert("RGB"))


def main(paths):
    session = onnxruntime.InferenceSession(Path(__file__).with_name("model.onnx"))
    about = session.get_modelmeta().custom_metadata_map
    labels, threshold = json.loads(about["labels"]), float(about.get("threshold", "inf"))
    for path in paths:
        probabilities, *distance = session.run(None, {"image": load(path)})
        if distance and distance[0] > threshold:
            print(f"{path}: none of these (distance {distance[0]:.4g}, the limit is {threshold:.4g})")
        else:
            top = probabilities.argsort()[::-1][:5]
            print(f"{path}:", ", ".join(f"{labels[i]} {probabilities[i]:.4f}" for i in top))


if __name__ == "__main__":
    main(sys.argv[1:] or sys.exit(__doc__))
