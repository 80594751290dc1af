"""nnspark.interop: ONNX files, checked by ONNX Runtime."""

import json

import numpy as np
import pytest
from helpers import one_line_error
from interop.nets import CENTER, COLUMNS, DIVIDE, ENDS, NAMES, net, rows, same_model

from nnspark import interop
from nnspark.errors import ModelError, NNSparkError, ShapeError
from nnspark.model.answers import shares_of
from nnspark.net.activations import ACTIVATIONS, OUTPUTS
from nnspark.net.losses import HEADS
from nnspark.objective.problems import PROBLEMS

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

RNG = np.random.default_rng(8)


def run(proto, X):
    """All outputs by name, as ONNX Runtime computes them from the file's bytes."""
    onnx.checker.check_model(proto, full_check=True)
    session = runtime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_outputs()]
    (value,) = session.get_inputs()
    kind = {"tensor(float)": "float32", "tensor(double)": "float64"}[value.type]
    return dict(zip(names, session.run(None, {value.name: X.astype(kind)}), strict=True))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_onnx_runtime_answers_as_the_model(activation, end, dtype):
    """1,000 raw rows within 1e-5, in float64 within 1e-12; the labels are ours where ours is not in doubt."""
    model, X = net(activation, end, dtype=dtype), rows(dtype=dtype)
    found = run(interop.to_onnx(model), X)
    tolerance = {"float32": 1e-5, "float64": 1e-12}[dtype]
    prediction = model.predict(X)
    if model.task == "regression":
        np.testing.assert_allclose(found["prediction"], prediction, rtol=tolerance, atol=tolerance)
        assert found["prediction"].dtype == dtype
        return
    expected, outputs = model.predict_proba(X), model.outputs(X)
    total = np.abs(outputs.sum(axis=1))
    fair = total > 0.2 * np.abs(outputs).sum(axis=1)  # shares of what nearly cancels have no digits
    assert fair.mean() > 0.5
    np.testing.assert_allclose(found["probabilities"][fair], expected[fair], rtol=tolerance, atol=tolerance)
    if model.task == "multilabel":
        sure = np.abs(outputs - 0.5) > tolerance
    else:
        several = np.sort(outputs if outputs.shape[1] > 1 else shares_of(outputs), axis=1)
        sure = several[:, -1] - several[:, -2] > 20 * tolerance
    assert sure.mean() > 0.9
    assert found["prediction"][sure].tolist() == prediction[sure].tolist()
    assert found["prediction"].shape == prediction.shape


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_shares_of_sigmoids_far_below_zero_are_the_models(dtype):
    """z from -5 to -840: ONNX Runtime's own Sigmoid is 0 below -37; at -710 the model's are 0 too."""
    state = {"0.weight": np.array([[-1.0], [-1.05], [-1.1]], dtype), "0.bias": np.zeros(3, dtype)}
    ends = {"output": "sigmoid", "task": "classification", "classes": ["a", "b", "c"]}
    model = interop.from_state_dict(state, activation="relu", **ends)
    X = np.append(np.linspace(5, 765, 2000), 36.0)[:, None].astype(dtype)
    proto = interop.to_onnx(model)
    found, expected = run(proto, X), model.predict_proba(X)
    np.testing.assert_allclose(found["probabilities"], expected, rtol=0, atol=1e-5)
    np.testing.assert_allclose(found["probabilities"][-1], [0.8385, 0.1386, 0.0229], atol=1e-4)
    assert found["prediction"].tolist() == model.predict(X).tolist()
    assert (expected == 1 / 3).all(axis=1).any()
    assert same_model(interop.from_onnx(proto.SerializeToString()), model)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_an_exported_model_comes_back_to_the_bit(activation, end, dtype):
    """Weights, scaling, labels, names, loss and recipe: the model file is the same."""
    model = net(activation, end, dtype=dtype)
    assert same_model(interop.from_onnx(interop.to_onnx(model).SerializeToString()), model)


def test_every_end_that_can_be_trained_is_among_them():
    """A new output, loss or problem has to be added to the table."""
    assert {(output, loss) for _, output, loss, _, _ in ENDS.values()} == set(HEADS)
    assert {output for _, output, _, _, _ in ENDS.values()} == set(OUTPUTS)
    assert {task for task, *_ in ENDS.values()} == set(PROBLEMS)


def test_an_activation_without_a_form_is_refused(monkeypatch):
    """By name, rather than written as something else."""
    monkeypatch.setitem(ACTIVATIONS, "mish", ACTIVATIONS["tanh"])
    with one_line_error("'mish'", "no form in ONNX", kind=ModelError):
        interop.to_onnx(net("mish", "softmax"))


def test_a_file_has_names_and_labels_and_is_read_from_a_path(tmp_path):
    """Without scaling and hidden layers too."""
    model = net("tanh", "softmax", hidden=(), scaled=False)
    interop.to_onnx(model, tmp_path / "m.onnx")
    proto = onnx.load(tmp_path / "m.onnx")
    about = {one.key: one.value for one in proto.metadata_props}
    assert json.loads(about["classes"]) == ["café", "no", "so-so", "yes"]
    assert json.loads(about["feature_names"]) == list(NAMES)
    assert [node.op_type for node in proto.graph.node] == ["Gemm", "Softmax", "ArgMax", "Identity", "Gather"]
    back = interop.from_onnx(tmp_path / "m.onnx")
    assert same_model(back, model)
    X = rows(20, scaled=False)
    assert back.predict(X).tolist() == run(proto, X)["prediction"].tolist()
    labels = interop.to_onnx(net("tanh", "labels")).metadata_props
    assert {one.key: one.value for one in labels}["target_names"] == '["t0", "t1", "t2"]'
    with one_line_error("cannot write", "nowhere"):
        interop.to_onnx(model, tmp_path / "nowhere" / "m.onnx")


LABELS = {
    "bool": [False, True],
    "float": [1.5, 2.5],
    "strings as objects": np.array(["a", "b"], dtype=object),
}


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
def test_labels_of_every_type(labels):
    """Truth values, numbers, strings."""
    from dataclasses import replace

    model = replace(net("tanh", "one sigmoid"), classes=np.asarray(labels))
    X = rows(50)
    assert run(interop.to_onnx(model), X)["prediction"].tolist() == model.predict(X).tolist()


def test_weights_that_no_file_holds_are_refused(monkeypatch):
    """Before anything is built."""
    monkeypatch.setattr("nnspark.interop.onnx_export.MOST_BYTES", 1000)
    with one_line_error("2 GiB", kind=ModelError):
        interop.to_onnx(net("tanh", "softmax"))
    assert len(interop.to_onnx(net("tanh", "softmax", hidden=())).graph.node) > 1


@pytest.mark.parametrize("count", [0, 1])
def test_any_number_of_rows(count):
    """None and one too."""
    for end in ENDS:
        found = run(interop.to_onnx(net("relu", end)), rows(2)[:count])
        assert all(len(array) == count for array in found.values())


def test_labels_that_onnx_has_no_type_for_are_refused():
    """Whatever else an array of objects may hold."""
    from dataclasses import replace

    model = replace(net("tanh", "one sigmoid"), classes=np.array([None, "a"], dtype=object))
    with one_line_error("numbers or strings", "None", kind=ModelError):
        interop.to_onnx(model)


def graph_of(nodes, constants, *, output="y", kind=TensorProto.FLOAT, opset=20, inputs=("x",)):
    """A ModelProto of nodes (operator, inputs, output, attributes) and arrays by name."""
    made = [helper.make_node(op, names, [out], **more) for op, names, out, more in nodes]
    graph = helper.make_graph(
        made,
        "test",
        [helper.make_tensor_value_info(name, kind, ["n", COLUMNS]) for name in inputs],
        [helper.make_tensor_value_info(output, kind, ["n", "k"])],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in constants.items()],
    )
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9)


W1, B1 = RNG.normal(size=(5, COLUMNS)).astype("float32"), RNG.normal(size=5).astype("float32")
W2, B2 = RNG.normal(size=(3, 5)).astype("float32"), RNG.normal(size=3).astype("float32")
CONSTANTS = {"W1": W1, "b1": B1, "W2": W2, "b2": B2, "V1": W1.T.copy(), "V2": W2.T.copy(),
             "root": np.float32(2**0.5), "one": np.float32(1), "half": np.float32(0.5),
             "c6": np.arange(6, dtype="float32"), "same": np.array([-1, 5]),
             "c": CENTER.astype("float32")[None], "d": DIVIDE.astype("float32")}  # fmt: skip
FIRST = ("Gemm", ["x", "W1", "b1"], "z", {"transB": 1})
LAST = ("Gemm", ["a", "W2", "b2"], "y", {"transB": 1})
SCALER = {"domain": "ai.onnx.ml", "offset": CENTER.tolist(), "scale": (1 / DIVIDE).tolist()}
FOREIGN = {
    "relu": [FIRST, ("Relu", ["z"], "a", {}), LAST],
    "matmul": [
        ("MatMul", ["x", "V1"], "m", {}),
        ("Add", ["m", "b1"], "z", {}),
        ("Tanh", ["z"], "a", {}),
        ("MatMul", ["a", "V2"], "n", {}),
        ("Add", ["b2", "n"], "s", {}),
        ("Softmax", ["s"], "y", {"axis": -1}),
    ],
    "without biases": [
        ("MatMul", ["x", "V1"], "z", {}),
        ("Softplus", ["z"], "a", {}),
        ("Gemm", ["a", "V2"], "s", {}),
        ("Sigmoid", ["s"], "y", {}),
    ],
    "default leak": [FIRST, ("LeakyRelu", ["z"], "a", {}), LAST],
    "gelu": [FIRST, ("Gelu", ["z"], "a", {}), LAST],
    "torch's gelu": [
        FIRST,
        ("Div", ["z", "root"], "q", {}),
        ("Erf", ["q"], "e", {}),
        ("Add", ["e", "one"], "f", {}),
        ("Mul", ["z", "f"], "g", {}),
        ("Mul", ["g", "half"], "a", {}),
        LAST,
    ],
    "silu": [FIRST, ("Sigmoid", ["z"], "s", {}), ("Mul", ["z", "s"], "a", {}), LAST],
    "linear": [FIRST, ("Gemm", ["z", "W2", "b2"], "y", {"transB": 1})],
    "standardized": [
        ("Sub", ["x", "c"], "p", {}),
        ("Div", ["p", "d"], "q", {}),
        ("Gemm", ["q", "W1", "b1"], "z", {"transB": 1}),
        ("Sigmoid", ["z"], "r", {}),
        ("Identity", ["r"], "y", {}),
    ],
    "to 0..1": [
        ("Mul", ["d", "x"], "p", {}),
        ("Add", ["p", "c6"], "q", {}),
        ("Gemm", ["q", "W1", "b1"], "w", {"transB": 1}),
        ("Reshape", ["w", "same"], "y", {}),
    ],
    "a Scaler": [
        ("Scaler", ["x"], "q", SCALER),
        ("Gemm", ["q", "W1", "b1"], "y", {"transB": 1}),
    ],
}  # fmt: skip


@pytest.mark.parametrize("nodes", FOREIGN.values(), ids=FOREIGN)
def test_another_programs_perceptron_answers_as_onnx_runtime(nodes):
    """The graph's output is our outputs, within float32."""
    proto = graph_of(nodes, CONSTANTS)
    scaled = nodes[0][0] in ("Sub", "Scaler")
    X = rows(200, scaled=scaled, dtype="float32")
    np.testing.assert_allclose(interop.from_onnx(proto).outputs(X), run(proto, X)["y"], rtol=2e-5, atol=2e-4)


def test_what_the_graph_does_not_say_is_given():
    """Labels and names; without them numbers."""
    proto = graph_of(FOREIGN["matmul"], CONSTANTS)
    given = interop.from_onnx(proto, classes=["x", "y", "z"], feature_names=NAMES)
    plain = interop.from_onnx(proto)
    X = rows(30, scaled=False)
    assert given.predict(X).tolist() == np.array(["x", "y", "z"])[plain.predict(X)].tolist()
    assert (given.feature_names, plain.task) == (NAMES, "classification")
    assert interop.from_onnx(graph_of(FOREIGN["without biases"], CONSTANTS)).task == "multilabel"
    assert interop.from_onnx(graph_of(FOREIGN["relu"], CONSTANTS)).task == "regression"
    with one_line_error("3 classes", "2 were given", kind=ShapeError):
        interop.from_onnx(proto, classes=["x", "y"])


TAILS = {
    "as skl2onnx": [
        ("Identity", ["y"], "p", {}),
        ("ArgMax", ["p"], "i", {"axis": 1}),
        ("ArrayFeatureExtractor", ["classes", "i"], "e", {"domain": "ai.onnx.ml"}),
        ("Reshape", ["e", "row"], "r", {}),
        ("Cast", ["r"], "label", {"to": TensorProto.INT64}),
    ],
    "two classes": [
        ("Sub", ["one", "y"], "q", {}),
        ("Concat", ["q", "y"], "p", {"axis": 1}),
        ("ArgMax", ["p"], "i", {"axis": 1}),
        ("ArrayFeatureExtractor", ["words", "i"], "e", {"domain": "ai.onnx.ml"}),
        ("Reshape", ["e", "row"], "label", {}),
    ],
}
TABLES = {
    "classes": np.array([3, 5, 9], "int32"),
    "words": np.array(["high", "low"], dtype=object),
    "row": np.array([-1]),
}


def with_tail(name, tail=None):
    """A perceptron of three or two classes, its labels and probabilities."""
    columns = {"as skl2onnx": 3, "two classes": 1}[name]
    head = [FIRST, ("Tanh", ["z"], "a", {}), ("Gemm", ["a", "W3", "b3"], "s", {"transB": 1})]
    head.append(("Softmax", ["s"], "y", {}) if columns > 1 else ("Sigmoid", ["s"], "y", {}))
    constants = {**CONSTANTS, **TABLES, "W3": W2[:columns], "b3": B2[:columns]}
    proto = graph_of([*head, *(tail or TAILS[name])], constants, output="p")
    kind = TensorProto.INT64 if columns > 1 else TensorProto.STRING
    proto.graph.output.append(helper.make_tensor_value_info("label", kind, ["n"]))
    return proto


@pytest.mark.parametrize("name", TAILS)
def test_labels_in_a_graph_are_the_models(name):
    """As skl2onnx writes MLPClassifier: classes, argmax, one sigmoid for two."""
    proto, X = with_tail(name), rows(300, scaled=False)
    found, model = run(proto, X), interop.from_onnx(proto)
    np.testing.assert_allclose(model.predict_proba(X.astype("float32")), found["p"], atol=1e-5)
    assert model.predict(X.astype("float32")).tolist() == found["label"].tolist()
    assert len(set(found["label"])) > 1
    with one_line_error("says what the classes are", kind=ModelError):
        interop.from_onnx(proto, classes=[1, 2, 3])


CHANGES = {
    "another one than 1": ("two classes", 0, ("Sub", ["half", "y"], "q", {})),
    "p and 1 - p": ("two classes", 1, ("Concat", ["y", "q"], "p", {"axis": 1})),
    "p and p": ("two classes", 1, ("Concat", ["y", "y"], "p", {"axis": 1})),
    "over rows": ("as skl2onnx", 1, ("ArgMax", ["p"], "i", {"axis": 0})),
    "the last largest": ("as skl2onnx", 1, ("ArgMax", ["p"], "i", {"axis": 1, "select_last_index": 1})),
    "of z": ("as skl2onnx", 1, ("ArgMax", ["z"], "i", {"axis": 1})),
    "in columns": ("as skl2onnx", 3, ("Reshape", ["e", "one"], "r", {})),
    "as floats": ("as skl2onnx", 4, ("Cast", ["r"], "label", {"to": TensorProto.FLOAT})),
    "the smallest": ("as skl2onnx", 1, ("ArgMin", ["p"], "i", {"axis": 1})),
}


@pytest.mark.parametrize("case", CHANGES.values(), ids=CHANGES)
def test_other_labels_are_refused_by_their_operator(case):
    """Whatever is not the class of the largest probability."""
    name, at, node = case
    tail = [*TAILS[name][:at], node, *TAILS[name][at + 1 :]]
    with one_line_error(f"operator {node[0]}", kind=ModelError):
        interop.from_onnx(with_tail(name, tail))


REFUSED = {
    "Elu": [FIRST, ("Elu", ["z"], "a", {}), LAST],
    "another leak": [FIRST, ("LeakyRelu", ["z"], "a", {"alpha": 0.2}), LAST],
    "tanh's gelu": [FIRST, ("Gelu", ["z"], "a", {"approximate": "tanh"}), LAST],
    "a residual": [FIRST, ("Add", ["z", "z"], "y", {})],
    "half of it": [FIRST, ("Mul", ["z", "half"], "y", {})],
    "two activations": [
        FIRST,
        ("Relu", ["z"], "a", {}),
        ("Gemm", ["a", "W2", "b2"], "v", {"transB": 1}),
        ("Tanh", ["v"], "w", {}),
        ("Gemm", ["w", "Q"], "y", {}),
    ],
    "Gemm times two": [("Gemm", ["x", "W1", "b1"], "y", {"transB": 1, "alpha": 2.0})],
    "whole numbers": [
        ("Cast", ["x"], "i", {"to": TensorProto.INT32}),
        ("Cast", ["i"], "f", {"to": TensorProto.FLOAT}),
        ("Gemm", ["f", "W1"], "y", {"transB": 1}),
    ],
    "the same name elsewhere": [FIRST, ("Relu", ["z"], "a", {"domain": "com.example"}), LAST],
    "erf of another scale": [
        FIRST,
        ("Div", ["z", "half"], "q", {}),
        ("Erf", ["q"], "e", {}),
        ("Add", ["e", "one"], "f", {}),
        ("Mul", ["z", "f"], "g", {}),
        ("Mul", ["g", "half"], "a", {}),
        LAST,
    ],
    "a bias a row": [("MatMul", ["x", "V1"], "m", {}), ("Add", ["m", "tall"], "y", {})],
    "softmax over rows": [FIRST, ("Softmax", ["z"], "y", {"axis": 0})],
    "scaled by the row": [("Mul", ["x", "x"], "q", {}), ("Gemm", ["q", "W1"], "y", {"transB": 1})],
    "turned": [FIRST, ("Reshape", ["z", "turn"], "y", {})],
    "no layer": [("Relu", ["x"], "y", {})],
    "whole weights": [("MatMul", ["x", "ints"], "y", {})],
    "top two": [FIRST, ("TopK", ["z", "two"], "y", {})],
}
NAMED = {
    "Elu": "operator Elu",
    "another leak": "operator LeakyRelu",
    "tanh's gelu": "operator Gelu",
    "a residual": "operator Add",
    "half of it": "operator Mul",
    "two activations": "relu and tanh",
    "Gemm times two": "operator Gemm",
    "whole numbers": "operator Cast",
    "the same name elsewhere": "operator Relu",
    "erf of another scale": "operator Div",
    "a bias a row": "operator Add",
    "softmax over rows": "operator Softmax",
    "scaled by the row": "operator Mul",
    "turned": "operator Reshape",
    "no layer": "operator Relu",
    "whole weights": "operator MatMul",
    "top two": "operator TopK",
}


@pytest.mark.parametrize("name", REFUSED)
def test_anything_else_is_refused_by_its_operator(name):
    """In one line."""
    more = {
        "Q": np.eye(3, dtype="float32"),
        "tall": B1[:, None],
        "ints": np.ones((COLUMNS, 2), "int64"),
        "two": [2],
        "turn": [5, -1],
    }
    with one_line_error(NAMED[name], kind=ModelError):
        interop.from_onnx(graph_of(REFUSED[name], {**CONSTANTS, **more}))


def test_a_scaling_that_is_none_is_refused():
    """By 0, or of another width."""
    nodes = [("Mul", ["x", "k"], "q", {}), ("Gemm", ["q", "W1"], "y", {"transB": 1})]
    with one_line_error("by 0", kind=ModelError):
        interop.from_onnx(graph_of(nodes, {**CONSTANTS, "k": np.float32([1, 2, 3, 4, 5, 0])}))
    with one_line_error("3 values", "takes 6", kind=ModelError):
        interop.from_onnx(graph_of(nodes, {**CONSTANTS, "k": np.float32([1, 2, 3])}))


def test_labels_without_probabilities_are_refused():
    """The outputs themselves are no probabilities."""
    nodes = [("Gemm", ["x", "W2x"], "y", {"transB": 1}), *TAILS["as skl2onnx"]]
    proto = graph_of(nodes, {**TABLES, "W2x": W1[:3]}, output="p")
    with one_line_error("Softmax or Sigmoid", kind=ModelError):
        interop.from_onnx(proto)


def test_graphs_that_are_none_are_refused(tmp_path):
    """Two inputs, two outputs, weights elsewhere, no ONNX file, no file."""
    with one_line_error("one input", "x, u"):
        interop.from_onnx(graph_of(FOREIGN["relu"], CONSTANTS, inputs=("x", "u")))
    two = graph_of(FOREIGN["relu"], CONSTANTS)
    two.graph.output.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, None))
    with one_line_error("the network's", "z"):
        interop.from_onnx(two)
    apart = graph_of(FOREIGN["relu"], CONSTANTS)
    apart.graph.initializer[0].data_location = TensorProto.EXTERNAL
    with one_line_error("another file"):
        interop.from_onnx(apart)
    for content in (b"no such thing", b""):
        with one_line_error("not an ONNX file"):
            interop.from_onnx(content)
    with one_line_error("not a valid one"):
        interop.from_onnx(graph_of([("Gemm", ["x"], "y", {})], {}))
    with one_line_error("cannot be read", "none.onnx"):
        interop.from_onnx(tmp_path / "none.onnx")


def test_a_file_of_ours_that_was_changed_is_refused():
    """Labels, an operator of the tail, a constant of the tail, metadata: never silently another model."""
    original = interop.to_onnx(net("relu", "softmax"))

    def changed(change):
        proto = onnx.ModelProto()
        proto.CopyFrom(original)
        change(proto)
        return proto

    def other_labels(proto):
        (labels,) = (one for one in proto.graph.initializer if one.name == "classes")
        labels.string_data[0] = b"tea"

    def argmin(proto):
        (node,) = (one for one in proto.graph.node if one.op_type == "ArgMax")
        node.op_type = "ArgMin"

    def other_task(proto):
        (task,) = (one for one in proto.metadata_props if one.key == "task")
        task.value = "multilabel"

    for change, said in ((other_labels, "was changed"), (argmin, "operator ArgMin"), (other_task, "damaged")):
        with one_line_error(said, kind=ModelError):
            interop.from_onnx(changed(change))
    with one_line_error("says itself"):
        interop.from_onnx(original, classes=["a", "b", "c", "d"])


def test_without_onnx_one_line_names_the_extra(monkeypatch):
    """Both ways."""
    for name in [name for name in __import__("sys").modules if name.split(".")[0] == "onnx"]:
        monkeypatch.delitem(__import__("sys").modules, name)
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    for call in (lambda: interop.to_onnx(net("tanh", "softmax")), lambda: interop.from_onnx(b"")):
        with one_line_error("pip install 'nnspark[onnx]'", kind=NNSparkError):
            call()
