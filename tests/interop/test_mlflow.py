"""nnspark.interop.mlflow: log, save, load and pyfunc against a store of files, without a network."""

import os
import socket
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import one_line_error
from interop.nets import ENDS, NAMES, net, rows, same_model

import nnspark
from nnspark.errors import DataError, ModelError, NNSparkError
from nnspark.interop import mlflow as flavour

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of MLflow about its own type hints
    try:
        import mlflow
        import mlflow.pyfunc
    except ModuleNotFoundError:
        mlflow = None
needs_mlflow = pytest.mark.skipif(
    mlflow is None, reason="mlflow's 50 packages are not in the extra test: pip install 'nnspark[mlflow]'"
)


@pytest.fixture
def store(tmp_path, monkeypatch):
    """A store of files in a folder of its own; whoever opens a connection fails."""

    def refuse(self, address):
        raise AssertionError(f"a connection to {address}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.chdir(tmp_path)
    mlflow.set_tracking_uri((tmp_path / "mlruns").as_uri())
    mlflow.set_registry_uri((tmp_path / "mlruns").as_uri())
    yield tmp_path
    mlflow.set_tracking_uri(None)
    mlflow.set_registry_uri(None)


@needs_mlflow
def test_a_model_is_logged_in_a_run_registered_and_loaded(store, capfd):
    """By each of its URIs; nothing is said of git, telemetry or anything else that is wrong."""
    model = net("gelu", "softmax")
    with mlflow.start_run() as run:
        info = flavour.log_model(model, "net", registered_model_name="ours", metadata={"why": "test"})
    assert info.run_id == run.info.run_id
    assert info.metadata["why"] == "test"
    for uri in (info.model_uri, "models:/ours/1"):
        back = flavour.load_model(uri)
        assert isinstance(back, nnspark.Model)
        assert same_model(back, model)
    assert set(info.flavors) == {"nnspark", "python_function"}
    said = capfd.readouterr().err.lower()
    assert not any(word in said for word in ("git", "telemetry", "warning", "error"))


@needs_mlflow
@pytest.mark.parametrize("end", ENDS)
def test_pyfunc_answers_a_frame_by_its_names(store, end):
    """Columns in another order, an extra one, an index: the answers of the model, named as transform does."""
    model, X = net("tanh", end), rows(20)
    flavour.save_model(model, "saved")
    loaded = mlflow.pyfunc.load_model("saved")
    frame = pd.DataFrame(X, columns=NAMES, index=range(100, 120))[list(reversed(NAMES))].assign(more="x")
    found = loaded.predict(frame)
    assert found.columns.tolist() == model.answer_names
    assert found.index.tolist() == frame.index.tolist()
    for name, values in zip(model.answer_names, model.answers(X), strict=True):
        assert found[name].tolist() == values.tolist()
    assert loaded.predict(X).to_numpy().tolist() == found.to_numpy().tolist()
    whole = pd.DataFrame(np.arange(60).reshape(10, 6), columns=NAMES)
    assert len(loaded.predict(whole)) == 10
    with pytest.raises(DataError, match="lack"):
        loaded.predict(frame.drop(columns="c"))


@needs_mlflow
def test_a_signature_and_metadata_are_kept(store):
    """MLflow then sees to the signature."""
    model = net("tanh", "one sigmoid")
    frame = pd.DataFrame(rows(5), columns=NAMES)
    signature = mlflow.models.infer_signature(frame, pd.DataFrame({"prediction": model.predict(rows(5))}))
    flavour.save_model(model, "saved", signature=signature, metadata={"why": "test"})
    loaded = mlflow.pyfunc.load_model("saved")
    assert loaded.metadata.metadata == {"why": "test"}
    assert loaded.metadata.get_input_schema().input_names() == list(NAMES)
    assert loaded.predict(frame)["prediction"].tolist() == model.predict(rows(5)).tolist()


@needs_mlflow
def test_a_trained_model_keeps_its_run(store):
    """History, metrics and report; the folder is one that nnspark.load reads."""
    X = np.random.default_rng(0).normal(size=(60, 2))
    recipe = {"network": {"hidden": [3]}, "training": {"engine": "local", "epochs": 3}}
    model = nnspark.train(recipe, (X, (X[:, 0] > 0).astype(int)))
    flavour.save_model(model, "saved")
    for back in (flavour.load_model("saved"), nnspark.load("saved/nnspark")):
        assert back.weights_sha256 == model.weights_sha256
        assert [dict(row) for row in back.history] == [dict(row) for row in model.history]
        assert dict(back.metrics) == dict(model.metrics)
        assert back.report().page == model.report().page


@needs_mlflow
def test_the_declared_environment_is_small(store):
    """MLflow itself, nnspark and NumPy, or what the caller says; in all three files."""
    flavour.save_model(net("tanh", "softmax"), "saved")
    declared = Path("saved/requirements.txt").read_text().splitlines()
    assert [line.split("==")[0] for line in declared] == ["mlflow-skinny", "nnspark", "numpy"]
    files = mlflow.pyfunc.get_model_dependencies("saved", format="pip")
    assert Path(files).read_text().splitlines() == declared
    flavour.save_model(net("tanh", "softmax"), "other", pip_requirements=["nnspark"])
    assert Path("other/requirements.txt").read_text() == "nnspark\n"
    assert '"nnspark"' in Path("other/conda.yaml").read_text()


@needs_mlflow
def test_what_is_no_model_of_ours_is_refused(store):
    """Another flavour, a folder in use, a folder that cannot be, a model that is gone."""
    model = net("tanh", "softmax")
    flavour.save_model(model, "saved")
    with one_line_error("saved has files in it", kind=ModelError):
        flavour.save_model(model, "saved")
    Path("file").write_text("")
    with one_line_error("cannot write", kind=ModelError):
        flavour.save_model(model, "file/saved")
    other = mlflow.models.Model()
    mlflow.pyfunc.add_to_model(other, loader_module="elsewhere")
    Path("other").mkdir()
    other.save("other/MLmodel")
    with one_line_error("no flavour 'nnspark'", "python_function", kind=ModelError):
        flavour.load_model("other")
    Path("saved/nnspark/model.safetensors").unlink()
    with one_line_error("does not exist", kind=ModelError):
        flavour.load_model("saved")


def test_without_mlflow_one_line_names_the_extra(monkeypatch, tmp_path):
    """Whatever is called."""
    for name in [name for name in sys.modules if name.split(".")[0] == "mlflow"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "mlflow", None)
    model = net("tanh", "softmax")
    for call in (
        lambda: flavour.save_model(model, tmp_path / "saved"),
        lambda: flavour.log_model(model, "net"),
        lambda: flavour.load_model("saved"),
    ):
        with one_line_error("mlflow is not installed", "pip install 'nnspark[mlflow]'", kind=NNSparkError):
            call()
    assert not list(tmp_path.iterdir())
