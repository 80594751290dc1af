"""Activations and outputs against SciPy, and where exp would overflow."""

import numpy as np
import pytest
from scipy import special

from nnspark.net.activations import ACTIVATIONS, OUTPUTS, Activation
from nnspark.net.network import Network, Workspace, backward, forward
from nnspark.net.weights import init_weights

DTYPES = ["float32", "float64"]
ORACLES = {
    "gelu": lambda z: z * special.ndtr(z),
    "identity": lambda z: z,
    "leaky_relu": lambda z: np.where(z > 0, z, 0.01 * z),
    "relu": lambda z: np.where(z > 0, z, 0.0),
    "sigmoid": special.expit,
    "silu": lambda z: z * special.expit(z),
    "softplus": lambda z: np.logaddexp(0.0, z),
    "tanh": np.tanh,
    "softmax": lambda z: special.softmax(z, axis=1),
}
DERIVATIVES = {
    "gelu": lambda z: special.ndtr(z) + z * np.exp(-z * z / 2) / np.sqrt(2 * np.pi),
    "identity": np.ones_like,
    "leaky_relu": lambda z: np.where(z > 0, 1.0, 0.01),
    "relu": lambda z: np.where(z > 0, 1.0, 0.0),
    "sigmoid": lambda z: special.expit(z) * special.expit(-z),
    "silu": lambda z: special.expit(z) * (1 + z * special.expit(-z)),
    "softplus": special.expit,
    "tanh": lambda z: 1.0 / np.cosh(z) ** 2,
}
FUNCTIONS = {**{name: pair.apply for name, pair in ACTIVATIONS.items()}, **OUTPUTS}


def some_z(dtype):
    """Rows of pre-activations from -8 to 8, none of them 0."""
    return np.linspace(-8.0, 8.1, 60).reshape(12, 5).astype(dtype)


def slope(name, z):
    """The derivative, from what the activation's entry asks for."""
    entry = ACTIVATIONS[name]
    return entry.grad(z.copy() if entry.needs_z else entry.apply(z.copy()))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_every_function_equals_scipys(name, dtype):
    """To a few units in the last place, in the dtype that came in."""
    z = some_z(dtype)
    expected = ORACLES[name](z.astype(np.float64))
    a = FUNCTIONS[name](z.copy())
    assert a.dtype == dtype
    np.testing.assert_allclose(a, expected, rtol=8 * np.finfo(dtype).eps, atol=np.finfo(dtype).eps / 64)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_every_derivative_comes_from_the_activation_alone_or_from_z_alone(name, dtype):
    """da/dz as a function of a; what is lost where a saturates is below the dtype's precision."""
    z = some_z(dtype)
    grad = slope(name, z)
    assert grad.dtype == dtype
    expected = DERIVATIVES[name](z.astype(np.float64))
    np.testing.assert_allclose(grad, expected, rtol=16 * np.finfo(dtype).eps, atol=4 * np.finfo(dtype).eps)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_functions_work_in_place(name):
    """The argument itself is overwritten and returned: no copies in the kernel."""
    z = some_z("float64")
    assert FUNCTIONS[name](z) is z
    if name in ACTIVATIONS:
        assert ACTIVATIONS[name].grad(z) is z


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_huge_pre_activations_give_finite_values_without_warnings(name, dtype):
    """z = ±1e4 (warnings are errors here, underflow excepted)."""
    z = np.array([[1e4, -1e4, 0.0], [-1e4, -1e4, -1e4], [1e4, 1e4, 1e4]], dtype)
    expected = ORACLES[name](z.astype(np.float64))
    a = FUNCTIONS[name](z.copy())
    np.testing.assert_allclose(a, expected, rtol=1e-6, atol=1e-30)
    if name in ACTIVATIONS:
        assert np.isfinite(slope(name, z)).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_softmax_rows_add_up_to_one(dtype):
    """Also where one unit has it all."""
    z = np.array([[1e4, 0.0, -1e4], [0.1, 0.2, 0.3]], dtype)
    np.testing.assert_allclose(OUTPUTS["softmax"](z).sum(axis=1), 1.0, rtol=4 * np.finfo(dtype).eps)


def test_relu_is_flat_at_zero():
    """The derivative at the kink is 0, as in scikit-learn."""
    assert ACTIVATIONS["relu"].grad(np.zeros((1, 1)))[0, 0] == 0.0


def scratch_bytes(activation):
    """What a workspace for 64 rows of 4-30-20-3 takes."""
    arrays = [
        array
        for value in vars(Workspace(Network((4, 30, 20, 3), activation), 64, "float64")).values()
        for array in (value if isinstance(value, list) else [value])
        if isinstance(array, np.ndarray) and array.base is None
    ]
    return sum(array.nbytes for array in arrays)


def test_only_activations_that_need_z_pay_for_keeping_it():
    """One float a hidden unit and row more, and none for the others."""
    assert scratch_bytes("silu") - scratch_bytes("relu") == 8 * 64 * (30 + 20)
    assert {scratch_bytes(name) for name, entry in ACTIVATIONS.items() if not entry.needs_z} == {
        scratch_bytes("relu")
    }


@pytest.mark.parametrize("needs_z", [False, True])
def test_an_activation_added_to_the_registry_trains(needs_z, monkeypatch):
    """One entry is all it takes: tanh by another name, its derivative from a or from z."""
    rng = np.random.default_rng(8)
    X, Y = rng.normal(size=(9, 4)), np.eye(3)[np.arange(9) % 3]
    tanh = ACTIVATIONS["tanh"]

    def grad_of_z(z):
        return np.square(1.0 / np.cosh(z), out=z)

    monkeypatch.setitem(
        ACTIVATIONS, "mine", Activation(tanh.apply, grad_of_z if needs_z else tanh.grad, needs_z=needs_z)
    )
    found = []
    for activation in ("mine", "tanh"):
        network = Network((4, 6, 5, 3), activation)
        weights = init_weights(network.layers, {"name": "normal"}, seed=1)
        work = Workspace(network, 9, "float64")
        hidden, _, outputs = forward(network, weights, [X], work)
        found.append(backward(network, weights, [X], hidden, outputs, Y, None, work)[0].copy())
    np.testing.assert_allclose(*found, rtol=1e-12, atol=1e-14)
