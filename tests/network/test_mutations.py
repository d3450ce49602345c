"""40 deliberate errors in the backward pass: the check before training finds each, and so does this folder's suite."""

import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
DENSE, MODELS, LOSSES, UNITS, GRADIENTS = (
    f"network/{name}.py" for name in ("layers/dense", "models", "losses", "activations", "backprop")
)
CONVOLUTION, POOLING, IMAGES = (f"network/layers/{name}.py" for name in ("convolution", "pooling", "im2col"))


class Mutation(NamedTuple):
    """An error: in `file`, `old` becomes `new`; seen by a network of this activation and loss.

    It is a 5-5-5-5 network, or LeNet-5 with this pooling.
    """

    what: str
    file: str
    old: str
    new: str
    activation: str = "sigmoid"
    loss: str = "cross_entropy"
    pooling: str | None = None


MUTATIONS = [
    Mutation("sign of dTheta", DENSE, "weight_gradient(delta, x", "weight_gradient(-delta, x"),
    Mutation("transpose of dTheta", DENSE, "weight_gradient(delta, x", "weight_gradient(x, delta"),
    Mutation("dTheta of the wrong layer's activation", DENSE, "weight_gradient(delta, x", "weight_gradient(delta, a"),
    Mutation("sign of db", DENSE, "delta.sum(axis=0)", "-delta.sum(axis=0)"),
    Mutation("db averaged twice", DENSE, "delta.sum(axis=0)", "delta.mean(axis=0)"),
    Mutation("sign of d_in", DENSE, "input_gradient(delta,", "input_gradient(-delta,"),
    Mutation("transpose of Theta", DENSE, "(delta, layer.Theta,", "(delta, layer.Theta.T,"),
    Mutation("g' left out on the way in", DENSE, "input_gradient(delta,", "input_gradient(d_out,"),
    Mutation("g' left out", DENSE, "d_out * g.derivative(z, a)", "d_out"),
    Mutation("z and a swapped", DENSE, "g.derivative(z, a)", "g.derivative(a, z)"),
    Mutation("z kept for a", DENSE, "Residuals(x, z, a)", "Residuals(x, z, z)"),
    Mutation("the wrong layer's z", MODELS, "reversed(residuals)", "residuals"),
    Mutation("the wrong layer's Theta", MODELS, "reversed(params)", "params"),
    Mutation("the wrong layer's g", MODELS, "reversed(functions)", "functions"),
    Mutation("gradients in the wrong order", MODELS, "tuple(reversed(grads))", "tuple(grads)"),
    Mutation("delta not propagated", MODELS, "_residuals, d_out, g, product)", "_residuals, delta, g, product)"),
    Mutation("sign of delta", LOSSES, "jax.nn.softmax(z, axis=-1) - targets", "targets - jax.nn.softmax(z, axis=-1)"),
    Mutation("softmax over the batch", LOSSES, "jax.nn.softmax(z, axis=-1) - t", "jax.nn.softmax(z, axis=0) - t"),
    Mutation(
        "log loss: plus", LOSSES, "jax.nn.sigmoid(z) - targets\n", "jax.nn.sigmoid(z) + targets\n", loss="log_loss"
    ),
    Mutation(
        "squared error without its 1/2", LOSSES, "return z - targets", "return 2 * (z - targets)", loss="squared_error"
    ),
    Mutation("1 - a left out", LOSSES, "targets) * a * (1 - a)", "targets) * a", loss="sigmoid_squared_error"),
    Mutation("log loss's delta for the squared error", LOSSES, " * a * (1 - a)", "", loss="sigmoid_squared_error"),
    Mutation("sigmoid' = a (1 + a)", UNITS, "a * (1 - a)\n", "a * (1 + a)\n"),
    Mutation("tanh' = 1 - a", UNITS, "1 - a * a", "1 - a", activation="tanh"),
    Mutation("relu' on the wrong side", UNITS, "(z > 0)", "(z < 0)", activation="relu"),
    Mutation(
        "softplus' of a",
        UNITS,
        "jax.nn.sigmoid(z)\n\n\ndef identity(",
        "jax.nn.sigmoid(a)\n\n\ndef identity(",
        "softplus",
    ),
    Mutation("1/n left out", GRADIENTS, "share[:, None] * loss.delta", "loss.delta"),
    Mutation("l2 left out", GRADIENTS, "g.Theta + l2 / n * p.Theta", "g.Theta"),
    Mutation("l2 not divided by n", GRADIENTS, "l2 / n * p.Theta", "l2 * p.Theta"),
    Mutation("l2 on the bias", GRADIENTS, "p.Theta, g.b)", "p.Theta, g.b + l2 / n * p.b)"),
    *[
        Mutation(what, file, old, new, "tanh", pooling=pooling)
        for what, pooling, file, old, new in [
            ("g' left out in the maps", "average", CONVOLUTION, " * g.derivative(z[:, i], a[:, i])", ""),
            ("another unit's g'", "average", CONVOLUTION, "(z[:, i], a[:, i])", "(z[:, 0], a[:, 0])"),
            ("db of one unit a block", "average", CONVOLUTION, ", -1).sum(axis=1)", ", -1)[:, 0]"),
            ("sign of a map's dTheta", "average", CONVOLUTION, "product(delta, windows", "product(-delta, windows"),
            ("sign of the windows' gradient", "average", CONVOLUTION, ".T, delta).resh", ".T, -delta).resh"),
            ("a block's weights not moved", "average", CONVOLUTION, "p * stride : p * stride + size", "0:size"),
            ("windows not moved", "average", IMAGES, "v : v + columns]", ":columns]"),
            ("places not sorted back", "average", IMAGES, "transpose(0, 3, 1, 4, 2, 5)", "transpose(0, 3, 2, 4, 1, 5)"),
            ("a mean's share", "average", POOLING, "d_out[:, None] / residuals.shape[1]", "d_out[:, None]"),
            ("every place the largest", "max", POOLING, "d_out[:, None] * residuals", "d_out[:, None] + 0 * residuals"),
        ]
    ],
]


def mutate(package: Path, mutation: Mutation) -> None:
    """Writes the error into a copy of the package; it must be in exactly one place."""
    file = package / mutation.file
    text = file.read_text()
    assert text.count(mutation.old) == 1, f"{mutation.what}: stands {text.count(mutation.old)} times in {mutation.file}"
    file.write_text(text.replace(mutation.old, mutation.new))


def test_there_are_40():
    assert len({mutation.what for mutation in MUTATIONS}) == 40


@pytest.mark.parametrize(
    "mutation",
    [pytest.param(each, marks=pytest.mark.ci if i < 33 else pytest.mark.slow) for i, each in enumerate(MUTATIONS)],
    ids=lambda mutation: mutation.what,
)
def test_the_check_finds(mutation, tmp_path, monkeypatch):
    name = f"mutant{MUTATIONS.index(mutation)}"
    shutil.copytree(ROOT / "nnjax" / "network", tmp_path / name / "network")
    mutate(tmp_path / name, mutation)
    for file in (tmp_path / name).rglob("*.py"):
        file.write_text(file.read_text().replace("nnjax.network", f"{name}.network"))
    monkeypatch.syspath_prepend(tmp_path)
    gradient_check, models, units, losses, initializers, pooling = (
        importlib.import_module(f"{name}.network.{module}")
        for module in ("gradient_check", "models", "activations", "losses", "initializers", "layers.pooling")
    )
    g = units.ACTIVATIONS[mutation.activation]
    if mutation.pooling:
        model = models.lenet5(10, g, initializers.lecun, pooling.POOLINGS[mutation.pooling])
    else:
        model = models.mlp((5, 5, 5, 5), g, initializers.lecun)
    assert not gradient_check.check(
        model, losses.LOSSES[mutation.loss], seed=0, rows=2 if mutation.pooling else 5
    ).passed


@pytest.mark.slow
@pytest.mark.parametrize("mutation", [None, *MUTATIONS], ids=lambda mutation: mutation.what if mutation else "none")
def test_the_suite_finds(mutation, tmp_path):
    """This folder's tests on a copy with the error; without one they pass."""
    for part in ("nnjax", "tests/network"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "tests/conftest.py"):
        shutil.copy(ROOT / file, tmp_path / file)
    if mutation:
        mutate(tmp_path / "nnjax", mutation)
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "tests/network"]
    command += ["--ignore=tests/network/test_mutations.py", "-k", "not random_networks", "-m", "not slow"]
    done = subprocess.run(
        command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True
    )
    assert done.returncode == (1 if mutation else 0), done.stdout[-2000:]
