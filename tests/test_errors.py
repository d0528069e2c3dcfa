import pytest

from visionlab.errors import LONGEST, ImageError, ParameterError, VisionlabError


def test_a_sentence_stays_one_whatever_it_quotes():
    error = ParameterError(f"“{'n' * 70_000}” is no name.")
    assert len(str(error)) == LONGEST
    assert str(error).startswith("“nnn")
    assert str(error).endswith("n” is no name.")  # what would be good comes last, and stays
    assert isinstance(error, ValueError)


@pytest.mark.parametrize("kind", [VisionlabError, ImageError, ParameterError])
def test_a_sentence_can_be_sent_to_a_browser(kind):
    assert (
        str(kind("“\udcff.png” and “é 𝄞” are pictures.")).encode() == "“\\udcff.png” and “é 𝄞” are pictures.".encode()
    )
    assert str(kind()) == ""
