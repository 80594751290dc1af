"""``nnspark.sweep``: a recipe, data and what to vary in; every model's figures and the best model out."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnspark.engines.connections import context_of
from nnspark.errors import NNSparkError, RecipeError
from nnspark.recipe import Recipe, Sweep
from nnspark.recipe.reading import check_sweep_of, sweep_section
from nnspark.recipe.settings import Setting
from nnspark.recipe.sweep import settings_of
from nnspark.runs.calls import as_recipe, plain, session_of
from nnspark.runs.engine import with_engine
from nnspark.runs.failures import for_python
from nnspark.runs.loading import of_folder
from nnspark.runs.memory_folder import MemoryFolder
from nnspark.runs.storage import Folder, open_folder, place_of
from nnspark.runs.sweeps.candidates import Ranked, candidates_of, check_monitor
from nnspark.runs.sweeps.sweep import sweep_in
from nnspark.runs.trained import Model, Report

if TYPE_CHECKING:
    from pandas import DataFrame as PandasFrame

__all__ = ["Swept", "sweep"]


@dataclass(frozen=True)
class Swept:
    """What a sweep found.

    best : the model of the best setting, trained on all folds where there are any.
    results : one mapping a model, as in results.jsonl: settings, fold, score, metrics, weights_sha256.
    ranked : one mapping a setting, best first: settings, mean, standard_error, scores.
    page : the report's HTML.
    """

    best: Model
    results: Sequence[Mapping[str, Any]]
    ranked: Sequence[Mapping[str, Any]]
    page: str = ""

    @property
    def best_settings(self) -> Setting:
        """The recipe keys of the best setting with their values."""
        settings: Setting = self.ranked[0]["settings"]
        return settings

    def frame(self) -> "PandasFrame":
        """The settings as a pandas DataFrame, best first; NNSparkError where pandas is not installed."""
        try:
            from pandas import DataFrame
        except ImportError:
            raise NNSparkError(
                "frame needs pandas, which is not installed here: pip install pandas, or use ranked"
            ) from None
        rows = [
            {**one["settings"], **{k: v for k, v in one.items() if k != "settings"}} for one in self.ranked
        ]
        return DataFrame.from_records(rows)

    def report(self) -> Report:
        """The sweep's report; a notebook shows it."""
        return Report(self.page)


def sweep(
    recipe: Recipe | Mapping[str, Any] | str | Path,
    data: Any = None,
    grid: Mapping[str, Sequence[Any]] | None = None,
    *,
    folds: int | None = None,
    monitor: str = "",
    out: str | Path = "",
    resume: bool = False,
    overwrite: bool = False,
    progress: bool = True,
) -> Swept:
    """Train a model for each setting and fold, all in the same passes over the data.

    Each model's weights are, bit for bit, those of ``nnspark.train`` with its settings (and, of fold k,
    ``data.split = {folds = ..., fold = k}``).

    Parameters
    ----------
    recipe, data, out, resume, overwrite, progress : as ``nnspark.train`` takes them.
    grid : recipe keys, such as ``"training.l2"``, with the values to try; None for the recipe's ``[sweep]``.
    folds : of the cross-validation, 0 for the recipe's own split; None for the ``[sweep]`` section's.
    monitor : what ranks the settings; "" for the ``[sweep]`` section's, which is validation_loss unless set.

    Raises
    ------
    RecipeError, DataError, CheckpointError, SparkJobError : one line each.
    DivergedError : no setting has a finite score.
    """
    folders: dict[str, MemoryFolder] = {}
    title = Path(recipe).stem if isinstance(recipe, str | Path) else "nnspark"
    out = place_of(out)
    with for_python(kept=bool(out)):
        base, section = as_recipe(recipe, data), _section(recipe)
        if grid is not None:
            section = {**section, "grid": _grid(grid)}
            section.pop("random", None)
            if section.get("search") == "random":
                section["search"] = "grid"
        if folds is not None:
            section["folds"] = plain(folds)
        if monitor:
            section["monitor"] = monitor
        asked: Sweep = check_sweep_of(section, base)
        check_monitor(asked, base)
        base, data = with_engine(base, data, out=out, models=len(settings_of(asked)) * max(1, asked.folds))
        candidates = candidates_of(base, asked)
        session = session_of(base, data)
        sc = context_of(session)

        def below(name: str) -> Folder:
            if out:
                return open_folder(f"{out.rstrip('/')}/{name}" if name else out, sc)
            return folders.setdefault(name, MemoryFolder())

        sweep_in(
            below, base, asked, candidates, session, title=title, data=data, resume=resume,
            overwrite=overwrite, progress=progress,
        )  # fmt: skip
        return _swept(below, asked)


def _grid(grid: Any) -> dict[str, Any]:
    """A grid as a recipe has it: NumPy's values and tuples as numbers and lists."""
    if not isinstance(grid, Mapping) or not all(isinstance(key, str) for key in grid):
        raise RecipeError(
            'grid: expected recipe keys with lists of values, like {"training.l2": [0.1, 1.0]}, got '
            f"{grid!r}"
        )
    return {key: plain(values) for key, values in grid.items()}


def _section(recipe: Recipe | Mapping[str, Any] | str | Path) -> dict[str, Any]:
    """The ``[sweep]`` section of what was given, empty without one."""
    if isinstance(recipe, Recipe):
        return {}
    if isinstance(recipe, Mapping):
        section = recipe.get("sweep", {})
        if not isinstance(section, Mapping):
            raise RecipeError(f"sweep: expected a table, got {section!r}")
        return dict(section)
    return sweep_section(recipe)


def _swept(below: Any, asked: Sweep) -> Swept:
    folder = below("")
    results = [json.loads(line) for line in folder.read("results.jsonl").splitlines()]
    ranked = [
        {
            "settings": one.settings,
            "mean": one.mean,
            "standard_error": one.standard_error,
            "scores": [result["score"] for result in one.results],
        }
        for one in Ranked.all_of(results, asked)
    ]
    there = folder.names()
    page = folder.read("report.html").decode() if "report.html" in there else ""
    return Swept(of_folder(below("best")), results, ranked, page)
