"""Sizes are compared before memory is taken, and what is no array of numbers or text is one line."""

import io
import pickle
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest

from nnjax.data import npz
from nnjax.errors import InputError


def npy(shape, content=b"", descr="<f4"):
    """An .npy file, written here a second time, whose header may claim anything."""
    header = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape!r}, }}".ljust(117).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + content


def archive(path, method=zipfile.ZIP_DEFLATED, **entries):
    with zipfile.ZipFile(path, "w", method) as file:
        for name, content in entries.items():
            file.writestr(f"{name}.npy", content)
    return path


def complaint(read, *given):
    """The line, and that it took no memory worth mentioning."""
    tracemalloc.start()
    try:
        with pytest.raises(InputError) as raised:
            read(*given)
        assert tracemalloc.get_traced_memory()[1] < 50e6
    finally:
        tracemalloc.stop()
    assert str(raised.value).startswith(str(given[0]))
    return str(raised.value)


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6.0).reshape(2, 3),
        np.asfortranarray(np.eye(3, 2)),
        np.array(["a", "bc"]),
        np.zeros((0, 3)),
        np.int8(3),
    ],
)
def test_what_numpy_wrote_is_read_as_it_was(tmp_path, array):
    np.save(tmp_path / "x.npy", array)
    np.savez_compressed(tmp_path / "x.npz", a=array, b=array)
    for found in (npz.read_npy(tmp_path / "x.npy"), *npz.read_arrays(tmp_path / "x.npz").values()):
        np.testing.assert_array_equal(found, array)
        assert found.dtype == np.asarray(array).dtype
    assert npz.array_names(tmp_path / "x.npz") == ("a", "b")


@pytest.mark.parametrize(
    "content",
    [
        npy((10**12,)),
        npy((2**40, 2**40, 2**40)),
        npy((2, 2), bytes(15)),
        npy((2, 2), bytes(17)),
        npy((-1, -4), bytes(16)),
        npy((1,), bytes(4), "<U999999999"),
        npy((1,), bytes(4), "os.system"),
        pickle.dumps([1, 2]),
        b"",
        b"\x93NUMPY\x01\x00\xff\xff",
    ],
    ids=range(10),
)
def test_a_header_that_claims_what_is_not_there(tmp_path, content):
    (tmp_path / "x.npy").write_bytes(content)
    assert "cannot be read: " in complaint(npz.read_npy, tmp_path / "x.npy")
    path = archive(tmp_path / "x.npz", x=content)
    assert "cannot be read: " in complaint(npz.read_npz, path, "x")


def test_objects_are_not_loaded(tmp_path):
    np.save(tmp_path / "x.npy", np.array([print], object), allow_pickle=True)
    content = (tmp_path / "x.npy").read_bytes()
    assert "holds Python objects" in complaint(npz.read_npy, tmp_path / "x.npy")
    assert "array x holds Python objects" in complaint(npz.read_npz, archive(tmp_path / "x.npz", x=content), "x")


def test_few_bytes_that_unpack_to_very_many(tmp_path):
    """A thousandth of its size: 300 MB of zeros in an archive of 300 kB."""
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file, file.open("x.npy", "w", force_zip64=True) as entry:
        entry.write(npy((300, 10**6), descr="|u1"))
        for _ in range(300):
            entry.write(bytes(10**6))
    assert path.stat().st_size < 10**6
    assert "that unpack to 300,000,128" in complaint(npz.read_npz, path, "x")


def test_names_of_entries_are_names_and_no_paths(tmp_path):
    stream = io.BytesIO()
    np.save(stream, np.arange(3))
    inside = tmp_path / "inside"
    inside.mkdir()
    path = archive(inside / "x.npz", **{"../../x": stream.getvalue(), "/etc/x": stream.getvalue()})
    assert list(npz.read_arrays(path)) == ["../../x", "/etc/x"]
    assert [each.name for each in tmp_path.rglob("*")] == ["inside", "x.npz"]


@pytest.mark.parametrize(("offset", "value"), [(8, 1), (10, 99), (16, 5), (24, 10), (42, 10**6)])
def test_an_archive_whose_directory_lies(tmp_path, offset, value):
    """Encrypted, an unknown method, another sum, another size, another place."""
    path = archive(tmp_path / "x.npz", zipfile.ZIP_STORED, x=npy((2,), bytes(8)))
    content = bytearray(path.read_bytes())
    place = content.rfind(b"PK\x01\x02") + offset
    content[place : place + 2] = struct.pack("<H", value % 2**16)
    path.write_bytes(content)
    assert "cannot be read: " in complaint(npz.read_npz, path, "x")
