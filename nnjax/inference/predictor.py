"""A trained network from one file, applied with NumPy.

This file imports nothing of nnjax, so that a copy of it can travel inside an MLflow model. Only there it needs pandas.
The arrays are safetensors (`0.Theta`, `0.b`, `1.Theta`, ...), and the metadata JSON in their header. Nothing in the
file is ever executed.
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
    """Return g(z) = 1 / (1 + e^-z) (L1) without overflow: e^-|z| is at most 1."""
    small = np.exp(-np.abs(z))
    a: Floats = np.where(z >= 0, 1, small) / (1 + small)
    return a


def softmax(z: Floats) -> Floats:
    """Return a_i = e^{z_i} / sum_j e^{z_j} (L7) over the last axis; the largest z is subtracted first."""
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
PADDING = {"mlp": (), "lenet5": (2, 0)}  # model -> zeros around the images of each convolution that it begins with
BLOCK = 500  # images that are convolved at once
ROWS = 64  # that the program of a model takes at once
MAX_NUMBERS = 1 << 26  # of an array that an operation makes
PROBABILITIES = ("softmax", "sigmoid")  # outputs that are probabilities
LARGEST = 2.0**127  # of float32, rounded
MAX_METADATA = 1 << 24  # characters: enough for scale, shift and name of 200,000 features
REFUSALS = (
    OSError,
    SafetensorError,
    LookupError,
    TypeError,
    ValueError,
    RecursionError,
)  # of JSON, safetensors, checks


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


def pad(a: Floats, value: Floats, padding_config: Sequence[tuple[int, int, int]]) -> Floats:
    """Put `value` around an array: (before, after, 0) numbers on each axis."""
    if any(before < 0 or after < 0 or between for before, after, between in padding_config):
        raise ValueError(f"padding must be at the ends alone and not below 0, got {padding_config}")
    return np.pad(a, [(before, after) for before, after, _ in padding_config], constant_values=value.item())


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
    "pad": (pad, ("padding_config",)),
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
    """The function h_Theta (L2) of raw rows (n, ...) as the data set has them; params and metadata as for `save`."""

    params: Layers
    metadata: Mapping[str, Any]

    @classmethod
    def load(cls, path: str | Path, lane: int = 0) -> "Predictor":
        """Return the predictor in a file that `save` wrote.

        lane: the number of the network in a file with several lanes. Raises ValueError, one line, for a damaged file.
        """
        try:
            metadata = read_metadata(path)
            lanes = metadata.get("lanes")
            if not 0 <= lane < (lanes or 1):
                raise _wrong(f"lane={lane} is out of range", f"a number below {lanes or 1}")
            with safe_open(path, framework="numpy") as file:
                stored = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 - no mapping
                _check_stored({name: (array.get_dtype(), array.get_shape()) for name, array in stored.items()}, lanes)
                one = {name: array[slice(None) if lanes is None else lane] for name, array in stored.items()}
            params = tuple((one[f"{i}.Theta"], one[f"{i}.b"]) for i in range(len(one) // 2))
            _check(params, metadata)
            if not all(np.isfinite(array).all() for layer in params for array in layer):
                raise _wrong("some parameters are not finite", "finite numbers")
        except REFUSALS as error:
            raise _foreign(path, error) from None
        return cls(params, metadata)

    def outputs(self, raw: NDArray[Any]) -> Floats:
        """Return h (n, K), the loss's output function of the logits (L5-L8); of a regression in the target's units."""
        return self.outputs_of_logits(self.logits(raw))

    def outputs_of_logits(self, z: Floats) -> Floats:
        """Return `outputs` for the result of `logits`."""
        h = OUTPUTS[self.metadata["output"]](z)
        target = self.metadata.get("target")
        return (h if target is None else h * target["deviation"] + target["mean"]).astype(np.float32)

    def logits(self, raw: NDArray[Any]) -> Floats:
        """Return z (n, K): a = g(a Theta^T + b) layer by layer, the last without g (L2)."""
        x = self.preprocess(raw)
        rows = BLOCK if PADDING.get(self.metadata["model"]["name"]) else max(len(x), 1)
        return np.concatenate([self._last(x[i : i + rows]) for i in range(0, max(len(x), 1), rows)])

    def layers(self, x: Floats) -> Iterator[Floats]:
        """Yield the output of each layer for preprocessed rows (n, d): (n, units), at last the logits (n, K).

        A convolution has two outputs: its maps (n, maps, rows, columns), then the pooled maps (L16).
        """
        programs = self.metadata.get("programs", {})
        if "model" in programs:
            yield from self._run(programs["model"], x)
            return
        model, last = self.metadata["model"], len(self.params) - 1
        g, padding = _activation(self.metadata), PADDING[model["name"]]
        side = math.isqrt(x.shape[1])
        a = x.reshape(len(x), 1, side, side) if padding else x
        for i, (Theta, b) in enumerate(self.params):
            if i < len(padding):
                a = g(convolve(a, Theta, b, padding[i]))
                yield a
                a = pool(a, POOLINGS[model["pooling"]])
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
        for a in self.layers(x):  # noqa: B007 - only the last is used
            pass
        return a

    def probabilities(self, raw: NDArray[Any]) -> Floats:
        """Return one column per class (n, classes): h, or (1 - h, h) for the one sigmoid of two classes (L5).

        The columns of one-vs-rest need not sum to 1 (L6). Raises ValueError for identity and step outputs.
        """
        output = self.metadata["output"]
        if output not in PROBABILITIES:
            raise _wrong(f"the output {output} gives no probabilities", "outputs(), or a softmax or sigmoid network")
        h = self.outputs(raw)
        return np.concatenate([1 - h, h], axis=1) if h.shape[1] == 1 else h

    def classes(self, raw: NDArray[Any]) -> NDArray[np.int64]:
        """Return class indices (n,): argmax (L38), or h > metadata["threshold"] for one output, by default 0.5 (L5).

        Raises ValueError for a network without classes.
        """
        if not self.metadata.get("classes"):
            raise _wrong("this network has no classes", "outputs(), or a network that was trained on labels")
        return self.classes_of_logits(self.logits(raw))

    def classes_of_logits(self, z: Floats) -> NDArray[np.int64]:
        """Return `classes` for the result of `logits`. The argmax is that of the logits, since outputs round to 1."""
        if z.shape[1] > 1:
            return np.argmax(z, axis=1)
        return (OUTPUTS[self.metadata["output"]](z)[:, 0] > self.metadata.get("threshold", 0.5)).astype(np.int64)

    def predict(self, raw: Any) -> Floats:
        """Return `probabilities` if the network has them, otherwise `outputs`; the columns are `output_names`."""
        return self.probabilities(raw) if self.metadata["output"] in PROBABILITIES else self.outputs(raw)

    @property
    def output_names(self) -> list[str]:
        """Names of the columns of `predict`: classes, of a single step or identity unit the second, or the target."""
        target, classes, width = self.metadata.get("target"), self.metadata.get("classes"), len(self.params[-1][1])
        if target is not None:
            return [target["name"]]
        columns = 2 if width == 1 and self.metadata["output"] in PROBABILITIES else width
        return [*classes[-columns:]] if classes else [f"h{i}" for i in range(1, columns + 1)]

    @property
    def input_names(self) -> list[str]:
        """Names of the inputs of a row: x1, x2, ... for features without names."""
        width = math.prod(self.metadata["preprocessing"]["shape"])
        return [*(self.metadata.get("features") or (f"x{i}" for i in range(1, width + 1)))]

    def to_array(self, raw: Any) -> NDArray[Any]:
        """Return raw rows as an array: the columns `input_names` of a pandas.DataFrame, the rows of {name: rows}.

        Raises ValueError for a table without one of the columns.
        """
        if isinstance(raw, Mapping):
            (raw,) = raw.values()
        if not hasattr(raw, "columns"):
            return np.asarray(raw)
        missing = [name for name in self.input_names if name not in raw.columns]
        if missing:
            columns = ", ".join(map(str, raw.columns))
            raise _wrong(f"the input has no column {missing[0]!r:.60}, but {columns:.80}", ", ".join(self.input_names))
        return np.asarray(raw[self.input_names])

    def preprocess(self, raw: Any) -> Floats:
        """Return the network's input for raw rows (see `to_array`), unrolled (n, d): raw * scale + shift.

        Raises ValueError for rows of another shape.
        """
        rows, preprocessing = self.to_array(raw), self.metadata["preprocessing"]
        shape = tuple(preprocessing["shape"])
        if rows.ndim < 2 or math.prod(rows.shape[1:]) != math.prod(shape):
            raise _wrong(f"the input has the shape {rows.shape}", f"(n, {', '.join(map(str, shape))})")
        scale, shift = (np.asarray(preprocessing[key], np.float32) for key in ("scale", "shift"))
        return (rows.reshape(len(rows), *shape).astype(np.float32) * scale + shift).reshape(len(rows), math.prod(shape))


def _activation(metadata: Mapping[str, Any]) -> Callable[[Floats], Floats]:
    """Return g of the hidden layers: one of ACTIVATIONS, or the program that came with the network."""
    program = metadata.get("programs", {}).get("activation")
    return ACTIVATIONS[metadata["model"]["activation"]] if program is None else lambda z: run_program(program, [z])[0]


def convolve(a: Floats, Theta: Floats, b: Floats, padding: int) -> Floats:
    """Return z (n, maps_out, rows, columns) of images (n, maps_in, height, width), padded with zeros (L16)."""
    a = np.pad(a, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = np.lib.stride_tricks.sliding_window_view(a, Theta.shape[2:], axis=(2, 3))
    return np.moveaxis(np.tensordot(windows, Theta, axes=((1, 4, 5), (1, 2, 3))) + b, -1, 1)


def pool(a: Floats, pooling: Callable[..., Floats]) -> Floats:
    """Return images (n, maps, rows, columns) pooled by 2 x 2; the last row or column of an odd number is left out."""
    n, maps, rows, columns = a.shape
    blocks = a[:, :, : rows // 2 * 2, : columns // 2 * 2].reshape(n, maps, rows // 2, 2, columns // 2, 2)
    return pooling(blocks, axis=(3, 5))


def read_metadata(path: str | Path) -> Mapping[str, Any]:
    """Return the checked metadata of a file that `save` wrote; raise ValueError, one line, for any other file."""
    try:
        with safe_open(path, framework="numpy") as file:
            text = (file.metadata() or {})["nnjax"]
        if len(text) > MAX_METADATA:
            raise _wrong(f"the metadata has {len(text):,} characters", f"at most {MAX_METADATA:,}")
        metadata = json.loads(text)
        _check_metadata(metadata)
    except REFUSALS as error:
        raise _foreign(path, error) from None
    return metadata


def save(path: str | Path, params: Layers, metadata: Mapping[str, Any]) -> None:
    """Write params ((Theta (n_out, n_in), b (n_out,)), ...) and metadata to one file, which is complete or absent.

    The Theta of a convolution is (maps_out, maps_in, size, size).

    metadata: {"model": {"name": "mlp", "activation": "relu"}, "output": a key of OUTPUTS,
    "preprocessing": {"scale": 1 / 255, "shift": 0.0, "shape": [784]}, "classes": ["0", ...]}.
    The model lenet5 also has a "pooling". scale and shift are one number, or one number per feature; the network's
    input is raw * scale + shift. Optional are "features", their names, and "threshold", if that of a single output is
    not 0.5. A regression has no classes and "target": {"name": "y", "mean": 0.0, "deviation": 1.0}; it predicts
    h * deviation + mean. With "lanes": n, the arrays have a first axis of n networks.
    Raises ValueError for parts that do not fit together.
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


def _wrong(problem: str, allowed: str) -> ValueError:
    """Return an error in the form of `nnjax.errors`."""
    return ValueError(f"{problem}. Allowed: {allowed}.")


def _foreign(path: str | Path, error: BaseException) -> ValueError:
    return ValueError(f"{path} is not a predictor of nnjax: {type(error).__name__}: {' '.join(str(error).split())}")


def _check(params: Layers, metadata: Mapping[str, Any]) -> None:
    _check_metadata(metadata)
    width, classes = math.prod(metadata["preprocessing"]["shape"]), metadata.get("classes")
    if not params:
        raise _wrong("the network has no layers", "at least one")
    if "model" in metadata.get("programs", {}):
        *_, z = Predictor(params, metadata).layers(np.zeros((1, width), np.float32))
        if z.shape != (1, len(params[-1][1])):
            raise _wrong(f"the model makes {z.shape} of one instance", f"(1, {len(params[-1][1])})")
        _check_classes(classes, z.shape[1])
        return
    padding, maps, side = PADDING[metadata["model"]["name"]], 1, math.isqrt(width)
    if padding and (side * side != width or len(params) <= len(padding)):
        problem = f"the network has images of {width} pixels and {len(params)} layers"
        raise _wrong(problem, f"square images and more than {len(padding)} layers")
    for i, (Theta, b) in enumerate(params[: len(padding)]):
        side += 2 * padding[i] + 1 - Theta.shape[-1] if Theta.ndim else 0
        if b.ndim != 1 or not len(b) or Theta.shape != (len(b), maps, *Theta.shape[-1:] * 2) or side < 2:
            raise _wrong_layer(i, Theta, b, f"(n_out, {maps}, size, size)")
        maps, side = len(b), side // 2
        width = maps * side**2
    for i, (Theta, b) in enumerate(params[len(padding) :], len(padding)):
        if b.ndim != 1 or not len(b) or Theta.shape != (len(b), width):
            raise _wrong_layer(i, Theta, b, f"(n_out, {width})")
        width = len(b)
    _check_classes(classes, width)


def _check_classes(classes: Sequence[str] | None, outputs: int) -> None:
    if classes and len(classes) != max(outputs, 2):
        raise _wrong(f"the network has {len(classes)} classes", f"{max(outputs, 2)}, for {outputs} outputs")


def _check_programs(programs: Mapping[str, Any]) -> None:
    """Raise ValueError unless all steps are known operations with their settings and none makes a huge array."""
    for what, program in programs.items():
        for i, (name, values, settings) in enumerate(program["steps"]):
            known = name in OPERATIONS and {*settings} == {*OPERATIONS[name][1]}
            if what not in ("activation", "model") or not known or not _is_list(values, int):
                raise _wrong(f"step {i} of the program {what!r:.40} is {name!r:.40}", ", ".join(OPERATIONS))
            shape = settings.get("shape") or [1 + sum(ends) for ends in settings.get("padding_config", ())]
            if math.prod(shape) > MAX_NUMBERS:
                raise _wrong(f"an array has shape {shape!r:.40}", f"at most {MAX_NUMBERS:,} numbers")


def _wrong_layer(i: int, Theta: Floats, b: Floats, shape: str) -> ValueError:
    return _wrong(f"layer {i} has Theta {Theta.shape} and b {b.shape}", f"Theta {shape} and b (n_out,)")


def _check_stored(arrays: Mapping[str, tuple[str, Sequence[int]]], lanes: int | None) -> None:
    """Raise ValueError for names, types and shapes of arrays before one is read.

    safetensors has compared them with the size of the file.
    """
    names = {f"{i}.{part}" for i in range(len(arrays) // 2) for part in ("Theta", "b")}
    if {*arrays} != names:
        raise _wrong(f"the arrays are {', '.join(sorted(arrays))[:80] or '(none)'}", "0.Theta, 0.b, 1.Theta, ...")
    for name, (dtype, shape) in arrays.items():
        if dtype != "F32" or (lanes is not None and list(shape[:1]) != [lanes]):
            allowed = "F32" if lanes is None else f"F32 ({lanes}, ...)"
            raise _wrong(f"{name} is {dtype} {tuple(shape)}", allowed)


def _check_metadata(metadata: Any) -> None:
    """Raise ValueError unless the metadata has the entries and types that `save` takes."""
    model, programs = metadata["model"], metadata.get("programs", {})
    _check_programs(programs)
    tables = {"model": [*PADDING], "activation": [*ACTIVATIONS], "output": [*OUTPUTS]}
    if model["name"] == "lenet5":
        tables["pooling"] = [*POOLINGS]
    if programs:
        tables = (
            {"output": tables["output"]} if "model" in programs else {**tables, "activation": [model["activation"]]}
        )
    names = {**model, **metadata, "model": model["name"]}
    for key, options in tables.items():
        if names[key] not in options:
            raise _wrong(f"{key}={names[key]!r:.40} is not an option", ", ".join(options))
    shape = metadata["preprocessing"]["shape"]
    if not (_is_list(shape, int) and shape and len(shape) <= 8 and all(0 < length < 2**31 for length in shape)):
        raise _wrong(f"shape={shape!r:.40} is not a shape", "whole numbers above 0")
    width = math.prod(shape)
    for key in ("scale", "shift"):
        numbers = metadata["preprocessing"][key]
        if not _is_finite(numbers) and not (
            _is_list(numbers, int | float) and len(numbers) == width and all(map(_is_finite, numbers))
        ):
            raise _wrong(f"{key}={numbers!r:.40} is not a scaling", f"a number, or one for each of {width} features")
    for key, count in (("classes", None), ("features", width)):
        texts = metadata.get(key) or []
        if not _is_list(texts, str) or (texts and count not in (None, len(texts))):
            allowed = f"names{f', one for each of {count} features' if count else ''}"
            raise _wrong(f"{key}={texts!r:.40} are no names", allowed)
    target = metadata.get("target")
    if target is not None and not (isinstance(target["name"], str) and _is_finite(target["mean"], target["deviation"])):
        raise _wrong(f"target={target!r:.80} is incomplete", "a name, a mean and a deviation")
    if not _is_finite(metadata.get("threshold", 0)):
        raise _wrong(f"threshold={metadata['threshold']!r:.40} is not a number", "a number")
    lanes = metadata.get("lanes")
    if lanes is not None and not (type(lanes) is int and lanes > 0):
        raise _wrong(f"lanes={lanes!r:.40} is not a count", "a whole number above 0")


def _is_list(value: Any, kind: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(element, kind) for element in value)


def _is_finite(*values: Any) -> bool:
    """Return whether all values are numbers that float32 can hold."""
    return all(isinstance(x, int | float) and not isinstance(x, bool) and abs(x) <= LARGEST for x in values)


class PyfuncModel(NamedTuple):
    """A predictor with the interface of MLflow: inputs by name or as an array, outputs by name."""

    predictor: Predictor

    def predict(self, model_input: Any) -> Any:
        """Return `Predictor.predict` as a pandas.DataFrame with the columns `Predictor.output_names`."""
        from pandas import DataFrame

        return DataFrame(self.predictor.predict(model_input), columns=self.predictor.output_names)


def _load_pyfunc(path: str) -> PyfuncModel:
    """Return the model in a file. MLflow's `loader_module` looks for a function of this name."""
    return PyfuncModel(Predictor.load(path))
