"""nnspark trains feed-forward neural networks on Apache Spark: the same bits on any cluster.

    model = nnspark.train({"network": {"hidden": [50]}, "data": {"label": "species"}}, df)
    model.predict(X); model.transform(other); nnspark.load("runs/one")

The rooms, from the ground up; each imports from those above it in this list and from nothing below:

errors, log        what goes wrong, what is said
recipe             what a run is
net                activations, losses, forward and backward over a block: pure NumPy
sums               sums that do not depend on order
optimizers         how the weights move
sources            files read on the driver
report             the page
data               hash, split, scale and cut rows into blocks
objective          a block and weights in, sums out
model              the trained artifact
engines            where blocks lie and how a function of them is summed: in this process, on Spark
training           the loop, the cost function, rounds, stopping
scoring            a model applied to rows
evaluation         figures of a model on labelled rows
ml                 Spark ML's perceptrons, trained here
sklearn            scikit-learn's perceptrons, trained here
runs               one run from recipe to run directory; the command lines
interop            models to other programs and from them
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nnspark.errors import (
        CheckpointError,
        DataError,
        DivergedError,
        ModelError,
        NNSparkError,
        RecipeError,
        ShapeError,
        SparkJobError,
    )
    from nnspark.recipe import Recipe
    from nnspark.runs.calls import train
    from nnspark.runs.loading import load
    from nnspark.runs.sweeps.calls import sweep
    from nnspark.runs.trained import Model

__version__ = "0.2.0"
__all__ = [
    "CheckpointError",
    "DataError",
    "DivergedError",
    "Model",
    "ModelError",
    "NNSparkError",
    "Recipe",
    "RecipeError",
    "ShapeError",
    "SparkJobError",
    "__version__",
    "load",
    "sweep",
    "train",
]

_HOMES = {
    "train": "runs.calls",
    "sweep": "runs.sweeps.calls",
    "load": "runs.loading",
    "Model": "runs.trained",
    "Recipe": "recipe",
}


def __getattr__(name: str) -> Any:
    """The public names, imported at their first use: executors and readers of models need few of them."""
    if name not in __all__:
        raise AttributeError(f"module 'nnspark' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"nnspark.{_HOMES.get(name, 'errors')}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
