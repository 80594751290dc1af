"""Spark ML estimators: change one import, keep the program.

from pyspark.ml.classification import MultilayerPerceptronClassifier
from nnspark.ml import MultilayerPerceptronClassifier
"""

from nnspark.ml.classifier import MultilayerPerceptronClassificationModel, MultilayerPerceptronClassifier
from nnspark.ml.regressor import MultilayerPerceptronRegressionModel, MultilayerPerceptronRegressor
from nnspark.ml.summary import (
    MultilayerPerceptronClassificationSummary,
    MultilayerPerceptronClassificationTrainingSummary,
    MultilayerPerceptronRegressionSummary,
    MultilayerPerceptronRegressionTrainingSummary,
)
from nnspark.ml.tuning import SweepCrossValidator

__all__ = [
    "MultilayerPerceptronClassificationModel",
    "MultilayerPerceptronClassificationSummary",
    "MultilayerPerceptronClassificationTrainingSummary",
    "MultilayerPerceptronClassifier",
    "MultilayerPerceptronRegressionModel",
    "MultilayerPerceptronRegressionSummary",
    "MultilayerPerceptronRegressionTrainingSummary",
    "MultilayerPerceptronRegressor",
    "SweepCrossValidator",
]
