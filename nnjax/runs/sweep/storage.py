"""The parts of a sweep's folder: each holds the table, the histories and the networks of one group of lanes.

A part is written when its group is trained: first its arrays, last its table, each file whole or not at all. A sweep
that is killed loses the group that it was training and nothing else.
"""

import json
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from nnjax.config import saved
from nnjax.config.lanes import MAX_LANES
from nnjax.errors import InputError
from nnjax.inference import predictor
from nnjax.system import atomic

PARTS = "lanes"  # the folder of the parts, below the sweep's
FACTS = ("member", "data", "folder", "part", "lane", "status", "stopped", "epochs", "kept_epoch", "started", "ended")
FINISHED, DIVERGED = "finished", "diverged"


class Lane(NamedTuple):
    """A trained lane.

    Attributes:
        facts: by the names of FACTS: identity, data digest, folder of its job, part and place in it, status, why
            training stopped, its epochs (of a diverged lane the last finite one), the epoch of the network that is
            kept, and the start and end of its training (ms since 1970).
        settings: dotted key -> value.
        metrics: final ones, of the network that is kept; {} for a diverged lane.
    """

    facts: Mapping[str, Any]
    settings: Mapping[str, Any]
    metrics: Mapping[str, float]


class GroupInfo(NamedTuple):
    """How the lanes of a part were trained.

    Attributes:
        config: the resolved configuration of the job, nested.
        dataset: name, source, description, notice and task of the data.
        layout: how its lanes were executed, in words.
        compiles: the number of programs compiled for it; 0 if those of another part were used.
        compile_seconds, train_seconds, examples_per_second: of all its lanes together.
        provenance: data, versions, device and code, from `provenance.collect`.
    """

    config: Mapping[str, Any]
    dataset: Mapping[str, str]
    layout: str
    compiles: int
    compile_seconds: float
    train_seconds: float
    examples_per_second: float
    provenance: Mapping[str, str] = {}


class LaneGroup(NamedTuple):
    """A part that was read: its path without suffix, how it was trained, and its lanes."""

    path: Path
    group: GroupInfo
    lanes: Sequence[Lane]


def new_part(root: Path) -> Path:
    """Return a path without suffix for a new part; later parts sort after earlier ones."""
    (root / PARTS).mkdir(parents=True, exist_ok=True)
    return root / PARTS / f"{time.time_ns()}-{os.getpid()}"


def write(
    part: Path,
    lanes: Sequence[Lane],
    group: GroupInfo,
    history: Mapping[str, np.ndarray],
    params: predictor.Layers,
    metadata: Mapping[str, Any],
) -> None:
    """Write a part.

    Args:
        part: from `new_part`.
        lanes, group: the rows of its table, and how they were trained.
        history: `epoch` (k,) and metrics (lanes, k).
        params: Theta (lanes, n_out, n_in) and b (lanes, n_out) of each layer.
        metadata: of the networks, for `predictor.save`.
    """
    predictor.save(networks(part), params, metadata)
    with atomic.write_file(histories(part)) as file:
        np.savez_compressed(file, **dict(history))  # type: ignore[arg-type]
    write_table(part.with_suffix(".parquet"), lanes, {"group": json.dumps(group._asdict())})


def networks(part: Path) -> Path:
    """Return the file of a part's networks."""
    return part.with_suffix(".safetensors")


def histories(part: Path) -> Path:
    """Return the file of a part's histories."""
    return part.with_suffix(".npz")


def write_table(path: Path, lanes: Sequence[Lane], metadata: Mapping[str, str]) -> None:
    """Write a table: a row per lane, a column per fact, setting and metric; `json` names the columns of JSON texts."""
    rows = [{**lane.facts, **lane.settings, **lane.metrics} for lane in lanes]
    columns = {name: [row.get(name) for row in rows] for name in dict.fromkeys(name for row in rows for name in row)}
    encoded = [name for name, values in columns.items() if needs_json(values)]
    columns |= {name: [None if value is None else json.dumps(value) for value in columns[name]] for name in encoded}
    table = pa.table(columns).replace_schema_metadata({**metadata, "json": json.dumps(encoded)})
    with atomic.write_file(path) as file:
        pq.write_table(table, file)


def needs_json(values: Sequence[Any]) -> bool:
    """Return whether a column has lists or values of several types."""
    types = {type(value) for value in values} - {type(None)}
    return not (types <= {int, float} or (len(types) == 1 and types <= {bool, str}))


def read_table(path: Path) -> tuple[list[Lane], dict[str, str]]:
    """Return the lanes of a table, and its metadata.

    Raises InputError if the file is damaged or not such a table, or a lane names a file outside the folder of parts.
    """
    with one_line_errors(path):
        if pq.read_metadata(path).num_rows > MAX_LANES:
            raise ValueError(f"more than {MAX_LANES:,} rows")
        lanes, metadata = parse_table(pq.read_table(path))
        for place, lane in enumerate(lanes):
            part, number = lane.facts["part"], lane.facts["lane"]
            if not re.fullmatch(r"[\w-]+", part) or type(number) is not int or number < 0:
                raise ValueError(f"row {place} names the network {part!r:.60}, {number!r:.20}")
            saved.check_no_interpolation(lane.settings, str(path))
        return lanes, metadata


@contextmanager
def one_line_errors(path: Path) -> Iterator[None]:
    """Turn whatever is raised while a table is read into an InputError of one line."""
    try:
        yield
    except InputError:
        raise
    except (pa.ArrowException, OSError, AttributeError, LookupError, TypeError, ValueError, RecursionError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise InputError(f"{path} is not a readable table of lanes: {reason[:200]}") from None


def parse_table(table: pa.Table) -> tuple[list[Lane], dict[str, str]]:
    """Return the lanes of a table that has been read, and its metadata."""
    rows, metadata = table.to_pylist(), {key.decode(): text.decode() for key, text in table.schema.metadata.items()}
    for name in json.loads(metadata["json"]):
        for row in rows:
            row[name] = None if row[name] is None else json.loads(row[name])
    metrics = {name for name in table.column_names if "/" in name}
    lanes = [
        Lane(
            {name: row[name] for name in FACTS},
            {name: value for name, value in row.items() if name not in FACTS and name not in metrics},
            {name: row[name] for name in metrics if row[name] is not None},
        )
        for row in rows
    ]
    return lanes, metadata


def parts(root: Path) -> Iterator[LaneGroup]:
    """Yield all parts below a sweep's folder, oldest first. Raise InputError for a damaged one."""
    for path in sorted((root / PARTS).glob("*.parquet")):
        if ".part" in path.suffixes:  # unfinished: its command is writing it, or was killed
            continue
        lanes, metadata = read_table(path)
        with one_line_errors(path):
            group = GroupInfo(**json.loads(metadata["group"]))
            saved.check_settings(group.config, str(path))
        yield LaneGroup(path.with_suffix(""), group, lanes)


def unique_lanes(groups: Sequence[LaneGroup]) -> list[Lane]:
    """Return each lane once, as it was trained last, in the order in which they were first trained."""
    return list({lane.facts["member"]: lane for group in groups for lane in group.lanes}.values())
