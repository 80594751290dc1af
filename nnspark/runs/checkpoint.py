"""Checkpoints: the whole state of a run in one checksummed file, and an exact resume from it.

A checkpoint holds the training state (theta, the optimizer's, the stopping rule's) and the newest rows of the
history; the older rows are in files of their own (see ``history``). It is refused for another recipe or other
data, and skipped, saying so, when its bytes are not those that were written.
"""

import errno
import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np

from nnspark.errors import CheckpointError, ModelError
from nnspark.model.tensors import read_safetensors
from nnspark.optimizers import state_from_arrays, state_to_arrays
from nnspark.recipe import Data, Recipe
from nnspark.recipe.data_section import PARTS
from nnspark.runs import history
from nnspark.runs.storage import Folder

__all__ = ["identity", "latest", "save"]

FORMAT = "nnspark-checkpoint-2"
FOLDER = "checkpoints"
ROWS = "history rows"
MAY_DIFFER = {"prediction", "spark", "checkpoint", "report"}
MAY_DIFFER_IN_TRAINING = {"epochs", "engine", "threads"}
MAY_DIFFER_IN_DATA = {"path", *PARTS, "format", "options", "table", "query", "features", "labels"}


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
    rows: Sequence[history.Row] = (),
) -> None:
    """Write the checkpoint of an epoch, then delete all but the newest ``keep``.

    ``platforms`` are those that computed it, see ``platforms.platform``; ``rows`` those of the history that
    are in no file of their own; ``seconds`` of training so far.
    """
    from safetensors.numpy import save as to_bytes

    about = {"epoch": epoch, "seconds": seconds, "recipe": identity(recipe), "fingerprint": fingerprint}
    about["platforms"] = sorted(platforms)
    metadata = {"format": FORMAT, "about": json.dumps(about)}
    arrays = {ROWS: np.frombuffer(history.pack(rows), np.uint8), **state_to_arrays(state)}
    content = bytes(to_bytes(arrays, metadata))
    folder.write(f"{FOLDER}/{_name(epoch)}", content + hashlib.sha256(content).digest())
    for name in _checkpoints(folder)[:-keep]:
        folder.delete(f"{FOLDER}/{name}")


def latest(
    folder: Folder, state_like: Any, *, recipe: Recipe, fingerprint: str, warn: Callable[[str], None]
) -> tuple[Any, Mapping[str, Any]] | None:
    """State and description, with its history ``rows``, of the newest whole checkpoint; None without one.

    Raises
    ------
    CheckpointError : it belongs to another recipe or other data; or there is one, but none can be read now.
    """
    unread = ""
    for name in reversed(_checkpoints(folder)):
        where = folder.path(f"{FOLDER}/{name}")
        try:
            content, digest = _split(folder.read(f"{FOLDER}/{name}"))
            if hashlib.sha256(content).digest() != digest:
                raise ModelError("its checksum does not match its bytes")
            arrays, metadata = read_safetensors(content, where)
            about = json.loads(metadata["about"])
            rows = history.unpack(arrays.pop(ROWS).tobytes()) if ROWS in arrays else []
        except (ModelError, KeyError, ValueError) as error:
            warn(f"checkpoint {where} is damaged ({error}); trying the one before it")
            continue
        except OSError as error:
            reason = error.strerror or str(error)
            bad = "is damaged" if error.errno == errno.EIO else "cannot be read"
            warn(f"checkpoint {where} {bad} ({reason}); trying the one before it")
            unread = unread if error.errno in (errno.EIO, errno.ENOENT) else reason
            continue
        _refuse_other(about, recipe, fingerprint)
        return state_from_arrays(state_like, arrays), {**about, "rows": rows}
    if unread:
        raise CheckpointError(
            f"cannot resume: no checkpoint in {folder.path(FOLDER)} can be read ({unread}); see to "
            "it that one can, or start again with --overwrite"
        )
    return None


def _split(content: bytes) -> tuple[bytes, bytes]:
    return content[:-32], content[-32:]


def _name(epoch: int) -> str:
    return f"epoch-{epoch:08d}.ckpt"


def _checkpoints(folder: Folder) -> list[str]:
    return [name for name in folder.names(FOLDER) if name.startswith("epoch-") and name.endswith(".ckpt")]


def _refuse_other(about: Mapping[str, Any], recipe: Recipe, fingerprint: str) -> None:
    """A key that there was none of at the time was at its default."""
    plain = identity(Recipe(Data(source="")))
    then, now, plain = about["recipe"], *(json.loads(json.dumps(one)) for one in (identity(recipe), plain))
    for section in now:
        for key in now[section]:
            default = plain.get(section, {}).get(key)
            was = then.get(section, {}).get(key, default)
            if key == "split":
                was = {**default, **was}
            if was != now[section][key]:
                raise CheckpointError(
                    f"cannot resume: {section}.{key} was {was!r} and is {now[section][key]!r} now; only "
                    "training.epochs, training.engine, training.threads, stopping.max_seconds, data paths, "
                    "[prediction], [spark], [checkpoint] and [report] may differ: set it back, or start a "
                    "new run directory"
                )
    if about["fingerprint"] != fingerprint:
        raise CheckpointError(
            f"cannot resume: the data differ from those of the run (fingerprint {about['fingerprint']} then, "
            f"{fingerprint} now); use the same rows, or start a new run directory"
        )
