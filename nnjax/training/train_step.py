"""The programs of a training, each for one network: `init`, `run_steps` and `evaluate`.

    init         Theta^(l) at random, b = 0                                    (L33)
    update       D = dJ/dTheta on batch i      Theta <- Theta - alpha D        (L34-L37)
    epoch        one update for each batch, in a new random order              (L34-L36)
    end_epoch    measure; converged if ||Theta - Theta before|| < tolerance    (L37)

An epoch ends inside the program, so that validation and the row of history need no trip to the host. The host only
decides how many updates a call makes. The result does not depend on it.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int, Key

from nnjax.network.backprop import GRADIENTS, ValueAndLogits, l2_penalty, with_l2
from nnjax.network.models import Params
from nnjax.training.batches import (
    Split,
    epoch_order,
    flip_labels,
    gather_batch,
    inputs,
    num_batches,
    num_classes,
    targets,
)
from nnjax.training.metrics import EvalMetrics, evaluate, score
from nnjax.training.optimizers import Hyperparams, optimizer
from nnjax.training.train_state import (
    CONVERGED,
    DIVERGED,
    EARLY_STOPPING,
    MAX_EPOCHS_PER_CALL,
    TRAINING,
    Keys,
    Position,
    TrainSpec,
    TrainState,
    columns,
)


class Programs:
    """The programs of a spec. Data and hyperparameters are traced arguments, never constants of a program."""

    def __init__(self, spec: TrainSpec) -> None:
        self.spec = spec
        self.gradient = GRADIENTS[spec.gradients](spec.model, spec.loss)

    def init(self, keys: Keys, hyperparams: Hyperparams, train: Split, validation: Split) -> tuple[TrainState, Array]:
        """Return the state of the untrained network (L33), and row 0 of its history."""
        params = self.spec.model.init(keys.init, hyperparams["init_scale"])
        train = self.labelled(train, keys.noise, hyperparams)
        on_train, on_validation = self.evaluate(params, train), self.evaluate(params, validation)
        state = TrainState(
            params=params,
            optimizer=self.optimizer(hyperparams).init(params),
            settled=params,
            best=params if self.spec.keep_best else (),
            sums=jnp.zeros(3),
            gradient_norms=jnp.full_like(norms(params), jnp.nan),
            status=jnp.array(TRAINING),
            epochs=jnp.int32(0),
            best_epoch=jnp.int32(0),
            # With zero_if_correct the loss at Theta = 0 is 0, and nothing would be better.
            best_loss=jnp.array(jnp.inf, float) if self.spec.loss.zero_if_correct else on_validation.loss,
        )
        cost = on_train.loss + l2_penalty(params, hyperparams["l2"], train.y.shape[0])
        return state, self.row(state, on_train.loss, on_train.accuracy, cost, on_validation)

    def evaluate(self, params: Params, split: Split) -> EvalMetrics:
        """Compute loss and accuracy on a whole split."""
        return evaluate(self.spec.model, self.spec.loss, self.spec.encoding, params, split)

    def run_steps(
        self,
        state: TrainState,
        order_key: Key[Array, ""],
        keys: Keys,
        hyperparams: Hyperparams,
        train: Split,
        validation: Split,
        position: Position,
        steps: Int[Array, ""],
    ) -> tuple[TrainState, Float[Array, "rows columns"]]:
        """Make `steps` updates from `position` on; return the state, and a row of history for each epoch that ends.

        At most MAX_EPOCHS_PER_CALL epochs may end. Epoch e has the order of instances of fold_in(order_key, e).
        """
        train = self.labelled(train, keys.noise, hyperparams)
        per_epoch = num_batches(train.y.shape[0], self.spec.batch_size)
        whole, rest = jnp.divmod(position.step + steps, per_epoch)  # epochs that end, and steps of the next

        def one_epoch(row: Array, carry: tuple[TrainState, Array]) -> tuple[TrainState, Array]:
            epoch = position.epoch + row
            instances = epoch_order(jax.random.fold_in(order_key, epoch), train.y.shape[0], self.spec.batch_size)
            update = self.updates(hyperparams, train, instances)

            def last_update(state: TrainState, rows: Array) -> tuple[TrainState, Array]:
                """Make the last update of the epoch, outside the loop: only its gradient's norm is recorded."""
                state, grads = update(jnp.array(per_epoch - 1), state)
                if not self.spec.loss.zero_if_correct:
                    state = state._replace(gradient_norms=norms(grads))
                return self.end_epoch(state, hyperparams, train, validation, epoch + 1, rows, row)

            if per_epoch == 1:
                return last_update(*carry)
            first, stop = jnp.where(row == 0, position.step, 0), jnp.where(row < whole, per_epoch - 1, rest)
            state = jax.lax.fori_loop(first, stop, lambda i, state: update(i, state)[0], carry[0])
            after: tuple[TrainState, Array] = jax.lax.cond(
                row < whole, last_update, lambda *same: same, state, carry[1]
            )
            return after

        rows = jnp.full((MAX_EPOCHS_PER_CALL, len(columns(len(state.params)))), jnp.nan)
        end: tuple[TrainState, Array] = jax.lax.fori_loop(0, whole + (rest > 0), one_epoch, (state, rows))
        return end

    def labelled(self, train: Split, key: Key[Array, ""], hyperparams: Hyperparams) -> Split:
        """Return the training data with this lane's label noise. Drawing it at each call is cheaper than keeping it."""
        if not self.spec.noisy:
            return train
        return train._replace(
            y=flip_labels(key, jnp.asarray(train.y), hyperparams["label_noise"], num_classes(self.spec.encoding))
        )

    def optimizer(self, hyperparams: Hyperparams) -> optax.GradientTransformation:
        """Return the spec's optimiser with these traced values."""
        return optimizer(self.spec.optimizer, self.spec.schedule, self.spec.clip, hyperparams)

    def cost_gradient(
        self, params: Params, x: Array, targets: Array, l2: Array, n: int, weights: Array | None
    ) -> tuple[ValueAndLogits, Params]:
        """Compute (J, z) and the gradient of J (L20, L28). Without an l2 in any lane, J is the mean loss."""
        if self.spec.penalised:
            return with_l2(self.gradient)(params, x, targets, l2, n, weights)
        return self.gradient(params, x, targets, weights)

    def updates(
        self, hyperparams: Hyperparams, train: Split, instances: Array
    ) -> Callable[[Array, TrainState], tuple[TrainState, Params]]:
        """Return an epoch's update in the order `instances`: (i, state) -> (state after batch i, D) (L34-L37)."""
        loss, optimizer, n = self.spec.loss, self.optimizer(hyperparams), train.y.shape[0]

        def update(i: Array, state: TrainState) -> tuple[TrainState, Params]:
            params, gradient_norms = state.params, state.gradient_norms
            rows, y, weights = gather_batch(train, instances, i, self.spec.batch_size)
            x, t = inputs(rows, self.spec.encoding), targets(y, self.spec.encoding)
            (J, z), grads = self.cost_gradient(params, x, t, hyperparams["l2"], n, weights)
            weights = jnp.ones(z.shape[0]) if weights is None else weights
            loss_sum, score_sum = loss.value(z, t) @ weights, score(loss, z, y, t) @ weights
            cost_sum = J * weights.sum() if self.spec.penalised else loss_sum
            if loss.zero_if_correct:
                gradient_norms = jnp.maximum(jnp.where(i == 0, 0, gradient_norms), norms(grads))
            updates, optimizer_state = optimizer.update(grads, state.optimizer, params)
            return state._replace(
                params=optax.apply_updates(params, updates),
                optimizer=optimizer_state,
                sums=state.sums + jnp.stack([loss_sum, score_sum, cost_sum]),
                gradient_norms=gradient_norms,
            ), grads

        return update

    def end_epoch(
        self,
        state: TrainState,
        hyperparams: Hyperparams,
        train: Split,
        validation: Split,
        epoch: Array,
        rows: Array,
        row: Array,
    ) -> tuple[TrainState, Array]:
        """Measure the epoch that ends, decide whether this lane goes on (L37), and write its row.

        A lane that has stopped, or diverges now, gets back the parameters of its last finished epoch. A lane diverges
        if one of these is not finite: the cost (and so the loss), the validation loss, the parameters, the gradient's
        norm, or the optimiser's state, whose infinite moment would keep a parameter from changing unnoticed.
        """
        training = state.status == TRAINING
        means = state.sums / train.y.shape[0]
        moved = optax.tree.norm(optax.tree.sub(state.params, state.settled))
        on_validation = self.evaluate(state.params, validation)
        finite = jnp.isfinite(means[2]) & jnp.isfinite(moved) & jnp.isfinite(state.gradient_norms[0])
        finite &= all_finite(state.optimizer)
        finite &= jnp.isfinite(on_validation.loss) | (validation.y.shape[0] == 0)
        new = jnp.where(training, self.row(state, means[0], means[1], means[2], on_validation), jnp.nan)
        rows = jax.lax.dynamic_update_slice(rows, new[None], (row.astype(jnp.uint32), jnp.uint32(0)))

        better = training & finite & (on_validation.loss < state.best_loss)
        best_epoch = jnp.where(better, epoch, state.best_epoch)
        status = jnp.where(self.converged(state, hyperparams, moved, means[1]), CONVERGED, TRAINING)
        status = jnp.where(
            (epoch - best_epoch >= hyperparams["patience"]) & (status == TRAINING), EARLY_STOPPING, status
        )
        status = jnp.where(finite, status, DIVERGED)

        settled = select(training & finite, state.params, state.settled)
        return state._replace(
            params=settled,
            settled=settled,
            best=select(better, state.params, state.best) if self.spec.keep_best else (),
            sums=jnp.zeros(3),
            status=jnp.where(training, status, state.status),
            epochs=jnp.where(training, epoch, state.epochs),
            best_epoch=best_epoch,
            best_loss=jnp.where(better, on_validation.loss, state.best_loss),
        ), rows

    def converged(self, state: TrainState, hyperparams: Hyperparams, moved: Array, accuracy: Array) -> Array:
        """Return whether the lane has converged: the epoch moved the parameters by less than the tolerance (L37).

        For the perceptron ||Delta||_2 must be below the tolerance; Delta of L17 is the gradient on all instances, and
        with mini-batches all gradients of the epoch count. Mistakes can cancel, as all four of XOR do at Theta = 0:
        then Delta = 0 is no convergence (L18). A single mistake has ||Delta||_2 >= 1 / batch_size, since x_0 = 1, so a
        smaller norm with mistakes left means that they cancel; half of this bound leaves room for rounding.
        """
        if not self.spec.loss.zero_if_correct:
            return moved < hyperparams["tolerance"]
        norm, of_one_mistake = state.gradient_norms[0], 1 / self.spec.batch_size
        return (norm < hyperparams["tolerance"]) & ((accuracy == 1) | (norm > of_one_mistake / 2))

    def row(self, state: TrainState, loss: Array, accuracy: Array, cost: Array, on_validation: EvalMetrics) -> Array:
        """Return an epoch's row of history, in the order of `columns`."""
        gradient, parameters = state.gradient_norms, norms(state.params)
        means = jnp.stack([loss, accuracy, cost, *on_validation, gradient[0], parameters[0]])
        return jnp.concatenate([means, gradient[1:], parameters[1:]])


def norms(params: Params) -> Float[Array, " norms"]:
    """Compute the 2-norm of all parameters or of a gradient, and of each of several layers: (1,) or (1 + layers,)."""
    squares = [optax.tree.norm(layer, squared=True) for layer in params]
    return jnp.sqrt(jnp.stack([sum(squares), *(squares if len(squares) > 1 else ())]))


def all_finite(tree: Any) -> Array:
    """Return whether all floating-point numbers of a tree are finite."""
    floats = [leaf for leaf in jax.tree.leaves(tree) if jnp.issubdtype(leaf.dtype, jnp.floating)]
    return jnp.array([jnp.isfinite(leaf).all() for leaf in floats], bool).all()


def select(condition: Array, new: Any, old: Any) -> Any:
    """Return `new` if the condition holds, else `old`, leaf by leaf."""
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), new, old)
