"""The loop of a training on the host: one call of a compiled program after another, until all lanes have stopped.

    init -> (state, row 0 of history)      run_steps -> (state, rows of the epochs that ended)      evaluate -> test

A call makes updates for about a second. Then the host may report, save a checkpoint or stop.
"""

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import NamedSharding
from jax.stages import Lowered
from jaxtyping import Array, Float, Key, UInt

from nnjax.network.models import Params
from nnjax.training import compiler_options
from nnjax.training.batches import Split, num_batches
from nnjax.training.history import History
from nnjax.training.layout import ExecutionPlan
from nnjax.training.metrics import EvalMetrics, regression
from nnjax.training.train_state import (
    MAX_EPOCHS_PER_CALL,
    STOPPED,
    TRAINING,
    Keys,
    Position,
    TrainSpec,
    TrainState,
    columns,
)
from nnjax.training.train_step import Programs
from nnjax.training.vectorize import shardings, vectorize

CHUNK_SECONDS = 1.0
FIRST_STEPS = 1  # of a large network one may take a second


class CompiledPrograms(NamedTuple):
    """The programs of a spec, for lanes (`vectorize`) and jitted."""

    init: Any
    run_steps: Any
    evaluate: Any


@cache
def compile_programs(spec: TrainSpec, plan: ExecutionPlan) -> CompiledPrograms:
    """Return jitted programs. Equal specs share them, so that a second training in the process compiles nothing."""
    programs, layout = Programs(spec), plan.layout
    order = (1,) if plan.shared_batches else ()
    run_steps = vectorize(programs.run_steps, layout, shared=(*order, 4, 5, 6, 7))
    return CompiledPrograms(
        jax.jit(vectorize(programs.init, layout, shared=(2, 3))),
        jax.jit(run_steps, donate_argnums=0, compiler_options=compiler_options.ONE_CORE if plan.one_core else None),
        jax.jit(vectorize(programs.evaluate, layout, shared=(1,))),
    )


class Chunk(NamedTuple):
    """What one call of `run_steps` returned.

    Attributes:
        epoch: how many epochs are finished, a part of one included.
        rows: (lanes, epochs finished by this call, columns), nan for a lane that had stopped.
        epochs: the epochs of the rows.
        examples_per_second: over all lanes, in this call.
        columns: the metrics of a row.
    """

    epoch: float
    rows: np.ndarray
    epochs: np.ndarray
    examples_per_second: float
    columns: tuple[str, ...]


class Trainer:
    """Train one spec in lanes: `for chunk in trainer.chunks()`, then ask for `params`, `history` and the rest.

    Args:
        spec: the static part.
        hyperparams: traced numbers by name, each (lanes,).
        seeds: seeds of initialisation and label noise, one a lane.
        shuffle_seeds: seeds of the order of instances, one a lane.
        train, validation: the data; validation may be empty.
        epochs: the limit.
        plan: how the lanes are run. If it has more lanes than there are seeds, the others repeat the last lane.
        history_epochs: about how many epochs the history keeps; None: all.
    """

    def __init__(
        self,
        spec: TrainSpec,
        hyperparams: Mapping[str, Float[np.ndarray, " lanes"]],
        seeds: Sequence[int],
        shuffle_seeds: Sequence[int],
        train: Split,
        validation: Split,
        epochs: int,
        plan: ExecutionPlan,
        history_epochs: int | None = None,
    ) -> None:
        started = time.perf_counter()
        self.epochs_limit, self.lanes, self.plan = epochs, len(seeds), plan
        self.spec, self.targets = spec, {"train": np.asarray(train.y), "validation": np.asarray(validation.y)}
        self.per_epoch = num_batches(len(train.y), spec.batch_size)
        self.everywhere, by_lane = shardings(plan.layout)
        self.data = jax.device_put((flatten_inputs(train), flatten_inputs(validation)), self.everywhere)
        fill = plan.layout.lanes - self.lanes
        filled = {name: np.append(values, [values[-1]] * fill) for name, values in hyperparams.items()}
        number = jnp.result_type(float)
        self.hyperparams = jax.device_put({name: v.astype(number) for name, v in filled.items()}, by_lane)
        init, _, noise = keys(np.array([*seeds, *[seeds[-1]] * fill], np.uint32))
        self.keys = jax.device_put(Keys(init, noise), by_lane)
        _, order, _ = keys(np.array([*shuffle_seeds, *[shuffle_seeds[-1]] * fill], np.uint32))
        self.order_keys = (
            jax.device_put(order[0], self.everywhere) if plan.shared_batches else jax.device_put(order, by_lane)
        )
        self.programs = compile_programs(spec, plan)
        compiled_before = self.programs.run_steps._cache_size()
        self.compile_side_by_side(by_lane)
        state, row = self.programs.init(self.keys, self.hyperparams, *self.data)
        self.position = Position(0, 0)
        self.state, _ = self.call(state, self.position, 0)  # no step: only compiles
        self.recorded = History(self.report_columns(self.to_host(row)), history_epochs)
        self.compiles = self.programs.run_steps._cache_size() - compiled_before
        self.train_seconds, self.examples = 0.0, 0.0
        self.compile_seconds = time.perf_counter() - started

    def compile_side_by_side(self, by_lane: NamedSharding) -> None:
        """Compile `init` and `run_steps` at once, each on a core of its own, for the calls that follow."""
        init, run_steps, _ = self.programs
        arguments = (self.keys, self.hyperparams, *self.data)
        state, _ = jax.eval_shape(init, *arguments)
        state = jax.tree.map(lambda leaf: leaf.update(sharding=by_lane), state)
        number = jax.ShapeDtypeStruct((), np.int32, sharding=self.everywhere)
        position = jax.tree.map(lambda _: number, Position(0, 0))
        lowered = [init.lower(*arguments), run_steps.lower(state, self.order_keys, *arguments, position, number)]
        with ThreadPoolExecutor(len(lowered)) as pool:
            list(pool.map(Lowered.compile, lowered))

    def call(self, state: TrainState, position: Position, steps: int) -> tuple[TrainState, jax.Array]:
        """Run `run_steps` and wait for it. It uses the state up, and nothing moves to or from the device in it."""
        at, steps = jax.device_put((jax.tree.map(np.int32, position), np.int32(steps)), self.everywhere)
        with jax.transfer_guard("disallow"):
            return jax.block_until_ready(
                self.programs.run_steps(state, self.order_keys, self.keys, self.hyperparams, *self.data, at, steps)
            )

    def chunks(self, interval: int | None = None) -> Iterator[Chunk]:
        """Train until every lane has stopped or the epochs are over; yield each call's chunk.

        The first chunk is what was there before. interval: a chunk ends at each epoch that is a multiple of it.
        """
        position, rate = self.position, 0.0
        done = position.epoch + position.step / self.per_epoch
        epochs, recorded = self.recorded.table()
        yield Chunk(done, recorded, epochs, float("nan"), self.columns)
        while position.epoch < self.epochs_limit and (self.status == TRAINING).any():
            steps = self.next_steps(position, rate, interval or self.epochs_limit)
            started = time.perf_counter()
            self.state, rows = self.call(self.state, position, steps)
            seconds = time.perf_counter() - started
            done_before, first, rate = done, position.epoch + 1, steps / seconds
            ended, step = divmod(position.step + steps, self.per_epoch)
            position = Position(position.epoch + ended, step)
            if not (self.status == TRAINING).any():  # what the program did afterwards does not count
                position = Position(int(self.epochs.max()), 0)
            self.position = position
            new = self.report_columns(np.array(self.to_host(rows)[:, : position.epoch + 1 - first]))
            self.recorded.add(first, new, self.best_epoch, self.epochs)
            done = position.epoch + position.step / self.per_epoch
            examples = (done - done_before) * len(self.data[0].y) * self.lanes
            self.train_seconds, self.examples = self.train_seconds + seconds, self.examples + examples
            yield Chunk(done, new, first + np.arange(new.shape[1]), examples / seconds, self.columns)

    def saved(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Return all that `restore` needs: arrays, and facts that JSON can hold."""
        leaves = jax.tree_util.tree_leaves_with_path(self.state)
        arrays = {f"state{jax.tree_util.keystr(path)}": np.asarray(leaf) for path, leaf in leaves}
        arrays |= {f"history.{name}": array for name, array in self.recorded.saved().items()}
        seconds = {"train_seconds": self.train_seconds, "examples": self.examples}
        return arrays, {**self.position._asdict(), **seconds}

    def restore(self, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any]) -> None:
        """Go on where a training of the same spec was when it was saved. Raise ValueError if the spec was another."""
        leaves, tree = jax.tree_util.tree_flatten_with_path(self.state)
        names = [f"state{jax.tree_util.keystr(path)}" for path, _ in leaves]
        expected = {name: (leaf.shape, leaf.dtype) for name, (_, leaf) in zip(names, leaves, strict=True)}
        saved = {name: (array.shape, array.dtype) for name, array in arrays.items() if name.startswith("state")}
        if saved != expected:
            name = next(name for name in [*expected, *saved] if expected.get(name) != saved.get(name))
            raise ValueError(f"{name} is {saved.get(name)}, this training's {expected.get(name)}")
        placed = [jax.device_put(arrays[name], leaf.sharding) for name, (_, leaf) in zip(names, leaves, strict=True)]
        self.state = jax.tree_util.tree_unflatten(tree, placed)
        history = {name.removeprefix("history."): array for name, array in arrays.items() if name not in saved}
        self.recorded = self.recorded.restored(history)
        self.position = Position(facts["epoch"], facts["step"])
        self.train_seconds, self.examples = facts["train_seconds"], facts["examples"]

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the metrics of an epoch. For regression, rmse and r2 replace accuracy."""
        names = columns(len(self.state.params))
        if not is_regression(self.targets["train"]):
            return names
        replaced = {f"{part}/accuracy": (f"{part}/rmse", f"{part}/r2") for part in self.targets}
        return tuple(name for column in names for name in replaced.get(column, (column,)))

    def report_columns(self, rows: np.ndarray) -> np.ndarray:
        """Convert rows of history from the compiled program's columns to `self.columns`, the reported ones."""
        names = columns(len(self.state.params))
        if self.columns == names:
            return rows
        metrics = {name: rows[..., i] for i, name in enumerate(names)}
        for part, y in self.targets.items():
            metrics |= self.metrics_of_split(part, metrics[f"{part}/loss"], metrics[f"{part}/accuracy"], y)
        return np.stack([metrics[name] for name in self.columns], axis=-1)

    def metrics_of_split(self, part: str, loss: Any, accuracy: Any, y: np.ndarray) -> dict[str, np.ndarray]:
        """Return `PART/loss` and `PART/accuracy`; for regression rmse and r2, not accuracy. y: the part's targets."""
        loss, accuracy = np.asarray(loss), np.asarray(accuracy)
        if not is_regression(y):
            return {f"{part}/loss": loss, f"{part}/accuracy": accuracy}
        squared_error = np.where(np.isnan(accuracy), 2 * loss, accuracy)  # checkpoints of 0.1's first builds have none
        rmse, r2 = regression(squared_error, y, self.spec.encoding.deviation)
        return {f"{part}/loss": loss, f"{part}/rmse": rmse, f"{part}/r2": r2}

    def next_steps(self, position: Position, rate: float, interval: int) -> int:
        """Return about CHUNK_SECONDS of steps at this rate, at most to the interval's end; whole epochs if several."""
        end = min(self.epochs_limit, (position.epoch // interval + 1) * interval)
        left = (end - position.epoch) * self.per_epoch - position.step
        target = max(1, int(rate * CHUNK_SECONDS)) if rate else FIRST_STEPS
        steps = min(target, left, MAX_EPOCHS_PER_CALL * self.per_epoch - position.step)
        beyond = (position.step + steps) % self.per_epoch
        return steps - beyond if steps > beyond else steps

    @property
    def status(self) -> np.ndarray:
        """Return TRAINING, CONVERGED, NO_PROGRESS or DIVERGED, (lanes,)."""
        return np.asarray(self.state.status)[: self.lanes]

    @property
    def stopped(self) -> list[str]:
        """Return for each lane why it ended, as in STOPPED."""
        return [STOPPED[code] for code in self.status]

    @property
    def epochs(self) -> np.ndarray:
        """Return the last epoch of each lane, (lanes,)."""
        return np.asarray(self.state.epochs)[: self.lanes]

    @property
    def best_epoch(self) -> np.ndarray:
        """Return the epoch of each lane's lowest validation loss, (lanes,)."""
        return np.asarray(self.state.best_epoch)[: self.lanes]

    def params(self, keep: str) -> Params:
        """Return parameters with a lane axis: the `last` finite ones at an epoch's end, or the `best` on validation."""
        params: Params = self.to_host(self.params_on_device(keep))
        return params

    def params_on_device(self, keep: str) -> Params | tuple[()]:
        """Return the parameters as `params` does, but on the device and with the lanes that only fill the layout."""
        return self.state.settled if keep == "last" else self.state.best

    def to_host(self, lanes: Any) -> Any:
        """Copy arrays to the host, without the lanes that only fill the layout."""
        return jax.tree.map(lambda leaf: np.asarray(leaf)[: self.lanes], lanes)

    def history(self) -> dict[str, np.ndarray]:
        """Return metrics by [lane, epoch], epoch 0 untrained, nan if not measured; no cost if it is the loss."""
        return self.by_name(self.recorded.table()[1])

    def history_epochs(self) -> np.ndarray:
        """Return the epochs of `history`, (k,): all, unless it keeps fewer."""
        return self.recorded.table()[0]

    def metrics_of_params(self, keep: str) -> dict[str, np.ndarray]:
        """Return the metrics of the epoch of `params(keep)`, each (lanes,)."""
        return self.by_name(self.recorded.best if keep == "best" else self.recorded.last)

    def by_name(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Return the metrics of rows (..., columns), without a cost that is the loss itself."""
        names = [name for name in self.columns if self.spec.penalised or name != "train/cost"]
        return {name: rows[..., self.columns.index(name)] for name in names}

    def evaluate(self, keep: str, split: Split) -> EvalMetrics:
        """Compute loss and accuracy (lanes,) of `params(keep)` on a split."""
        data = jax.device_put(flatten_inputs(split), self.everywhere)
        return self.to_host(self.programs.evaluate(self.params_on_device(keep), data))


def is_regression(y: np.ndarray) -> bool:
    """Return whether targets are numbers (L8), not classes."""
    return np.issubdtype(y.dtype, np.floating)


def flatten_inputs(split: Split) -> Split:
    """Return the split with instances as vectors: gathering those is a little faster than gathering images."""
    return Split(split.x.reshape(len(split.x), math.prod(split.x.shape[1:])), split.y)


@jax.jit
def keys(seeds: UInt[Array | np.ndarray, " lanes"]) -> tuple[Key[Array, " lanes"], ...]:
    """Return for each seed the keys of initialisation, of the order of instances and of label noise, (lanes,) each."""
    split = jax.vmap(lambda seed: jax.random.split(jax.random.key(seed), 3))(seeds)
    return split[:, 0], split[:, 1], split[:, 2]
