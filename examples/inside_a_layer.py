"""Into one layer of the built-in VGG16: its maps, the channel that answers most, and one of its numbers as a sum.

python examples/inside_a_layer.py [PHOTO] [LAYER] [FOLDER]
"""

import sys
from pathlib import Path

import numpy as np

import visionlab as vl


def main(photo: str | None = None, layer: str = "conv3_1", folder: str = "maps") -> None:
    image = vl.load_image(photo) if photo else vl.load_sample("cat")
    net = vl.load_classifier("vgg16-tinyimagenet")
    maps = vl.feature_maps(net, image, layers=[layer])[layer].values  # (C, H, W)
    channel, row, column = np.unravel_index(maps.argmax(), maps.shape)
    print(f"{layer}: {len(maps)} maps of {maps.shape[1]} × {maps.shape[2]}; channel {channel} answers most,")
    unit = vl.trace_unit(net, image, layer, int(channel), int(row), int(column))
    box = unit.box
    print(f"at row {row}, column {column}, where it sees {box.width} × {box.height} pixels of the network's input:")
    print(f"{unit.value:.3f} = a bias of {unit.bias:.3f} + the sum of {unit.products.size} products of {unit.source}")
    out = Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    (out / f"{layer}.png").write_bytes(vl.encode_png(vl.mosaic(maps)))
    where = vl.unit_gradient(net, image, layer, int(channel), int(row), int(column))
    most = float(abs(where.brightness).max())
    shown = vl.render(where.brightness, "diverging", ends=(-most, most))  # orange pixels raise it, blue ones lower it
    (out / f"{layer}_{channel}.png").write_bytes(vl.encode_png(shown))
    print(f"{out / f'{layer}.png'}: all maps; {out / f'{layer}_{channel}.png'}: which pixels move that number")


if __name__ == "__main__":
    main(*sys.argv[1:])
