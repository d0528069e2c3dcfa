"""What is on the pictures: python predict.py photo.jpg …   (before: python -m pip install -r requirements.txt)"""

import json
import runpy
import sys
from pathlib import Path

import onnxruntime
import pi_heif

here = Path(__file__).parent
decoded = runpy.run_path(str(here / "pixels.py"))["decoded"]  # bytes → uint8 (height, width, 3) RGB
pi_heif.register_heif_opener()
session = onnxruntime.InferenceSession(here / "model.onnx")
about = session.get_modelmeta().custom_metadata_map
labels, limit = json.loads(about["labels"]), float(about.get("threshold", "inf"))
share = f", beyond which about {float(about['refuses']):.0%} of its own are" if "refuses" in about else ""
failed = False
for path in sys.argv[1:] or sys.exit(__doc__):
    try:
        image = decoded(Path(path).read_bytes())
    except Exception as error:  # damaged files bring nearly any; the others are answered all the same
        failed = not print(f"{path}: cannot be read ({str(error).split(' <')[0] or repr(error)})", file=sys.stderr)
        continue
    probabilities, *distance = session.run(None, {"image": image})
    answer = ", ".join(f"{labels[i]} {probabilities[i]:.4f}" for i in probabilities.argsort()[::-1][:5])
    if distance and distance[0] > limit:
        answer = f"none of these (distance {distance[0]:.4g}, the limit is {limit:.4g}{share}); otherwise {answer}"
    print(f"{path}: {answer}")
sys.exit(failed)
