"""The view of the runs table that each experiment has in MLflow's menu Views: scores and settings.

The table itself opens with source, models and data alone. A view is a tag of the experiment: a name, and the state of
the page as JSON inside of JSON (MLflow 3.17, experiment-page).
"""

import json
from collections.abc import Mapping

KEY = "scores"  # the view's name in its tag and in an address: runs?viewStateShareKey=scores
NAME = "Scores and settings"
SCORES = ("test/accuracy", "test/rmse", "test/loss", "validation/loss", "train/loss")
SETTINGS = (
    "optimizer.learning_rate",
    "training.batch_size",
    "training.l2",
    "seed",
)  # which the name of a run may not say
WIDTHS = {"attributes.`Run Name`": 345, "attributes.`Dataset`": 200, "params.`optimizer.learning_rate`": 175}  # pixels


def tags(created_ms: int) -> Mapping[str, str]:
    """Return the tags of a new experiment: its kind, training and not traces of agents, and the view."""
    scores, settings = [f"metrics.`{each}`" for each in SCORES], [f"params.`{each}`" for each in SETTINGS]
    columns = [*scores, *settings, "attributes.`Dataset`"]
    order = ["attributes.`Run Name`", *columns, "runDateAndNestInfo", "duration"]
    state = json.dumps({"selectedColumns": columns, "columnOrder": order, "columnWidths": WIDTHS})
    view = json.dumps({"name": NAME, "createdAt": created_ms, "updatedAt": created_ms, "state": state})
    return {"mlflow.experimentKind": "custom_model_development", f"mlflow.sharedViewState.{KEY}": view}
