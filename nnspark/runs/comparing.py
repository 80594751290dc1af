"""Runs side by side: which settings differ, the figures of each part, whether the weights are the same."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from nnspark.errors import CheckpointError
from nnspark.evaluation.text import number
from nnspark.objective.metrics import METRICS, by_worth
from nnspark.recipe import loads
from nnspark.recipe.text import to_toml
from nnspark.report.text import duration
from nnspark.runs.history import Row, readable_lines
from nnspark.runs.recorded import read_metrics
from nnspark.runs.storage import Folder
from nnspark.runs.watching import is_sweep

__all__ = ["Run", "figure_rows", "names_of", "read_run", "setting_rows", "verdict"]

PARTS = ("test", "validation", "train")
OF_NO_RESULT = ("spark.", "checkpoint.", "report.")  # keys that change neither weights nor figures


def _short(digest: Any) -> str:
    return str(digest)[:12]


def _key(*keys: str) -> Callable[[Mapping[str, Any]], Any]:
    """Finds what lies that deep in metrics; None where it is not."""

    def find(metrics: Any) -> Any:
        for key in keys:
            metrics = metrics.get(key) if isinstance(metrics, Mapping) else None
        return metrics

    return find


EFFORT: tuple[tuple[str, Callable[[Mapping[str, Any]], Any], Callable[[Any], str]], ...] = (
    ("test rows", _key("test", "num_samples"), str),
    ("epochs", _key("epochs"), str),
    ("best epoch", _key("best_epoch"), str),
    ("evaluations", _key("evaluations"), str),
    ("time", _key("seconds"), duration),
    ("engine", _key("spark", "engine"), str),
    ("all rows", _key("data_fingerprint"), _short),
    ("weights", _key("weights_sha256"), _short),
)


class Run(NamedTuple):
    """A run as its directory has it; ``metrics`` is empty while it is at work."""

    name: str
    settings: Mapping[str, Any]
    metrics: Mapping[str, Any]
    history: Sequence[Row]


def names_of(paths: Sequence[str]) -> list[str]:
    """A name for each path: its last part, or all of it where two would be called alike."""
    last = [path.rstrip("/").rpartition("/")[2] or path for path in paths]
    return [name if last.count(name) == 1 else path for name, path in zip(last, paths, strict=True)]


def read_run(folder: Folder, name: str) -> Run:
    """The run in a folder.

    Raises
    ------
    CheckpointError : there is none, or a sweep, or a file of it is damaged.
    RecipeError : its recipe is none that this version knows.
    """
    if is_sweep(folder):
        raise CheckpointError(
            f"{folder.path()} holds a sweep: its report compares the settings; its best run is "
            f"{folder.path('best')}"
        )
    try:
        recipe = folder.read("recipe.toml").decode("utf-8", errors="replace")
    except FileNotFoundError:
        raise CheckpointError(
            f"{folder.path('recipe.toml')} does not exist: expected the directory of a run"
        ) from None
    except OSError as error:
        raise CheckpointError(f"{folder.path()} cannot be read: {error.strerror or error}") from None
    settings = dict(_flat(loads(recipe, name=folder.path("recipe.toml")), ""))
    return Run(name, settings, read_metrics(folder) or {}, readable_lines(folder))


def setting_rows(runs: Sequence[Run]) -> list[list[str]]:
    """The keys of the recipes that decide the result and differ, each with every run's value."""
    keys = dict.fromkeys(key for run in runs for key in run.settings)
    rows = []
    for key in keys:
        values = [run.settings.get(key) for run in runs]
        if not key.startswith(OF_NO_RESULT) and any(value != values[0] for value in values):
            rows.append([key, *("" if value is None else to_toml(value) for value in values)])
    return rows


def figure_rows(runs: Sequence[Run], *, all_metrics: bool = False) -> list[list[str]]:
    """The metrics by part, those of every epoch or all there are, then what each run took."""
    rows = []
    for part in PARTS:
        parts = [run.metrics.get(part) or {} for run in runs]
        for name in by_worth(next(filter(None, parts), None)):
            values = [figures.get(name) for figures in parts]
            wanted = all_metrics or METRICS[name].every_epoch
            if wanted and any(value is not None for value in values):
                rows.append([f"{part} {name}", *map(number, values)])
    for title, find, show in EFFORT:
        values = [find(run.metrics) for run in runs]
        if any(value is not None for value in values):
            rows.append([title, *("n/a" if value is None else show(value) for value in values)])
    return rows


def verdict(runs: Sequence[Run]) -> list[str]:
    """Whether the weights are the same, and whether the figures are of the same rows at all."""
    lines = [_weights(runs)]
    fingerprints = {run.metrics.get("data_fingerprint") for run in runs} - {None}
    if len(fingerprints) > 1:
        lines.append("the rows are not the same: figures of one run say little of another")
    return lines


def _weights(runs: Sequence[Run]) -> str:
    groups: dict[str, list[str]] = {}
    for run in runs:
        groups.setdefault(run.metrics.get("weights_sha256") or "", []).append(run.name)
    missing = groups.pop("", [])
    without = f"; none yet: {', '.join(missing)}" if missing else ""
    if not groups:
        return "no run has weights yet"
    if len(groups) == 1 and not missing:
        return "all weights are the same, bit for bit"
    kinds = [" = ".join(names) for names in groups.values() if len(names) > 1]
    if not kinds:
        return f"no two runs have the same weights{without}"
    return f"the same weights, bit for bit: {', '.join(kinds)}{without}"


def _flat(section: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    for field in dataclasses.fields(section):
        value = getattr(section, field.name)
        if dataclasses.is_dataclass(value):
            yield from _flat(value, f"{prefix}{field.name}.")
        else:
            yield f"{prefix}{field.name}", value
