"""The trained network as an MLflow model: the predictor's file, a copy of predictor.py, and nothing pickled.

`mlflow.pyfunc.load_model("runs:/RUN_ID/model")` needs mlflow, numpy and safetensors, neither jax nor nnjax.
"""

import shutil
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mlflow.entities import LoggedModel, LoggedModelOutput, LoggedModelStatus
from mlflow.models import Model, ModelSignature
from mlflow.pyfunc import save_model
from mlflow.types import Schema, TensorSpec
from numpy.typing import NDArray

from nnjax import predictor
from nnjax.tracking.store import LONGEST_TAG, Run, reaching

NAME = "model"  # as in runs:/RUN_ID/model
MODULE = "nnjax_predictor"  # predictor.py inside the model: a name no installed package has
DIGEST = "sha256"  # tag of a logged model: of the predictor's file
REQUIREMENTS = ("mlflow", "numpy", "safetensors")


def log_model(
    run: Run, predictor_file: str | Path, example_raw: NDArray[Any], classes: Sequence[str], digest: str = ""
) -> str:
    """Log the predictor as the run's model and return its address, runs:/RUN_ID/model.

    example_raw (n, ...) are raw rows as the data set has them; dtype and shape become the signature's, with any
    number of rows, and the first 5 the input example. The output is (n, K) float32, a column for each of the classes.
    With a digest, that of the file, a model that was logged before is left alone, and half of one is completed.
    """
    with reaching(run.uri), TemporaryDirectory() as folder:
        tags = {"classes": ", ".join(classes)[:LONGEST_TAG]} if classes else {}
        made = _logged(run, digest) if digest else None
        if made is None:
            tags |= {DIGEST: digest} if digest else {}
            made = run.client.create_logged_model(run.experiment_id, NAME, run.id, tags=tags)
        described = Model(made.artifact_location, run_id=run.id, model_id=made.model_id, model_uuid=made.model_id)
        if made.status != LoggedModelStatus.READY:
            _write(Path(folder), predictor_file, example_raw[:5], described)
            run.client.log_model_artifacts(made.model_id, str(Path(folder, NAME)))
            run.client.finalize_logged_model(made.model_id, "READY")
        told = run.client.get_run(run.id).outputs
        if made.model_id not in [each.model_id for each in (told.model_outputs if told else [])]:
            run.client.log_outputs(run.id, [LoggedModelOutput(made.model_id, step=0)])
    return f"runs:/{run.id}/{NAME}"


def _logged(run: Run, digest: str) -> LoggedModel | None:
    """The run's model with this digest, if there is one."""
    found = run.client.search_logged_models([run.experiment_id], f"source_run_id = '{run.id}'")
    return next((each for each in found if each.tags.get(DIGEST) == digest), None)


def _write(folder: Path, predictor_file: str | Path, example: NDArray[Any], described: Model) -> None:
    """Write the MLflow model into folder/model."""
    code = shutil.copyfile(predictor.__file__, folder / f"{MODULE}.py")
    data = shutil.copyfile(predictor_file, folder / "predictor.safetensors")
    output = predictor.Predictor.load(data).predict(example)
    takes, gives = (Schema([TensorSpec(rows.dtype, (-1, *rows.shape[1:]))]) for rows in (example, output))
    save_model(
        folder / NAME,
        loader_module=MODULE,
        data_path=str(data),
        code_paths=[str(code)],
        mlflow_model=described,
        signature=ModelSignature(takes, gives),
        input_example=example,
        pip_requirements=[f"{name}=={version(name)}" for name in REQUIREMENTS],
    )
