"""The trained network as an MLflow model: the network's file and a copy of predictor.py, nothing pickled.

`mlflow.pyfunc.load_model("runs:/RUN_ID/model")` and `mlflow models serve` need mlflow with the pandas it brings, numpy
and safetensors, neither jax nor nnjax.
"""

import shutil
from collections.abc import Iterator, Sequence
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
from nnjax.tracking.mlflow_client import MAX_TAG, Run, reaching

NAME = "model"  # as in runs:/RUN_ID/model
MODULE = "nnjax_predictor"  # predictor.py inside the model: a name no installed package has
DIGEST = "sha256"  # tag of a logged model: of the network's file
REQUIREMENTS = ("mlflow", "numpy", "pandas", "safetensors")
EXAMPLES = 2  # rows of the input example: pictures are long in JSON


def log_model(
    run: Run, predictor_file: str | Path, example_raw: NDArray[Any], classes: Sequence[str], digest: str
) -> Iterator[str]:
    """Write the network as the run's model, runs:/RUN_ID/model, and yield the name of each part that the store has.

    example_raw: (n, ...) rows as the data set has them, for the signature. The model returns a table of float32 with a
    column for each of `Predictor.output_names`.
    digest: that of the file; a model with it is left alone if it is complete, and completed if not.
    """
    with reaching(run.uri), TemporaryDirectory() as folder:
        tags = {DIGEST: digest} | ({"classes": ", ".join(classes)[:MAX_TAG]} if classes else {})
        logged = find_logged(run, digest) or run.client.create_logged_model(run.experiment_id, NAME, run.id, tags=tags)
        yield logged.model_id
        model = Model(logged.artifact_location, run_id=run.id, model_id=logged.model_id, model_uuid=logged.model_id)
        if logged.status != LoggedModelStatus.READY:
            root = write(Path(folder), predictor_file, example_raw, model)
            for path in sorted(file for file in root.rglob("*") if file.is_file()):
                parent = path.parent.relative_to(root)
                run.client.log_model_artifact(logged.model_id, str(path), None if parent == Path() else str(parent))
                yield path.name
            run.client.finalize_logged_model(logged.model_id, "READY")
        outputs = run.client.get_run(run.id).outputs
        if logged.model_id not in [output.model_id for output in (outputs.model_outputs if outputs else [])]:
            run.client.log_outputs(run.id, [LoggedModelOutput(logged.model_id, step=0)])


def find_logged(run: Run, digest: str) -> LoggedModel | None:
    """Return the run's model with this digest, None if there is none."""
    models = run.client.search_logged_models([run.experiment_id], f"source_run_id = '{run.id}'")
    return next((model for model in models if model.tags.get(DIGEST) == digest), None)


def write(folder: Path, predictor_file: str | Path, example_raw: NDArray[Any], model: Model) -> Path:
    """Write the MLflow model into folder/model, with its code and data beside it; return its folder."""
    code = shutil.copyfile(predictor.__file__, folder / f"{MODULE}.py")
    data = shutil.copyfile(predictor_file, folder / "predictor.safetensors")
    network = predictor.Predictor.load(data)
    example, inputs = model_inputs(network, example_raw[:EXAMPLES])
    # MLflow would read the files of all installed packages, 0.7 s, to check the requirements: they are installed.
    with patch.object(requirements_utils, "_MODULES_TO_PACKAGES", {name: [name] for name in REQUIREMENTS}, create=True):
        save_model(
            folder / NAME,
            loader_module=MODULE,
            data_path=str(data),
            code_paths=[str(code)],
            mlflow_model=model,
            signature=ModelSignature(inputs, Schema([ColSpec(DataType.float, name) for name in network.output_names])),
            input_example=example,
            pip_requirements=[f"{name}=={version(name)}" for name in REQUIREMENTS],
        )
    return folder / NAME


def model_inputs(network: predictor.Predictor, rows: NDArray[Any]) -> tuple[Any, Schema]:
    """Return rows as the model takes them, and the inputs of its signature.

    Rows of numbers (n, d) become a table with a column for each of `Predictor.input_names`. Pictures (uint8) become the
    tensor `images`, any other rows the tensor `x`, of this type and shape and any number of rows.
    """
    if rows.ndim == 2 and rows.dtype.kind == "f":
        names = Index(network.input_names, dtype=object)  # as pandas 3 warns of how MLflow compares its own strings
        return DataFrame(rows.astype(float), columns=names), Schema([ColSpec(DataType.double, name) for name in names])
    name = "images" if rows.dtype == "uint8" else "x"
    return {name: rows}, Schema([TensorSpec(rows.dtype, (-1, *rows.shape[1:]), name)])
