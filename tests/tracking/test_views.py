"""The view that an experiment has from its first run on."""

import dataclasses
import json

from nnjax.config import schema
from nnjax.tracking import views
from nnjax.tracking.mlflow_client import open_run
from tests.config.test_schema import read


def view(tags):
    """The name and the state of the page."""
    envelope = json.loads(tags["mlflow.sharedViewState.scores"])
    return envelope["name"], json.loads(envelope["state"])


def test_a_new_experiment_has_the_view_and_an_older_one_is_left_alone(folder):
    first = open_run(None, "mnist", "a", {}, folder)
    name, state = view(first.client.get_experiment(first.experiment_id).tags)
    assert (name, state["selectedColumns"][0]) == ("Scores and settings", "metrics.`test/accuracy`")
    first.client.delete_experiment_tag(first.experiment_id, "mlflow.sharedViewState.scores")
    open_run(None, "mnist", "b", {}, folder)
    assert "mlflow.sharedViewState.scores" not in first.client.get_experiment(first.experiment_id).tags


def test_every_setting_of_the_view_is_one():
    settings = schema.flatten(dataclasses.asdict(read()))
    assert set(views.SETTINGS) <= set(settings)


def test_every_column_has_its_place():
    _, state = view(views.tags(0))
    assert set(state["selectedColumns"]) < set(state["columnOrder"])
    assert set(state["columnWidths"]) < set(state["columnOrder"])
