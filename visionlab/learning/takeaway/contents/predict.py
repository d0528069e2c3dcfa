"""What is on pictures, by the network in model.onnx: a line a picture, with its most probable classes, each with its
probability, 0 to 1 (those of all classes add up to 1). What is none of them is called so before: its distance from the
pictures that were learned from, a number without a unit, is beyond the limit that lies in model.onnx."""

import argparse
import json
import runpy
import sys
import warnings
from pathlib import Path

HERE, MODULES = Path(__file__).parent, ("pixels", "folders", "refusing")
TAKEN = """JPEG, PNG, WebP, AVIF, HEIC, GIF, BMP or TIFF, of at most 20 MB and 40 megapixels; or a folder: the pictures
in it and in the folders in it, sorted"""
REFUSE = """Good pictures, those of its classes, that a head may call “none of these” by mistake: a share, of which 0.05
is 5 in 100. Without, as the head was set."""
STATUS = """before the first time:  python -m pip install -r requirements.txt
exit status:  0 where each picture was answered; 1 where one could not be read, which stderr tells (the others are
answered all the same; a folder's other files, which it tells of, too, leave it at 0); 2 where it was asked for in a
way that cannot be"""


class CannotBe(Exception):
    """It was asked for in a way that cannot be; the sentence says why."""


def main(pictures: list[str], top: int, refuse: float | None) -> bool:
    """Print the answers; whether all could be read. CannotBe where that share cannot be refused."""
    import onnxruntime
    import pi_heif

    reading, folders, refusing = (runpy.run_path(str(HERE / f"{name}.py")) for name in MODULES)
    try:
        found, others = folders["named"](pictures)
    except ValueError as error:
        sys.exit(str(error))
    pi_heif.register_heif_opener()
    warnings.simplefilter("ignore")  # what decoders find amiss is told in one sentence
    session = onnxruntime.InferenceSession(HERE / "model.onnx")
    about = session.get_modelmeta().custom_metadata_map
    labels, limit = json.loads(about["labels"]), float(about.get("threshold", "inf"))
    share = about.get("refuses")  # not known of a head that was tried with too few pictures
    if refuse is not None:
        limit, share = chosen(about, refuse, refusing)
    mistakes = f"; it refuses about {refusing['percent'](float(share))} of good pictures by mistake" if share else ""
    unread = 0
    for path, why in found:
        try:
            if why:
                raise ValueError(why)
            image = reading["decoded"](reading["file_bytes"](path))  # uint8 (height, width, 3) RGB
        except ValueError as error:
            print(f"{path}: {error}", file=sys.stderr)
            unread += 1
            continue
        probabilities, *distance = session.run(None, {"image": image})
        answer = ", ".join(f"{labels[i]} {probabilities[i]:.4f}" for i in probabilities.argsort()[::-1][:top])
        if distance and distance[0] > limit:
            far = f"distance {distance[0]:.4g}, the limit is {limit:.4g}{mistakes}"
            answer = f"none of these ({far}); otherwise {answer}"
        print(f"{path}: {answer}")
    for path, why in others:
        print(f"{path}: {why}", file=sys.stderr)
    told, total = unread + len(others), len(found) + len(others)
    if told and total > 1:
        print(f"{told:,} of {total:,} files could not be read.", file=sys.stderr)
    return not unread


def chosen(about: dict, refuse: float, refusing: dict) -> tuple[float, float]:
    """The distance that refuses such a share of good pictures, and what share that will be."""
    import numpy as np

    if "threshold" not in about:
        raise CannotBe(f"model.onnx refuses nothing, so that --refuse {refuse} changes nothing. Leave it out.")
    if "distances" not in about:
        raise CannotBe(
            "This head does not say by which pictures its refusal was set. Train it again to choose another share."
        )
    by = np.array(json.loads(about["distances"]), np.float32), np.array(json.loads(about["groups"]), np.int64)
    if short := refusing["short_of"](len(by[0]), refusing["count_different"](*by), refuse):
        print(f"--refuse is {refuse:g}; {short}.", file=sys.stderr)
    limit = refusing["threshold_of"](*by, refuse)
    return limit, refusing["share_beyond"](*by, limit)


if __name__ == "__main__":
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, epilog=STATUS, formatter_class=form, allow_abbrev=False)
    parser.add_argument("pictures", nargs="+", metavar="PICTURE", help=TAKEN)
    parser.add_argument("--top", type=int, default=5, metavar="N", help="how many classes, 1 or more; 5 unless told")
    parser.add_argument("--refuse", type=float, metavar="SHARE", help=REFUSE)
    asked = parser.parse_args()
    if asked.top < 1:
        parser.error(f"--top is {asked.top}; it must be 1 or more")
    if asked.refuse is not None and not 0 < asked.refuse < 1:
        parser.error(f"--refuse is {asked.refuse}; it must be above 0 and below 1.")
    try:
        sys.exit(not main(asked.pictures, asked.top, asked.refuse))
    except CannotBe as error:
        parser.error(str(error))
