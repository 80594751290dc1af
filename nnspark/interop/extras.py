"""A package that is an extra, and the one line that says how to get it."""

from importlib import import_module
from typing import Any

from nnspark.errors import NNSparkError

__all__ = ["of_extra"]


def of_extra(module: str, extra: str) -> Any:
    """The module; NNSparkError, naming the extra, where its package is not installed."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        missing = (error.name or package).partition(".")[0]
        raise NNSparkError(
            f"{missing} is not installed here, and nnspark.interop needs it for {package}: "
            f"pip install 'nnspark[{extra}]'"
        ) from None
