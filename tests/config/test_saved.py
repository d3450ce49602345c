"""Configurations of stored runs are plain values that the schema knows; anything else is refused in one line."""

import dataclasses
import time

import pytest
from omegaconf import OmegaConf

from nnjax.config import saved
from nnjax.errors import InputError
from nnjax.runs import run_folder
from tests.config.test_schema import read


@pytest.fixture(scope="module")
def settings():
    """Nested, as a run writes them."""
    return dataclasses.asdict(read("+experiment=xor", "+tracking.tags.team=x", "training.batch_size=full"))


def complaint(path):
    with pytest.raises(InputError) as raised:
        saved.read(path)
    assert "\n" not in str(raised.value)
    assert str(raised.value).startswith(f"{path}: ")
    return str(raised.value)


@pytest.mark.parametrize(
    "overrides", [["+experiment=xor"], [], ["data=file", "data.path=a.csv"], ["lanes.values={seed:[1,2]}"]]
)
def test_what_a_run_wrote_is_read_as_it_was(tmp_path, overrides):
    config = read(*overrides)
    run_folder.write_settings(tmp_path, dataclasses.asdict(config))
    found = saved.read(tmp_path / "config.yaml")
    assert found == dataclasses.asdict(config)
    assert saved.complete(found, "it") == config


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        ("optimizer.learning_rat", 0.1, "optimizer.learning_rat: no such key; did you mean learning_rate?"),
        ("hydra", {"run": {"dir": "/tmp"}}, "hydra: no such key; allowed: seed"),
        ("_target_", "os.system", "_target_: no such key"),
        ("model._target_", "os.system", "model._target_: no such key"),
        ("tracking.run_name", "${oc.env:HOME}", "interpolations are not resolved; allowed: plain values"),
        ("lanes.values", {"seed": ["${oc.env:HOME}"]}, "interpolations are not resolved"),
        ("training.epochs", "many", "training.epochs=many: must be a whole number"),
        ("training.epochs", 2.5, "training.epochs=2.5: must be a whole number"),
        ("training.epochs", True, "training.epochs=True: must be a whole number"),
        ("training.epochs", 0, "training.epochs=0: must be at least 1"),
        ("training.l2", float("nan"), "training.l2=nan: must be finite"),
        ("model.hidden", [3, "x"], "model.hidden=[3, 'x']: must be a list, each a whole number"),
        ("model.activation", "rellu", "did you mean relu?"),
        ("model.name", "lenet", "model.name=lenet: did you mean lenet5? allowed: mlp, lenet5"),
        ("tracking.tags", {"a": 1}, "tracking.tags={'a': 1}: must be keys and values, both text"),
        ("training", [1], "training must have keys and values, found [1]"),
        ("seed", None, "seed=None: must be a whole number"),
    ],
)
def test_a_key_or_value_that_no_run_has(tmp_path, settings, key, value, line):
    composed = OmegaConf.create(settings)
    OmegaConf.update(composed, key, value, force_add=True, merge=False)
    (tmp_path / "config.yaml").write_text(OmegaConf.to_yaml(composed))
    assert line in complaint(tmp_path / "config.yaml")


BOMB = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 60))


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (BOMB, "anchors (& and *) are not allowed"),
        ("seed: 0\nmodel: &m {name: mlp}\nloss: *m\n", "anchors (& and *) are not allowed"),
        ("seed: " + "[" * 100_000, "no configuration of a run"),  # PyYAML 6.0.4 has a limit of its own
        ("{a: " * 20 + "1" + "}" * 20, "nested more than 12 deep"),
        ("# " + "x" * 10_000_000, "larger than 256 KiB"),
        ("seed: !!python/object/apply:os.system ['true']\n", "could not determine a constructor"),
        ("seed: !!binary '!'\n", "seed=b'': must be a whole number"),
        ("seed: 2020-99-99\n", "no configuration of a run"),
        ("? [1, 2]\n: 3\n", "no configuration of a run"),
        ("seed: [", "no configuration of a run"),
        ("seed: 1\x00", "no configuration of a run"),
        ("\ufffe", "no configuration of a run"),
        ("- 1\n", "must have keys and values, found [1]"),
        ("", "must have keys and values, found None"),
        ("1: 2\n", "1: no such key"),
        ("seed: 2020-01-01\n", "must be a whole number"),
    ],
    ids=range(16),
)
def test_yaml_that_no_run_writes(tmp_path, content, line):
    (tmp_path / "config.yaml").write_text(content, "utf-8")
    started = time.perf_counter()
    assert line in complaint(tmp_path / "config.yaml")
    assert time.perf_counter() - started < 1


def test_bytes_that_are_no_text_and_a_folder(tmp_path):
    (tmp_path / "config.yaml").write_bytes(b"seed: \xff\xfe")
    complaint(tmp_path / "config.yaml")
    assert "can't be read: Is a directory" in complaint(tmp_path)
    assert "can't be read: No such file" in complaint(tmp_path / "none")


def test_a_missing_key_is_for_the_records_alone(tmp_path, settings):
    """Runs of earlier versions have fewer keys: what is there can be read, but not run again."""
    fewer = {**settings, "runtime": {key: value for key, value in settings["runtime"].items() if key != "profile"}}
    run_folder.write_settings(tmp_path, fewer)
    found = saved.read(tmp_path / "config.yaml")
    assert found == fewer
    with pytest.raises(InputError, match=r"^it: has no runtime\.profile: written by another version of nnjax, or cut$"):
        saved.complete(found, "it")
