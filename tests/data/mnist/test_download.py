"""Downloads end in time, and their errors say why."""

import subprocess
import sys
import time

import pytest

from nnjax.data.mnist.download import UnavailableError, download


def test_download_returns_the_bytes_as_stored(tmp_path, serve):
    (tmp_path / "a").write_bytes(b"\x1f\x8b\x08 not unpacked on the way")
    (tmp_path / "b").write_bytes(bytes(range(256)) * 1000)
    url, _ = serve(tmp_path)
    assert download([url + "a", url + "b"], 5.0, 5.0) == [(tmp_path / name).read_bytes() for name in "ab"]


@pytest.mark.parametrize(("manner", "reason"), [("404", "HTTP 404"), ("half", "IncompleteRead|more expected")])
def test_a_bad_answer_is_named(tmp_path, serve, manner, reason):
    (tmp_path / "a").write_bytes(bytes(1000))
    url, _ = serve(tmp_path, manner)
    with pytest.raises(UnavailableError, match=rf"^{url}a: .*({reason})") as error:
        download([url + "a"], 5.0, 5.0)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("manner", ["silent", "drip"])
def test_the_limit_is_for_all_files_together_however_slow_the_server(tmp_path, serve, manner):
    (tmp_path / "a").write_bytes(bytes(1000))
    url, _ = serve(tmp_path, manner)
    start = time.monotonic()
    with pytest.raises(UnavailableError, match=r"not complete (with)?in"):
        download([url + "a", url + "a"], 0.4, 5.0)
    assert time.monotonic() - start < 1.5


def test_nobody_there():
    with pytest.raises(UnavailableError, match=r"^http://127\.0\.0\.1:9/a: .*refused"):
        download(["http://127.0.0.1:9/a"], 5.0, 5.0)


def test_an_abandoned_try_does_not_hold_up_the_exit(tmp_path, serve):
    url, _ = serve(tmp_path, "silent")
    program = f"from nnjax.data.mnist.download import download\ndownload(['{url}a'], 0.2, 60.0)"
    start = time.monotonic()
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=20)
    assert "not complete within 0.2 s" in ended.stderr
    assert time.monotonic() - start < 5.0
