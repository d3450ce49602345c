"""The trained network as an MLflow model: the predictor's file, a copy of predictor.py, and nothing pickled.

`mlflow.pyfunc.load_model("runs:/RUN_ID/model")` and `mlflow models serve` need mlflow with the pandas it brings, numpy
and safetensors, neither jax nor nnjax.
"""

import shutil
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from mlflow.entities import LoggedModel, LoggedModelOutput, LoggedModelStatus
from mlflow.models import Model, ModelSignature
from mlflow.pyfunc import save_model
from mlflow.types import ColSpec, DataType, Schema, TensorSpec
from mlflow.utils import requirements_utils
from numpy.typing import NDArray
from pandas import DataFrame, Index

from nnjax.inference import predictor
from nnjax.tracking.mlflow_client import LONGEST_TAG, Run, reaching

NAME = "model"  # as in runs:/RUN_ID/model
MODULE = "nnjax_predictor"  # predictor.py inside the model: a name no installed package has
DIGEST = "sha256"  # tag of a logged model: of the predictor's file
REQUIREMENTS = ("mlflow", "numpy", "pandas", "safetensors")
EXAMPLES = 2  # rows of the input example: pictures are long in JSON


def log_model(
    run: Run, predictor_file: str | Path, example_raw: NDArray[Any], classes: Sequence[str], digest: str = ""
) -> str:
    """Log the predictor as the run's model and return its address, runs:/RUN_ID/model.

    example_raw (n, ...) are raw rows as the data set has them: what the signature says is `taken` from them. The
    answer is a table of float32 by `Predictor.output_names`, such as the classes.
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
            write(Path(folder), predictor_file, example_raw, described)
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


def write(folder: Path, predictor_file: str | Path, example_raw: NDArray[Any], described: Model) -> Path:
    """Write the MLflow model into folder/model, its code and data beside it before; return where it is."""
    code = shutil.copyfile(predictor.__file__, folder / f"{MODULE}.py")
    data = shutil.copyfile(predictor_file, folder / "predictor.safetensors")
    network = predictor.Predictor.load(data)
    example, takes = taken(network, example_raw[:EXAMPLES])
    # MLflow would read the files of all installed packages, 0.7 s, to see whether these are met: they are installed.
    with patch.object(requirements_utils, "_MODULES_TO_PACKAGES", {name: [name] for name in REQUIREMENTS}, create=True):
        save_model(
            folder / NAME,
            loader_module=MODULE,
            data_path=str(data),
            code_paths=[str(code)],
            mlflow_model=described,
            signature=ModelSignature(takes, Schema([ColSpec(DataType.float, name) for name in network.output_names])),
            input_example=example,
            pip_requirements=[f"{name}=={version(name)}" for name in REQUIREMENTS],
        )
    return folder / NAME


def taken(network: predictor.Predictor, rows: NDArray[Any]) -> tuple[Any, Schema]:
    """Rows as the model takes them, and its signature's inputs.

    Rows of numbers (n, d) are a table with a column each of `Predictor.input_names`. Pictures, uint8, are the tensor
    `images`, any other rows `x`, of this type and shape and any number of rows; by name, or as a plain array.
    """
    if rows.ndim == 2 and rows.dtype.kind == "f":
        names = Index(
            network.input_names, dtype=object
        )  # mlflow compares them in a way that pandas 3 warns of in its strings
        return DataFrame(rows.astype(float), columns=names), Schema([ColSpec(DataType.double, name) for name in names])
    name = "images" if rows.dtype == "uint8" else "x"
    return {name: rows}, Schema([TensorSpec(rows.dtype, (-1, *rows.shape[1:]), name)])
