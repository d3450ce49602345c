"""Files drawn at random: whole ones, whole ones that were damaged, and files of which one part says something else."""

import io
import json
import struct
import zipfile

import numpy as np
from hypothesis import strategies as st

NUMBERS = st.sampled_from([0, 1, 2, 3, 7, 255, 256, 2**16, 2**31 - 1, 2**31, 2**32 - 1])
HUGE = st.one_of(NUMBERS, st.integers(-(2**70), 2**70))
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
ANYTHING = st.recursive(  # that JSON can say
    st.one_of(st.none(), st.booleans(), HUGE, st.floats(), NAMES),
    lambda inside: st.one_of(st.lists(inside, max_size=3), st.dictionaries(NAMES, inside, max_size=3)),
    max_leaves=5,
)


@st.composite
def damaged(draw, whole):
    """Bytes as they are, cut, longer, or with some of them changed."""
    content = bytearray(draw(whole))
    match draw(st.integers(0, 4)):
        case 1:
            del content[draw(st.integers(0, len(content))) :]
        case 2:
            content += draw(st.binary(max_size=20))
        case 3:
            for place in draw(st.lists(st.integers(0, max(len(content) - 1, 0)), max_size=4)) if content else []:
                content[place] = draw(st.integers(0, 255))
        case 4:
            start = draw(st.integers(0, len(content)))
            content[start : start + draw(st.integers(0, 20))] = draw(st.binary(max_size=20))
    return bytes(content)


@st.composite
def idx(draw):
    """An idx file whose header and content may disagree."""
    sizes = draw(st.lists(st.one_of(st.integers(0, 5), NUMBERS), max_size=4))
    dimensions = draw(st.one_of(st.just(len(sizes)), st.integers(0, 255)))
    there = int(np.prod(sizes, dtype=object)) if sizes else 0
    length = draw(st.one_of(st.just(min(there, 200)), st.integers(0, 200)))
    kind = draw(st.one_of(st.just(8), st.integers(0, 255)))
    return struct.pack(f">BBBB{len(sizes)}I", 0, 0, kind, dimensions, *sizes) + bytes(length)


KINDS = st.sampled_from(
    ["<f4", "<f8", ">f4", "|u1", "|b1", "|O", "<U3", "|S2", "<M8[s]", "<c8", "|V4", "<U0", "<U999999999"]
)
FORMS = st.sampled_from(["{}", "{}", "{}", "({})", "[" * 500, "{} * 10**9", "__import__('os').getcwd()"])


@st.composite
def npy(draw):
    """An .npy file whose header may say something else than what follows."""
    shape = draw(st.lists(st.one_of(st.integers(0, 4), HUGE), max_size=3))
    header = {"descr": draw(KINDS), "fortran_order": draw(st.booleans()), "shape": tuple(shape)}
    if draw(st.integers(0, 9)) == 0:
        header[draw(st.sampled_from([*header]))] = draw(ANYTHING)
    text = draw(FORMS).format(header)
    text = f"{text:<117}\n".encode()
    count = min(int(np.prod(shape, dtype=object)), 60) if shape else 1
    content = draw(st.binary(max_size=20)) if draw(st.booleans()) else bytes(max(count, 0) * 8)
    version = draw(st.sampled_from([b"\x01\x00", b"\x02\x00", b"\x03\x00", b"\x09\x00"]))
    length = struct.pack(
        "<H" if version == b"\x01\x00" else "<I", draw(st.one_of(st.just(len(text)), st.integers(0, 60_000)))
    )
    return b"\x93NUMPY" + version + length + text + content


def saved(array):
    """An .npy file."""
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


ARRAYS = st.sampled_from(
    [
        saved(np.arange(6, dtype=np.float32).reshape(3, 2)),
        saved(np.arange(3)),
        saved(np.array(["a", "b", "c"])),
        saved(np.array([b"\xff", b"b", b"c"])),
        saved(np.zeros((3, 2, 2), np.uint8)),
        saved(np.array([[1, np.nan], [np.inf, 0], [1e300, 5e-324]])),
        saved(np.array([{}, print, 1], object)),
        saved(np.float64(1)),
        saved(np.zeros((3, 0))),
        saved(np.array([2**63, 1, 2], np.uint64)),
    ]
)


@st.composite
def npz(draw):
    """An archive of arrays, some of another shape, or an entry that says another size."""
    stream = io.BytesIO()
    names = draw(
        st.lists(
            st.sampled_from(["x.npy", "y.npy", "x", "../x.npy", "/etc/x.npy", "y.npy/", "z"]), max_size=4, unique=True
        )
    )
    method = draw(st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2]))
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name in names:
            archive.writestr(name, draw(st.one_of(ARRAYS, ARRAYS, damaged(ARRAYS), npy(), st.binary(max_size=40))))
    content = bytearray(stream.getvalue())
    if names and draw(st.booleans()):  # a field of the archive's directory: flags, method, sum, sizes, place
        place = content.rfind(b"PK\x01\x02") + draw(st.sampled_from([8, 10, 16, 20, 24, 42]))
        content[place : place + 4] = struct.pack("<I", draw(NUMBERS))
    return bytes(content)


CELLS = st.one_of(
    st.sampled_from(
        ["1", "-2.5", "1e999", "nan", "inf", "true", "", " ", '"', '""', "a", "0x10", "1e-400", "9" * 400, "\ufeff"]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    st.floats().map(str),
    st.integers().map(str),
)


@st.composite
def csv(draw):
    """A table whose rows may differ in length, with cells of any kind."""
    separator, ending = (
        draw(st.sampled_from([",", ",", ",", ";", "\t"])),
        draw(st.sampled_from(["\n", "\r\n", "\r", "\n\n"])),
    )
    head = draw(st.sampled_from([["x", "y"], ["a", "b", "y"], ["y"], ["x", "x", "y"], ["", "y"], ['"a, b"', "y"]]))
    cell = draw(st.sampled_from([st.integers(0, 9).map(str), CELLS]))
    rows = draw(st.lists(st.lists(cell, min_size=len(head), max_size=len(head)), max_size=5))
    if rows and draw(st.integers(0, 3)) == 0:
        rows[-1].append(draw(CELLS))
    text = ending.join(separator.join(row) for row in [head, *rows])
    return text.encode(draw(st.sampled_from(["utf-8", "utf-8", "utf-8", "utf-16", "utf-8-sig"])))


@st.composite
def safetensors(draw, arrays, metadata):
    """A file of these arrays, name -> float32, and metadata, name -> text, in whose header one thing may be wrong.

    An offset, a shape, a type, a name, the metadata, or the header's length.
    """
    header, content = {}, b""
    for name, array in arrays.items():
        here, content = len(content), content + array.tobytes()
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [here, len(content)]}
    header["__metadata__"] = dict(metadata)
    name, other = draw(st.sampled_from([*arrays])), draw(st.one_of(HUGE, ANYTHING))
    match draw(st.integers(0, 8)):
        case 1:
            header[name]["data_offsets"][draw(st.integers(0, 1))] = other
        case 2:
            header[name]["shape"][draw(st.integers(0, len(header[name]["shape"]) - 1))] = other
        case 3:
            header[name]["dtype"] = draw(st.sampled_from(["F64", "I64", "BOOL", "F16", "BF16", "F8_E4M3", "X", 3]))
        case 4:
            header[name][draw(st.sampled_from(["shape", "data_offsets", "dtype"]))] = other
        case 5:
            header[draw(st.one_of(NAMES, st.sampled_from([*arrays])))] = header.pop(name)
        case 6:
            header["__metadata__"] = other
        case 7:
            header["__metadata__"][draw(st.sampled_from([*metadata, "more"]))] = draw(st.one_of(ANYTHING, NAMES))
    text = json.dumps(header).encode()
    length = draw(
        st.sampled_from([len(text), len(text), len(text), len(text), len(text) - 1, 0, 2**40, 2**63, 2**64 - 1])
    )
    return struct.pack("<Q", length) + text + content


@st.composite
def changed(draw, settings):
    """Nested settings as JSON's text, of which one, at any depth, is something else, or gone."""
    copy = json.loads(json.dumps(settings))
    inside, key = copy, draw(st.sampled_from([*copy]))
    while isinstance(inside[key], dict) and inside[key] and draw(st.booleans()):
        inside = inside[key]
        key = draw(st.sampled_from([*inside]))
    match draw(st.integers(0, 3)):
        case 0:
            del inside[key]
        case 1:
            inside[draw(NAMES)] = draw(ANYTHING)
        case 2:
            inside[key] = draw(ANYTHING)
    text = json.dumps(copy)
    return draw(st.sampled_from([text, text, text, text[:-1], "[" * 5_000, "1" * 5_000, '{"a": ' * 2_000]))
