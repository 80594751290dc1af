"""The estimators' setters: one a Param, as Spark's estimators have them."""

from typing import Any, Self

from nnspark.ml.params import PerceptronParams

__all__ = ["PerceptronSetters"]


class PerceptronSetters(PerceptronParams):
    """``setX(value)`` of every Param but the columns, whose setters are Spark's; returns the estimator."""

    def setParams(self, **params: Any) -> Self:
        """Sets any Params by name."""
        return self._set(**params)

    def setLayers(self, value: list[int]) -> Self:
        """Sets the value of layers."""
        return self._set(layers=value)

    def setBlockSize(self, value: int) -> Self:
        """Sets the value of blockSize."""
        return self._set(blockSize=value)

    def setInitialWeights(self, value: Any) -> Self:
        """Sets the value of initialWeights."""
        return self._set(initialWeights=value)

    def setMaxIter(self, value: int) -> Self:
        """Sets the value of maxIter."""
        return self._set(maxIter=value)

    def setSeed(self, value: int) -> Self:
        """Sets the value of seed."""
        return self._set(seed=value)

    def setTol(self, value: float) -> Self:
        """Sets the value of tol."""
        return self._set(tol=value)

    def setStepSize(self, value: float) -> Self:
        """Sets the value of stepSize."""
        return self._set(stepSize=value)

    def setSolver(self, value: str) -> Self:
        """Sets the value of solver."""
        return self._set(solver=value)

    def setWeightCol(self, value: str) -> Self:
        """Sets the value of weightCol."""
        return self._set(weightCol=value)

    def setRegParam(self, value: float) -> Self:
        """Sets the value of regParam."""
        return self._set(regParam=value)

    def setStandardization(self, value: bool) -> Self:
        """Sets the value of standardization."""
        return self._set(standardization=value)

    def setValidationIndicatorCol(self, value: str) -> Self:
        """Sets the value of validationIndicatorCol."""
        return self._set(validationIndicatorCol=value)

    def setHiddenLayers(self, value: list[int]) -> Self:
        """Sets the value of hiddenLayers."""
        return self._set(hiddenLayers=value)

    def setActivation(self, value: str) -> Self:
        """Sets the value of activation."""
        return self._set(activation=value)

    def setOutput(self, value: str) -> Self:
        """Sets the value of output."""
        return self._set(output=value)

    def setLoss(self, value: str) -> Self:
        """Sets the value of loss."""
        return self._set(loss=value)

    def setOptimizer(self, value: str) -> Self:
        """Sets the value of optimizer."""
        return self._set(optimizer=value)

    def setOptimizerOptions(self, value: dict[str, Any]) -> Self:
        """Sets the value of optimizerOptions."""
        return self._set(optimizerOptions=value)

    def setDtype(self, value: str) -> Self:
        """Sets the value of dtype."""
        return self._set(dtype=value)

    def setBatchSize(self, value: int) -> Self:
        """Sets the value of batchSize."""
        return self._set(batchSize=value)

    def setReplicas(self, value: int) -> Self:
        """Sets the value of replicas."""
        return self._set(replicas=value)

    def setValidationFraction(self, value: float) -> Self:
        """Sets the value of validationFraction."""
        return self._set(validationFraction=value)

    def setEarlyStoppingPatience(self, value: int) -> Self:
        """Sets the value of earlyStoppingPatience."""
        return self._set(earlyStoppingPatience=value)

    def setEarlyStoppingMinDelta(self, value: float) -> Self:
        """Sets the value of earlyStoppingMinDelta."""
        return self._set(earlyStoppingMinDelta=value)

    def setEarlyStoppingMonitor(self, value: str) -> Self:
        """Sets the value of earlyStoppingMonitor."""
        return self._set(earlyStoppingMonitor=value)

    def setEngine(self, value: str) -> Self:
        """Sets the value of engine."""
        return self._set(engine=value)
