import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from visionlab.learning.sets.layout import class_names
from visionlab.ui.shared.widgets import plain
from visionlab.wording import as_name, quoted, shortened, sized, sized_apart


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1 kB"),
        (73_700, "73.7 kB"),
        (999_600, "1 MB"),
        (20 * 2**20, "21 MB"),
        (2.5e9, "2.5 GB"),
        (1_572_864_000_000, "1,573 GB"),
    ],
)
def test_sizes(size, text):
    assert sized(size) == text


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (" cat ", "cat"),
        ("cat\u202egpj.exe\u2066", "catgpj.exe"),
        ("\u200fcat\u061c\u200e", "cat"),
        ("a\x07b\x1b[31m\nc", "a b [31m c"),
        ("e\u0301te\u0301", "été"),
        ("a\u200db", "a\u200db"),  # joins letters, and parts of an emoji
        ("קיפוד", "קיפוד"),
    ],
)
def test_names_steer_neither_terminals_nor_the_text_around_them(given, name):
    assert as_name(given) == name
    assert class_names([given, "other"]) == (name, "other")
    assert not set(plain(given)) & set("\u061c\u200e\u200f\u202e\u2066")


@pytest.mark.parametrize(
    ("size", "limit", "texts"),
    [
        (13.5e6, 1e7, ("13.5 MB", "10 MB")),
        (1.2e9, 5e8, ("1,200 MB", "500 MB")),
        (1e7 + 1, 1e7, ("10.000001 MB", "10 MB")),
        (25.3e9, 20e9, ("25.3 GB", "20 GB")),
        (5, 2, ("5 bytes", "2 bytes")),
    ],
)
def test_what_is_over_a_limit_is_told_in_its_unit_and_looks_larger(size, limit, texts):
    assert sized_apart(size, limit) == texts


def test_a_long_value_is_told_by_its_beginning():
    assert quoted("two\nlines") == r'"two\nlines"'
    assert quoted({"steps": 9999, "on": [True, None, "ü"]}) == '{"steps": 9999, "on": [true, null, "ü"]}', "no Python"
    assert quoted({1, 2}) == "{1, 2}", "which stands in no file"
    assert shortened("a" * 60) == "a" * 60
    assert shortened("a" * 61) == "a" * 59 + "…"


ROOT = Path(__file__).parents[1]
SHOWN = [*ROOT.glob("visionlab/**/*.py"), *ROOT.glob("pages/*.py"), ROOT / "home.py"]
BUILTIN = ROOT / "visionlab/learning/builtin"  # whose cards are no part of the app
CONTENTS = ROOT / "visionlab/learning/takeaway/contents"  # which speak on terminals of any kind


def texts(path: Path) -> Iterator[str]:
    """What a module says, beside its docstrings: strings, and of f-strings the text with 0 for each value."""
    tree = ast.parse(path.read_text())
    told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(part.value if isinstance(part, ast.Constant) else "0" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
            yield node.value


def test_percentages_are_written_as_python_writes_them_everywhere():
    """“92%”, as “:.0%” does of the many that are computed, also where the number stands in a sentence or a script."""
    apart = re.compile(r"[0-9}](?:\s|&nbsp;|\\u00a0)%(?![a-z0-9(])")
    said = {path: list(texts(path)) for path in SHOWN if BUILTIN not in path.parents}
    said |= {path: [path.read_text()] for path in ROOT.glob("visionlab/ui/**/*.js")}
    wrong = [f"{path.relative_to(ROOT)}: {text[:80]}" for path in said for text in said[path] if apart.search(text)]
    assert not wrong


def test_apostrophes_are_typographic_as_quotation_marks_are():
    """What the library says stands on the pages beside what they say themselves."""
    said = {path: [text for text in texts(path) if " " in text and '"""' not in text] for path in SHOWN}
    said = {path: told for path, told in said.items() if path.parent != CONTENTS}
    said |= {path: [path.read_text()] for path in ROOT.glob("visionlab/ui/**/*.html")}
    wrong = {path: text for path in said for text in said[path] if re.search(r"[a-z]'s\b|[a-z]s' [a-z]", text)}
    assert not {f"{path.relative_to(ROOT)}: {text[:80]}" for path, text in wrong.items()}
