import pytest

from visionlab.errors import LINE, LONGEST, HeadError, ImageError, ParameterError, VisionlabError, log_cause, log_line


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


def test_a_line_of_the_log_is_one_and_short_whatever_was_read(caplog):
    try:
        try:
            (b"\xff" * 4_000_000).decode()
        except UnicodeDecodeError as cause:
            raise HeadError("“a\nb\x1b[31m.safetensors” is no head.") from cause
    except HeadError as error:
        log_cause(error)
    log_line("n" * 10_000 + " is no name.", OSError(28, "No space left on device" * 10_000))
    first, second = caplog.messages
    assert first.startswith("“a b [31m.safetensors” is no head. (UnicodeDecodeError: 'utf-8' codec")
    assert second.startswith("nnn")
    assert " is no name. (OSError: [Errno 28] No space left on device" in second
    assert all(len(line) <= 2 * LINE + 3 and line.isprintable() for line in (first, second))
