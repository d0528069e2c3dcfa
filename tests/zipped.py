"""A zip of pictures as people have them: twins by name, litter, a note, and one that is broken."""

import io
import zipfile

import numpy as np

from visionlab.imaging.image import encode_jpeg, encode_png

PICTURE = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)


def zipped(files: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return target.getvalue()


def unmarked(files: dict[str, bytes], encoding: str) -> bytes:
    """A zip of these whose names are in that encoding, and do not say so."""

    class Unmarked(zipfile.ZipInfo):
        def _encodeFilenameFlags(self):
            return self.filename.encode(encoding), self.flag_bits

    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in files.items():
            archive.writestr(Unmarked(name), data)
    return target.getvalue()


FILES = {
    "a/one.png": encode_png(PICTURE),
    "a/one.jpg": encode_jpeg(PICTURE),
    "b/two.png": encode_png(PICTURE[:9]),
    "notes.txt": b"no picture, and none of our business",
    "__MACOSX/._one.png": b"litter",
    "b/broken.png": encode_png(PICTURE)[:60],
}
