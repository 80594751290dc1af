"""Checkpoints: the whole state of a run in one checksummed file, and an exact resume from it.

A checkpoint holds the training state (theta, the optimizer's, the stopping rule's) and the number of
history lines that go with it. It is refused for another recipe or other data, and skipped, saying
so, when its bytes are not those that were written.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from typing import Any

from nnspark.errors import CheckpointError, ModelError
from nnspark.model.tensors import read_safetensors
from nnspark.optimizers import state_from_arrays, state_to_arrays
from nnspark.recipe import Recipe
from nnspark.runs.storage import Folder

__all__ = ["identity", "latest", "save"]

FORMAT = "nnspark-checkpoint-1"
FOLDER = "checkpoints"
MAY_DIFFER = {"spark", "checkpoint", "report"}
MAY_DIFFER_IN_TRAINING = {"epochs", "engine"}
MAY_DIFFER_IN_DATA = {"path", "features", "labels"}


def identity(recipe: Recipe) -> dict[str, Any]:
    """The part of a recipe that has to be the same for a run to go on."""
    table = {name: section for name, section in recipe.to_dict().items() if name not in MAY_DIFFER}
    for key in MAY_DIFFER_IN_TRAINING:
        table["training"].pop(key)
    for key in MAY_DIFFER_IN_DATA:
        table["data"].pop(key)
    if "cosine" in str(table["training"]["schedule"]):
        table["training"]["epochs"] = recipe.training.epochs
    table["stopping"].pop("max_seconds")
    return table


def save(
    folder: Folder,
    state: Any,
    *,
    epoch: int,
    recipe: Recipe,
    fingerprint: str,
    seconds: float,
    keep: int,
    platforms: Collection[str] = (),
) -> None:
    """Write the checkpoint of an epoch, then delete all but the newest ``keep``.

    ``platforms`` are those that computed it, see ``platforms.platform``.
    """
    from safetensors.numpy import save as to_bytes

    about = {"epoch": epoch, "seconds": seconds, "recipe": identity(recipe), "fingerprint": fingerprint}
    about["platforms"] = sorted(platforms)
    metadata = {"format": FORMAT, "about": json.dumps(about)}
    content = bytes(to_bytes(state_to_arrays(state), metadata))
    folder.write(f"{FOLDER}/{_name(epoch)}", content + hashlib.sha256(content).digest())
    for name in _checkpoints(folder)[:-keep]:
        folder.delete(f"{FOLDER}/{name}")


def latest(
    folder: Folder, state_like: Any, *, recipe: Recipe, fingerprint: str, warn: Callable[[str], None]
) -> tuple[Any, Mapping[str, Any]] | None:
    """State and description of the newest whole checkpoint, or None when there is none.

    Raises CheckpointError when it belongs to another recipe or other data.
    """
    for name in reversed(_checkpoints(folder)):
        where = folder.path(f"{FOLDER}/{name}")
        try:
            content, digest = _split(folder.read(f"{FOLDER}/{name}"))
            if hashlib.sha256(content).digest() != digest:
                raise ModelError("its checksum does not match its bytes")
            arrays, metadata = read_safetensors(content, where)
            about = json.loads(metadata["about"])
        except (ModelError, KeyError, ValueError) as error:
            warn(f"checkpoint {where} is damaged ({error}); trying the one before it")
            continue
        _refuse_other(about, recipe, fingerprint)
        return state_from_arrays(state_like, arrays), about
    return None


def _split(content: bytes) -> tuple[bytes, bytes]:
    return content[:-32], content[-32:]


def _name(epoch: int) -> str:
    return f"epoch-{epoch:08d}.ckpt"


def _checkpoints(folder: Folder) -> list[str]:
    return [name for name in folder.names(FOLDER) if name.startswith("epoch-") and name.endswith(".ckpt")]


def _refuse_other(about: Mapping[str, Any], recipe: Recipe, fingerprint: str) -> None:
    then, now = about["recipe"], json.loads(json.dumps(identity(recipe)))
    for section in now:
        for key in now[section]:
            was = then.get(section, {}).get(key)
            if was != now[section][key]:
                raise CheckpointError(
                    f"cannot resume: {section}.{key} was {was!r} and is {now[section][key]!r} now; only "
                    "training.epochs, training.engine, stopping.max_seconds, data paths, [spark], "
                    "[checkpoint] and [report] may differ"
                )
    if about["fingerprint"] != fingerprint:
        raise CheckpointError(
            f"cannot resume: the data differ from those of the run (fingerprint {about['fingerprint']} then, "
            f"{fingerprint} now); use the same rows, or start a new run directory"
        )
