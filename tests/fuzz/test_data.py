"""Readers of data: idx, CSV, .npz and .npy files, whole, damaged, or saying of themselves what isn't so."""

import gzip

import numpy as np
import pandas as pd  # noqa: F401 - its import is nothing that the first input takes
from hypothesis import strategies as st

from nnjax.data.mnist.idx import read_idx
from nnjax.data.table import reader
from nnjax.inference import inputs
from tests.fuzz import answered, files, fuzzed

ABOUT = {"scale": 1.0, "shift": 0.0, "shape": [2]}


def written(path, content):
    path.write_bytes(content)
    return path


@fuzzed(
    st.tuples(files.damaged(files.idx()), st.sampled_from(["plain", "gzip", "damaged gzip"]), st.integers(0, 2**16))
)
def test_idx(folder, drawn):
    content, form, place = drawn
    if form != "plain":
        content = bytearray(gzip.compress(content, mtime=0))
        content[place % len(content)] ^= form == "damaged gzip"
    path = written(folder / ("a" if form == "plain" else "a.gz"), content)
    found = answered(lambda: read_idx(path))
    if found is not None:
        assert found.dtype == np.uint8
        assert 1 <= found.ndim <= 3


@fuzzed(
    st.tuples(st.one_of(files.csv(), files.damaged(files.csv()), st.binary(max_size=50)), st.sampled_from([0, 1, 2]))
)
def test_csv(folder, drawn):
    content, way = drawn
    path = written(folder / "t.csv", content)
    if way == 2:
        answered(lambda: inputs.read(path, ABOUT, ["x", "y"]))
        return
    found = answered(lambda: reader.read(path, "y", labels=way == 1))
    if found is not None:
        assert found.x.shape == (len(found.y), len(found.features))
        assert np.isfinite(found.x).all()


@fuzzed(st.one_of(files.npz(), files.damaged(files.npz())))
def test_npz(folder, content):
    path = written(folder / "t.npz", content)
    found = answered(lambda: reader.read(path, "y"))
    if found is not None:
        assert len(found.x) == len(found.y)
        assert np.isfinite(found.x).all()
    asked = answered(lambda: inputs.read(path, ABOUT))
    assert asked is None or np.isfinite(asked.rows).all()
    assert sorted(each.name for each in folder.iterdir()) == ["t.npz"]


@fuzzed(st.one_of(files.npy(), files.damaged(files.ARRAYS)))
def test_npy(folder, content):
    path = written(folder / "t.npy", content)
    asked = answered(lambda: inputs.read(path, ABOUT))
    assert asked is None or np.isfinite(asked.rows).all()
