"""Models to other programs and from them: ONNX, scikit-learn, Spark MLlib, PyTorch, MLflow.

    from nnspark import interop

    interop.to_onnx(model, "model.onnx")  model = interop.from_onnx("model.onnx")
    interop.to_sklearn(model)             interop.from_sklearn(fitted)
    interop.to_mllib(model)               interop.from_mllib(fitted)
    interop.to_state_dict(model)          interop.from_state_dict(state, activation="relu", output="softmax")

``nnspark.interop.mlflow`` has save_model, log_model and load_model. What the other side does not have is
refused in one line; what is converted answers alike. ONNX needs the extra ``onnx``, MLflow the extra
``mlflow``; the rest is NumPy, and scikit-learn where it is named.

What comes in is an ``nnspark.Model`` like any other: it predicts, transforms DataFrames, is saved. Arguments
that say what the other program did not:

task : classification, regression or multilabel; None is regression for the output identity, multilabel for
    several sigmoids without ``classes``, else classification.
classes : the labels in the order of the outputs; None is 0, 1, ...
feature_names : in the order of the first layer's inputs; None is "0", "1", ...
"""

from collections.abc import Mapping, Sequence
from typing import Any

from nnspark.interop.mllib import read_mllib, to_mllib
from nnspark.interop.onnx_export import to_onnx
from nnspark.interop.onnx_import import read_onnx
from nnspark.interop.scikit_learn import read_sklearn, to_sklearn
from nnspark.interop.state_dict import read_state_dict, to_state_dict
from nnspark.runs.trained import Model

__all__ = [
    "from_mllib",
    "from_onnx",
    "from_sklearn",
    "from_state_dict",
    "to_mllib",
    "to_onnx",
    "to_sklearn",
    "to_state_dict",
]


def from_onnx(
    source: Any,
    *,
    task: str | None = None,
    classes: Sequence[Any] | None = None,
    feature_names: Sequence[str] | None = None,
) -> Model:
    """The model of an ONNX file: a path, its bytes or a ``ModelProto``. Needs the extra ``onnx``.

    One that ``to_onnx`` wrote comes back whole, weights to the bit, with labels, names, scaling and recipe.
    Of another program's it takes Gemm, or MatMul and Add, with one activation; before them scaling by Sub,
    Div, Add, Mul or a Scaler; after them nothing, or labels as skl2onnx has them, which are the classes then.

    Raises
    ------
    ModelError : no ONNX file, or an operator that is no part of this, by its name.
    """
    return _held(read_onnx(source, task=task, classes=classes, feature_names=feature_names))


def from_sklearn(fitted: Any) -> Model:
    """The model of a fitted MLPClassifier or MLPRegressor, scikit-learn's or ``nnspark.sklearn``'s.

    Also of a ``Pipeline`` of a StandardScaler or MinMaxScaler and one of them.

    Raises
    ------
    ModelError : anything else, or an output that nnspark does not have.
    """
    return _held(read_sklearn(fitted))


def from_mllib(
    fitted: Any,
    layers: Sequence[int] | None = None,
    *,
    classes: Sequence[Any] | None = None,
    feature_names: Sequence[str] | None = None,
) -> Model:
    """The model of a fitted ``pyspark.ml.classification.MultilayerPerceptronClassificationModel``.

    Or of a vector of weights in its order, with its ``layers``, for which no Spark is needed. ``classes`` are
    what its labels 0, 1, ... stand for, as a StringIndexer's ``labels``.

    Raises
    ------
    ShapeError : weights that do not fit the layers; ModelError : thresholds are set, which ours have not.
    """
    return _held(read_mllib(fitted, layers, classes=classes, feature_names=feature_names))


def from_state_dict(
    state: Mapping[str, Any],
    *,
    activation: str,
    output: str,
    task: str | None = None,
    classes: Sequence[Any] | None = None,
    feature_names: Sequence[str] | None = None,
) -> Model:
    """The model of a PyTorch state dict of linear layers, tensors or arrays.

    In the order of their numbers, as ``torch.nn.Sequential`` has them ("0.weight", "2.weight"), or, under
    other names, in the order of the dict. ``activation`` and ``output`` are nnspark's names.
    (PyTorch's defaults of LeakyReLU, GELU, SiLU and Softplus are nnspark's.)

    Raises
    ------
    ModelError : entries that are no linear layer's; ShapeError : layers that do not follow on each other;
    RecipeError : an activation or output that nnspark lacks.
    """
    return _held(
        read_state_dict(
            state,
            activation=activation,
            output=output,
            task=task,
            classes=classes,
            feature_names=feature_names,
        )
    )


def _held(model: Any) -> Model:
    return Model.with_run(model, {})
