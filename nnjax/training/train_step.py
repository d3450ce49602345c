"""The compiled programs of a training: begin, advance by a number of steps, evaluate; each for one network.

An epoch ends inside the program: validation, the state's settling and the row of history need no trip to the host.
What the host decides is only how many steps a call takes; the result does not depend on it.
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
    classes,
    epoch_order,
    flip_labels,
    gather_batch,
    inputs,
    num_batches,
    targets,
)
from nnjax.training.metrics import EvalMetrics, evaluate
from nnjax.training.metrics import correct as right
from nnjax.training.optimizers import Hyperparams, optimizer
from nnjax.training.train_state import (
    CONVERGED,
    DIVERGED,
    MAX_EPOCHS_PER_CALL,
    NO_PROGRESS,
    TRAINING,
    Keys,
    Position,
    TrainSpec,
    TrainState,
    columns,
)


class Programs:
    """The three programs of a recipe. Their arguments are traced: data and hyperparameters are never closed over."""

    def __init__(self, recipe: TrainSpec) -> None:
        self.recipe = recipe
        self.gradient = GRADIENTS[recipe.gradients](recipe.model, recipe.loss)

    def begin(self, keys: Keys, hyper: Hyperparams, train: Split, validation: Split) -> tuple[TrainState, Array]:
        """The untrained network (L33), and row 0 of its history."""
        params = self.recipe.model.init(keys.init, hyper["init_scale"])
        train = self.labelled(train, keys.noise, hyper)
        untrained, held_out = self.evaluate(params, train), self.evaluate(params, validation)
        state = TrainState(
            params=params,
            optimizer=self.optimizer(hyper).init(params),
            settled=params,
            best=params if self.recipe.keep_best else (),
            sums=jnp.zeros(3),
            gradient_norms=jnp.full_like(norms(params), jnp.nan),
            status=jnp.array(TRAINING),
            epochs=jnp.int32(0),
            best_epoch=jnp.int32(0),
            best_loss=jnp.array(jnp.inf, float)
            if self.recipe.loss.zero_if_correct
            else held_out.loss,  # at Theta = 0 it is 0
        )
        cost = untrained.loss + l2_penalty(params, hyper["l2"], train.y.shape[0])
        return state, self.row(state, untrained.loss, untrained.accuracy, cost, held_out)

    def evaluate(self, params: Params, split: Split) -> EvalMetrics:
        """Loss, accuracy and logits on a whole split."""
        return evaluate(self.recipe.model, self.recipe.loss, self.recipe.encoding, params, split)

    def advance(
        self,
        state: TrainState,
        order_key: Key[Array, ""],
        keys: Keys,
        hyper: Hyperparams,
        train: Split,
        validation: Split,
        position: Position,
        steps: Int[Array, ""],
    ) -> tuple[TrainState, Float[Array, "rows columns"]]:
        """`steps` updates onwards from `position`: the state, and a row of history for each epoch that ends.

        At most ROWS epochs may end in one call. Epoch e has the instances in the order of fold_in(order_key, e).
        """
        train = self.labelled(train, keys.noise, hyper)
        per_epoch = num_batches(train.y.shape[0], self.recipe.batch_size)
        whole, rest = jnp.divmod(position.step + steps, per_epoch)  # epochs that end, and steps of the next

        def one_epoch(row: Array, carry: tuple[TrainState, Array]) -> tuple[TrainState, Array]:
            epoch = position.epoch + row
            instances = epoch_order(jax.random.fold_in(order_key, epoch), train.y.shape[0], self.recipe.batch_size)
            update = self.updates(hyper, train, instances)

            def ending(state: TrainState, rows: Array) -> tuple[TrainState, Array]:
                """The last update stands outside the loop: there alone the gradient is kept, for its norm."""
                state, grads = update(jnp.array(per_epoch - 1), state)
                if not self.recipe.loss.zero_if_correct:
                    state = state._replace(gradient_norms=norms(grads))
                return self.settle(state, hyper, train, validation, epoch + 1, rows, row)

            def within(state: TrainState, rows: Array) -> tuple[TrainState, Array]:
                return state, rows

            if per_epoch == 1:
                return ending(*carry)
            first, stop = jnp.where(row == 0, position.step, 0), jnp.where(row < whole, per_epoch - 1, rest)
            state = jax.lax.fori_loop(first, stop, lambda i, state: update(i, state)[0], carry[0])
            after: tuple[TrainState, Array] = jax.lax.cond(row < whole, ending, within, state, carry[1])
            return after

        rows = jnp.full((MAX_EPOCHS_PER_CALL, len(columns(len(state.params)))), jnp.nan)
        end: tuple[TrainState, Array] = jax.lax.fori_loop(0, whole + (rest > 0), one_epoch, (state, rows))
        return end

    def labelled(self, train: Split, key: Key[Array, ""], hyper: Hyperparams) -> Split:
        """The training data with this lane's label noise: made anew at each call, since that is cheaper than kept."""
        if not self.recipe.noisy:
            return train
        return train._replace(
            y=flip_labels(key, jnp.asarray(train.y), hyper["label_noise"], classes(self.recipe.encoding))
        )

    def optimizer(self, hyper: Hyperparams) -> optax.GradientTransformation:
        """The recipe's optimiser with these traced values."""
        return optimizer(self.recipe.optimizer, self.recipe.schedule, self.recipe.clip, hyper)

    def cost_gradient(
        self, params: Params, x: Array, targets: Array, l2: Array, n: int, weights: Array | None
    ) -> tuple[ValueAndLogits, Params]:
        """J, the logits and the gradient of J (L20, L28); without an l2 in any lane, J is the mean loss."""
        if self.recipe.penalised:
            return with_l2(self.gradient)(params, x, targets, l2, n, weights)
        return self.gradient(params, x, targets, weights)

    def updates(
        self, hyper: Hyperparams, train: Split, instances: Array
    ) -> Callable[[Array, TrainState], tuple[TrainState, Params]]:
        """An epoch's updates in the order `instances`: (i, state) -> Theta <- Theta - alpha D, and D (L36, L37)."""
        loss, optimizer, n = self.recipe.loss, self.optimizer(hyper), train.y.shape[0]

        def update(i: Array, state: TrainState) -> tuple[TrainState, Params]:
            params, largest = state.params, state.gradient_norms
            rows, y, weights = gather_batch(train, instances, i, self.recipe.batch_size)
            x, wanted = inputs(rows, self.recipe.encoding), targets(y, self.recipe.encoding)
            (J, z), grads = self.cost_gradient(params, x, wanted, hyper["l2"], n, weights)
            weights = jnp.ones(z.shape[0]) if weights is None else weights
            value, correct = loss.value(z, wanted) @ weights, right(loss, z, y) @ weights
            cost = J * weights.sum() if self.recipe.penalised else value
            if loss.zero_if_correct:
                largest = jnp.maximum(jnp.where(i == 0, 0, largest), norms(grads))
            updates, optimizer_state = optimizer.update(grads, state.optimizer, params)
            return state._replace(
                params=optax.apply_updates(params, updates),
                optimizer=optimizer_state,
                sums=state.sums + jnp.stack([value, correct, cost]),
                gradient_norms=largest,
            ), grads

        return update

    def settle(
        self,
        state: TrainState,
        hyper: Hyperparams,
        train: Split,
        validation: Split,
        epoch: Array,
        rows: Array,
        row: Array,
    ) -> tuple[TrainState, Array]:
        """An epoch's end: measure, decide whether this lane goes on (L37), write the row.

        The one select of an epoch: a lane that has stopped, or diverges now, goes back to its settled parameters. It
        diverges where anything is not finite that it would go on from: the cost (and so the loss), the parameters, the
        last gradient, or the optimiser's moments, since an infinite one keeps its parameter where it is, unseen.
        """
        training = state.status == TRAINING
        means = state.sums / train.y.shape[0]
        moved = optax.tree.norm(optax.tree.sub(state.params, state.settled))
        held_out = self.evaluate(state.params, validation)
        finite = jnp.isfinite(means[2]) & jnp.isfinite(moved) & jnp.isfinite(state.gradient_norms[0])
        finite &= all_finite(state.optimizer)
        finite &= jnp.isfinite(held_out.loss) | (validation.y.shape[0] == 0)
        new = jnp.where(training, self.row(state, means[0], means[1], means[2], held_out), jnp.nan)
        rows = jax.lax.dynamic_update_slice(rows, new[None], (row.astype(jnp.uint32), jnp.uint32(0)))

        better = training & finite & (held_out.loss < state.best_loss)
        best_epoch = jnp.where(better, epoch, state.best_epoch)
        waited = epoch - best_epoch
        status = jnp.where(self.converged(state, hyper, moved, means[1]), CONVERGED, TRAINING)
        status = jnp.where((waited >= hyper["patience"]) & (status == TRAINING), NO_PROGRESS, status)
        status = jnp.where(finite, status, DIVERGED)

        settled = select(training & finite, state.params, state.settled)
        return state._replace(
            params=settled,
            settled=settled,
            best=select(better, state.params, state.best) if self.recipe.keep_best else (),
            sums=jnp.zeros(3),
            status=jnp.where(training, status, state.status),
            epochs=jnp.where(training, epoch, state.epochs),
            best_epoch=best_epoch,
            best_loss=jnp.where(better, held_out.loss, state.best_loss),
        ), rows

    def converged(self, state: TrainState, hyper: Hyperparams, moved: Array, accuracy: Array) -> Array:
        """Whether the epoch moved the parameters by less than the tolerance; for the perceptron ||Delta||_2 < it (L37).

        Delta of L17 is the gradient of the batch of all instances; of mini-batches none of the epoch's may reach the
        tolerance. Mistakes can cancel, as all four of XOR at Theta = 0 do: Delta = 0 is no convergence then (L18). One
        mistake alone has ||Delta||_2 >= 1/n, since x_0 = 1, so with mistakes less than that is cancellation.
        """
        if not self.recipe.loss.zero_if_correct:
            return moved < hyper["tolerance"]
        norm, alone = state.gradient_norms[0], 1 / self.recipe.batch_size
        return (norm < hyper["tolerance"]) & ((accuracy == 1) | (norm > alone / 2))

    def row(self, state: TrainState, loss: Array, accuracy: Array, cost: Array, held_out: EvalMetrics) -> Array:
        """One epoch's history, in the order of `columns`."""
        gradient, parameters = state.gradient_norms, norms(state.params)
        means = jnp.stack([loss, accuracy, cost, held_out.loss, held_out.accuracy, gradient[0], parameters[0]])
        return jnp.concatenate([means, gradient[1:], parameters[1:]])


def norms(params: Params) -> Float[Array, " norms"]:
    """The 2-norm of all parameters, or of a gradient, and of several layers that of each: (1,) or (1 + layers,)."""
    squares = [optax.tree.norm(layer, squared=True) for layer in params]
    return jnp.sqrt(jnp.stack([sum(squares), *(squares if len(squares) > 1 else ())]))


def all_finite(tree: Any) -> Array:
    """Whether every floating-point number in it is."""
    floats = [leaf for leaf in jax.tree.leaves(tree) if jnp.issubdtype(leaf.dtype, jnp.floating)]
    return jnp.array([jnp.isfinite(leaf).all() for leaf in floats], bool).all()


def select(condition: Array, new: Any, old: Any) -> Any:
    """`new` where the condition holds, else `old`, leaf by leaf."""
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), new, old)
