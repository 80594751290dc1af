"""Estimators and models to and from folders, local or behind a Hadoop URI, as Spark ML lays them out.

``metadata`` is Spark's: class, uid, Params, and beside them ``nnspark``: the format's number, the version
that wrote it, history and label names. A model has ``model.safetensors`` too, which is nnspark's own file.
"""

from typing import Any, TypeVar

from pyspark.ml.util import DefaultParamsReader, DefaultParamsWriter, MLReadable, MLReader, MLWriter
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from nnspark.engines.connections import is_connect
from nnspark.errors import ModelError
from nnspark.model import Model

__all__ = ["MODEL_FILE", "ParamsReader", "ParamsWriter", "read_metadata", "saved_metadata"]

FORMAT = 1
MODEL_FILE = "model.safetensors"
CHUNK = 16 << 20
Kind = TypeVar("Kind", bound=MLReadable[Any])


class ParamsWriter(MLWriter):
    """Writes an estimator, or a model with its weights.

    Parameters
    ----------
    instance : what is written.
    model : its weights, None for an estimator.
    about : what has to be kept beside the Params; JSON.
    """

    def __init__(
        self, instance: Any, model: Model | None = None, about: dict[str, Any] | None = None
    ) -> None:
        super().__init__()
        self.instance, self.model, self.about = instance, model, about or {}

    def save(self, path: str) -> None:
        """Write the folder; ModelError where it has no name."""
        if not path:
            raise ModelError(f"expected the path of a folder to write to, got {path!r}")
        super().save(path)

    def saveImpl(self, path: str) -> None:
        """Write the folder; what is there already is an error, unless ``overwrite()`` was called."""
        if is_connect(self.sparkSession):
            raise ModelError(
                "a folder is written with a SparkContext, which Spark Connect has not: keep what "
                "model.model.to_bytes() gives, which nnspark.load reads from a .safetensors file"
            )
        values = {param.name: _plain(value) for param, value in self.instance._paramMap.items()}
        about = {"format": FORMAT, "version": _version(), **self.about}
        DefaultParamsWriter.saveMetadata(
            self.instance, path, self.sparkSession, extraMetadata={"nnspark": about}, paramMap=values
        )
        if self.model is not None:
            _write(self.sparkSession, f"{path}/{MODEL_FILE}", self.model.to_bytes())


class ParamsReader(MLReader[Kind]):
    """Reads what ``ParamsWriter`` wrote; ``cls`` says how an instance is made of it."""

    def __init__(self, cls: Any) -> None:
        super().__init__()
        self.cls = cls

    def load(self, path: str) -> Kind:
        """Read an estimator or a model; ModelError if a newer nnspark wrote what this one does not know."""
        metadata = read_metadata(path, self.sparkSession)
        name = metadata["class"].rsplit(".", 1)[-1]
        if name != self.cls.__name__:
            raise ModelError(f"{path} holds a {name}, not a {self.cls.__name__}")
        instance = self.cls._restored(metadata["nnspark"], lambda: _read(self.sparkSession, path))
        unknown = [
            param
            for param in (*metadata["paramMap"], *metadata["defaultParamMap"])
            if not instance.hasParam(param)
        ]
        if unknown:
            raise ModelError(
                f"{path} was written by nnspark {metadata['nnspark']['version']} with the Param "
                f"{unknown[0]!r}, which this version, {_version()}, does not have; take a newer nnspark"
            )
        instance._resetUid(metadata["uid"])
        DefaultParamsReader.getAndSetParams(instance, metadata)
        restored: Kind = instance
        return restored


def saved_metadata(path: str, session: SparkSession) -> dict[str, Any]:
    """The metadata of a folder that Spark ML or nnspark wrote; ModelError if it has none."""
    try:
        metadata: dict[str, Any] = DefaultParamsReader.loadMetadata(path, session)
    except Exception as error:
        reason = str(error).strip().splitlines()[0]
        raise ModelError(f"{path} cannot be read as a saved estimator or model: {reason}") from error
    return metadata


def read_metadata(path: str, session: SparkSession) -> dict[str, Any]:
    """The metadata of a folder; ModelError if it has none of ours, or of a later format."""
    metadata = saved_metadata(path, session)
    about = metadata.get("nnspark")
    if about is None and metadata["class"].endswith(".SweepCrossValidator"):
        raise ModelError(f"{path} holds a {metadata['class']}, which is to be read by its own load")
    if about is None:
        raise ModelError(f"{path} holds a {metadata['class']}, which nnspark did not write")
    if about["format"] > FORMAT:
        raise ModelError(
            f"{path} was written by nnspark {about['version']} in format {about['format']}, but this "
            f"version, {_version()}, reads up to {FORMAT}; take a newer nnspark"
        )
    return metadata


def _plain(value: Any) -> Any:
    return value.toArray().tolist() if hasattr(value, "toArray") else value


def _version() -> str:
    import nnspark

    return nnspark.__version__


def _write(session: SparkSession, path: str, content: bytes) -> None:
    jvm: Any = session.sparkContext._jvm
    target = jvm.org.apache.hadoop.fs.Path(path)
    files = target.getFileSystem(session._jsparkSession.sessionState().newHadoopConf())
    stream = files.create(target, False)
    try:
        for start in range(0, len(content), CHUNK):
            stream.write(bytearray(content[start : start + CHUNK]))
    finally:
        stream.close()


def _read(session: SparkSession, path: str) -> Model:
    file = f"{path}/{MODEL_FILE}"
    try:
        row: Any = session.read.format("binaryFile").load(file).select(F.col("content")).head()
    except Exception as error:
        raise ModelError(f"{file} cannot be read: {str(error).strip().splitlines()[0]}") from error
    return Model.from_bytes(bytes(row[0]), file)
