"""The trained artifact: what a run leaves, and all that prediction needs."""

from nnspark.model.model import Model

__all__ = ["Model"]
