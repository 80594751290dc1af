"""The metrics.json of a run directory, read by those who look at runs that others made."""

import json
from collections.abc import Mapping
from typing import Any

from nnspark.errors import CheckpointError
from nnspark.objective.metrics import METRICS
from nnspark.recipe.data_section import PARTS
from nnspark.runs.storage import Folder

__all__ = ["read_metrics"]

TEXTS = ("data_fingerprint", "stopped_because", "weights_sha256")


def read_metrics(folder: Folder) -> dict[str, Any] | None:
    """What metrics.json holds; None where it is not written yet.

    Raises
    ------
    CheckpointError : it cannot be read, or is no JSON, or JSON of another shape than a run writes.
    """
    path = folder.path("metrics.json")
    try:
        found = json.loads(folder.read("metrics.json"))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror or error}") from None
    except ValueError as error:
        raise _damaged(path, str(error)) from None
    if not isinstance(found, Mapping):
        raise _damaged(path, f"expected an object, got {_shown(found)}")
    for name in TEXTS:
        if not isinstance(found.get(name, ""), str):
            raise _damaged(path, f"expected text as {name!r}, got {_shown(found[name])}")
    for part in PARTS:
        figures = _figures(found, part, path)
        for one in (figures, _figures(figures, "baseline", path)):
            for name in METRICS:
                if not isinstance(one.get(name), int | float | None):
                    raise _damaged(path, f"expected a number as {name!r}, got {_shown(one[name])}")
    return dict(found)


def _figures(found: Mapping[str, Any], name: str, path: str) -> Mapping[str, Any]:
    figures = found.get(name, {})
    if not isinstance(figures, Mapping):
        raise _damaged(path, f"expected an object of figures as {name!r}, got {_shown(figures)}")
    return figures


def _damaged(path: str, reason: str) -> CheckpointError:
    return CheckpointError(f"{path} is damaged: {reason}; train again or use a copy")


def _shown(value: Any) -> str:
    """JSON, cut where it is long."""
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:40]}..."
