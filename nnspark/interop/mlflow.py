"""Models in MLflow: a flavour of their own and a pyfunc. Needs the extra ``mlflow``.

    from nnspark.interop import mlflow as nnspark_mlflow

    info = nnspark_mlflow.log_model(model, "digits")
    nnspark_mlflow.load_model(info.model_uri)                       an nnspark.Model
    mlflow.pyfunc.load_model(info.model_uri).predict(frame)         a pandas DataFrame

The pyfunc takes a pandas DataFrame, whose columns it finds by name, or an array, and gives a DataFrame with
the frame's index: ``prediction`` and ``probability_<class>``, as ``Model.transform`` names them. The
environment that is declared is MLflow's skinny package, nnspark and NumPy, in the versions that are here.
"""

import json
import platform
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import nnspark
from nnspark.errors import ModelError
from nnspark.interop.extras import of_extra
from nnspark.model import Model, model_rows, raw_rows
from nnspark.runs.trained import Model as TrainedModel

if TYPE_CHECKING:
    from pandas import DataFrame as PandasFrame

__all__ = ["load_model", "log_model", "save_model"]

FLAVOUR = "nnspark"
DATA = "nnspark"  # the folder in the model's, laid out as a run directory
MODEL = "model.safetensors"


def save_model(
    model: Model,
    path: str | Path,
    *,
    mlflow_model: Any = None,
    signature: Any = None,
    pip_requirements: Sequence[str] | None = None,
    metadata: dict[str, Any] | None = None,
) -> None:
    """Write an MLflow model, a folder that is not there yet or is empty.

    Parameters
    ----------
    model : of ``nnspark.train`` or ``nnspark.load``; its history, metrics and report are kept.
    mlflow_model : an ``mlflow.models.Model`` to which the flavours are added; None for a new one.
    signature : of ``mlflow.models.infer_signature``. With one, MLflow is strict about the types of columns.
    pip_requirements : instead of the declared environment.
    metadata : what else MLflow is to keep.

    Raises
    ------
    ModelError : the folder has something in it, or cannot be written; NNSparkError : mlflow is not installed.
    """
    models = of_extra("mlflow.models", "mlflow")
    pyfunc = of_extra("mlflow.pyfunc", "mlflow")
    folder = Path(path)
    requirements = _requirements() if pip_requirements is None else list(pip_requirements)
    try:
        if folder.exists() and any(folder.iterdir()):
            raise ModelError(f"{folder} has files in it; name a folder that is new or empty")
        (folder / DATA).mkdir(parents=True, exist_ok=True)
        for name, content in _files(model).items():
            (folder / DATA / name).write_bytes(content)
        for name, text in _environment(requirements).items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise ModelError(f"cannot write the model to {folder}: {error.strerror}") from None
    saved = models.Model() if mlflow_model is None else mlflow_model
    if signature is not None:
        saved.signature = signature
    if metadata is not None:
        saved.metadata = metadata
    pyfunc.add_to_model(
        saved, loader_module=__name__, data=DATA, conda_env="conda.yaml", python_env="python_env.yaml"
    )
    saved.add_flavor(FLAVOUR, nnspark_version=nnspark.__version__, data=DATA)
    saved.save(str(folder / "MLmodel"))


def log_model(
    model: Model,
    name: str,
    *,
    registered_model_name: str | None = None,
    signature: Any = None,
    pip_requirements: Sequence[str] | None = None,
    metadata: dict[str, Any] | None = None,
) -> Any:
    """Log the model, to the active run if there is one; MLflow's ``ModelInfo``, with ``model_uri``.

    ``registered_model_name`` also registers it; the other parameters are those of ``save_model``.
    """
    models = of_extra("mlflow.models", "mlflow")
    return models.Model.log(
        artifact_path=None,
        name=name,
        flavor=sys.modules[__name__],
        registered_model_name=registered_model_name,
        metadata=metadata,
        model=model,
        signature=signature,
        pip_requirements=pip_requirements,
    )


def load_model(model_uri: str | Path) -> TrainedModel:
    """The ``nnspark.Model`` at a path or one of MLflow's URIs, ``models:/...`` or ``runs:/...``.

    Raises
    ------
    ModelError : a model of another flavour, or not a whole one.
    """
    artifacts = of_extra("mlflow.artifacts", "mlflow")
    models = of_extra("mlflow.models", "mlflow")
    folder = Path(artifacts.download_artifacts(artifact_uri=str(model_uri)))
    flavours = models.Model.load(str(folder)).flavors
    if FLAVOUR not in flavours:
        raise ModelError(
            f"{model_uri} has no flavour {FLAVOUR!r}, but {', '.join(sorted(flavours))}; "
            "mlflow.pyfunc.load_model may read it"
        )
    return _read(folder / flavours[FLAVOUR]["data"])


class Answers:
    """What MLflow's pyfunc calls."""

    def __init__(self, model: TrainedModel) -> None:
        self.model = model

    def predict(self, data: Any, params: dict[str, Any] | None = None) -> "PandasFrame":
        """All answers to rows: a column a name of ``Model.answer_names``, the rows' index."""
        from pandas import DataFrame

        encoding = self.model.encoding
        rows = model_rows(data, self.model.feature_names) if encoding is None else raw_rows(data, encoding)
        columns = zip(self.model.answer_names, self.model.artifact().answers(rows), strict=True)
        return DataFrame(dict(columns), index=getattr(data, "index", None))


def _load_pyfunc(path: str) -> Answers:
    """By this name MLflow calls it, with the folder ``DATA``."""
    return Answers(_read(Path(path)))


def _files(model: Model) -> dict[str, bytes]:
    """The model as the files of a run directory; of a model without a run just the one."""
    files = {MODEL: model.to_bytes()}
    if isinstance(model, TrainedModel):
        lines = "".join(f"{json.dumps(row)}\n" for row in model.history)
        kept = {
            "history.jsonl": lines,
            "metrics.json": json.dumps(dict(model.metrics)) if model.metrics else "",
            "report.html": model.page,
        }
        files |= {name: text.encode() for name, text in kept.items() if text}
    return files


def _read(folder: Path) -> TrainedModel:
    try:
        files = {one.name: one.read_bytes() for one in folder.iterdir()}
        content = files.pop(MODEL)
    except (OSError, KeyError):
        raise ModelError(f"{folder / MODEL} does not exist; log the model again") from None
    return TrainedModel.with_run(Model.from_bytes(content, str(folder / MODEL)), files)


def _requirements() -> list[str]:
    return [
        f"mlflow-skinny=={version('mlflow-skinny')}",
        f"nnspark=={nnspark.__version__}",
        f"numpy=={np.__version__}",
    ]


def _environment(requirements: Sequence[str]) -> dict[str, str]:
    """The files in which MLflow looks for what a model needs: lists, in YAML's JSON."""
    python = platform.python_version()
    conda = {
        "name": "mlflow-env",
        "channels": ["conda-forge"],
        "dependencies": [f"python={python}", "pip", {"pip": list(requirements)}],
    }
    env = {"python": python, "build_dependencies": ["pip"], "dependencies": ["-r requirements.txt"]}
    return {
        "requirements.txt": "".join(f"{one}\n" for one in requirements),
        "python_env.yaml": json.dumps(env, indent=1) + "\n",
        "conda.yaml": json.dumps(conda, indent=1) + "\n",
    }
