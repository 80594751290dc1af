"""The trained artifact: what a run leaves, and all that prediction needs."""

from nnspark.model.model import Model
from nnspark.model.raw_rows import raw_rows
from nnspark.model.rows import model_rows

__all__ = ["Model", "model_rows", "raw_rows"]
