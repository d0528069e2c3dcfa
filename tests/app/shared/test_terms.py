"""The words that are explained where they stand."""

import ast
from pathlib import Path

from app.conftest import ROOT

from visionlab.ui.shared.terms import TERMS, term

PAGES = [ROOT / "home.py", *(ROOT / "pages").glob("*.py"), *(ROOT / "visionlab" / "ui").rglob("*.py")]


def named(path: Path) -> set[str]:
    """What a file passes to term()."""
    calls = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
    terms = (call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "term")
    return {ast.literal_eval(call.args[0]) for call in terms}


def test_each_term_is_used_and_each_that_is_used_is_there():
    assert set().union(*map(named, PAGES)) == set(TERMS)


def test_each_is_one_sentence():
    for name, sentence in TERMS.items():
        assert term(name) == sentence
        assert sentence[0].isupper(), name
        assert sentence.endswith((".", ")")), name
        assert len(sentence) < 160, name
