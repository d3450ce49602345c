"""Readers of networks and checkpoints: safetensors in which one thing is wrong, damaged ones, and any bytes."""

import hashlib
import json

import numpy as np
from hypothesis import strategies as st

from nnjax.inference.predictor import OUTPUTS
from nnjax.runs import checkpoint_file, load
from tests.fuzz import answered, files, fuzzed

ABOUT = {
    "model": {"name": "mlp", "activation": "relu"},
    "output": "sigmoid",
    "preprocessing": {"scale": [1.0, 2.0], "shift": 0.0, "shape": [2]},
    "classes": ["a", "b"],
    "features": ["x", "y"],
    "threshold": 0.5,
    "target": {"name": "y", "mean": 0.0, "deviation": 1.0},
}
SEVERAL = {**ABOUT, "lanes": 2}
ONE = {"0.Theta": np.ones((3, 2)), "0.b": np.zeros(3), "1.Theta": np.ones((1, 3)), "1.b": np.zeros(1)}


@st.composite
def networks(draw):
    several = draw(st.booleans())
    arrays = {name: array.astype(np.float32) for name, array in ONE.items()}
    if draw(st.integers(0, 4)) == 0:
        arrays[draw(st.sampled_from([*arrays]))].flat[0] = draw(st.sampled_from([np.nan, np.inf, 3e38]))
    if several:
        arrays = {name: np.stack([array, array]) for name, array in arrays.items()}
    about = draw(
        st.one_of(st.just(json.dumps(SEVERAL if several else ABOUT)), files.changed(SEVERAL if several else ABOUT))
    )
    return draw(files.safetensors(arrays, {"nnjax": about}))


@fuzzed(st.tuples(st.one_of(networks(), files.damaged(networks()), st.binary(max_size=60)), st.sampled_from(["", "1"])))
def test_networks(folder, drawn):
    content, lane = drawn
    path = folder / "model.safetensors"
    path.write_bytes(content)
    found = answered(lambda: load.load_file(str(path), path, lane))
    if found is not None:
        network = found.predictor
        rows = np.zeros((2, *network.metadata["preprocessing"]["shape"]), np.float32)
        assert network.outputs(rows).shape[0] == 2
        assert network.metadata["output"] in OUTPUTS
        if network.metadata.get("classes"):
            assert [network.metadata["classes"][k] for k in network.classes(rows)]


@st.composite
def checkpoints(draw):
    arrays = {name: array.astype(np.float32) for name, array in ONE.items()}
    facts = {"epochs": 3, "seeds": [0, 1], "stopped": "converged"}
    text = draw(st.one_of(st.just(json.dumps(facts)), files.changed(facts)))
    metadata = {"format": str(checkpoint_file.FORMAT), "sha256": checkpoint_file.ZEROS, "nnjax": text}
    content = draw(files.safetensors(arrays, metadata))
    if draw(st.integers(0, 3)):  # a right checksum: what it covers is wrong
        content = content.replace(checkpoint_file.ZEROS.encode(), hashlib.sha256(content).hexdigest().encode(), 1)
    return content


@fuzzed(st.one_of(checkpoints(), files.damaged(checkpoints()), st.binary(max_size=60)))
def test_checkpoints(folder, content):
    path = folder / "1.safetensors"
    path.write_bytes(content)
    found = answered(lambda: checkpoint_file.read(path))
    if found is not None:
        assert all(isinstance(array, np.ndarray) for array in found.arrays.values())
        assert isinstance(found.facts, dict)
