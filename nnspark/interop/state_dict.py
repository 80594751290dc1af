"""PyTorch's state dict as a dict of arrays, without PyTorch.

The numbering is that of ``torch.nn.Sequential(Linear, activation, Linear, ..., Linear)``: the linear layers
are 0, 2, 4, ..., each with ``weight`` (units, fan_in) and ``bias`` (units,). The output function
(softmax, sigmoid) has no weights and is not in it. The activations are PyTorch's by default: GELU(), SiLU(),
LeakyReLU(), Softplus(), ...
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.errors import ModelError, ShapeError
from nnspark.interop.building import folded, model_of, undecided
from nnspark.model import Model

__all__ = ["read_state_dict", "to_state_dict"]

Array = NDArray[Any]


def to_state_dict(model: Model, *, scaling: str = "fold") -> dict[str, Array]:
    """Weights and biases by the names of ``torch.nn.Sequential``; ``load_state_dict`` takes them as tensors.

        {name: torch.from_numpy(array) for name, array in to_state_dict(model).items()}

    Parameters
    ----------
    model : of ``nnspark.train`` or ``nnspark.load``.
    scaling : "fold" puts the scaling of the features into the first layer, which then takes raw rows; "leave"
        gives the weights as they are: the rows have to be ``model.scaling.apply(X)``.

    Where the model encodes its columns, rows are features, ``model.encoding.apply(raw)``.
    A target's scaling is never in it: a regression's outputs are ``model.target_scaling.undo(outputs)``.

    Raises
    ------
    ModelError : another word for ``scaling``; a scaling that cannot be folded in float32.
    """
    if scaling not in ("fold", "leave"):
        raise ModelError(f"scaling: expected 'fold' or 'leave', got {scaling!r}")
    model = undecided(model, "a state dict")
    weights = folded(model, model.weights[0].dtype.name) if scaling == "fold" else model.weights
    return {
        f"{2 * layer}.{kind}": np.ascontiguousarray(array)
        for layer, W in enumerate(weights)
        for kind, array in (("weight", W[:, 1:]), ("bias", W[:, 0]))
    }


def read_state_dict(
    state: Mapping[str, Any],
    *,
    activation: str,
    output: str,
    task: str | None = None,
    classes: Sequence[Any] | None = None,
    feature_names: Sequence[str] | None = None,
) -> Model:
    """The model of a state dict; see ``nnspark.interop.from_state_dict``."""
    names = [name.removesuffix(".weight") for name in state if name.endswith(".weight")]
    biases = {f"{name}.bias" for name in names}
    extra = [name for name in state if not name.endswith(".weight") and name not in biases]
    if extra or not names:
        raise ModelError(
            "expected linear layers, each with 'NAME.weight' and 'NAME.bias', got "
            + (repr(extra[0]) if extra else "none")
        )
    if all(name.isdecimal() for name in names):
        names.sort(key=int)
    return model_of(
        [_layer(name, state) for name in names],
        activation=activation,
        output=output,
        task=task,
        classes=classes,
        feature_names=feature_names,
    )


def _layer(name: str, state: Mapping[str, Any]) -> Array:
    """W (units, 1 + fan_in) of one layer; a layer without biases has zeros."""
    slopes = _array(state[f"{name}.weight"])
    if slopes.ndim != 2 or slopes.dtype.name not in ("float32", "float64"):
        raise ShapeError(
            f"{name}.weight: expected (units, fan_in) float32 or float64, got {slopes.shape} {slopes.dtype}"
        )
    bias = _array(state.get(f"{name}.bias", np.zeros(len(slopes), slopes.dtype)))
    if bias.shape != (len(slopes),):
        raise ShapeError(f"{name}.bias: expected shape {(len(slopes),)}, got {bias.shape}")
    return np.column_stack([bias, slopes]).astype(slopes.dtype)


def _array(tensor: Any) -> Array:
    """A tensor, wherever it lies, or an array, as an array."""
    for step in ("detach", "cpu", "numpy"):
        tensor = getattr(tensor, step)() if hasattr(tensor, step) else tensor
    return np.asarray(tensor)
