"""A file is there whole or not at all."""

import errno

import pytest

from nnjax.system import atomic


def test_a_file_has_its_name_only_when_it_is_whole(tmp_path):
    path = tmp_path / "history.npz"
    with atomic.file(path) as unfinished:
        unfinished.write_text("half")
        assert (unfinished.suffix, path.exists()) == (".npz", False)
    assert [each.name for each in tmp_path.iterdir()] == ["history.npz"]


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_what_went_wrong_leaves_what_was_there(tmp_path, error):
    path = tmp_path / "summary.txt"
    path.write_text("before")
    with pytest.raises(type(error)), atomic.file(path) as unfinished:
        unfinished.write_text("ha")
        raise error
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("summary.txt", "before")]
