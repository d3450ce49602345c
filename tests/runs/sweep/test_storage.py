"""Tables of lanes are read as they were written; a damaged or foreign one is a line, and names no file elsewhere."""

import dataclasses
import json
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nnjax.errors import InputError
from nnjax.runs import load
from nnjax.runs.sweep import storage
from nnjax.runs.sweep.storage import FACTS, GroupInfo, Lane
from tests.config.test_schema import read

FOUND = dict.fromkeys(FACTS, 1) | {"member": "m", "part": "17-4", "lane": 0, "status": "finished"}
LANES = [
    Lane({**FOUND, "lane": place}, {"seed": place, "model.hidden": [3]}, {"train/loss": 0.5}) for place in range(2)
]


def written(path, lanes=LANES, group=None):
    about = {} if group is None else {"group": json.dumps(group)}
    storage.write_table(path, lanes, about)
    return path


def test_a_table_is_read_as_it_was_written(tmp_path):
    assert storage.read_table(written(tmp_path / "lanes.parquet"))[0] == LANES


@pytest.mark.parametrize("part", ["../../../etc/passwd", "/etc/passwd", "", ".", "a\x00b", "a/b"])
def test_a_lane_names_a_file_of_its_sweep_alone(tmp_path, part):
    path = written(tmp_path / "lanes.parquet", [Lane({**FOUND, "part": part}, {}, {})])
    with pytest.raises(InputError, match=rf"^{re.escape(str(path))} is not a readable table of lanes: row 0 names"):
        storage.read_table(path)


@pytest.mark.parametrize("lane", ["0", -1, 1.5, None])
def test_the_place_of_a_lane_is_a_number(tmp_path, lane):
    with pytest.raises(InputError, match="row 0 names the network"):
        storage.read_table(written(tmp_path / "lanes.parquet", [Lane({**FOUND, "lane": lane}, {}, {})]))


def test_settings_of_a_lane_are_plain_values(tmp_path):
    """`nnjax evaluate` composes them again: an interpolation would be resolved there."""
    path = written(tmp_path / "lanes.parquet", [Lane(FOUND, {"data.path": "${oc.env:HOME}/x.csv"}, {})])
    with pytest.raises(InputError, match=r"data\.path='\$.*is an interpolation, which is not resolved"):
        storage.read_table(path)


def test_every_truncation_and_other_tables_are_one_line(tmp_path):
    path = written(tmp_path / "lanes.parquet")
    whole = path.read_bytes()
    other = tmp_path / "other.parquet"
    pq.write_table(pa.table({"x": [1]}), other)
    for content in [*(whole[:length] for length in range(0, len(whole), 97)), other.read_bytes(), b"PAR1" * 9]:
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"lanes\.parquet is not a readable table of lanes") as raised:
            storage.read_table(path)
        assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"config": {"_target_": "os.system"}}, "_target_ is not a setting"),
        ({"config": []}, r"the configuration is \[\]\. Allowed: settings as KEY: VALUE"),
        ({"config": {"tracking": {"uri": "${oc.env:HOME}"}}}, "is an interpolation, which is not resolved"),
        ({"unknown": 1}, "unexpected keyword argument"),
    ],
)
def test_the_configuration_of_a_part_is_read_by_the_schema(tmp_path, change, line):
    config = dataclasses.asdict(read("+experiment=xor"))
    group = GroupInfo(config, {"name": "boolean"}, "", 1, 1.0, 1.0, 1.0)._asdict()
    (tmp_path / "lanes").mkdir()
    written(tmp_path / "lanes" / "17-4.parquet", LANES, group)
    assert [part.group.config for part in storage.parts(tmp_path)] == [config]
    written(tmp_path / "lanes" / "17-4.parquet", LANES, group | change)
    with pytest.raises(InputError, match=line):
        list(storage.parts(tmp_path))
    with pytest.raises(InputError, match=line):
        load.find_trained(str(tmp_path), None, tmp_path)
