"""Read a model: ``nnspark.load``. With NumPy and safetensors alone, from a local path."""

from nnspark.engines.connections import context_of
from nnspark.engines.types import Context
from nnspark.runs.command import read_model
from nnspark.runs.storage import Folder, is_uri
from nnspark.runs.trained import Model

__all__ = ["load", "of_folder"]

FILES = ("history.jsonl", "metrics.json", "report.html")


def load(path: str) -> Model:
    """The model of a run directory, with its history, metrics and report, or of a model file.

    Parameters
    ----------
    path : local, or a Hadoop URI, which needs an active Spark session.

    Raises
    ------
    ModelError : nothing there, or not a whole model.
    """
    model, folder = read_model(str(path), _active_context() if is_uri(str(path)) else None)
    whole = not str(path).rstrip("/").endswith(".safetensors")
    return Model.with_run(model, _files(folder) if whole else {})


def of_folder(folder: Folder) -> Model:
    """The model of a finished run's folder."""
    content = folder.read("model.safetensors")
    return Model.with_run(Model.from_bytes(content, folder.path("model.safetensors")), _files(folder))


def _files(folder: Folder) -> dict[str, bytes]:
    there = set(folder.names())
    return {name: folder.read(name) for name in FILES if name in there}


def _active_context() -> "Context | None":
    from nnspark.engines.session import active_session

    return context_of(active_session())
