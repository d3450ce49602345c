"""The same training by nnjax and by others, each as its own documentation does it; and the least it can take.

A side's module has `prepare(work, x, y, weights, **settings) -> Side`: rows x (n, d) of bytes or floats, labels y (n,).
"""

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any, NamedTuple

from experiments.benchmarks.works import Weights


class Side(NamedTuple):
    """One side's training, ready.

    Attributes:
        train: runs so many epochs and returns when they are done.
        weights: the parameters of an mlp as they are now, for `works.loss`.
        networks: how many are trained at once; the weights are the first's.
    """

    train: Callable[[int], None]
    weights: Callable[[], Weights]
    networks: int = 1


class Peer(NamedTuple):
    """Where a side is found and how it is run.

    Attributes:
        module: below experiments.benchmarks.peers.
        needs: the package that it can't do without.
        compiled: whether a whole epoch is one program; else the turn is the short one.
        threads: numbers of threads to try, of which the better one stands in the table; None: all cores.
        settings: for its `prepare`.
        models: what it can train.
    """

    module: str
    needs: str
    compiled: bool = False
    threads: tuple[int | None, ...] = (None,)
    settings: Mapping[str, Any] = {}
    models: tuple[str, ...] = ("mlp", "lenet5")

    @property
    def installed(self) -> bool:
        """Whether the package is there."""
        return find_spec(self.needs) is not None


OURS, BY_GRAD, PRODUCTS, BLAS, COPIES = "nnjax", "nnjax by jax.grad", "XLA products", "BLAS products", "copies"
PEERS = {
    OURS: Peer("with_nnjax", "jax", compiled=True),
    BY_GRAD: Peer("with_nnjax", "jax", compiled=True, settings={"gradients": "autodiff"}),
    "plain JAX": Peer("with_jax", "jax", compiled=True),
    "NumPy by hand": Peer("with_numpy", "numpy", threads=(1, None), models=("mlp",)),
    "scikit-learn": Peer("with_sklearn", "sklearn", threads=(1, None), models=("mlp",)),
    "PyTorch": Peer("with_torch", "torch", threads=(1, None)),
    "Keras on JAX": Peer("with_keras", "keras"),
    "Flax NNX": Peer("with_flax", "flax"),
    "Equinox": Peer("with_equinox", "equinox"),
}
LIMITS = {  # what no side can do without, alone
    PRODUCTS: Peer("limits", "jax", compiled=True, settings={"part": "xla"}),
    BLAS: Peer("limits", "numpy", settings={"part": "blas"}, threads=(1, None)),
    COPIES: Peer("limits", "jax", compiled=True, settings={"part": "copies"}),
}
