"""What only Spark reads: any format it has a source for, tables of its catalog, answers to SQL."""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from nnspark.errors import DataError, RecipeError
from nnspark.recipe import Data
from nnspark.recipe.data_section import as_paths

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

__all__ = ["SPARK_SOURCES"]

NO_SUCH_FORMAT = ("DATA_SOURCE_NOT_FOUND", "Failed to find data source", "built-in but external")
NO_SUCH_TABLE = ("TABLE_OR_VIEW_NOT_FOUND", "SCHEMA_NOT_FOUND", "CATALOG_NOT_FOUND", "REQUIRES_SINGLE_PART")


def _of_format(session: "SparkSession", data: Data) -> "DataFrame":
    paths = as_paths(data.path)
    reader = session.read.format(data.format).options(**_texts(data.options))
    with _refusing(
        NO_SUCH_FORMAT,
        f"data.format = {data.format!r}: Spark has no such source; see to its spelling, or add its package "
        "to the session (spark.jars.packages)",
    ):
        return reader.load(paths[0] if len(paths) == 1 else paths) if paths else reader.load()


def _of_table(session: "SparkSession", data: Data) -> "DataFrame":
    with _refusing(
        NO_SUCH_TABLE,
        f"data.table = {data.table!r}: Spark has no such table or view; see to its spelling, its database "
        "(db.name) and the catalog that the session is configured for",
    ):
        return session.table(data.table)


def _of_query(session: "SparkSession", data: Data) -> "DataFrame":
    """In brackets, a statement that changes something is no query."""
    from pyspark.errors import AnalysisException, ParseException

    query = data.query.strip().rstrip(";")
    try:
        return session.sql(f"SELECT * FROM (\n{query}\n)")
    except (AnalysisException, ParseException) as error:
        said = re.split(r"\s*SQLSTATE|\n", str(error).strip())[0]
        raise DataError(f"data.query is no query that Spark can run: {said}; put it right") from None


@contextmanager
def _refusing(signs: tuple[str, ...], said: str) -> Iterator[None]:
    """Turn an exception of Spark's that has one of the signs into a DataError."""
    from py4j.protocol import Py4JJavaError
    from pyspark.errors import PySparkException

    try:
        yield
    except (PySparkException, Py4JJavaError) as error:
        if any(sign in str(error) for sign in signs):
            raise DataError(said) from None
        raise


def _texts(options: Mapping[str, Any]) -> dict[str, str]:
    """Options as Spark takes them; {env = "NAME"} is what the driver's environment has."""
    texts = {}
    for key, value in options.items():
        if isinstance(value, Mapping):
            name = str(value["env"])
            if name not in os.environ:
                raise RecipeError(f"data.options.{key}: the driver's environment has no {name}; set it there")
            value = os.environ[name]
        texts[key] = str(value).lower() if isinstance(value, bool) else str(value)
    return texts


SPARK_SOURCES: dict[str, Callable[["SparkSession", Data], "DataFrame"]] = {
    "query": _of_query,
    "spark": _of_format,
    "table": _of_table,
}
