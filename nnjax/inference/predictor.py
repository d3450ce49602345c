"""A trained network read from one file and applied with NumPy alone.

This file imports nothing of nnjax, so that a copy of it can travel inside an MLflow model; there alone it needs pandas.
Arrays are safetensors (`0.Theta`, `0.b`, `1.Theta`, ...), the rest is JSON in their header: nothing in the file is ever
executed.
"""

import json
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as as_bytes

Floats = NDArray[np.floating[Any]]  # float32 at run time
Layers = Sequence[tuple[Floats, Floats]]


def sigmoid(z: Floats) -> Floats:
    """g(z) = 1 / (1 + e^-z) (L1) without overflow: e^-|z| is at most 1."""
    small = np.exp(-np.abs(z))
    a: Floats = np.where(z >= 0, 1, small) / (1 + small)
    return a


def softmax(z: Floats) -> Floats:
    """a_i = e^{z_i} / sum_j e^{z_j} (L7) over the last axis; the largest z is subtracted first."""
    powers = np.exp(z - np.max(z, axis=-1, keepdims=True))
    a: Floats = powers / np.sum(powers, axis=-1, keepdims=True)
    return a


ACTIVATIONS: Mapping[str, Callable[[Floats], Floats]] = {
    "sigmoid": sigmoid,
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
    "softplus": lambda z: np.logaddexp(z, 0),
    "identity": lambda z: z,
}
OUTPUTS: Mapping[str, Callable[[Floats], Floats]] = {
    "softmax": softmax,
    "sigmoid": sigmoid,
    "identity": ACTIVATIONS["identity"],
    "step": lambda z: (z > 0).astype(z.dtype),  # of a perceptron (L17)
}
POOLINGS: Mapping[str, Callable[..., Floats]] = {"average": np.mean, "max": np.max}
ZEROS = {"mlp": (), "lenet5": (2, 0)}  # around the images, for each convolution that a model begins with
BLOCK = 500  # images convolved at once
PROBABLE = ("softmax", "sigmoid")  # outputs that are probabilities
ROWS = 64  # that a model's list of operations takes at once
MAX_NUMBERS = 1 << 26  # of an array that an operation makes
LARGEST = 2.0**127  # of float32, about
LONGEST = 1 << 24  # characters of metadata: scale, shift and name of 200,000 features
REFUSED = (OSError, SafetensorError, LookupError, TypeError, ValueError, RecursionError)  # by JSON, safetensors, checks


def dot_general(a: Floats, b: Floats, dimension_numbers: Any) -> Floats:
    """Multiply arrays over pairs of axes, as JAX's primitive does; axes of a batch come first in the result."""
    (contracted_a, contracted_b), (batch_a, batch_b) = dimension_numbers
    axes_a, axes_b = [*range(a.ndim)], [*range(a.ndim, a.ndim + b.ndim)]
    for i, j in zip([*contracted_a, *batch_a], [*contracted_b, *batch_b], strict=True):
        axes_b[j] = axes_a[i]
    rest = [i for i in axes_a if i not in axes_b] + [j for j in axes_b if j not in axes_a]
    operands: Any = (a, axes_a, b, axes_b, [axes_a[i] for i in batch_a] + rest)
    product: Floats = np.einsum(*operands, optimize=True)
    return product


def broadcast_in_dim(a: Floats, shape: Sequence[int], broadcast_dimensions: Sequence[int]) -> Floats:
    """Repeat an array to `shape`; axis i of it is axis broadcast_dimensions[i] of the result."""
    lengths = [1] * len(shape)
    for axis, length in zip(broadcast_dimensions, a.shape, strict=True):
        lengths[axis] = length
    return np.broadcast_to(a.reshape(lengths), shape)


def slices(a: Floats, start_indices: Sequence[int], limit_indices: Sequence[int], strides: Any) -> Floats:
    """Return a part of an array: from start to limit of each axis, in steps of `strides` or of 1."""
    steps = strides or [1] * a.ndim
    return a[tuple(map(slice, start_indices, limit_indices, steps))]


OPERATIONS: Mapping[str, tuple[Callable[..., Any], tuple[str, ...]]] = {  # JAX's primitive -> NumPy's form, settings
    "constant": (lambda kind, numbers: np.asarray(numbers, kind), ("kind", "numbers")),
    **{name: (getattr(np, name), ()) for name in ("exp", "exp2", "log", "log1p", "expm1", "tanh", "sqrt", "square")},
    **{name: (getattr(np, name), ()) for name in ("sin", "cos", "tan", "sinh", "cosh", "sign", "floor", "ceil", "abs")},
    "neg": (np.negative, ()),
    "logistic": (sigmoid, ()),
    "rsqrt": (lambda a: 1 / np.sqrt(a), ()),
    "erf": (np.vectorize(math.erf, otypes=[np.float32]), ()),
    "erfc": (np.vectorize(math.erfc, otypes=[np.float32]), ()),
    "integer_pow": (lambda a, y: a**y, ("y",)),
    "add": (np.add, ()),
    "sub": (np.subtract, ()),
    "mul": (np.multiply, ()),
    "div": (np.divide, ()),
    "pow": (np.power, ()),
    "max": (np.maximum, ()),
    "min": (np.minimum, ()),
    "atan2": (np.arctan2, ()),
    "eq": (np.equal, ()),
    "ne": (np.not_equal, ()),
    "lt": (np.less, ()),
    "le": (np.less_equal, ()),
    "gt": (np.greater, ()),
    "ge": (np.greater_equal, ()),
    "and": (np.logical_and, ()),
    "or": (np.logical_or, ()),
    "not": (np.logical_not, ()),
    "is_finite": (np.isfinite, ()),
    "select_n": (lambda which, if_false, if_true: np.where(which, if_true, if_false), ()),
    "clamp": (lambda low, a, high: np.minimum(np.maximum(a, low), high), ()),
    "convert_element_type": (lambda a, new_dtype: a.astype(new_dtype), ("new_dtype",)),
    "reduce_sum": (lambda a, axes: a.sum(tuple(axes)), ("axes",)),
    "reduce_max": (lambda a, axes: a.max(tuple(axes)), ("axes",)),
    "reduce_min": (lambda a, axes: a.min(tuple(axes)), ("axes",)),
    "reduce_prod": (lambda a, axes: a.prod(tuple(axes)), ("axes",)),
    "dot_general": (dot_general, ("dimension_numbers",)),
    "broadcast_in_dim": (broadcast_in_dim, ("shape", "broadcast_dimensions")),
    "reshape": (lambda a, new_sizes: a.reshape(new_sizes), ("new_sizes",)),
    "squeeze": (lambda a, dimensions: a.squeeze(tuple(dimensions)), ("dimensions",)),
    "transpose": (lambda a, permutation: a.transpose(permutation), ("permutation",)),
    "stack": (lambda *parts, axis: np.stack(parts, axis), ("axis",)),
    "concatenate": (lambda *parts, dimension: np.concatenate(parts, dimension), ("dimension",)),
    "slice": (slices, ("start_indices", "limit_indices", "strides")),
    "rev": (lambda a, dimensions: np.flip(a, tuple(dimensions)), ("dimensions",)),
}


def run_program(program: Mapping[str, Any], inputs: Sequence[Floats]) -> list[Floats]:
    """Run a list of operations that `runs.operations` wrote, and return its outputs.

    program: {"steps": [[operation, [value, ...], {setting: ...}], ...], "outputs": [value, ...]}. A value is a whole
    number: the inputs come first, then the result of each step.
    """
    values = [*inputs]
    with np.errstate(all="ignore"):
        for name, chosen, settings in program["steps"]:
            values.append(OPERATIONS[name][0](*(values[i] for i in chosen), **settings))
    return [values[i] for i in program["outputs"]]


class Predictor(NamedTuple):
    """h_Theta (L2) from raw rows (n, ...) as the data set has them; params and metadata as in `save`."""

    params: Layers
    metadata: Mapping[str, Any]

    @classmethod
    def load(cls, path: str | Path, lane: int = 0) -> "Predictor":
        """The predictor that `save` wrote; a damaged or foreign file is a ValueError of one line.

        lane: which of the networks, in a file that holds those of several lanes.
        """
        try:
            metadata = about(path)
            lanes = metadata.get("lanes")
            if not 0 <= lane < (lanes or 1):
                raise ValueError(f"lane must be below {lanes or 1}, got {lane}")
            with safe_open(path, framework="numpy") as file:
                stored = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 - no mapping
                _check_stored({name: (each.get_dtype(), each.get_shape()) for name, each in stored.items()}, lanes)
                one = {name: each[slice(None) if lanes is None else lane] for name, each in stored.items()}
            params = tuple((one[f"{i}.Theta"], one[f"{i}.b"]) for i in range(len(one) // 2))
            _check(params, metadata)
            if not all(np.isfinite(array).all() for layer in params for array in layer):
                raise ValueError("parameters must be finite numbers, and some are not")
        except REFUSED as error:
            raise _foreign(path, error) from None
        return cls(params, metadata)

    def outputs(self, raw: NDArray[Any]) -> Floats:
        """h (n, K): the loss's own output of the logits (L5-L8); of a regression in its target's own units."""
        return self.activated(self.logits(raw))

    def activated(self, z: Floats) -> Floats:
        """`outputs` from `logits`."""
        h = OUTPUTS[self.metadata["output"]](z)
        target = self.metadata.get("target")
        return (h if target is None else h * target["deviation"] + target["mean"]).astype(np.float32)

    def logits(self, raw: NDArray[Any]) -> Floats:
        """z (n, K): a = g(a Theta^T + b) layer by layer, the last without g (L2)."""
        x = self.inputs(raw)
        rows = BLOCK if ZEROS.get(self.metadata["model"]["name"]) else max(len(x), 1)
        return np.concatenate([self._last(x[i : i + rows]) for i in range(0, max(len(x), 1), rows)])

    def layers(self, x: Floats) -> Iterator[Floats]:
        """What each layer makes of `inputs` (n, d): units (n, units), logits last.

        Of a convolution its maps (n, maps, rows, columns), then the same pooled (L16).
        """
        programs = self.metadata.get("programs", {})
        if "model" in programs:
            yield from self._run(programs["model"], x)
            return
        model, last = self.metadata["model"], len(self.params) - 1
        g, zeros = _activation(self.metadata), ZEROS[model["name"]]
        side = math.isqrt(x.shape[1])
        a = x.reshape(len(x), 1, side, side) if zeros else x
        for i, (Theta, b) in enumerate(self.params):
            if i < len(zeros):
                a = g(convolved(a, Theta, b, zeros[i]))
                yield a
                a = pooled(a, POOLINGS[model["pooling"]])
                yield a
            else:
                z = a.reshape(len(a), Theta.shape[1]) @ Theta.T + b
                a = z if i == last else g(z)
                yield a

    def _run(self, program: Mapping[str, Any], x: Floats) -> list[Floats]:
        """Run a model's program, which takes ROWS instances at once; the last block is filled with zeros."""
        arrays = [array for layer in self.params for array in layer]
        blocks = np.zeros((-(-max(len(x), 1) // ROWS), ROWS, x.shape[1]), np.float32)
        blocks.reshape(-1, x.shape[1])[: len(x)] = x
        outputs = [run_program(program, [*arrays, block]) for block in blocks]
        return [np.concatenate(parts)[: len(x)] for parts in zip(*outputs, strict=True)]

    def _last(self, x: Floats) -> Floats:
        for a in self.layers(x):  # noqa: B007 - the others are not kept
            pass
        return a

    def probabilities(self, raw: NDArray[Any]) -> Floats:
        """One column a class: h, or (1 - h, h) where one sigmoid tells two classes apart (L5).

        One-vs-rest columns need not sum to 1 (L6). Identity and step outputs have none: ValueError.
        """
        output = self.metadata["output"]
        if output not in PROBABLE:
            raise ValueError(f"probabilities need a softmax or sigmoid output, this network's is {output}: use outputs")
        h = self.outputs(raw)
        return np.concatenate([1 - h, h], axis=1) if h.shape[1] == 1 else h

    def classes(self, raw: NDArray[Any]) -> NDArray[np.int64]:
        """Class indices (n,): argmax (L38), or h > metadata["threshold"] for one output, 0.5 unless given (L5)."""
        if not self.metadata.get("classes"):
            raise ValueError("classes need a network trained on labels, this one's metadata names none: use outputs")
        return self.chosen(self.logits(raw))

    def chosen(self, z: Floats) -> NDArray[np.int64]:
        """`classes` from `logits`: outputs far out round to 1 alike, so the argmax is theirs."""
        if z.shape[1] > 1:
            return np.argmax(z, axis=1)
        return (OUTPUTS[self.metadata["output"]](z)[:, 0] > self.metadata.get("threshold", 0.5)).astype(np.int64)

    def predict(self, raw: Any) -> Floats:
        """Probabilities (n, classes) where the network has them, else its outputs; a column each of `names`."""
        return self.probabilities(raw) if self.metadata["output"] in PROBABLE else self.outputs(raw)

    @property
    def names(self) -> list[str]:
        """What the columns of `predict` are: classes, of a single step or identity unit the second; a target."""
        target, classes, width = self.metadata.get("target"), self.metadata.get("classes"), len(self.params[-1][1])
        if target is not None:
            return [target["name"]]
        columns = 2 if width == 1 and self.metadata["output"] in PROBABLE else width
        return [*classes[-columns:]] if classes else [f"h{i}" for i in range(1, columns + 1)]

    @property
    def columns(self) -> list[str]:
        """What the inputs of a row are called, x1, x2, ... where they have no names."""
        width = math.prod(self.metadata["preprocessing"]["shape"])
        return [*(self.metadata.get("features") or (f"x{i}" for i in range(1, width + 1)))]

    def rows(self, raw: Any) -> NDArray[Any]:
        """Raw rows as an array: of a table (pandas.DataFrame) `columns` by name, of {name: rows} those."""
        if isinstance(raw, Mapping):
            (raw,) = raw.values()
        if not hasattr(raw, "columns"):
            return np.asarray(raw)
        missing = [name for name in self.columns if name not in raw.columns]
        if missing:
            there = ", ".join(map(str, raw.columns))
            raise ValueError(f"input must have the column {missing[0]!r:.60}, its columns: {there:.80}")
        return np.asarray(raw[self.columns])

    def inputs(self, raw: Any) -> Floats:
        """What the network sees of raw rows (see `rows`), unrolled (n, d): raw * scale + shift."""
        rows, preprocessing = self.rows(raw), self.metadata["preprocessing"]
        shape = tuple(preprocessing["shape"])
        if rows.ndim < 2 or math.prod(rows.shape[1:]) != math.prod(shape):
            raise ValueError(f"input must have the shape (n, {', '.join(map(str, shape))}), got {rows.shape}")
        scale, shift = (np.asarray(preprocessing[key], np.float32) for key in ("scale", "shift"))
        return (rows.reshape(len(rows), *shape).astype(np.float32) * scale + shift).reshape(len(rows), math.prod(shape))


def _activation(metadata: Mapping[str, Any]) -> Callable[[Floats], Floats]:
    """Return g of the hidden layers: one of ACTIVATIONS, or the program that came with the network."""
    program = metadata.get("programs", {}).get("activation")
    return ACTIVATIONS[metadata["model"]["activation"]] if program is None else lambda z: run_program(program, [z])[0]


def convolved(a: Floats, Theta: Floats, b: Floats, zeros: int) -> Floats:
    """z (n, maps_out, rows, columns) of images (n, maps_in, height, width) with so many zeros around them (L16)."""
    a = np.pad(a, ((0, 0), (0, 0), (zeros, zeros), (zeros, zeros)))
    windows = np.lib.stride_tricks.sliding_window_view(a, Theta.shape[2:], axis=(2, 3))
    return np.moveaxis(np.tensordot(windows, Theta, axes=((1, 4, 5), (1, 2, 3))) + b, -1, 1)


def pooled(a: Floats, pooling: Callable[..., Floats]) -> Floats:
    """Images (n, maps, rows, columns) by 2 x 2; a last row or column alone is left out."""
    n, maps, rows, columns = a.shape
    blocks = a[:, :, : rows // 2 * 2, : columns // 2 * 2].reshape(n, maps, rows // 2, 2, columns // 2, 2)
    return pooling(blocks, axis=(3, 5))


def about(path: str | Path) -> Mapping[str, Any]:
    """The metadata of a file that `save` wrote, checked; a damaged or foreign file is a ValueError of one line."""
    try:
        with safe_open(path, framework="numpy") as file:
            text = (file.metadata() or {})["nnjax"]
        if len(text) > LONGEST:
            raise ValueError(f"metadata must have at most {LONGEST:,} characters, got {len(text):,}")
        metadata = json.loads(text)
        _check_metadata(metadata)
    except REFUSED as error:
        raise _foreign(path, error) from None
    return metadata


def save(path: str | Path, params: Layers, metadata: Mapping[str, Any]) -> None:
    """Write params ((Theta (n_out, n_in), b (n_out,)), ...) and metadata to one file, whole or not at all.

    The Theta of a convolution is (maps_out, maps_in, size, size).

    metadata: {"model": {"name": "mlp", "activation": "relu"}, "output": a key of OUTPUTS, of lenet5 with "pooling",
    "preprocessing": {"scale": 1 / 255, "shift": 0.0, "shape": [784]}, "classes": ["0", ...]}, and "threshold" where a
    single output's is not 0.5; the network sees raw * scale + shift, numbers or one a feature; "features" are their
    names. A regression has no classes and "target": {"name": "y", "mean": 0.0, "deviation": 1.0}: it predicts
    h * deviation + mean. With "lanes": n the arrays have a first axis of n networks. Raises
    ValueError where the parts don't fit.
    """
    arrays = [(np.ascontiguousarray(Theta, np.float32), np.ascontiguousarray(b, np.float32)) for Theta, b in params]
    _check([(Theta[0], b[0]) for Theta, b in arrays] if metadata.get("lanes") else arrays, metadata)
    tensors = {f"{i}.Theta": Theta for i, (Theta, _) in enumerate(arrays)}
    tensors |= {f"{i}.b": b for i, (_, b) in enumerate(arrays)}
    unfinished = Path(f"{path}.part")
    try:
        unfinished.write_bytes(as_bytes(tensors, metadata={"nnjax": json.dumps(metadata)}))
        os.replace(unfinished, path)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise


def _foreign(path: str | Path, error: BaseException) -> ValueError:
    return ValueError(f"{path} is not a predictor of nnjax: {type(error).__name__}: {' '.join(str(error).split())}")


def _check(params: Layers, metadata: Mapping[str, Any]) -> None:
    _check_metadata(metadata)
    width, classes = math.prod(metadata["preprocessing"]["shape"]), metadata.get("classes")
    if not params:
        raise ValueError("a network has at least one layer, got none")
    if "model" in metadata.get("programs", {}):
        *_, z = Predictor(params, metadata).layers(np.zeros((1, width), np.float32))
        if z.shape != (1, len(params[-1][1])):
            raise ValueError(f"the model must return (1, {len(params[-1][1])}) for one instance, got {z.shape}")
        _check_classes(classes, z.shape[1])
        return
    zeros, maps, side = ZEROS[metadata["model"]["name"]], 1, math.isqrt(width)
    if zeros and (side * side != width or len(params) <= len(zeros)):
        raise ValueError(f"images must be square and layers more than {len(zeros)}, got {width} pixels, {len(params)}")
    for i, (Theta, b) in enumerate(params[: len(zeros)]):
        side += 2 * zeros[i] + 1 - Theta.shape[-1] if Theta.ndim else 0
        if b.ndim != 1 or not len(b) or Theta.shape != (len(b), maps, *Theta.shape[-1:] * 2) or side < 2:
            raise ValueError(
                f"layer {i} must be Theta (n_out, {maps}, size, size) and b (n_out,), got {Theta.shape}, {b.shape}"
            )
        maps, side = len(b), side // 2
        width = maps * side**2
    for i, (Theta, b) in enumerate(params[len(zeros) :], len(zeros)):
        if b.ndim != 1 or not len(b) or Theta.shape != (len(b), width):
            raise ValueError(f"layer {i} must be Theta (n_out, {width}) and b (n_out,), got {Theta.shape}, {b.shape}")
        width = len(b)
    _check_classes(classes, width)


def _check_classes(classes: Sequence[str] | None, outputs: int) -> None:
    if classes and len(classes) != max(outputs, 2):
        raise ValueError(f"classes must be {max(outputs, 2)} names, for {outputs} outputs, got {len(classes)}")


def _check_programs(programs: Mapping[str, Any]) -> None:
    """Check that steps are known operations with their settings, and that none makes a huge array."""
    for what, program in programs.items():
        for i, (name, values, settings) in enumerate(program["steps"]):
            known = name in OPERATIONS and {*settings} == {*OPERATIONS[name][1]}
            if what not in ("activation", "model") or not known or not _listed(values, int):
                raise ValueError(f"step {i} of the program {what!r:.40} must be one of OPERATIONS, got {name!r:.40}")
            if math.prod(settings.get("shape", ())) > MAX_NUMBERS:
                raise ValueError(f"an array must have at most {MAX_NUMBERS:,} numbers, got {settings['shape']!r:.40}")


def _check_stored(arrays: Mapping[str, tuple[str, Sequence[int]]], lanes: int | None) -> None:
    """Names, types and shapes of arrays before any is read: safetensors has compared them with the file's size."""
    names = {f"{i}.{part}" for i in range(len(arrays) // 2) for part in ("Theta", "b")}
    if {*arrays} != names:
        raise ValueError(f"arrays must be 0.Theta, 0.b, 1.Theta, ..., got {', '.join(sorted(arrays))[:80] or 'none'}")
    for name, (dtype, shape) in arrays.items():
        if dtype != "F32" or (lanes is not None and list(shape[:1]) != [lanes]):
            wanted = "float32" if lanes is None else f"float32 ({lanes}, ...)"
            raise ValueError(f"{name} must be {wanted}, got {dtype} {tuple(shape)}")


def _check_metadata(metadata: Any) -> None:
    """What `save` takes, type by type."""
    model, programs = metadata["model"], metadata.get("programs", {})
    _check_programs(programs)
    formulas = {"model": [*ZEROS], "activation": [*ACTIVATIONS]}
    formulas |= {"pooling": [*POOLINGS]} if model["name"] == "lenet5" else {}
    for what, allowed in formulas.items():
        name = model["name" if what == "model" else what]
        if what not in programs and "model" not in programs and name not in allowed:
            raise ValueError(f"{what} must be one of {', '.join(allowed)}, got {name!r:.40}")
    if metadata["output"] not in OUTPUTS:
        raise ValueError(f"output must be one of {', '.join(OUTPUTS)}, got {metadata['output']!r:.40}")
    shape = metadata["preprocessing"]["shape"]
    if not (_listed(shape, int) and shape and len(shape) <= 8 and all(0 < length < 2**31 for length in shape)):
        raise ValueError(f"shape must be whole numbers above 0, got {shape!r:.40}")
    width = math.prod(shape)
    for name in ("scale", "shift"):
        given = metadata["preprocessing"][name]
        if not _finite(given) and not (
            _listed(given, int | float) and len(given) == width and all(map(_finite, given))
        ):
            raise ValueError(f"{name} must be a number or one for each of {width} features, got {given!r:.40}")
    for name, count in (("classes", None), ("features", width)):
        given = metadata.get(name) or []
        if not _listed(given, str) or (given and count not in (None, len(given))):
            raise ValueError(f"{name} must be names{f', one for each of {count} features' if count else ''}")
    target = metadata.get("target")
    if target is not None and not (isinstance(target["name"], str) and _finite(target["mean"], target["deviation"])):
        raise ValueError(f"target must have a name, a mean and a deviation, got {target!r:.80}")
    if not _finite(metadata.get("threshold", 0)):
        raise ValueError(f"threshold must be a number, got {metadata['threshold']!r:.40}")
    lanes = metadata.get("lanes")
    if lanes is not None and not (type(lanes) is int and lanes > 0):
        raise ValueError(f"lanes must be a whole number above 0, got {lanes!r:.40}")


def _listed(given: Any, kind: Any) -> bool:
    return isinstance(given, list | tuple) and all(isinstance(each, kind) for each in given)


def _finite(*given: Any) -> bool:
    """Whether all are numbers of a size float32 holds."""
    return all(isinstance(x, int | float) and not isinstance(x, bool) and abs(x) <= LARGEST for x in given)


class Named(NamedTuple):
    """A predictor as MLflow calls it: inputs by name or as an array, the answer by name."""

    predictor: Predictor

    def predict(self, given: Any) -> Any:
        """`Predictor.predict` as a pandas.DataFrame with a column each of `Predictor.names`."""
        from pandas import DataFrame

        return DataFrame(self.predictor.predict(given), columns=self.predictor.names)


def _load_pyfunc(path: str) -> Named:
    """The name MLflow's `loader_module` looks for."""
    return Named(Predictor.load(path))
