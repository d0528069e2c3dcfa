import pytest

from visionlab.wording import quoted, shortened, sized


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


def test_a_long_value_is_told_by_its_beginning():
    assert quoted("two\nlines") == r"'two\nlines'"
    assert shortened("a" * 60) == "a" * 60
    assert shortened("a" * 61) == "a" * 59 + "…"
