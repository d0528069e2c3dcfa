"""A photograph through a chain of filters, looked at stage by stage, and the chain as code that needs no visionlab.

python examples/filters_as_a_pipeline.py [PHOTO] [FOLDER]
"""

import sys
from pathlib import Path

import visionlab as vl


def main(photo: str | None = None, folder: str = "sketch") -> None:
    image = vl.load_image(photo) if photo else vl.load_sample("cat")
    chain = vl.Pipeline(
        [
            ("grey", {}),
            ("bilateral", {"diameter": 9}),
            ("canny", {"low": 40, "high": 120}),
            ("invert", {}),
        ]
    )
    out = Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    for stage in chain.stages(image):
        path = out / f"{stage.place + 1}_{stage.name}.png"
        path.write_bytes(vl.encode_png(stage.image))
        print(f"{path}: {vl.FILTERS[stage.name].about} ({1000 * stage.seconds:.0f} ms)")
    (out / "pipeline.py").write_text(chain.to_python(), encoding="utf-8")
    (out / "pipeline.json").write_text(chain.to_json(), encoding="utf-8")
    print(f"{out / 'pipeline.py'}: the same as plain OpenCV; {out / 'pipeline.json'}: to open on the page Filters")


if __name__ == "__main__":
    main(*sys.argv[1:])
