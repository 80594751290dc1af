"""The Params that both estimators and their models have: Spark's own names first, then nnspark's.

Above 200 lines, as each Param has its getter, which Spark's programs call.
"""

from typing import Any

from pyspark.ml.base import _PredictorParams
from pyspark.ml.param import Param, Params, TypeConverters
from pyspark.ml.param.shared import (
    HasBlockSize,
    HasMaxIter,
    HasRegParam,
    HasSeed,
    HasSolver,
    HasStandardization,
    HasStepSize,
    HasTol,
    HasValidationIndicatorCol,
    HasWeightCol,
)

from nnspark.errors import RecipeError

__all__ = ["PerceptronParams", "checked_layers"]


def checked_layers(value: Any) -> list[int]:
    """Layer sizes; RecipeError unless there are two at least and all are positive."""
    layers = TypeConverters.toListInt(value)
    if len(layers) < 2 or min(layers) < 1:
        raise RecipeError(
            f"layers: expected an input and an output layer at least, each of one unit or more, got {layers}"
        )
    return layers


def hidden_layers(value: Any) -> list[int]:
    """Sizes of hidden layers; RecipeError unless all are positive."""
    layers = TypeConverters.toListInt(value)
    if layers and min(layers) < 1:
        raise RecipeError(f"hiddenLayers: expected layers of at least one unit ([] for none), got {layers}")
    return layers


def options(value: Any) -> dict[str, Any]:
    """A dict of an optimizer's options."""
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return dict(value)
    raise TypeError(f"Could not convert {value!r} to a dict of options")


class PerceptronParams(
    _PredictorParams,
    HasMaxIter,
    HasTol,
    HasSeed,
    HasStepSize,
    HasSolver,
    HasBlockSize,
    HasWeightCol,
    HasRegParam,
    HasStandardization,
    HasValidationIndicatorCol,
):
    """Params of a multilayer perceptron, whatever it predicts."""

    layers: Param[list[int]] = Param(
        Params._dummy(),
        "layers",
        "Sizes of layers from input layer to output layer, e.g. [780, 100, 10].",
        typeConverter=checked_layers,
    )
    solver: Param[str] = Param(
        Params._dummy(),
        "solver",
        "The solver algorithm for optimization: l-bfgs, gd, or the name of another optimizer of nnspark.",
        typeConverter=TypeConverters.toString,
    )
    initialWeights: Param[Any] = Param(
        Params._dummy(),
        "initialWeights",
        "The initial weights of the model, laid out as model.weights.",
        typeConverter=TypeConverters.toVector,
    )
    blockSize: Param[int] = Param(
        Params._dummy(),
        "blockSize",
        "Rows of a block, the unit of arithmetic; 0 is 1,024, or 4,096 where many rows are narrow. Another "
        "size gives other last bits, not another result. Spark's default is 128, with which training here "
        "takes two to three times as long.",
        typeConverter=TypeConverters.toInt,
    )
    regParam: Param[float] = Param(
        Params._dummy(),
        "regParam",
        "Regularization parameter (>= 0): adds regParam/2 times the sum of squared weights, biases left out.",
        typeConverter=TypeConverters.toFloat,
    )
    hiddenLayers: Param[list[int]] = Param(
        Params._dummy(),
        "hiddenLayers",
        "Sizes of the hidden layers, in place of layers: the first and the last come from the data.",
        typeConverter=hidden_layers,
    )
    activation: Param[str] = Param(
        Params._dummy(),
        "activation",
        "Of the hidden layers: sigmoid, tanh, relu, leaky_relu, softplus, identity.",
        typeConverter=TypeConverters.toString,
    )
    output: Param[str] = Param(
        Params._dummy(),
        "output",
        "Of the output layer: softmax, sigmoid, identity.",
        typeConverter=TypeConverters.toString,
    )
    loss: Param[str] = Param(
        Params._dummy(),
        "loss",
        "What is minimised: cross_entropy or squared_error.",
        typeConverter=TypeConverters.toString,
    )
    optimizer: Param[str] = Param(
        Params._dummy(),
        "optimizer",
        "In place of solver: lbfgs, cg, gd, momentum, nesterov, rmsprop, adam, adamw.",
        typeConverter=TypeConverters.toString,
    )
    optimizerOptions: Param[Any] = Param(
        Params._dummy(), "optimizerOptions", "The optimizer's own options by name.", typeConverter=options
    )
    dtype: Param[str] = Param(
        Params._dummy(),
        "dtype",
        "Of the arithmetic and of the weights: float64 or float32.",
        typeConverter=TypeConverters.toString,
    )
    batchSize: Param[int] = Param(
        Params._dummy(),
        "batchSize",
        "Rows of a step of mini-batch SGD; 0 takes all rows. An iteration is then a round over all rows.",
        typeConverter=TypeConverters.toInt,
    )
    replicas: Param[int] = Param(
        Params._dummy(),
        "replicas",
        "Sets of rows that train side by side on mini-batches and are averaged; part of the result.",
        typeConverter=TypeConverters.toInt,
    )
    validationFraction: Param[float] = Param(
        Params._dummy(),
        "validationFraction",
        "Fraction of the rows that validate where earlyStoppingPatience is set and no column says which.",
        typeConverter=TypeConverters.toFloat,
    )
    earlyStoppingPatience: Param[int] = Param(
        Params._dummy(),
        "earlyStoppingPatience",
        "Iterations without improvement that are borne; the best weights are kept. 0 is off.",
        typeConverter=TypeConverters.toInt,
    )
    earlyStoppingMinDelta: Param[float] = Param(
        Params._dummy(),
        "earlyStoppingMinDelta",
        "An improvement is more than this.",
        typeConverter=TypeConverters.toFloat,
    )
    earlyStoppingMonitor: Param[str] = Param(
        Params._dummy(),
        "earlyStoppingMonitor",
        "What is watched: validation_loss, cost, validation_ and a metric.",
        typeConverter=TypeConverters.toString,
    )
    engine: Param[str] = Param(
        Params._dummy(),
        "engine",
        "Where the work is done: spark, local (in the driver), or auto, the quicker. The weights agree.",
        typeConverter=TypeConverters.toString,
    )

    def __init__(self) -> None:
        super().__init__()
        self._setDefault(
            maxIter=100,
            tol=1e-6,
            seed=42,
            blockSize=0,
            stepSize=0.03,
            solver="l-bfgs",
            regParam=0.0,
            standardization=False,
            activation="sigmoid",
            optimizerOptions={},
            dtype="float64",
            batchSize=0,
            replicas=1,
            validationFraction=0.1,
            earlyStoppingPatience=0,
            earlyStoppingMinDelta=0.0,
            earlyStoppingMonitor="validation_loss",
            engine="auto",
        )

    def getLayers(self) -> list[int]:
        """Gets the value of layers or its default value."""
        return self.getOrDefault(self.layers)

    def getInitialWeights(self) -> Any:
        """Gets the value of initialWeights or its default value."""
        return self.getOrDefault(self.initialWeights)

    def getHiddenLayers(self) -> list[int]:
        """Gets the value of hiddenLayers or its default value."""
        return self.getOrDefault(self.hiddenLayers)

    def optional(self, param: "Param[Any]") -> Any:
        """The value of a Param, or None where it has none or an empty one."""
        value = self.getOrDefault(param) if self.isDefined(param) else None
        return None if isinstance(value, str) and not value else value
