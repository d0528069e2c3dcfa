"""The names in a zip as plain paths, whoever packed it: Windows' backslashes, and bytes of an unstated encoding."""

from __future__ import annotations

import os
import re
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

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
    "cp852": ("cp852", ("LATIN",)),
}
TITLES = {
    "cp437": "Western (CP437)",
    "cp932": "Japanese (Shift-JIS)",
    "gb18030": "Chinese (GBK)",
    "big5": "Chinese (Big5)",
    "cp949": "Korean (CP949)",
    "cp866": "Cyrillic (CP866)",
    "cp1251": "Cyrillic (CP1251)",
    "cp850": "Western (CP850)",
    "cp1252": "Western (CP1252)",
    "cp852": "Central European (CP852)",
}
MORE = {  # that are never guessed, and that a person may say
    "cp1250": "Central European (Windows-1250)",
    "koi8_r": "Cyrillic (KOI8-R)",
    "cp737": "Greek (CP737)",
    "cp1253": "Greek (Windows-1253)",
    "cp857": "Turkish (CP857)",
    "cp1254": "Turkish (Windows-1254)",
    "cp862": "Hebrew (CP862)",
    "cp1255": "Hebrew (Windows-1255)",
    "cp720": "Arabic (CP720)",
    "cp1256": "Arabic (Windows-1256)",
    "cp874": "Thai (CP874)",
    "euc_jp": "Japanese (EUC)",
    "utf-8": "UTF-8",
}
UNMARKED = "The names in it are not marked"  # how the sentence on names that were guessed begins
# Of short names two encodings often give letters: then what is common in the language tells them apart.
CENTRAL = frozenset("ąćęłńóśźżáčďéěíňřšťúůýžöőüűäôľĺŕ")  # Polish, Czech, Slovak, Hungarian
CYRILLIC = "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъёіїє"  # the most frequent first
HANGUL = frozenset(
    "이다는을의가에고를지하은로도기사리자인한나시서어정스대아수그해일과여장전라보소부상주구들면아만비원유무거우제성"
    "게오동신경물관문적중내진조미안세국공실학생선화산양강개새말닭돼토끼꽃집차바책교상연영미발손눈코입귀머닥남녀람"
    "가각간감갑강검것겨결계곡곰과광구군굴귤그금길김까꼬나날남낮내너노녹논놀농누눈느늑늘니다단달담당대더도독돌동두둥드"
    "디딸땅떡또똥라란랑래량러레려력련로록론료루류르른름리린마막만망매맥머먹메며면명모목몬몸무문물미민밀바박반방배백뱀버"
    "번벌범베벽별병보복본봄봉부북분불비빵뿔사산살삼상새색샘생서석선설섬성세소속손솔송쇠수숙순술숲스슴습승시식신실심싸쌀"
    "아악안알암압앙애약양어억언얼엄여역연열염영예오옥온올와완왕외요용우운울원월위유육윤으은음응의이익인일임입잎자작잔잠장"
    "재저적전절점접정제조족종좌주죽준줄중즈지직진집짜찌차착찬참창채책처천철청체초촌총추축출충치친칠카코콩크키타탁탈탑태택"
    "터토통투트특티파판팔패퍼페평포표풀품풍프피필하학한할함합항해행향허헌험혀현형호혹혼홍화환활황회효후훈흐희흰히힘"
)
SURE = 0.75  # of the Hangul, what share is common where they are Korean
EASTERN = ("cp932", "gb18030", "big5", "cp949")
ENOUGH = 4_096  # bytes that a guess is made on: names are short, so they are repeated

PathParts = tuple[str, ...]  # relative to the zip, or to where a set lies


def entries(archive: zipfile.ZipFile) -> list[tuple[PathParts, zipfile.ZipInfo]]:
    """Each entry's path in parts, and the entry; what may hold nothing, such as “./”, has no parts.

    Raises DatasetError for an encrypted entry, an odd packing, or a path that leads outside.
    """
    return [(_plain(name, info), info) for name, info in zip(_names(archive), archive.infolist(), strict=True)]


def free_name(path: str, taken: set[str]) -> str:
    """The path, with a number where another one is the same but for its case; it is taken from then on."""
    stem, ending = os.path.splitext(path)
    free, number = path, 2
    while free.casefold() in taken:
        free, number = f"{stem}-{number}{ending}", number + 1
    taken.add(free.casefold())
    return free


@dataclass(frozen=True)
class Guess:
    """The encoding, of TITLES or MORE, by which names in a zip were read that do not state theirs; these, as bytes."""

    encoding: str
    names: tuple[bytes, ...]

    @property
    def told(self) -> str:
        such = "".join(f"names such as “{shortened(name)}”" for name in self.sample(self.encoding, 1)) or "they"
        return f"{UNMARKED}; {such} were read as {(TITLES | MORE)[self.encoding]}."

    def possible(self) -> dict[str, str]:
        """{encoding: title} of all by which they can be read, the one that was guessed first."""
        titles = {self.encoding: (TITLES | MORE)[self.encoding], **TITLES, **MORE}
        return {name: title for name, title in titles.items() if _decoded(self.names, name)}

    def parts(self, encoding: str) -> list[PathParts]:
        """The names in that encoding, one of possible(), each in its parts, as a project has them."""
        return _read_as(self.names, encoding)

    def sample(self, encoding: str, count: int = 3) -> list[str]:
        """A few of the names in that encoding by which it is seen to be wrong, folders first."""
        parts = sorted(((-len(name) + place, part) for name in self.parts(encoding) for place, part in enumerate(name)))
        return list(dict.fromkeys(part for _, part in parts if not part.isascii()))[:count]

    def among(self, classes: Iterable[str]) -> Guess:
        """By the encoding in which most parts of the names are one of these classes, whatever their case; by the one
        that was guessed where another is no better."""
        known = {_one_form(name) for name in classes}

        def count(encoding: str) -> int:
            return len(known & {_one_form(part) for name in self.parts(encoding) for part in name})

        return replace(self, encoding=max(self.possible(), key=count))

    def renamed(self, before: str, after: str) -> dict[str, str]:
        """{part of a name in one of the encodings: the same in another one}, of what is not alike in both."""
        both = zip(self.parts(before), self.parts(after), strict=True)
        found = {old: new for one, other in both if len(one) == len(other) for old, new in zip(one, other, strict=True)}
        return {old: new for old, new in found.items() if old != new}


def called(path: str, renamed: Mapping[str, str]) -> str:
    """A path whose parts are called anew, as Guess.renamed says."""
    parts = path.split("/")
    return "/".join(renamed.get(unicodedata.normalize("NFC", part).strip(), part) for part in parts)


def _one_form(name: str) -> str:
    return unicodedata.normalize("NFC", name).strip().casefold()


@lru_cache(32)  # all of one zip
def _read_as(names: tuple[bytes, ...], encoding: str) -> list[PathParts]:
    decoded = [unicodedata.normalize("NFC", name) for name in _decoded(names, encoding)]
    return [tuple(part.strip() for part in _parts(name)) for name in decoded]


def guess(archive: zipfile.ZipFile) -> Guess | None:
    """The encoding that was chosen for the names; None where they state theirs, or it is not in doubt."""
    if archive.metadata_encoding:
        return None
    names = _unstated(archive.infolist())
    encoding = _encoding(names)
    return Guess(encoding, tuple(names)) if encoding in TITLES else None


def guess_told(archive: zipfile.ZipFile) -> str:
    """The sentence on that, "" where there is none."""
    found = guess(archive)
    return found.told if found else ""


def _names(archive: zipfile.ZipFile) -> Iterator[str]:
    """What the entries are called. One encoding is chosen for all that do not state theirs: no packer mixes them."""
    infos = archive.infolist()
    encoding = archive.metadata_encoding or _encoding(_unstated(infos))
    for info in infos:
        name = _stated(info, archive.metadata_encoding)
        yield _raw(info, archive.metadata_encoding).decode(encoding, "replace") if name is None else name


def _unstated(infos: Sequence[zipfile.ZipInfo]) -> list[bytes]:
    return [raw for info in infos if _stated(info) is None and not (raw := _raw(info)).isascii()]


def _stated(info: zipfile.ZipInfo, decoded_by: str | None = None) -> str | None:
    return info.orig_filename if info.flag_bits & UTF8 else _unicode_path(info, decoded_by)


def _raw(info: zipfile.ZipInfo, decoded_by: str | None = None) -> bytes:
    return info.orig_filename.encode(decoded_by or "cp437")  # what zipfile decodes a name with that says no encoding


def _unicode_path(info: zipfile.ZipInfo, decoded_by: str | None) -> str | None:
    """The name in the Unicode path field, where that is of this very name."""
    extra = info.extra
    while len(extra) >= 4:
        kind, size = struct.unpack_from("<HH", extra)
        field, extra = extra[4 : 4 + size], extra[4 + size :]
        if kind == UNICODE_PATH and size == len(field) > 5 and field[0] == 1:
            (checksum,) = struct.unpack_from("<I", field, 1)
            if checksum == zlib.crc32(_raw(info, decoded_by)):
                try:
                    return field[5:].decode()
                except UnicodeDecodeError:
                    return None
    return None


def _encoding(names: Sequence[bytes]) -> str:
    """By which these names make sense: UTF-8, which a Mac writes without saying so, cp437, or what is likely."""
    from charset_normalizer import from_bytes  # late: hardly a zip needs it

    if not names or ((unicode := _decoded(names, "utf-8")) and not re.search("[\u0250-\u02ff]", "".join(unicode))):
        return "utf-8"  # two letters of phonetics are one Chinese one
    if _is_central(names):
        return "cp852"
    if _makes_sense(names, "cp437", ("LATIN",)):  # as the format says
        return "cp437"
    likely = [name for name, (common, scripts) in ENCODINGS.items() if _makes_sense(names, common, scripts)]
    likely = likely or [name for name in EASTERN if _makes_sense(names, *ENCODINGS[name], mixed=True)]
    if {"cp866", "cp1251"} <= {*likely}:
        return max(("cp866", "cp1251"), key=lambda name: _as_russian(names, name))
    if {"cp949", "gb18030"} <= {*likely}:
        likely.remove("gb18030" if _is_korean(names) else "cp949")
    if len(likely) == 1:
        return likely[0]
    possible = likely or ["cp437", *(name for name in ENCODINGS if _decoded(names, name))]
    possible = [name for name in possible if not _is_drawn(names, name)] or possible
    sample = b"\n".join(names) + b"\n"
    best = from_bytes(sample * -(-ENOUGH // len(sample)), cp_isolation=possible).best()
    return best.encoding if best is not None and _decoded(names, best.encoding) else possible[0]


def _is_drawn(names: Sequence[bytes], encoding: str) -> bool:
    """Whether they hold what no name does: control characters, and lines and blocks of which tables were drawn."""
    return any(unicodedata.category(c) == "Cc" or "\u2500" <= c <= "\u259f" for c in _letters(names, encoding))


def _letters(names: Sequence[bytes], encoding: str) -> list[str]:
    return [letter for name in names for letter in name.decode(encoding) if ord(letter) > 127]


def _as_russian(names: Sequence[bytes], encoding: str) -> float:
    """How frequent the letters are that these names have so, 0 at most."""
    ranks = [CYRILLIC.find(letter.lower()) for letter in _letters(names, encoding)]
    return -sum(len(CYRILLIC) if rank < 0 else rank for rank in ranks) / len(ranks)


def _is_korean(names: Sequence[bytes]) -> bool:
    letters = _letters(names, "cp949")
    return sum(letter in HANGUL for letter in letters) >= SURE * len(letters)


def _is_central(names: Sequence[bytes]) -> bool:
    """Whether they are words of Central Europe, some of which are none of Western Europe."""
    decoded, western = _decoded(names, "cp852"), _decoded(names, "cp437")
    words = [word for name in decoded for word in re.findall(r"[^\W\d_]+", name) if not word.isascii()]
    letters = [letter for word in words for letter in word]
    strange = [letter for letter in letters if ord(letter) > 127]
    if (
        not strange
        or len(strange) > 0.75 * len(letters)
        or len(strange) < sum(ord(c) > 127 for n in decoded for c in n)
    ):
        return False
    if not all(letter.lower() in CENTRAL for letter in strange) or any(
        re.search(r"[^\W\d_A-Z]+[A-Z]", w) for w in words
    ):
        return False
    # What is in no Western word, or hardly in any.
    odd = r"[^\W\d_]à[a-z]|ï(?![a-z])|\b[^aeiou]*ï|[^aeiou]ï|ÿ|ƒ|ê(?![a-z])|ê[aeiou]|\bê(?!t)"
    return not all(map(_is_western, western)) or any(re.search(odd, name) for name in western)


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
    strangely = r"[a-z][^\x00-\x7f]+[a-z]" if mixed else r"[a-z] ?[^\x00-\x7f]|[^\x00-\x7f] ?[a-z]"
    return not any(re.search(strangely, name) for name in decoded)


def _is_western(name: str) -> bool:
    """Whether half of each word is ASCII, no capital follows an accented letter, no accented capital a small one."""
    words = [word for word in re.findall(r"[^\W\d_]+", name) if word not in ("à", "é", "è", "ó")]
    mixed = any(2 * sum(ord(c) > 127 for c in word) > len(word) for word in words)
    letters = all(unicodedata.name(c, "").startswith("LATIN") for c in name if ord(c) > 127)
    return letters and "\\" not in name and not mixed and not re.search(r"[ß-ÿ][A-Z]|[a-zß-ÿ][À-Þ]", name)


def _plain(name: str, info: zipfile.ZipInfo) -> PathParts:
    parts = _parts(name)
    if re.match(r"[/\\]|[A-Za-z]:", name) or ".." in parts or "\0" in name:
        raise DatasetError(f"The zip’s entry {quoted(name)} has no plain path; entries must be like cats/1.jpg.")
    if info.flag_bits & 0x1:
        raise DatasetError(f"The zip’s entry “{shortened(name)}” is encrypted; pack it without a password.")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # the others unpack without a bound
        raise DatasetError(
            f"The zip’s entry “{shortened(name)}” is packed by method {info.compress_type}; a plain .zip is needed."
        )
    return parts


def _parts(name: str) -> PathParts:
    return tuple(part for part in re.split(r"[/\\]", name) if part not in ("", "."))


def is_folder(info: zipfile.ZipInfo) -> bool:
    """Whether the entry is a folder, of Windows too."""
    return info.orig_filename.endswith(("/", "\\"))
