"""A program as a notebook has it: text columns in, the best of a grid out, saved, read again.

Run as ``notebook.py FOLDER``. With Spark's import in place of nnspark's it is the same program.
"""

import sys

from pyspark.ml import Pipeline
from pyspark.ml.evaluation import MulticlassClassificationEvaluator
from pyspark.ml.feature import StandardScaler, StringIndexer, VectorAssembler
from pyspark.ml.tuning import CrossValidator, CrossValidatorModel, ParamGridBuilder
from pyspark.sql import SparkSession

from nnspark.ml import MultilayerPerceptronClassifier

folder = sys.argv[1]
spark = SparkSession.builder.getOrCreate()
flowers = spark.read.csv(f"{folder}/flowers.csv", header=True, inferSchema=True)

indexer = StringIndexer(inputCol="species", outputCol="label")
assembler = VectorAssembler(inputCols=["length", "width", "petal"], outputCol="raw")
scaler = StandardScaler(inputCol="raw", outputCol="features", withMean=True)
perceptron = MultilayerPerceptronClassifier(layers=[3, 4, 2], maxIter=10, seed=7)
pipeline = Pipeline(stages=[indexer, assembler, scaler, perceptron])

grid = ParamGridBuilder().addGrid(perceptron.maxIter, [1, 10]).build()
search = CrossValidator(
    estimator=pipeline,
    estimatorParamMaps=grid,
    evaluator=MulticlassClassificationEvaluator(metricName="accuracy"),
    numFolds=2,
    seed=1,
)
best = search.fit(flowers)
best.write().overwrite().save(f"{folder}/best")
print("accuracy", max(best.avgMetrics))

again = CrossValidatorModel.load(f"{folder}/best")
predicted = best.transform(flowers).select("prediction", "probability").collect()
assert again.transform(flowers).select("prediction", "probability").collect() == predicted
print("weights", hash(again.bestModel.stages[-1].weights.toArray().tobytes()))
