"""What a result depends on: recorded as text, compared in the order in which it is asked about."""

import numpy as np
import pytest

from nnjax.data.boolean.source import boolean
from nnjax.errors import InputError
from nnjax.runs import provenance

PARAMS = [
    (np.eye(2, dtype=np.float32), np.zeros(2, np.float32)),
    (np.ones((1, 2), np.float32), np.zeros(1, np.float32)),
]
HISTORY = {"train/loss": np.float32([0.7, 0.1]), "gradient/norm": np.float32([np.nan, 0.3])}
THEN = {
    "digest.train": "a",
    "digest.validation": "b",
    "digest.test": "c",
    "version.jax": "0.10.1",
    "version.numpy": "2.4.0",
    "version.python": "3.11.7",
    "version.mlflow": "3.1",
    "device": "cpu",
    "processor": "A",
    "cores": "2",
    "XLA_FLAGS": "none",
    "mlflow.source.git.commit": "123",
    "git.dirty": "False",
}


def test_the_digest_is_of_every_bit_and_of_no_order():
    digest = provenance.digest_result(PARAMS, HISTORY)
    assert digest == provenance.digest_result(tuple(PARAMS), dict(reversed(HISTORY.items())))
    for leaf in (*PARAMS[0], *PARAMS[1], *HISTORY.values()):
        before = leaf.copy()
        leaf.reshape(-1).view(np.uint32)[-1] ^= 1  # the last bit of a number
        assert provenance.digest_result(PARAMS, HISTORY) != digest
        leaf[...] = before
    assert provenance.digest_result(PARAMS[::-1], HISTORY) != digest
    assert provenance.digest_result(PARAMS, HISTORY) == digest


@pytest.mark.parametrize(
    ("changes", "part", "words"),
    [
        ({"digest.validation": "x"}, "data", "its validation part"),
        ({"digest.train": "x", "digest.test": "y"}, "data", "its train part and its test part"),
        ({"version.jax": "0.10.2"}, "versions", "jax 0.10.1, now 0.10.2"),
        ({"version.numpy": "3", "version.jax": "1"}, "versions", "jax 0.10.1, now 1; numpy 2.4.0, now 3"),
        ({"cores": "4"}, "device", "cores 2, now 4"),
        ({"XLA_FLAGS": "--a=b"}, "device", "XLA_FLAGS none, now --a=b"),
        ({"device": "NVIDIA H200", "processor": "B"}, "device", "device cpu, now NVIDIA H200; processor A, now B"),
        ({"mlflow.source.git.commit": "456"}, "code", "commit 123, now 456"),
        ({"git.dirty": "True"}, "code", "changes that no commit has, now"),
    ],
)
def test_what_differs_is_named_and_nothing_else(changes, part, words):
    found = provenance.differences(THEN, THEN | changes)
    assert list(found) == ["data", "versions", "device", "code"]
    assert found == dict.fromkeys(found, "") | {part: words}


def test_what_cannot_change_a_result_is_not_compared():
    assert not any(provenance.differences(THEN, THEN | {"version.mlflow": "4"}).values())


def test_what_was_not_recorded_is_not_called_the_same():
    """Nor is code outside of git: there is nothing to compare."""
    nothing = provenance.differences({}, THEN)
    assert set(nothing.values()) == {provenance.UNKNOWN}
    outside = {key: value for key, value in THEN.items() if "git" not in key}
    assert provenance.differences(outside, THEN)["code"] == provenance.UNKNOWN
    assert provenance.differences(THEN, outside)["code"] == "commit 123, now unknown"


def test_of_a_data_set_each_part_has_a_digest_of_its_own():
    one = provenance.collect(boolean(function="parity", inputs=3, test_size=2), "cpu")
    other = provenance.collect(boolean(function="parity", inputs=3, test_size=2, samples=5), "cpu")
    assert provenance.differences(one, other) == dict.fromkeys(provenance.PARTS, "") | {
        "data": "its train part",
        "code": provenance.differences(one, one)["code"],
    }
    assert {key for keys in provenance.PARTS.values() for key in keys} - set(one) <= {
        "mlflow.source.git.commit",
        "git.dirty",
        "version.nnjax",  # where it isn't installed
    }


def test_what_is_written_is_whole_or_not_there(tmp_path, monkeypatch):
    provenance.write(tmp_path, THEN)
    assert provenance.read(tmp_path / provenance.FILE) == THEN

    def full(*paths):
        raise OSError("no space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OSError, match="no space"):
        provenance.write(tmp_path, {})
    assert provenance.read(tmp_path / provenance.FILE) == THEN


@pytest.mark.parametrize("text", ["", "{", "[]", '{"cores": 2}', "[" * 100_000, "\xff"], ids=range(6))
def test_what_nobody_wrote_is_one_line(tmp_path, text):
    (tmp_path / "p.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match=r"p\.json") as raised:
        provenance.read(tmp_path / "p.json")
    assert "\n" not in str(raised.value)
