"""``nnspark.train``: a recipe and data in, a model out."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nnspark.engines.connections import context_of
from nnspark.engines.frames.read import is_frame, refuse_stopped
from nnspark.engines.session import active_session, open_session
from nnspark.engines.types import Session
from nnspark.errors import RecipeError
from nnspark.recipe import Recipe, of_table, read
from nnspark.runs.data import refuse_missing
from nnspark.runs.engine import with_engine
from nnspark.runs.failures import for_python
from nnspark.runs.loading import of_folder
from nnspark.runs.memory_folder import MemoryFolder
from nnspark.runs.run import run_in
from nnspark.runs.storage import Folder, open_folder, place_of
from nnspark.runs.trained import Model
from nnspark.training.choices import check_choices

__all__ = ["as_recipe", "plain", "session_of", "train"]


def train(
    recipe: Recipe | Mapping[str, Any] | str | Path,
    data: Any = None,
    *,
    out: str | Path = "",
    resume: bool = False,
    overwrite: bool = False,
    on_epoch: Callable[[Mapping[str, Any]], object] | None = None,
    progress: bool = True,
) -> Model:
    """Train a model.

    The order of rows, of partitions and of files does not change a bit of it. The order of feature columns
    does: it is part of the model, since initial weights are drawn by position, so that a table with other
    columns first ends at other weights. ``data.columns`` in the recipe fixes an order, whatever the table's.

    Parameters
    ----------
    recipe : a ``Recipe``; a table of its sections, such as ``{"training": {"epochs": 50}}``, in which the
        engine is Spark for Spark's data and none for other unless it says so; or the path of a TOML file, or
        the name of a recipe that comes with nnspark.
    data : the rows: a Spark DataFrame, a pandas or Arrow table, arrays ``(X, y)`` or ``(X, y, weight)``; None
        for what the recipe's source names.
    out : a run directory to keep the run in, local or a Hadoop URI; nothing is kept where it is empty.
    resume, overwrite : what to do with a run that is there.
    on_epoch : called after each epoch with its row of the history: cost, loss, metrics, seconds.
    progress : whether to show it, on standard error.

    Raises
    ------
    RecipeError, DataError, DivergedError, CheckpointError, SparkJobError : one line each.
    KeyboardInterrupt : with ``out``, after the checkpoint is written.
    """
    memory = MemoryFolder()
    title = Path(recipe).stem if isinstance(recipe, str | Path) else "nnspark"
    out = place_of(out)
    if on_epoch is not None and not callable(on_epoch):
        raise RecipeError(f"on_epoch: expected a function of a history row, or None, got {on_epoch!r}")
    with for_python(kept=bool(out)):
        asked = as_recipe(recipe, data)
        check_choices(asked)
        asked, data = with_engine(asked, data, out=out)
        session = session_of(asked, data)
        sc = context_of(session)

        def folder() -> Folder:
            return open_folder(out, sc) if out else memory

        run_in(
            folder, asked, session, title=title, data=data, resume=resume, overwrite=overwrite,
            on_epoch=on_epoch, progress=progress,
        )  # fmt: skip
        return of_folder(folder())


def as_recipe(recipe: Recipe | Mapping[str, Any] | str | Path, data: Any) -> Recipe:
    """What ``train`` takes for a recipe, as one."""
    if isinstance(recipe, Recipe):
        return recipe
    if isinstance(recipe, str | Path):
        return read(recipe)
    if not isinstance(recipe, Mapping) or not all(isinstance(one, Mapping) for one in recipe.values()):
        raise RecipeError(
            "expected a recipe, its path or name, or a table of sections such as "
            f'{{"training": {{"epochs": 50}}}}, got {recipe!r}'
        )
    sections = {name: {key: plain(value) for key, value in one.items()} for name, one in recipe.items()}
    sections.setdefault("data", {})
    if data is not None:
        sections["data"].setdefault("source", "memory")
        sections.setdefault("training", {}).setdefault("engine", "spark" if is_frame(data) else "local")
    return of_table(sections)


def plain(value: Any) -> Any:
    """NumPy's numbers and arrays, and tuples, as the numbers and lists of a TOML file."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    return [plain(one) for one in value] if isinstance(value, tuple | list) else value


def session_of(recipe: Recipe, data: Any) -> "Session | None":
    """The session that a recipe's engine needs: the data's own, the active one, or a new one."""
    if recipe.training.engine != "spark":
        return None
    own: Session | None = data.sparkSession if is_frame(data) else active_session()
    if own is not None:
        refuse_stopped(own)
    if own is None:
        refuse_missing(recipe.data)
    return own or open_session("nnspark")
