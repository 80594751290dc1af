"""Estimators and models of nnspark.ml in folders: read as they were written, alone and in pipelines."""

import json

import pytest
from helpers import one_line_error
from ml.data import bits, multiclass
from pyspark.ml import Pipeline, PipelineModel
from pyspark.ml.feature import StandardScaler
from pyspark.ml.linalg import Vectors

import nnspark.ml
from nnspark.errors import ModelError
from nnspark.ml import (
    MultilayerPerceptronClassificationModel,
    MultilayerPerceptronClassifier,
    MultilayerPerceptronRegressionModel,
    MultilayerPerceptronRegressor,
)
from nnspark.model import Model


def values(instance):
    """All Params and defaults by name."""
    return {
        param.name: instance.getOrDefault(param) for param in instance.params if instance.isDefined(param)
    }


@pytest.fixture(scope="module")
def rows(spark):
    """The three classes."""
    return multiclass(spark).persist()


@pytest.fixture(scope="module")
def model(rows):
    """Trained for two iterations."""
    return MultilayerPerceptronClassifier(layers=[4, 3, 3], maxIter=2, thresholds=[0.2, 0.5, 0.3]).fit(rows)


@pytest.mark.parametrize("scheme", ["", "file://"], ids=["local", "hadoop"])
def test_a_model_is_read_as_it_was_written(rows, model, tmp_path, scheme):
    """Weights, Params, history, answers; and nnspark's own reader takes the file in the folder."""
    path = f"{scheme}{tmp_path}/model"
    model.save(path)
    again = MultilayerPerceptronClassificationModel.load(path)
    assert bits(again) == bits(model)
    assert (again.uid, values(again), again.history) == (model.uid, values(model), model.history)
    assert (again.numFeatures, again.numClasses, again.hasSummary) == (4, 3, False)
    assert again.transform(rows).collect() == model.transform(rows).collect()
    content = (tmp_path / "model/model.safetensors").read_bytes()
    assert Model.from_bytes(content).to_bytes() == model.model.to_bytes()
    with pytest.raises(RuntimeError, match="No training summary"):
        again.summary  # noqa: B018
    with pytest.raises(Exception, match=r"already exists|PATH_ALREADY_EXISTS"):
        model.save(path)
    model.write().overwrite().save(path)


@pytest.mark.parametrize("kind", [MultilayerPerceptronClassifier, MultilayerPerceptronRegressor])
def test_an_estimator_is_read_as_it_was_written(spark, tmp_path, kind):
    """Initial weights, dicts, and what was only a default."""
    estimator = kind(
        layers=[2, 1, 1],
        initialWeights=Vectors.dense(0.1, 1e-300, 3, 4, 5),
        optimizer="adam",
        optimizerOptions={"beta1": 0.3},
        seed=-5,
    )
    estimator.save(str(tmp_path / "estimator"))
    again = kind.load(str(tmp_path / "estimator"))
    assert (values(again), again.uid) == (values(estimator), estimator.uid)
    assert not again.isSet("maxIter")


def test_pipelines_hold_both(rows, tmp_path):
    """A pipeline and the model it gives, with a stage of Spark's; a regressor too."""
    regressor = MultilayerPerceptronRegressor(layers=[4, 3, 1], featuresCol="scaled", maxIter=1)
    stages = [StandardScaler(inputCol="features", outputCol="scaled"), regressor]
    pipeline = Pipeline(stages=stages)
    pipeline.save(str(tmp_path / "pipeline"))
    fitted = Pipeline.load(str(tmp_path / "pipeline")).fit(rows)
    fitted.save(str(tmp_path / "fitted"))
    again = PipelineModel.load(str(tmp_path / "fitted"))
    assert isinstance(again.stages[1], MultilayerPerceptronRegressionModel)
    assert again.transform(rows).collect() == fitted.transform(rows).collect()
    assert bits(pipeline.fit(rows).stages[1]) == bits(again.stages[1])


def change(folder, edit):
    """Edit the metadata of a saved folder."""
    (part,) = (folder / "metadata").glob("part-*")
    metadata = json.loads(part.read_text())
    edit(metadata)
    for file in (folder / "metadata").glob(".*.crc"):
        file.unlink()
    part.write_text(json.dumps(metadata))


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda m: m["nnspark"].update(format=99, version="7.0"), ["nnspark 7.0", "format 99"]),
        (lambda m: m["paramMap"].update(dropout=0.5), ["'dropout'", "does not have"]),
        (lambda m: m.pop("nnspark"), ["nnspark did not write"]),
        (lambda m: m.update({"class": "nnspark.ml.MultilayerPerceptronRegressionModel"}), ["Regression"]),
    ],
    ids=["later format", "later Param", "foreign", "another class"],
)
def test_what_this_version_cannot_read_is_said(model, tmp_path, edit, said):
    """Which version wrote it, or what it is."""
    model.save(str(tmp_path / "model"))
    change(tmp_path / "model", edit)
    with one_line_error(*said, kind=ModelError):
        MultilayerPerceptronClassificationModel.load(str(tmp_path / "model"))


def test_an_older_version_lacks_params_that_have_defaults_now(model, tmp_path):
    """What it did not write is as it is by default."""
    model.save(str(tmp_path / "model"))
    change(tmp_path / "model", lambda m: m["defaultParamMap"].pop("replicas"))
    assert MultilayerPerceptronClassificationModel.load(str(tmp_path / "model")).getOrDefault("replicas") == 1


def test_a_missing_or_damaged_folder_is_one_line(model, tmp_path):
    """Nothing there; weights that are no model."""
    with one_line_error("nothing", "cannot be read", kind=ModelError):
        MultilayerPerceptronClassificationModel.load(str(tmp_path / "nothing"))
    model.save(str(tmp_path / "model"))
    (tmp_path / "model/model.safetensors").write_bytes(b"no")
    (tmp_path / "model/.model.safetensors.crc").unlink(missing_ok=True)
    with one_line_error("model.safetensors", kind=ModelError):
        MultilayerPerceptronClassificationModel.load(str(tmp_path / "model"))


def test_a_folder_without_a_name_is_refused(model):
    """Its model file would be written at the top of the file system."""
    for written in (model, MultilayerPerceptronClassifier(layers=[2, 2])):
        with pytest.raises(ModelError, match="expected the path of a folder to write to, got ''"):
            written.write().overwrite().save("")


def test_the_names_in_folders_are_the_public_ones():
    """So that modules may move."""
    for name in nnspark.ml.__all__:
        cls = getattr(nnspark.ml, name)
        assert cls.__module__ == "nnspark.ml" or name.endswith("Summary")
