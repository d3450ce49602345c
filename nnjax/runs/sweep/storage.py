"""A sweep's folder: what each group of lanes left there, as a table, histories and networks.

A part is one group of lanes, written when it has been trained: first its arrays, last its table, each whole or not at
all. So a sweep that is killed loses the group it was training and nothing else.
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

PARTS = "lanes"  # the folder of the parts
FACTS = ("member", "data", "folder", "part", "lane", "status", "stopped", "epochs", "kept_epoch", "started", "ended")
FINISHED, DIVERGED = "finished", "diverged"


class Lane(NamedTuple):
    """One member of a sweep, as trained.

    Attributes:
        facts: by the names of FACTS: identity, data digest, run folder, part and place in it, status, why it stopped,
            its epochs (of a diverged lane the last finite one), that of the network kept, and when (ms since 1970).
        settings: dotted key -> value.
        metrics: final ones, of the network kept; none of a diverged lane.
    """

    facts: Mapping[str, Any]
    settings: Mapping[str, Any]
    metrics: Mapping[str, float]


class GroupInfo(NamedTuple):
    """How the lanes of a part were trained.

    Attributes:
        config: the resolved configuration of the job, nested.
        dataset: name, source, description, notice and task of the data.
        layout: in words.
        compiles: programs compiled for it, none if another part's was there.
        compile_seconds, train_seconds, examples_per_second: of all its lanes.
        provenance: data, versions, device and code, as `nnjax.runs.provenance.of` names them.
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
    """What is read back of a part."""

    path: Path
    group: GroupInfo
    lanes: Sequence[Lane]


def new_part(root: Path) -> Path:
    """A path without suffix for another part: later ones sort after earlier ones."""
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
    """Writes a part.

    Args:
        part: from `new_part`.
        lanes, group: the table and what goes with it.
        history: `epoch` (k,) and metrics (lanes, k).
        params: Theta (lanes, n_out, n_in) and b (lanes, n_out) of each layer.
        metadata: of the networks, for `predictor.save`.
    """
    predictor.save(networks(part), params, metadata)
    with atomic.write_file(histories(part)) as file:
        np.savez_compressed(file, **dict(history))  # type: ignore[arg-type]
    write_table(part.with_suffix(".parquet"), lanes, {"group": json.dumps(group._asdict())})


def networks(part: Path) -> Path:
    """Where a part's networks are."""
    return part.with_suffix(".safetensors")


def histories(part: Path) -> Path:
    """Where a part's histories are."""
    return part.with_suffix(".npz")


def write_table(path: Path, lanes: Sequence[Lane], metadata: Mapping[str, str]) -> None:
    """One row a lane, a column each fact, setting and metric; lists and mixed columns as JSON, named in `json`."""
    rows = [{**lane.facts, **lane.settings, **lane.metrics} for lane in lanes]
    columns = {name: [row.get(name) for row in rows] for name in dict.fromkeys(name for row in rows for name in row)}
    mixed = [name for name, values in columns.items() if is_mixed(values)]
    columns |= {name: [None if each is None else json.dumps(each) for each in columns[name]] for name in mixed}
    table = pa.table(columns).replace_schema_metadata({**metadata, "json": json.dumps(mixed)})
    with atomic.write_file(path) as file:
        pq.write_table(table, file)


def is_mixed(values: Sequence[Any]) -> bool:
    """Whether a column needs JSON: lists, or several kinds of values."""
    kinds = {type(value) for value in values} - {type(None)}
    return not (kinds <= {int, float} or (len(kinds) == 1 and kinds <= {bool, str}))


def read_table(path: Path) -> tuple[list[Lane], dict[str, str]]:
    """The lanes of a table, and its metadata.

    Raises:
        InputError: the file is damaged or no such table, or a lane names a file outside the folder of the parts.
    """
    with readable(path):
        if pq.read_metadata(path).num_rows > MAX_LANES:
            raise ValueError(f"more than {MAX_LANES:,} rows")
        lanes, metadata = table_of(pq.read_table(path))
        for place, lane in enumerate(lanes):
            part, number = lane.facts["part"], lane.facts["lane"]
            if not re.fullmatch(r"[\w-]+", part) or type(number) is not int or number < 0:
                raise ValueError(f"row {place} names the network {part!r:.60}, {number!r:.20}")
            saved.check_no_interpolation(lane.settings, str(path))
        return lanes, metadata


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Whatever goes wrong while a table is read becomes an InputError of one line."""
    try:
        yield
    except InputError:
        raise
    except (pa.ArrowException, OSError, AttributeError, LookupError, TypeError, ValueError, RecursionError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise InputError(f"{path}: no table of lanes that can be read: {reason[:200]}") from None


def table_of(table: pa.Table) -> tuple[list[Lane], dict[str, str]]:
    """The lanes of a table that has been read, and its metadata."""
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
    """All parts, oldest first."""
    for path in sorted((root / PARTS).glob("*.parquet")):
        if ".part" in path.suffixes:  # a table that is being written, or was when its command was killed
            continue
        lanes, metadata = read_table(path)
        with readable(path):
            group = GroupInfo(**json.loads(metadata["group"]))
            saved.check_settings(group.config, str(path))
        yield LaneGroup(path.with_suffix(""), group, lanes)


def unique_lanes(found: Sequence[LaneGroup]) -> list[Lane]:
    """Each member once, as trained last, in the order in which they came first."""
    return list({lane.facts["member"]: lane for part in found for lane in part.lanes}.values())
