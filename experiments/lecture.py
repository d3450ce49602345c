"""A walk through the lecture in its order: one static page with equations, functions, what they print, and pictures.

python -m experiments.lecture [PAGE.html]      about a minute on 2 cores; needs no network
"""

import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure

from experiments import boolean_functions, local_minima, single_unit, zero_initialisation
from experiments.finding import Finding, table
from experiments.page import Section, page, written
from experiments.training import Trained, trained
from nnjax.data.boolean.expressions import truth_table
from nnjax.data.boolean.source import boolean
from nnjax.inference.predictor import Predictor
from nnjax.network import backprop, chain_rule, gradient_check, losses
from nnjax.network.activations import ACTIVATIONS
from nnjax.network.initializers import INITIALIZERS
from nnjax.network.layers import convolution, dense, pooling
from nnjax.network.logic_gates import network_of
from nnjax.network.losses import LOSSES
from nnjax.network.models import Model, Params, mlp
from nnjax.reporting import run_figures
from nnjax.reporting.figures import boundary
from nnjax.reporting.figures.boundary import decision_boundary
from nnjax.reporting.figures.classification import confusion_matrix
from nnjax.reporting.figures.curves import learning_curves
from nnjax.reporting.figures.digits import digits
from nnjax.reporting.figures.units import hidden_units
from nnjax.runs import build, check, run_folder
from nnjax.training import batches, metrics
from nnjax.training.train_state import STOPPED

TITLE = "A lecture on neural networks, run by nnjax"
Pictures = Iterator[Figure]


def units() -> Pictures:
    """The worked 3-3-1 network: joined parameters, and both ways to compute z."""
    params = mlp((3, 3, 1), ACTIVATIONS["sigmoid"], INITIALIZERS["normal"]).init(jax.random.key(0), 1.0)
    x = jnp.array([[1.0, 0.5, -1.0]])
    for number, layer in enumerate(params, start=1):
        joined, a0 = dense.to_augmented(layer), jnp.concatenate([jnp.ones((1, 1)), x], axis=1)
        x, kept = dense.forward(layer, x, ACTIVATIONS["sigmoid"])
        print(f"Theta^({number}) joined, {joined.shape[0]} x {joined.shape[1]}:\n{np.asarray(joined)}")
        print(f"z = {np.asarray(kept.z[0])}, with a_0 = 1 in front {np.asarray(joined @ a0[0])}")
    print(f"h(x) = {float(x[0, 0]):.4f}")
    yield from ()


def outputs() -> Pictures:
    """The same logits through the outputs of each task."""
    z, y = jnp.array([[2.0, -1.0, 0.5]]), jnp.array([0])
    for name in ("cross_entropy", "log_loss", "squared_error"):
        h = LOSSES[name].output(z)
        print(f"{name:<14} h = {np.asarray(h[0])}, sum {float(h.sum()):.3f}")
    print(f"label 0 as 1-of-K: {batches.targets(y, batches.Encoding(1.0, 0.0, (3,), 3))[0]}")
    yield from ()


def functions_by_hand() -> Pictures:
    """AND, OR, NOR, NOT and XNOR without any training."""
    for expression in ("x1 & x2", "x1 | x2", "~x1 & ~x2", "~x1", "x1 <-> x2"):
        model, params = network_of(truth_table(expression))
        rows = boolean(expression=expression).train
        h = np.asarray(LOSSES["log_loss"].output(model.forward(params, jnp.asarray(rows.x))[0]))[:, 0]
        weights = "; ".join(np.array2string(np.asarray(dense.to_augmented(layer))) for layer in params)
        print(f"{expression:<10} (bias, weights) {weights}".replace("\n", ""))
        print(f"{'':<10} h = {np.array2string(h, precision=5)}")
    model, params = network_of(truth_table("x1 <-> x2"))
    rows = boolean(expression="x1 <-> x2").train
    hidden = np.asarray(params[0].Theta), np.asarray(params[0].b)
    h_of = LOSSES["log_loss"].output
    yield decision_boundary(lambda x: np.asarray(h_of(model.forward(params, x)[0]))[:, 0], *rows, hidden)


def functions_learnt() -> Pictures:
    """The committed experiments, a hundred seeds each, and one of XOR's networks."""
    yield from found(boolean_functions.run())
    made = trained("+experiment=xor")
    rows = made.dataset.test
    yield boundary.truth_table(*rows, predicted(made, rows.x))
    layer = made.training.params("last")[0]
    yield decision_boundary(lambda x: predicted(made, x), *rows, (layer.Theta[0], layer.b[0]))


def images() -> Pictures:
    """The bundled digits at 20 x 20 pixels, and what 25 hidden units look for."""
    made = trained("+experiment=digits", "data.source=bundled", "training.epochs=40")
    train = made.dataset.train
    final = made.training.history()["train/accuracy"][0, -1]
    print(f"{len(train.y):,} digits, d = {train.x[0].size}, training accuracy {final:.3f} after 40 epochs")
    yield digits(train.x, train.y, made.dataset.classes)
    yield hidden_units(made.training.params("last")[0].Theta[0], train.x.shape[1:])


def maps() -> Pictures:
    """LeNet-5 on the same digits, 28 x 28: its filters, and what each layer sees of five."""
    made = trained("+experiment=mnist_lenet5", "data.source=bundled")
    params = [(np.asarray(layer.Theta[0]), np.asarray(layer.b[0])) for layer in made.training.params("last")]
    for number, (Theta, b) in enumerate(params, start=1):
        print(f"Theta^({number}) {' x '.join(map(str, Theta.shape)):<15} {Theta.size + b.size:>6,} parameters")
    network, (x, y) = Predictor(params, run_folder.network_metadata(made.config, made.dataset)), made.dataset.test
    print(f"{sum(Theta.size + b.size for Theta, b in params):,} together; {len(made.dataset.train.y):,} digits")
    print(f"test accuracy {np.mean(network.classes(x) == y):.3f} after {made.config.training.epochs} epochs")
    for _, figure in run_figures.maps_figures(made.dataset, network):
        yield figure


def perceptron() -> Pictures:
    """Two functions that a line separates, and one that none does."""
    for function in ("and", "or", "xor"):
        made = trained("model=perceptron", "data=boolean", f"data.function={function}")
        theta = np.asarray(dense.to_augmented(jax.tree.map(lambda leaf: leaf[0], made.training.params("last")[0])))[0]
        print(f"{function:<4} {made.training.stopped[0]} after epoch {made.training.epochs[0]}, theta = {theta}")
        if function == "and":
            yield decision_boundary(lambda x, theta=theta: x @ theta[1:] + theta[0] > 0, *made.dataset.test)


def costs() -> Pictures:
    """The losses at some h, and where descent ends on a cost that isn't convex."""
    for z, y in ((2.0, 1.0), (2.0, 0.0)):
        values = {
            n: float(LOSSES[n].value(jnp.array([[z]]), jnp.array([[y]]))[0]) for n in ("log_loss", "squared_error")
        }
        print(f"z = {z:g}, y = {y:g}: " + ", ".join(f"{name} {value:.4f}" for name, value in values.items()))
    (model, params), x, y = sigmoid_network(), jnp.array([[0.0, 1.0]]), jnp.array([[1.0]])
    gradient = backprop.backprop(model, LOSSES["log_loss"])
    (J, _), plain = gradient(params, x, y)
    (penalised, _), decayed = backprop.with_l2(gradient)(params, x, y, 2.0, 4)
    print(f"2-4-1 on (0, 1): J = {J:.4f}; with an l2 of 2 and n = 4, {penalised:.4f}: {penalised - J:.4f} more")
    print(f"which adds (2 / 4) Theta to dJ/dTheta^(2): {np.asarray(decayed[1].Theta - plain[1].Theta)[0]}")
    print(f"and to dJ/db^(2) {float(decayed[1].b[0] - plain[1].b[0])}")
    yield from found(local_minima.run())


def sigmoid_network() -> tuple[Model, Params]:
    """A 2-4-1 network of sigmoid units before training."""
    model = mlp((2, 4, 1), ACTIVATIONS["sigmoid"], INITIALIZERS["normal"])
    return model, model.init(jax.random.key(0), 1.0)


def derivatives() -> Pictures:
    """By hand, by jax.grad and by finite differences; and the lecture's chain for one instance."""
    model, _ = sigmoid_network()
    print(check.table(gradient_check.check(model, LOSSES["log_loss"], 0)))
    a, x = jax.nn.softmax(jnp.array([1.0, 2.0, 0.5])), jnp.array([0.5, -1.0])
    dL_dz = chain_rule.dL_da(a, 1) @ chain_rule.da_dz(a)
    print(f"dL/da da/dz = {np.asarray(dL_dz)}, a - onehot(y) = {np.asarray(a - jax.nn.one_hot(1, 3))}")
    print(f"dz/dW has the shape {chain_rule.dz_dW(jnp.ones((3, 2)), x).shape}, dz/db is the identity")
    print(f"dL/dW = (dL/dz)^T x =\n{np.asarray(chain_rule.dL_dW(dL_dz, x))}")
    print(f"dL/db = dL/dz = {np.asarray(chain_rule.dL_db(dL_dz))}")
    W2 = jnp.array([[1.0, -1.0], [0.5, 2.0], [0.0, 1.0]])
    print(f"two layers, dL/da^(1) = dL/dz^(2) dz^(2)/da^(1) = {np.asarray(chain_rule.dL_da1(dL_dz, W2))}")
    (model, layers), x, y = sigmoid_network(), jnp.array([0.0, 1.0]), jnp.array(1.0)
    a2 = jax.nn.sigmoid(layers[0].Theta @ x + layers[0].b)
    a3 = jax.nn.sigmoid(layers[1].Theta[0] @ a2 + layers[1].b[0])
    chain = chain_rule.dcost_da3(a3, y) * chain_rule.da3_dz3(a3)
    print(f"2-4-1: cost {chain_rule.binary_cost(a3, y):.4f}, dcost/da da/dz = {chain:.4f}, a - y = {a3 - y:.4f}")
    _, grads = backprop.backprop(model, LOSSES["log_loss"])(layers, x[None], y[None, None])
    print(f"dcost/dTheta^(2), the chain:    {np.asarray(chain_rule.dcost_dTheta2(a3, y, a2))}")
    print(f"                  by backprop:  {np.asarray(grads[1].Theta[0])}")
    first = chain_rule.dcost_dTheta1(a3, y, layers[1].Theta[0], a2, x)
    print(f"dcost/dTheta^(1), the chain less backprop's: at most {jnp.abs(first - grads[0].Theta).max():.1e}")
    yield from ()


def initialisation() -> Pictures:
    """Zeros and random weights."""
    yield from found(zero_initialisation.run())


def loops() -> Pictures:
    """Softmax regression with batches of all, 32 and one; why each stopped."""
    for size in ("full", 32, 1):
        words = ("model=softmax", "data.source=bundled", "training.epochs=5", "optimizer.learning_rate=0.02")
        made = trained(*words, f"training.batch_size={size}")
        history = {name: values[0] for name, values in made.training.history().items()}
        updates = int(made.training.epochs[0]) * made.training.per_epoch
        print(f"batch {size}: {updates:,} updates, loss {history['train/loss'][-1]:.3f}, {made.training.stopped[0]}")
    print(f"other reasons to stop: {', '.join(STOPPED[1:])}")
    yield learning_curves(history, "cross_entropy", None)


def prediction() -> Pictures:
    """Classes and probabilities of some digits of the test, and all of them by class."""
    made = trained("model=softmax", "data.source=bundled")
    x, y = made.dataset.test
    z, loss = logits(made, x), LOSSES["cross_entropy"]
    h, classes = np.asarray(loss.output(z)), np.asarray(metrics.predict_class(loss, z))
    for i in range(0, len(y), 250):
        print(f"a {y[i]}: class {classes[i]}, probabilities {h[i]}")
    print(f"test accuracy {np.mean(classes == y):.3f}")
    yield confusion_matrix(y, classes, made.dataset.classes)


def found(finding: Finding) -> Pictures:
    """An experiment's numbers and figure."""
    print(table(finding))
    if finding.figure is not None:
        yield finding.figure


def predicted(made: Trained, x: np.ndarray) -> np.ndarray:
    """h (n,) of the first lane's one output, for raw rows x (n, ...)."""
    return np.asarray(LOSSES[made.config.loss.name].output(logits(made, x)))[:, 0]


def logits(made: Trained, x: np.ndarray) -> jax.Array:
    """z (n, outputs) of the first lane, for raw rows x (n, ...)."""
    params = jax.tree.map(lambda leaf: jnp.asarray(leaf[0]), made.training.params("last"))
    seen = batches.inputs(jnp.asarray(x), build.encoding(made.config, made.dataset))
    return build.model(made.config, made.dataset).forward(params, seen)[0]


SECTIONS = (
    Section("Units and forward pass", (1, 2, 3, 4), (dense.forward, dense.to_augmented), units),
    Section("Tasks and outputs", (5, 6, 7, 8, 9), (losses.softmax, losses.sigmoid, batches.targets), outputs),
    Section("Boolean functions by hand", (10, 11, 12), (network_of,), functions_by_hand),
    Section("What a single unit can't do", (12,), (single_unit.run,), lambda: found(single_unit.run())),
    Section("Boolean functions learnt", (13,), (boolean_functions.learnt,), functions_learnt),
    Section("Digits", (14, 15), (hidden_units,), images),
    Section("Convolutions", (16,), (convolution.forward, convolution.backward, pooling.average), maps),
    Section("Perceptron", (17, 18), (losses.perceptron, losses.perceptron_delta), perceptron),
    Section("Cost", (19, 20, 21, 22, 23, 24), (backprop.mean_loss, backprop.l2_penalty), costs),
    Section(
        "Gradients by hand",
        (25, 26, 27, 28, 29, 30, 31, 39, 32),
        (backprop.backprop, dense.backward, backprop.with_l2, chain_rule.da_dz, chain_rule.dL_dW),
        derivatives,
    ),
    Section("Initialisation", (33,), (dense.init,), initialisation),
    Section("Training", (34, 35, 36, 37), (batches.gather_batch, batches.epoch_order), loops),
    Section("Prediction", (38,), (metrics.predict_class,), prediction),
)


def main(arguments: Sequence[str]) -> None:
    """Runs the sections and writes the page."""
    path, started, bodies = Path(arguments[0] if arguments else "lecture.html"), time.perf_counter(), []
    for section in SECTIONS:
        bodies.append(written(section))
        print(f"{section.title:<28} {time.perf_counter() - started:6.1f} s", flush=True)
    path.write_text(page(TITLE, SECTIONS, bodies), encoding="utf-8")
    print(f"written to {path}")


if __name__ == "__main__":
    main(sys.argv[1:])
