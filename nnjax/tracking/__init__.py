"""How results reach MLflow: a journal in the folder, and one process that uploads it.

Read journal, upload, uploader_process, uploads, mlflow_client in this order. `mlflow_client` and `mlflow_model` alone
import mlflow.
"""

import os

# MLflow reads it when it is first imported: no statistics are sent, unless the user asks for them.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
