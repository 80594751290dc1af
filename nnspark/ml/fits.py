"""What ``fit`` gives, for type checkers: Spark's ``Classifier`` leaves the class of its model open."""

from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from pyspark.ml import Model

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["Fits"]

M = TypeVar("M", bound=Model)


class Fits(Generic[M]):
    """Says that ``fit`` gives an M, or a list of them for a list of param maps; does nothing."""

    if TYPE_CHECKING:

        @overload
        def fit(self, dataset: "DataFrame", params: dict[Any, Any] | None = ...) -> M: ...
        @overload
        def fit(
            self, dataset: "DataFrame", params: list[dict[Any, Any]] | tuple[dict[Any, Any]]
        ) -> list[M]: ...
        def fit(self, dataset: "DataFrame", params: Any = None) -> Any:
            """As ``Estimator.fit``."""
