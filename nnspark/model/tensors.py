"""Named arrays and text in one safetensors file: equal contents are equal bytes; reading never runs code."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.errors import ModelError

__all__ = ["read_safetensors", "write_safetensors"]

Array = NDArray[Any]
CHECKSUM = "sha256"


def write_safetensors(tensors: Mapping[str, Array], metadata: Mapping[str, str]) -> bytes:
    """The file's bytes, its header's keys in order, so that equal models are equal files."""
    from safetensors.numpy import save

    arrays = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
    content = save(arrays, {**metadata, CHECKSUM: _checksum(arrays, metadata)})
    length = int.from_bytes(content[:8], "little")
    header = json.dumps(json.loads(content[8 : 8 + length]), sort_keys=True).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + content[8 + length :]


def read_safetensors(content: bytes, name: str) -> tuple[dict[str, Array], dict[str, str]]:
    """Tensors and metadata of a safetensors file; ModelError if it is not a whole one."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        tensors = load(content)
        length = int.from_bytes(content[:8], "little")
        metadata = json.loads(content[8 : 8 + length]).get("__metadata__") or {}
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split())
        raise ModelError(
            f"{name} is not a whole safetensors file ({reason}); train again or use a copy"
        ) from None
    expected = metadata.pop(CHECKSUM, None)
    if expected is not None and expected != _checksum(tensors, metadata):
        raise ModelError(f"{name} is damaged: its checksum does not fit; train again or use a copy")
    return tensors, metadata


def _checksum(tensors: Mapping[str, Array], metadata: Mapping[str, str]) -> str:
    """SHA-256 over the metadata and each tensor's name, dtype, shape and little-endian bytes, by name."""
    digest = hashlib.sha256(json.dumps(dict(metadata), sort_keys=True).encode())
    for name, array in sorted(tensors.items()):
        digest.update(json.dumps([name, array.dtype.str, list(array.shape)]).encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
