"""Turn any optimizer state into named arrays and back, bit for bit, so that a checkpoint is one call.

A key is the path to a leaf and, unless the leaf is an array, its kind::

    FirstOrderState(steps=3, rule=VelocityState(velocity=v))  <->  {"steps:int": 3, "rule.velocity": v}

A tuple stores its length under ``:tuple``, a string its UTF-8 bytes under ``:str``, None an empty array
under ``:none``.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.errors import CheckpointError

__all__ = ["state_from_arrays", "state_to_arrays"]

SCALARS: dict[str, tuple[type, Any]] = {
    "bool": (bool, np.bool_),
    "int": (int, np.int64),
    "float": (float, np.float64),
}


def state_to_arrays(state: Any) -> dict[str, NDArray[Any]]:
    """Name every leaf of a state: a NamedTuple of arrays, numbers, None, tuples and further NamedTuples."""
    return dict(leaves(state, ""))


def leaves(value: Any, path: str) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yield (key, array) for every leaf under `path`."""
    if isinstance(value, np.ndarray):
        yield path, value
    elif isinstance(value, str):
        yield f"{path}:str", np.frombuffer(value.encode(), dtype=np.uint8)
    elif value is None:
        yield f"{path}:none", np.zeros(0)
    elif hasattr(value, "_fields"):
        for name, field in zip(value._fields, value, strict=True):
            yield from leaves(field, f"{path}.{name}" if path else name)
    elif isinstance(value, tuple):
        yield f"{path}:tuple", np.asarray(len(value), dtype=np.int64)
        for i, item in enumerate(value):
            yield from leaves(item, f"{path}.{i}")
    else:
        for kind, (python_type, dtype) in SCALARS.items():
            if type(value) is python_type:
                yield f"{path}:{kind}", np.asarray(value, dtype=dtype)
                return
        raise TypeError(
            f"optimizer state {path} is a {type(value).__name__}; expected an array, number or tuple"
        )


def state_from_arrays(state_like: Any, arrays: Mapping[str, NDArray[Any]]) -> Any:
    """Rebuild the state that `state_to_arrays` named.

    Parameters
    ----------
    state_like : a state of the same optimizer for the same theta, such as ``optimizer.init(theta)``.
    arrays : what `state_to_arrays` returned.

    Raises
    ------
    CheckpointError : a leaf is missing or left over, or an array's shape or dtype is not `state_like`'s.
    """
    unread = dict(arrays)
    state = rebuilt(state_like, "", unread)
    if unread:
        raise CheckpointError(
            f"the checkpoint's optimizer state has {sorted(unread)[0]}, which this optimizer does not know; "
            "resume with the recipe that wrote it"
        )
    return state


def rebuilt(like: Any, path: str, unread: dict[str, NDArray[Any]]) -> Any:
    """Rebuild the value at `path`, removing what it reads from `unread`."""
    if hasattr(like, "_fields"):
        fields = zip(like._fields, like, strict=True)
        return type(like)(
            *(rebuilt(field, f"{path}.{name}" if path else name, unread) for name, field in fields)
        )
    if f"{path}:none" in unread:
        del unread[f"{path}:none"]
        return None
    if f"{path}:tuple" in unread:
        length = int(unread.pop(f"{path}:tuple"))
        return tuple(rebuilt(None, f"{path}.{i}", unread) for i in range(length))
    if f"{path}:str" in unread:
        return unread.pop(f"{path}:str").tobytes().decode()
    for kind, (python_type, _) in SCALARS.items():
        if f"{path}:{kind}" in unread:
            return python_type(unread.pop(f"{path}:{kind}").item())
    if path not in unread:
        raise CheckpointError(
            f"the checkpoint's optimizer state lacks {path}; resume with the recipe that wrote it"
        )
    array = unread.pop(path)
    if isinstance(like, np.ndarray) and (array.shape, array.dtype) != (like.shape, like.dtype):
        raise CheckpointError(
            f"the checkpoint's optimizer state has {path} of {array.shape} {array.dtype}, expected "
            f"{like.shape} {like.dtype}; resume with the recipe that wrote it"
        )
    return array
