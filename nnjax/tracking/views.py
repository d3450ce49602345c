"""What the runs table shows: a view that an experiment has from the first run on, in MLflow's menu Views.

The table itself opens with source, models and data alone, and each browser remembers what was chosen in it. A view is
a tag of the experiment: a name, and the state of the page as JSON inside of JSON (MLflow 3.17, experiment-page).
"""

import json
from collections.abc import Mapping

KEY = "scores"  # names the view in its tag and in an address: runs?viewStateShareKey=scores
NAME = "Scores and settings"
SCORES = ("test/accuracy", "test/rmse", "test/loss", "validation/loss", "train/loss")
SETTINGS = ("optimizer.learning_rate", "training.batch_size", "training.l2", "seed")  # what no name says, or by far
WIDTHS = {"attributes.`Run Name`": 345, "attributes.`Dataset`": 200, "params.`optimizer.learning_rate`": 175}  # pixels


def tags(created_ms: int) -> Mapping[str, str]:
    """The tags of a new experiment: that it holds training, not traces of agents, and the view."""
    scores, settings = [f"metrics.`{each}`" for each in SCORES], [f"params.`{each}`" for each in SETTINGS]
    columns = [*scores, *settings, "attributes.`Dataset`"]
    order = ["attributes.`Run Name`", *columns, "runDateAndNestInfo", "duration"]
    state = json.dumps({"selectedColumns": columns, "columnOrder": order, "columnWidths": WIDTHS})
    view = json.dumps({"name": NAME, "createdAt": created_ms, "updatedAt": created_ms, "state": state})
    return {"mlflow.experimentKind": "custom_model_development", f"mlflow.sharedViewState.{KEY}": view}
