"""Why a network answered as it did: one file a method or family, one signature (method.py), one table (methods.py).

cam.py (Grad-CAM and its kin), gradients.py, integrated_gradients.py and occlusion.py say what counts; heatmap.py lays
it over the picture. faithfulness.py and sanity.py judge what a method says.
"""

from visionlab.network.explain.cam import all_in_place
from visionlab.network.explain.heatmap import Heatmap
from visionlab.network.explain.method import Method
from visionlab.network.explain.methods import METHODS, explain, explain_layers

__all__ = ["METHODS", "Heatmap", "Method", "all_in_place", "explain", "explain_layers"]
