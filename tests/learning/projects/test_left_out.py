"""What was left out of what came in is kept until somebody has read it."""

from visionlab.learning.projects import left_out


def test_it_is_kept_in_the_order_in_which_it_came_until_it_was_read(tmp_path):
    left_out.note(tmp_path, [], [], [1])  # nothing to tell
    assert left_out.notes(tmp_path, {1}) == []
    left_out.note(tmp_path, ["Of 9."], ["a.png: none"], [1, 2])
    left_out.note(tmp_path, [], ["b.png: none"], [])
    first, second = left_out.notes(tmp_path, {2})
    assert (first.told, first.problems, second.problems) == (["Of 9."], ["a.png: none"], ["b.png: none"])
    assert left_out.notes(tmp_path, {3}) == [second]  # the first was taken back, whole
    left_out.forget([first])
    left_out.forget([first])  # by another session, too
    assert left_out.notes(tmp_path, {2}) == [second]


def test_a_full_disk_leaves_it_to_the_log(tmp_path, monkeypatch, caplog):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(left_out, "write", full)
    left_out.note(tmp_path, ["Of 9."], [], [1])
    assert left_out.notes(tmp_path, {1}) == []
    assert "cannot be kept. (OSError: [Errno 28] No space left on device)" in caplog.text
