"""What a declaration sets, and what a declared task does with and without lanes."""

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import cloudpickle
import pytest
from omegaconf import DictConfig, OmegaConf

from hydra_plugins.hydra_lanes import declaration, values

ROOT = Path(__file__).resolve().parents[2]


def seeds(configs: Any) -> list[Any]:
    return [config.seed for config in configs]


def one(config: DictConfig) -> str:
    return f"alone {config.seed}"


def lane_task(train_lanes: Any = seeds) -> declaration.LaneTask:
    return declaration.LaneTask(declaration.laned(keys=["seed"], train_lanes=train_lanes)(one))


CONFIG = OmegaConf.create({"seed": 0, "lanes": {"values": {"seed": [3, 4]}}})


def test_a_declaration_is_two_attributes() -> None:
    def task(config: DictConfig) -> None: ...

    assert declaration.laned(keys=["seed", "a.b"], train_lanes=seeds)(task) is task
    assert vars(task) == {"lane_keys": ("seed", "a.b"), "train_lanes": seeds}


def test_one_key_in_parentheses_is_no_sequence_of_keys() -> None:
    with pytest.raises(TypeError, match=r"write keys=\('seed',\)"):
        declaration.laned(keys=("seed"), train_lanes=seeds)


def test_with_values_lanes_are_trained_and_without_the_task_is_called() -> None:
    task = lane_task()
    assert task(CONFIG) == [3, 4]
    assert task(OmegaConf.create({"seed": 5})) == "alone 5"
    assert task(OmegaConf.create({"seed": 5, "lanes": {"values": None}})) == "alone 5"
    strict = OmegaConf.create({"seed": 5})
    OmegaConf.set_struct(strict, True)
    assert task(strict) == "alone 5"


def test_what_trains_lanes_is_given_lane_configs_of_the_job() -> None:
    given: list[Any] = []
    lane_task(lambda configs: given.append(configs) or [1, 2])(CONFIG)
    assert isinstance(given[0], values.LaneConfigs)  # Hydra's search for plugins loads the module's classes anew
    assert given[0].composed is CONFIG


@pytest.mark.parametrize("results", [[], [1], [1, 2, 3]])
def test_another_number_of_results_is_an_error(results: list[int]) -> None:
    with pytest.raises(ValueError, match=f"one result a lane, given {len(results)} for 2 lanes"):
        lane_task(lambda configs: results)(CONFIG)


def test_failed_lanes_are_results_until_all_have_failed() -> None:
    first, second = KeyError("first"), KeyError("second")
    assert lane_task(lambda configs: [first, 7])(CONFIG) == [first, 7]
    assert lane_task(lambda configs: (7, second))(CONFIG) == [7, second]
    with pytest.raises(KeyError, match="first"):
        lane_task(lambda configs: [first, second])(CONFIG)


def test_only_declared_tasks_are_wrapped_and_only_once() -> None:
    def undeclared(config: DictConfig) -> None: ...

    assert declaration.wrapped(undeclared) is undeclared
    task = lane_task()
    assert declaration.wrapped(task) is task
    assert isinstance(declaration.wrapped(task.task), declaration.LaneTask)


def test_pickle_carries_the_task_and_its_declaration() -> None:
    back = pickle.loads(pickle.dumps(lane_task()))
    assert (back.lane_keys, back(CONFIG), back(OmegaConf.create({"seed": 1}))) == (("seed",), [3, 4], "alone 1")


def test_cloudpickle_carries_a_task_of_main_to_a_process_that_has_no_such_main() -> None:
    names: dict[str, Any] = {"__name__": "__main__"}
    code = """
offset = 10
def train(configs): return [offset + config.seed for config in configs]
def task(config): return train([config])[0]
task.lane_keys, task.train_lanes = ("seed",), train
"""
    exec(code, names)
    sent = cloudpickle.dumps((declaration.LaneTask(names["task"]), CONFIG)).hex()
    code = "import pickle, sys; task, config = pickle.loads(bytes.fromhex(sys.stdin.read())); print(task(config))"
    done = subprocess.run(
        [sys.executable, "-c", code], input=sent, text=True, capture_output=True, cwd=ROOT, check=True, timeout=60
    )
    assert done.stdout.strip() == "[13, 14]"


def test_the_plugin_needs_only_hydra() -> None:
    """Its modules are imported at every start of Hydra, in programs that know nothing of nnjax."""
    code = """
import sys
from hydra.core.plugins import Plugins
names = {each.__name__ for each in Plugins.instance().discover()}
assert {"LanesSweeper", "LanesLauncher"} <= names, names
folder = "hydra_plugins.hydra_lanes."
print(*sorted({name.removeprefix(folder) for name in sys.modules if name.startswith(folder)}))
print(*sorted(sys.modules.keys() & {"numpy", "jax", "nnjax", "joblib", "optuna", "mlflow"}))
"""
    done = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True, cwd=ROOT, timeout=60)
    assert done.stdout.splitlines() == ["declaration interpolations launcher sweeper values", ""], done.stderr
    assert done.stderr == ""


def test_hydra_plugins_is_a_namespace_and_nothing_of_nnjax_is_named() -> None:
    folder = ROOT / "hydra_plugins"
    assert not (folder / "__init__.py").exists()
    files = list(folder.rglob("*.py"))
    assert len(files) == 6
    assert [file for file in files if "nnjax" in file.read_text(encoding="utf-8")] == []
