"""Configurations of earlier runs are plain values that the schema has; anything else is refused in one line."""

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
    """Return nested settings, as a run writes them."""
    return dataclasses.asdict(read("+experiment=xor", "+tracking.tags.team=x", "training.batch_size=full"))


def complaint(path):
    with pytest.raises(InputError) as raised:
        saved.read_settings(path)
    assert "\n" not in str(raised.value)
    assert str(raised.value).startswith(str(path))
    return str(raised.value)


@pytest.mark.parametrize(
    "overrides", [["+experiment=xor"], [], ["data=file", "data.path=a.csv"], ["lanes.values={seed:[1,2]}"]]
)
def test_the_settings_that_a_run_wrote_are_read_unchanged(tmp_path, overrides):
    config = read(*overrides)
    run_folder.write_settings(tmp_path, dataclasses.asdict(config))
    settings_read = saved.read_settings(tmp_path / "config.yaml")
    assert settings_read == dataclasses.asdict(config)
    assert saved.to_config(settings_read, "it") == config


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        ("optimizer.learning_rat", 0.1, ": optimizer.learning_rat is not a setting. Did you mean learning_rate?"),
        ("hydra", {"run": {"dir": "/tmp"}}, ": hydra is not a setting. Allowed: seed"),
        ("_target_", "os.system", ": _target_ is not a setting"),
        ("model._target_", "os.system", ": model._target_ is not a setting"),
        ("tracking.run_name", "${oc.env:HOME}", "is an interpolation, which is not resolved. Allowed: plain values."),
        ("lanes.values", {"seed": ["${oc.env:HOME}"]}, "is an interpolation, which is not resolved"),
        ("training.epochs", "many", ": training.epochs=many has the wrong type. Allowed: a whole number."),
        ("training.epochs", 2.5, ": training.epochs=2.5 has the wrong type"),
        ("training.epochs", True, ": training.epochs=true has the wrong type"),
        ("training.epochs", 0, ": training.epochs=0 is out of range. Allowed: a number of at least 1."),
        ("training.l2", float("nan"), ": training.l2=nan is out of range. Allowed: a finite number of at least 0."),
        ("model.hidden", [3, "x"], ": model.hidden=[3, 'x'] has the wrong type. Allowed: a list, each a whole number"),
        ("model.activation", "rellu", "Did you mean relu?"),
        ("model.name", "lenet", ": model.name=lenet is not an option. Did you mean lenet5? Allowed: mlp, lenet5."),
        (
            "tracking.tags",
            {"a": 1},
            ": tracking.tags={'a': 1} has the wrong type. Allowed: keys and values that are text.",
        ),
        ("training", [1], ": training is [1]. Allowed: settings as KEY: VALUE."),
        ("training.epochs", "3", ": training.epochs='3' has the wrong type"),
        ("seed", None, ": seed=null has the wrong type"),
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
        ("seed: " + "[" * 100_000, "is not the configuration of a run"),  # PyYAML 6.0.4 has a limit of its own
        ("{a: " * 20 + "1" + "}" * 20, "nested more than 12 deep"),
        ("# " + "x" * 10_000_000, "more than 256 KiB"),
        ("seed: !!python/object/apply:os.system ['true']\n", "could not determine a constructor"),
        ("seed: !!binary '!'\n", "seed=b'' has the wrong type"),
        ("seed: 2020-99-99\n", "is not the configuration of a run"),
        ("? [1, 2]\n: 3\n", "is not the configuration of a run"),
        ("seed: [", "is not the configuration of a run"),
        ("seed: 1\x00", "is not the configuration of a run"),
        ("\ufffe", "is not the configuration of a run"),
        ("- 1\n", ": the configuration is [1]. Allowed: settings as KEY: VALUE."),
        ("", ": the configuration is null."),
        ("1: 2\n", ": 1 is not a setting"),
        ("seed: 2020-01-01\n", "has the wrong type. Allowed: a whole number."),
    ],
    ids=range(16),
)
def test_yaml_that_no_run_writes(tmp_path, content, line):
    (tmp_path / "config.yaml").write_text(content, "utf-8")
    started = time.perf_counter()
    assert line in complaint(tmp_path / "config.yaml")
    assert time.perf_counter() - started < 1


def test_bytes_that_are_not_text_and_a_folder_are_refused(tmp_path):
    (tmp_path / "config.yaml").write_bytes(b"seed: \xff\xfe")
    complaint(tmp_path / "config.yaml")
    assert "cannot be read: Is a directory" in complaint(tmp_path)
    assert "cannot be read: No such file" in complaint(tmp_path / "none")


def test_a_missing_key_is_for_the_records_alone(tmp_path, settings):
    """Runs of earlier versions have fewer keys: their settings can be read, but not be trained again."""
    fewer = {**settings, "runtime": {key: value for key, value in settings["runtime"].items() if key != "profile"}}
    run_folder.write_settings(tmp_path, fewer)
    settings_read = saved.read_settings(tmp_path / "config.yaml")
    assert settings_read == fewer
    with pytest.raises(InputError, match=r"^it: runtime\.profile is missing\. Another version of nnjax wrote the file"):
        saved.to_config(settings_read, "it")
