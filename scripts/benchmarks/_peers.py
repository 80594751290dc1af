"""The peers: plain NumPy, Spark MLlib's perceptron, scikit-learn's. Each times its own evaluations."""

import itertools
import os
import time
import uuid
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks._blas import core_of_openblas
from benchmarks._common import CORES

__all__ = ["Mllib", "NumpyEpochs", "SklearnLbfgs", "best_block_size", "mllib_blas"]

Array = NDArray[Any]


class NumpyEpochs:
    """Full-batch gradient descent by blocks of 2,048 rows, BLAS on all cores, scratch reused."""

    def __init__(self, X: Array, y: Array, layers: tuple[int, ...], dtype: str, block: int = 2_048) -> None:
        rng = np.random.default_rng(0)
        self.X, self.Y = X.astype(dtype), np.eye(layers[-1], dtype=dtype)[y]
        sizes = list(itertools.pairwise(layers))
        self.weights = [rng.normal(0, (2 / (i + o)) ** 0.5, (i, o)).astype(dtype) for i, o in sizes]
        self.biases = [np.zeros(o, dtype) for _, o in sizes]
        self.sums = [np.empty_like(W) for W in self.weights]
        self.bias_sums = [np.empty_like(b) for b in self.biases]
        self.product = [np.empty_like(W) for W in self.weights]
        self.a = [np.empty((block, o), dtype) for _, o in sizes]
        self.delta = [np.empty((block, o), dtype) for _, o in sizes]
        self.block = block

    def __call__(self) -> list[float]:
        """Seconds of the next epoch."""
        from threadpoolctl import threadpool_limits

        with threadpool_limits(CORES, user_api="blas"):
            began = time.perf_counter()
            self._epoch(0.1 / len(self.X))
            return [time.perf_counter() - began]

    def _epoch(self, rate: float) -> float:
        loss = 0.0
        for sums in (*self.sums, *self.bias_sums):
            sums.fill(0)
        for start in range(0, len(self.X), self.block):
            loss += self._add_block(self.X[start : start + self.block], self.Y[start : start + self.block])
        for values, sums in zip((*self.weights, *self.biases), (*self.sums, *self.bias_sums), strict=True):
            sums *= rate
            values -= sums
        return loss / len(self.X)

    def _add_block(self, X: Array, Y: Array) -> float:
        n, last = len(X), len(self.weights) - 1
        a = [buffer[:n] for buffer in self.a]
        for layer, (W, b) in enumerate(zip(self.weights, self.biases, strict=True)):
            z = np.matmul(a[layer - 1] if layer else X, W, out=a[layer])
            z += b
            if layer < last:
                np.negative(z, out=z)
                np.exp(z, out=z)
                z += 1
                np.reciprocal(z, out=z)
        z -= z.max(axis=1, keepdims=True)
        np.exp(z, out=z)
        z /= z.sum(axis=1, keepdims=True)
        loss = -float(np.log(np.einsum("ij,ij->i", z, Y)).sum())
        delta = np.subtract(z, Y, out=self.delta[last][:n])
        for layer in range(last, -1, -1):
            self.sums[layer] += np.matmul((a[layer - 1] if layer else X).T, delta, out=self.product[layer])
            self.bias_sums[layer] += delta.sum(axis=0)
            if layer:
                below = np.matmul(delta, self.weights[layer].T, out=self.delta[layer - 1][:n])
                below *= a[layer - 1]
                np.subtract(1, a[layer - 1], out=a[layer - 1])
                below *= a[layer - 1]
                delta = below
        return loss


class Mllib:
    """``MultilayerPerceptronClassifier``: (a long fit - a short fit) / (the evaluations between them).

    Every evaluation is one Spark job, so evaluations are counted as jobs.
    """

    def __init__(
        self, df: Any, layers: tuple[int, ...], solver: str, *, block_size: int, iterations: tuple[int, int]
    ) -> None:
        self.df, self.layers, self.solver = df, list(layers), solver
        self.block_size, self.iterations = block_size, iterations

    def __call__(self) -> list[float]:
        """Seconds an evaluation, once."""
        (short, few, _), (long, many, _) = (self.fit(count) for count in self.iterations)
        return [(long - short) / (many - few)]

    def fit(self, iterations: int) -> tuple[float, int, Any]:
        """Seconds and jobs of one fit, and the model."""
        from pyspark.ml.classification import MultilayerPerceptronClassifier

        sc = self.df.sparkSession.sparkContext
        estimator = MultilayerPerceptronClassifier(
            layers=self.layers, solver=self.solver, blockSize=self.block_size, maxIter=iterations, tol=0.0,
            seed=42, stepSize=0.03,
        )  # fmt: skip
        group = uuid.uuid4().hex
        sc.setJobGroup(group, "MLlib")
        began = time.perf_counter()
        model = estimator.fit(self.df)
        seconds = time.perf_counter() - began
        sc.setLocalProperty("spark.jobGroup.id", None)
        return seconds, len(sc.statusTracker().getJobIdsForGroup(group)), model


def best_block_size(
    df: Any, layers: tuple[int, ...], sizes: tuple[int, ...], iterations: tuple[int, int]
) -> tuple[int, dict[int, float]]:
    """The blockSize with the cheapest evaluation, and what each costs."""
    Mllib(df, layers, "l-bfgs", block_size=sizes[0], iterations=iterations).fit(iterations[0])
    cost = {size: Mllib(df, layers, "l-bfgs", block_size=size, iterations=iterations)()[0] for size in sizes}
    return min(cost, key=lambda size: cost[size]), cost


def mllib_blas(spark: Any) -> str:
    """Which BLAS MLlib computes with: the machine's own, or one in Java where libblas.so.3 is missing."""
    from py4j.protocol import Py4JJavaError

    found = spark.sparkContext._jvm.dev.ludovic.netlib.blas
    try:
        name = found.NativeBLAS.getInstance().getClass().getSimpleName()
    except Py4JJavaError:
        name = found.JavaBLAS.getInstance().getClass().getSimpleName()
        return f"{name}, no native library (Debian has it in libopenblas0)"
    threads, core = os.environ.get("OPENBLAS_NUM_THREADS", "not set"), core_of_openblas()
    return f"{name}, native, OPENBLAS_NUM_THREADS={threads}, kernels of {core or 'no OpenBLAS'}"


class SklearnLbfgs:
    """``MLPClassifier(solver="lbfgs")``: the time between its evaluations, on all cores, float64."""

    def __init__(self, X: Array, y: Array, layers: tuple[int, ...], evaluations: int) -> None:
        self.X, self.y, self.hidden, self.evaluations = X, y, layers[1:-1], evaluations

    def __call__(self) -> list[float]:
        """Seconds of each evaluation but the first."""
        from sklearn.neural_network import MLPClassifier
        from threadpoolctl import threadpool_limits

        stamps: list[float] = []

        class Stamped(MLPClassifier):  # type: ignore[misc]
            def _loss_grad_lbfgs(self, *args: Any, **kwargs: Any) -> Any:
                stamps.append(time.perf_counter())
                return super()._loss_grad_lbfgs(*args, **kwargs)

        model = Stamped(
            self.hidden, activation="logistic", solver="lbfgs", alpha=0.0, tol=0.0,
            max_iter=self.evaluations, max_fun=self.evaluations, random_state=42,
        )  # fmt: skip
        with warnings.catch_warnings(), threadpool_limits(CORES, user_api="blas"):
            warnings.simplefilter("ignore")
            model.fit(self.X, self.y)
        return np.diff(stamps)[1:].tolist()
