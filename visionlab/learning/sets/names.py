"""The names in a zip as plain paths, whoever packed it: Windows' backslashes, and bytes of an unstated encoding."""

from __future__ import annotations

import os
import re
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator, Sequence

from visionlab.errors import DatasetError
from visionlab.wording import quoted, shortened

UTF8, UNICODE_PATH = (
    0x800,
    0x7075,
)  # the flag “this name is UTF-8”, and the extra field that holds it as UTF-8 (APPNOTE)
# What systems pack names in: of each the part that is in common use, and the scripts of its words.
ENCODINGS = {
    "cp932": ("shift_jis", ("CJK", "HIRAGANA", "KATAKANA")),
    "gb18030": ("gb2312", ("CJK",)),
    "big5": ("big5", ("CJK",)),
    "cp949": ("euc_kr", ("HANGUL",)),
    "cp866": ("cp866", ("CYRILLIC",)),
    "cp1251": ("cp1251", ("CYRILLIC",)),
    "cp850": ("cp850", ("LATIN",)),
    "cp1252": ("cp1252", ("LATIN",)),
}
EASTERN = ("cp932", "gb18030", "big5", "cp949")
ENOUGH = 4_096  # bytes that a guess is made on: names are short, so they are repeated

PathParts = tuple[str, ...]  # relative to the zip, or to where a set lies


def entries(archive: zipfile.ZipFile) -> list[tuple[PathParts, zipfile.ZipInfo]]:
    """Each entry's path in parts, and the entry; what may hold nothing, such as “./”, has no parts.

    Raises DatasetError for an encrypted entry, an odd packing, or a path that leads outside.
    """
    infos = archive.infolist()
    return [(_plain(name, info), info) for name, info in zip(_names(infos), infos, strict=True)]


def free_name(path: str, taken: set[str]) -> str:
    """The path, with a number where another one is the same but for its case; it is taken from then on."""
    stem, ending = os.path.splitext(path)
    free, number = path, 2
    while free.casefold() in taken:
        free, number = f"{stem}-{number}{ending}", number + 1
    taken.add(free.casefold())
    return free


def _names(infos: Sequence[zipfile.ZipInfo]) -> Iterator[str]:
    """What the entries are called. One encoding is chosen for all that do not state theirs: no packer mixes them."""
    stated = [info.orig_filename if info.flag_bits & UTF8 else _unicode_path(info) for info in infos]
    raw = [b"" if name is not None else _raw(info) for name, info in zip(stated, infos, strict=True)]
    encoding = _encoding([name for name in raw if not name.isascii()])
    for name, data in zip(stated, raw, strict=True):
        yield data.decode(encoding, "replace") if name is None else name


def _raw(info: zipfile.ZipInfo) -> bytes:
    return info.orig_filename.encode("cp437")  # what zipfile decodes a name with that says nothing of its encoding


def _unicode_path(info: zipfile.ZipInfo) -> str | None:
    """The name in the Unicode path field, where that is of this very name."""
    extra = info.extra
    while len(extra) >= 4:
        kind, size = struct.unpack_from("<HH", extra)
        field, extra = extra[4 : 4 + size], extra[4 + size :]
        if kind == UNICODE_PATH and size == len(field) > 5 and field[0] == 1:
            (checksum,) = struct.unpack_from("<I", field, 1)
            if checksum == zlib.crc32(_raw(info)):
                try:
                    return field[5:].decode()
                except UnicodeDecodeError:
                    return None
    return None


def _encoding(names: Sequence[bytes]) -> str:
    """By which these names make sense: UTF-8, which a Mac writes without saying so, cp437, or what is likely."""
    from charset_normalizer import from_bytes  # late: hardly a zip needs it

    if not names or _decoded(names, "utf-8"):
        return "utf-8"
    if _makes_sense(names, "cp437", ("LATIN",)):  # as the format says
        return "cp437"
    likely = [name for name, (common, scripts) in ENCODINGS.items() if _makes_sense(names, common, scripts)]
    likely = likely or [name for name in EASTERN if _makes_sense(names, *ENCODINGS[name], mixed=True)]
    if len(likely) != 1:
        possible = likely or ["cp437", *(name for name in ENCODINGS if _decoded(names, name))]
        sample = b"\n".join(names) + b"\n"
        best = from_bytes(sample * -(-ENOUGH // len(sample)), cp_isolation=possible).best()
        likely = [best.encoding] if best is not None and _decoded(names, best.encoding) else likely
    return likely[0] if likely else "cp437"


def _decoded(names: Sequence[bytes], encoding: str) -> list[str] | None:
    try:
        return [name.decode(encoding) for name in names]
    except UnicodeDecodeError:
        return None


def _makes_sense(names: Sequence[bytes], encoding: str, scripts: Sequence[str], mixed: bool = False) -> bool:
    """Whether all that is not ASCII are letters of these scripts, and words are not mixed of several; where `mixed` is
    set, they may begin with ASCII, as “cat猫” does."""
    decoded = _decoded(names, encoding)
    strange = [c for name in decoded or () for c in name if ord(c) > 127]
    if not strange or not all(unicodedata.name(c, "").startswith(tuple(scripts)) for c in strange):
        return False
    if "LATIN" in scripts:
        return all(map(_is_western, decoded))
    strangely = r"[a-z][^\x00-\x7f]+[a-z]" if mixed else r"[a-z][^\x00-\x7f]"
    return not any(re.search(strangely, name) for name in decoded)


def _is_western(name: str) -> bool:
    """Whether half of each word is ASCII, no capital follows an accented letter, no accented capital a small one."""
    words = re.findall(r"[^\W\d_]+", name)
    mixed = any(2 * sum(ord(c) > 127 for c in word) > len(word) for word in words)
    return "\\" not in name and not mixed and not re.search(r"[ß-ÿ][A-Z]|[a-zß-ÿ][À-Þ]", name)


def _plain(name: str, info: zipfile.ZipInfo) -> PathParts:
    parts = tuple(part for part in re.split(r"[/\\]", name) if part not in ("", "."))
    if re.match(r"[/\\]|[A-Za-z]:", name) or ".." in parts or "\0" in name:
        raise DatasetError(f"The zip's entry {quoted(name)} has no plain path; entries must be like cats/1.jpg.")
    if info.flag_bits & 0x1:
        raise DatasetError(f"The zip's entry “{shortened(name)}” is encrypted; pack it without a password.")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # the others unpack without a bound
        raise DatasetError(
            f"The zip's entry “{shortened(name)}” is packed by method {info.compress_type}; a plain .zip is needed."
        )
    return parts


def is_folder(info: zipfile.ZipInfo) -> bool:
    """Whether the entry is a folder, of Windows too."""
    return info.orig_filename.endswith(("/", "\\"))
