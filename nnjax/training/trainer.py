"""A training as the host sees it: chunks of about a second, each one call of a compiled program."""

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
    """The programs of a recipe, lifted over lanes and jitted."""

    begin: Any
    advance: Any
    evaluate: Any


@cache
def compile_programs(recipe: TrainSpec, plan: ExecutionPlan) -> CompiledPrograms:
    """Equal recipes share their programs, so that a second training in the process compiles nothing."""
    programs, layout = Programs(recipe), plan.layout
    order = (1,) if plan.shared_batches else ()
    advance = vectorize(programs.advance, layout, shared=(*order, 4, 5, 6, 7))
    return CompiledPrograms(
        jax.jit(vectorize(programs.begin, layout, shared=(2, 3))),
        jax.jit(advance, donate_argnums=0, compiler_options=compiler_options.ONE_CORE if plan.one_core else None),
        jax.jit(vectorize(programs.evaluate, layout, shared=(1,))),
    )


class Chunk(NamedTuple):
    """What one call brought.

    Attributes:
        epoch: finished epochs, a part of one included.
        rows: (lanes, epochs finished by this call, columns), nan for a lane that had stopped.
        epochs: those of the rows.
        examples_per_second: over all lanes, in this call.
        columns: names of the metrics.
    """

    epoch: float
    rows: np.ndarray
    epochs: np.ndarray
    examples_per_second: float
    columns: tuple[str, ...]


class Trainer:
    """A training of one recipe in lanes: `for chunk in training.chunks()`, then `params`, `history` and the rest.

    Args:
        recipe: the static part.
        hyper: traced scalars by name, each (lanes,).
        seeds: of initialisation and label noise, one a lane.
        shuffle_seeds: of the order of instances, one a lane.
        train, validation: the data; validation may be empty.
        epochs: the limit.
        plan: how the lanes are run; those it has too many are filled with the last lane's settings.
        most: epochs that the history keeps, about; None: all.
    """

    def __init__(
        self,
        recipe: TrainSpec,
        hyper: Mapping[str, Float[np.ndarray, " lanes"]],
        seeds: Sequence[int],
        shuffle_seeds: Sequence[int],
        train: Split,
        validation: Split,
        epochs: int,
        plan: ExecutionPlan,
        most: int | None = None,
    ) -> None:
        started = time.perf_counter()
        self.epochs_limit, self.lanes, self.plan = epochs, len(seeds), plan
        self.recipe, self.targets = recipe, {"train": np.asarray(train.y), "validation": np.asarray(validation.y)}
        self.per_epoch = num_batches(len(train.y), recipe.batch_size)
        self.everywhere, by_lane = shardings(plan.layout)
        self.data = jax.device_put((flatten_inputs(train), flatten_inputs(validation)), self.everywhere)
        fill = plan.layout.lanes - self.lanes
        filled = {name: np.append(values, [values[-1]] * fill) for name, values in hyper.items()}
        number = jnp.result_type(float)
        self.hyper = jax.device_put({name: v.astype(number) for name, v in filled.items()}, by_lane)
        init, _, noise = keys(np.array([*seeds, *[seeds[-1]] * fill], np.uint32))
        self.keys = jax.device_put(Keys(init, noise), by_lane)
        _, order, _ = keys(np.array([*shuffle_seeds, *[shuffle_seeds[-1]] * fill], np.uint32))
        self.order_keys = (
            jax.device_put(order[0], self.everywhere) if plan.shared_batches else jax.device_put(order, by_lane)
        )
        self.programs = compile_programs(recipe, plan)
        known = self.programs.advance._cache_size()
        self.compile_side_by_side(by_lane)
        state, row = self.programs.begin(self.keys, self.hyper, *self.data)
        self.position = Position(0, 0)
        self.state, _ = self.call(state, self.position, 0)  # no step: only compiles
        self.kept_history = History(self.told(np.asarray(row)[: self.lanes]), most)
        self.compiles = self.programs.advance._cache_size() - known
        self.train_seconds, self.examples = 0.0, 0.0
        self.compile_seconds = time.perf_counter() - started

    def compile_side_by_side(self, by_lane: NamedSharding) -> None:
        """Compile `begin` and `advance` at once, each on a core of its own: the calls that follow find them."""
        begin, advance, *_ = self.programs
        arguments = (self.keys, self.hyper, *self.data)
        state, _ = jax.eval_shape(begin, *arguments)
        state = jax.tree.map(lambda leaf: leaf.update(sharding=by_lane), state)
        number = jax.ShapeDtypeStruct((), np.int32, sharding=self.everywhere)
        position = jax.tree.map(lambda _: number, Position(0, 0))
        lowered = [
            begin.lower(*arguments),
            advance.lower(state, self.order_keys, *arguments, position, number),
        ]
        with ThreadPoolExecutor(len(lowered)) as pool:
            list(pool.map(Lowered.compile, lowered))

    def call(self, state: TrainState, position: Position, steps: int) -> tuple[TrainState, jax.Array]:
        """Runs the program and waits for it; the state given is used up. Nothing moves to or from the device in it."""
        at, steps = jax.device_put((jax.tree.map(np.int32, position), np.int32(steps)), self.everywhere)
        with jax.transfer_guard("disallow"):
            return jax.block_until_ready(
                self.programs.advance(state, self.order_keys, self.keys, self.hyper, *self.data, at, steps)
            )

    def chunks(self, interval: int | None = None) -> Iterator[Chunk]:
        """Trains until every lane has stopped or the epochs are over; the first chunk is what was there before.

        interval: a chunk ends at each epoch that is a multiple of it.
        """
        position, rate = self.position, 0.0
        done = position.epoch + position.step / self.per_epoch
        epochs, before = self.kept_history.table()
        yield Chunk(done, before, epochs, float("nan"), self.columns)
        while position.epoch < self.epochs_limit and (self.status == TRAINING).any():
            steps = self.next_steps(position, rate, interval or self.epochs_limit)
            started = time.perf_counter()
            self.state, rows = self.call(self.state, position, steps)
            seconds = time.perf_counter() - started
            already, first, rate = done, position.epoch + 1, steps / seconds
            ended, step = divmod(position.step + steps, self.per_epoch)
            position = Position(position.epoch + ended, step)
            if not (self.status == TRAINING).any():  # what the program did after the last lane had stopped is nothing
                position = Position(int(self.epochs.max()), 0)
            self.position = position
            new = self.told(np.array(np.asarray(rows)[: self.lanes, : position.epoch + 1 - first]))
            self.kept_history.add(first, new, self.best_epoch, self.epochs)
            done = position.epoch + position.step / self.per_epoch
            examples = (done - already) * len(self.data[0].y) * self.lanes
            self.train_seconds, self.examples = self.train_seconds + seconds, self.examples + examples
            yield Chunk(done, new, first + np.arange(new.shape[1]), examples / seconds, self.columns)

    def saved(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """All that `restore` needs: arrays, and facts that JSON can hold."""
        leaves = jax.tree_util.tree_leaves_with_path(self.state)
        arrays = {f"state{jax.tree_util.keystr(path)}": np.asarray(leaf) for path, leaf in leaves}
        arrays |= {f"history.{name}": array for name, array in self.kept_history.saved().items()}
        seconds = {"train_seconds": self.train_seconds, "examples": self.examples}
        return arrays, {**self.position._asdict(), **seconds}

    def restore(self, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any]) -> None:
        """Goes on where a training of the same recipe was when it was saved; ValueError if it was of another."""
        leaves, tree = jax.tree_util.tree_flatten_with_path(self.state)
        names = [f"state{jax.tree_util.keystr(path)}" for path, _ in leaves]
        wanted = {name: (leaf.shape, leaf.dtype) for name, (_, leaf) in zip(names, leaves, strict=True)}
        found = {name: (array.shape, array.dtype) for name, array in arrays.items() if name.startswith("state")}
        if found != wanted:
            other = next(name for name in [*wanted, *found] if wanted.get(name) != found.get(name))
            raise ValueError(f"{other} is {found.get(other)}, this training's {wanted.get(other)}")
        placed = [jax.device_put(arrays[name], leaf.sharding) for name, (_, leaf) in zip(names, leaves, strict=True)]
        self.state = jax.tree_util.tree_unflatten(tree, placed)
        history = {name.removeprefix("history."): array for name, array in arrays.items() if name not in found}
        self.kept_history = self.kept_history.restored(history)
        self.position = Position(facts["epoch"], facts["step"])
        self.train_seconds, self.examples = facts["train_seconds"], facts["examples"]

    @property
    def columns(self) -> tuple[str, ...]:
        """The metrics of an epoch: of a regression rmse and r2 stand where classes have an accuracy."""
        names = columns(len(self.state.params))
        if not is_regression(self.targets["train"]):
            return names
        words = {name: [name] for name in names}
        words |= {f"{part}/accuracy": [f"{part}/rmse", f"{part}/r2"] for part in self.targets}
        return tuple(name for column in names for name in words[column])

    def told(self, rows: np.ndarray) -> np.ndarray:
        """Rows of history as `self.columns`, from the programs' own."""
        names = columns(len(self.state.params))
        if self.columns == names:
            return rows
        there = {name: rows[..., i] for i, name in enumerate(names)}
        for part, y in self.targets.items():
            there |= self.named(part, there[f"{part}/loss"], there[f"{part}/accuracy"], y)
        return np.stack([there[name] for name in self.columns], axis=-1)

    def named(self, part: str, loss: Any, accuracy: Any, y: np.ndarray) -> dict[str, np.ndarray]:
        """`PART/loss` with `PART/accuracy`, or of a regression `PART/rmse` and `PART/r2`; y: of that part."""
        loss, accuracy = np.asarray(loss), np.asarray(accuracy)
        if not is_regression(y):
            return {f"{part}/loss": loss, f"{part}/accuracy": accuracy}
        squared_error = np.where(np.isnan(accuracy), 2 * loss, accuracy)  # checkpoints of 0.1's first builds have none
        rmse, r2 = regression(squared_error, y, self.recipe.encoding.deviation)
        return {f"{part}/loss": loss, f"{part}/rmse": rmse, f"{part}/r2": r2}

    def next_steps(self, position: Position, rate: float, interval: int) -> int:
        """About CHUNK_SECONDS of steps at this rate, at most to the interval's end; whole epochs if more than one."""
        end = min(self.epochs_limit, (position.epoch // interval + 1) * interval)
        left = (end - position.epoch) * self.per_epoch - position.step
        wanted = max(1, int(rate * CHUNK_SECONDS)) if rate else FIRST_STEPS
        steps = min(wanted, left, MAX_EPOCHS_PER_CALL * self.per_epoch - position.step)
        beyond = (position.step + steps) % self.per_epoch
        return steps - beyond if steps > beyond else steps

    @property
    def status(self) -> np.ndarray:
        """(lanes,): TRAINING, CONVERGED, NO_PROGRESS or DIVERGED."""
        return np.asarray(self.state.status)[: self.lanes]

    @property
    def stopped(self) -> list[str]:
        """For each lane why it ended; a word of STOPPED."""
        return [STOPPED[code] for code in self.status]

    @property
    def epochs(self) -> np.ndarray:
        """(lanes,): the last epoch of each."""
        return np.asarray(self.state.epochs)[: self.lanes]

    @property
    def best_epoch(self) -> np.ndarray:
        """(lanes,): the epoch of the lowest validation loss."""
        return np.asarray(self.state.best_epoch)[: self.lanes]

    def params(self, keep: str) -> Params:
        """Parameters with a lane axis: `last` finite ones at an epoch's end, or `best` by validation loss."""
        found: Params = self.cut(self.kept(keep))
        return found

    def kept(self, keep: str) -> Params | tuple[()]:
        """The same on the device, with the lanes that only fill the layout."""
        return self.state.settled if keep == "last" else self.state.best

    def cut(self, lanes: Any) -> Any:
        """On the host, without the lanes that only fill the layout."""
        return jax.tree.map(lambda leaf: np.asarray(leaf)[: self.lanes], lanes)

    def history(self) -> dict[str, np.ndarray]:
        """Metrics by [lane, epoch], epoch 0 untrained, nan where not measured; no cost where it is the loss itself."""
        return self.by_name(self.kept_history.table()[1])

    def history_epochs(self) -> np.ndarray:
        """(k,): the epochs of `history`: all, unless it keeps fewer."""
        return self.kept_history.table()[0]

    def measured(self, keep: str) -> dict[str, np.ndarray]:
        """The row of `params(keep)`: metric -> (lanes,)."""
        return self.by_name(self.kept_history.best if keep == "best" else self.kept_history.last)

    def by_name(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Rows (..., columns) as metrics, without a cost that is the loss itself."""
        told = [name for name in self.columns if self.recipe.penalised or name != "train/cost"]
        return {name: rows[..., self.columns.index(name)] for name in told}

    def evaluate(self, keep: str, split: Split) -> EvalMetrics:
        """Loss and accuracy (lanes,) of `params(keep)` on a split."""
        return self.cut(self.programs.evaluate(self.kept(keep), jax.device_put(flatten_inputs(split), self.everywhere)))


def is_regression(y: np.ndarray) -> bool:
    """Whether targets are numbers (L8), not classes."""
    return np.issubdtype(y.dtype, np.floating)


def flatten_inputs(split: Split) -> Split:
    """Rows as vectors: gathering those is a little faster than gathering images."""
    return Split(split.x.reshape(len(split.x), math.prod(split.x.shape[1:])), split.y)


@jax.jit
def keys(seeds: UInt[Array | np.ndarray, " lanes"]) -> tuple[Key[Array, " lanes"], ...]:
    """For each seed the keys of initialisation, of the order of instances and of label noise, (lanes,) each."""
    split = jax.vmap(lambda seed: jax.random.split(jax.random.key(seed), 3))(seeds)
    return split[:, 0], split[:, 1], split[:, 2]
