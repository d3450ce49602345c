"""What a run leaves in MLflow: `store` and `model` write it and alone import mlflow, `describe` finds the words."""

import os

# Read when mlflow is first imported: what is trained here is nobody's statistics, unless the user says otherwise.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
