"""A file is complete or absent."""

import errno

import pytest

from nnjax.system import atomic


def test_a_file_gets_its_name_when_it_is_complete(tmp_path):
    path = tmp_path / "history.npz"
    with atomic.write_file(path) as unfinished:
        unfinished.write_text("half")
        assert (unfinished.suffix, path.exists()) == (".npz", False)
    assert [file.name for file in tmp_path.iterdir()] == ["history.npz"]


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_after_an_error_the_old_file_is_unchanged_and_nothing_else_is_left(tmp_path, error):
    path = tmp_path / "summary.txt"
    path.write_text("before")
    with pytest.raises(type(error)), atomic.write_file(path) as unfinished:
        unfinished.write_text("ha")
        raise error
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("summary.txt", "before")]
