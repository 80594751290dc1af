"""nnspark.interop: PyTorch's state dict, computed with by hand, for there is no PyTorch here."""

from dataclasses import replace

import numpy as np
import pytest
from helpers import one_line_error
from interop.nets import CENTER, DIVIDE, ENDS, net, rows

from nnspark import interop
from nnspark.data.plan import Scaling
from nnspark.errors import ModelError, RecipeError, ShapeError


def sequential(state, X):
    """What torch.nn.Sequential(Linear, Tanh, Linear, Tanh, Linear) gives for rows: X weight.T + bias."""
    a = np.tanh(X @ state["0.weight"].T + state["0.bias"])
    a = np.tanh(a @ state["2.weight"].T + state["2.bias"])
    return a @ state["4.weight"].T + state["4.bias"]


@pytest.mark.parametrize("end", ENDS)
def test_linear_layers_have_even_numbers_and_take_raw_rows(end):
    """With the scaling folded in, before the output function."""
    model, X = net("tanh", end), rows(100)
    state = interop.to_state_dict(model)
    units = ENDS[end][3]
    assert {name: array.shape for name, array in state.items()} == {
        "0.weight": (9, 6), "0.bias": (9,),
        "2.weight": (7, 9), "2.bias": (7,),
        "4.weight": (units, 7), "4.bias": (units,),
    }  # fmt: skip
    np.testing.assert_allclose(sequential(state, X), model.raw_outputs(X), rtol=1e-9, atol=1e-9)


def test_the_scaling_can_be_left_out():
    """Then the weights are as they are, for rows that are scaled already."""
    model, X = net("tanh", "softmax", dtype="float32"), rows(100)
    state = interop.to_state_dict(model, scaling="leave")
    assert state["0.weight"].dtype == "float32"
    assert state["0.weight"].tolist() == model.weights[0][:, 1:].tolist()
    np.testing.assert_allclose(
        sequential(state, model.scaling.apply(X)), model.raw_outputs(X), rtol=1e-12, atol=1e-12
    )
    with one_line_error("cannot be folded into float32", "3e+05 deviations", kind=ModelError):
        interop.to_state_dict(model)
    with one_line_error("'fold' or 'leave'", kind=ModelError):
        interop.to_state_dict(model, scaling="none")


def test_float32_weights_take_a_scaling_of_moderate_size():
    """And stay float32."""
    model, X = net("tanh", "softmax", dtype="float32"), rows(100) - CENTER
    model = replace(model, scaling=Scaling(np.full(6, 0.5), DIVIDE))
    state = interop.to_state_dict(model)
    assert {array.dtype.name for array in state.values()} == {"float32"}
    np.testing.assert_allclose(sequential(state, X), model.raw_outputs(X), rtol=1e-4, atol=1e-4)


class Tensor:
    """What a tensor that needs its gradient, on another device, lets be done with it."""

    def __init__(self, array, steps=("detach", "cpu", "numpy")):
        self.array, self.steps = array, steps

    def __getattr__(self, name):
        if name not in ("detach", "cpu", "numpy"):
            raise AttributeError(name)
        assert name == self.steps[0]
        rest = self.steps[1:]
        return lambda: Tensor(self.array, rest) if rest else self.array


@pytest.mark.parametrize("wrap", [np.asarray, Tensor, np.ndarray.tolist], ids=["arrays", "tensors", "lists"])
def test_a_state_dict_comes_back(wrap):
    """Arrays, tensors or lists, in whatever order; the same weights to the bit."""
    model = net("gelu", "softmax", scaled=False)
    state = interop.to_state_dict(model)
    turned = {name: wrap(state[name]) for name in reversed(state)}
    labels = {"classes": ["café", "no", "so-so", "yes"], "feature_names": model.feature_names}
    back = interop.from_state_dict(turned, activation="gelu", output="softmax", **labels)
    assert [W.tobytes() for W in back.weights] == [W.tobytes() for W in model.weights]
    assert back.predict(rows(20)).tolist() == model.predict(rows(20)).tolist()
    assert (back.task, back.feature_names) == ("classification", model.feature_names)


def test_ten_layers_are_in_the_order_of_their_numbers():
    """10 comes after 8, not after 1; other names in the dict's order; a layer may have no biases."""
    weights = {f"{2 * at}.weight": np.eye(2) * (at + 1) for at in range(7)}
    model = interop.from_state_dict(dict(sorted(weights.items())), activation="relu", output="identity")
    assert [W[0, 1] for W in model.weights] == [1, 2, 3, 4, 5, 6, 7]
    assert not model.weights[0][:, 0].any()
    named = {
        "fc.weight": np.ones((3, 2)),
        "fc.bias": np.ones(3),
        "a.out.weight": np.ones((1, 3)),
        "a.out.bias": [5.0],
    }
    assert interop.from_state_dict(named, activation="relu", output="identity").network.layers == (2, 3, 1)


def test_what_is_no_network_of_linear_layers_is_refused():
    """One line each."""
    good = {"0.weight": np.ones((3, 2)), "0.bias": np.ones(3)}

    def read(state, activation="relu", output="softmax"):
        return interop.from_state_dict(state, activation=activation, output=output)

    with one_line_error("'1.running_mean'", kind=ModelError):
        read({**good, "1.running_mean": np.ones(3)})
    with one_line_error("linear layers", "none", kind=ModelError):
        read({})
    with one_line_error("0.weight", "(3, 2, 5, 5)", kind=ShapeError):
        read({"0.weight": np.ones((3, 2, 5, 5)), "0.bias": np.ones(3)})
    with one_line_error("0.weight", "int64", kind=ShapeError):
        read({"0.weight": np.ones((3, 2), int)})
    with one_line_error("0.bias", "(1,)", kind=ShapeError):
        read({**good, "0.bias": np.ones(1)})
    with one_line_error("layer 2 takes 4 values but the one before it gives 3", kind=ShapeError):
        read({**good, "2.weight": np.ones((2, 4))})
    with one_line_error("NaN", kind=ModelError):
        read({**good, "0.bias": np.full(3, np.nan)})
    with one_line_error("'elu'", kind=RecipeError):
        read(good, activation="elu")
    with one_line_error("'logits'", kind=RecipeError):
        read(good, output="logits")
    with one_line_error("3 classes", "1 were given", kind=ShapeError):
        interop.from_state_dict(good, activation="relu", output="softmax", classes=["a"])
    with one_line_error("classes", "'a' more than once", kind=ModelError):
        interop.from_state_dict(good, activation="relu", output="softmax", classes=["b", "a", "a"])
    with one_line_error("feature_names", "'x' more than once", kind=ModelError):
        interop.from_state_dict(good, activation="relu", output="identity", feature_names=["x", "x"])
    with one_line_error("2 features", "1 feature names", kind=ShapeError):
        interop.from_state_dict(good, activation="relu", output="softmax", feature_names=["a"])
    with one_line_error("task", "'ranking'", kind=ModelError):
        interop.from_state_dict(good, activation="relu", output="softmax", task="ranking")
    with one_line_error("expected None for a regression", kind=ModelError):
        interop.from_state_dict(good, activation="relu", output="identity", classes=[1, 2, 3])
