"""One whole run: recipe in, run directory out. What ``nnspark.train`` and ``jobs/train.py`` do."""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from nnspark.data.block_rows import with_block_rows
from nnspark.data.plan import Plan
from nnspark.engines.base import Shards
from nnspark.engines.connections import context_of, slots_in
from nnspark.engines.driver_memory import advice
from nnspark.engines.interrupts import interrupt_on_terminate, interruptible, is_interrupted
from nnspark.log import log, warn
from nnspark.recipe import Recipe
from nnspark.runs.artifacts import keep_what_there_is, write_artifacts
from nnspark.runs.data import load_shards, refuse_missing
from nnspark.runs.directory import RunDirectory
from nnspark.runs.engine import with_engine
from nnspark.runs.failures import one_line_for_failed_jobs
from nnspark.runs.lock import held
from nnspark.runs.progress import ProgressLog, make_progress
from nnspark.runs.storage import Folder, open_folder
from nnspark.runs.summary import last_lines, risen
from nnspark.runs.used import used_lines
from nnspark.training.choices import check_choices
from nnspark.training.loop import Trained, train
from nnspark.training.state import Epoch, Progress
from nnspark.training.steps import first_state

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

__all__ = ["run", "run_in", "run_on", "session_for"]

OnEpoch = Callable[[Mapping[str, Any]], object]


def run(recipe: Recipe, out: str, *, title: str, resume: bool = False, overwrite: bool = False) -> str:
    """Train a recipe into the run directory ``out``; returns the path of metrics.json.

    Raises
    ------
    NNSparkError : a bad recipe, bad data, a directory that cannot be used; nothing is half-written.
    KeyboardInterrupt : after the checkpoint and the artifacts so far are written.
    """
    check_choices(recipe)
    recipe, data = with_engine(recipe, out=out)
    session = session_for(recipe, title)
    sc = context_of(session)
    return run_in(
        lambda: open_folder(out, sc), recipe, session, title=title, data=data, resume=resume,
        overwrite=overwrite,
    )  # fmt: skip


def run_in(
    open_it: Callable[[], Folder],
    recipe: Recipe,
    session: "SparkSession | None",
    *,
    title: str,
    data: Any = None,
    resume: bool = False,
    overwrite: bool = False,
    on_epoch: OnEpoch | None = None,
    progress: bool = True,
) -> str:
    """Train a recipe into a folder: lay out the rows, go on or begin, train, and write what there is.

    ``open_it`` opens the folder: the lock's heart beats in a thread of its own, and needs one of its own.
    ``data`` are the rows, see ``load_shards``; ``on_epoch`` is called with each row of the history.
    """
    sc, folder = context_of(session), open_it()

    def work() -> str:
        with load_shards(recipe, session, data) as shards:
            return run_on(
                shards, folder, recipe, session, title=title, resume=resume, on_epoch=on_epoch,
                progress=progress, check=hold.check,
            )  # fmt: skip

    with (
        interrupt_on_terminate(),
        held(open_it(), sc.applicationId if sc else "without Spark") as hold,
        one_line_for_failed_jobs(folder),
    ):
        RunDirectory.check_free(folder, resume=resume, overwrite=overwrite)
        return interruptible(sc or session, work)


def run_on(
    shards: Shards,
    folder: Folder,
    recipe: Recipe,
    session: "SparkSession | None",
    *,
    title: str,
    resume: bool = False,
    on_epoch: OnEpoch | None = None,
    progress: bool = True,
    check: Callable[[], None] = lambda: None,
) -> str:
    """Train a recipe on rows that are laid out: go on or begin, train, and write what there is."""
    recipe = with_block_rows(recipe, shards.plan.block_rows)
    first = first_state(recipe, shards)
    for warning in _warnings(recipe, shards, first, session):
        warn(warning)
    directory = RunDirectory(folder, recipe, shards.plan.fingerprint, warn, shards.platforms, check)
    start = (directory.resume(first) if resume else None) or directory.begin(first)
    return _train_into(directory, recipe, shards, start, session, title, on_epoch, progress)


def session_for(recipe: Recipe, title: str) -> "SparkSession | None":
    """The session that a recipe's engine needs, if any."""
    if recipe.training.engine != "spark":
        return None
    from nnspark.engines.session import open_session

    refuse_missing(recipe.data)
    return open_session(f"nnspark {title}")


def _warnings(
    recipe: Recipe, shards: Shards, first: Progress, session: "SparkSession | None"
) -> Iterator[str]:
    """What a person should know before the first epoch."""
    yield from shards.plan.warnings
    yield from shards.plan.hints
    sc = context_of(session)
    if sc is not None:
        tasks = recipe.spark.partitions or slots_in(sc).tasks
        memory = advice(sc, tasks, first.theta.nbytes, recipe.spark.depth)
        if memory:
            yield memory


def _train_into(
    directory: RunDirectory,
    recipe: Recipe,
    shards: Shards,
    start: Progress,
    session: "SparkSession | None",
    title: str,
    on_epoch: OnEpoch | None,
    shown: bool,
) -> str:
    last, bar = [start], _announce(recipe, shards, start, title) if shown else None

    def remember(epoch: Epoch) -> None:
        last[0] = epoch.progress

    callbacks: list[Callable[[Epoch], object]] = [directory, remember, *([] if bar is None else [bar])]
    if on_epoch is not None:
        callbacks.append(lambda epoch: on_epoch(epoch.row))
    try:
        trained: Trained = train(recipe, shards, start=start, seconds=directory.seconds, callbacks=callbacks)
        path = write_artifacts(directory, recipe, shards, trained, session, title)
        if bar is not None:
            bar.close()
        rise = risen(recipe, trained.metrics, directory.history, trained.best_epoch)
        if rise:
            warn(rise)
        if bar is not None:
            for line in last_lines(recipe, trained, directory.history):
                log(line)
        return path
    except (KeyboardInterrupt, Exception) as error:
        if not (isinstance(error, KeyboardInterrupt) or is_interrupted()):
            raise
        if bar is not None:
            bar.close()
        keep_what_there_is(directory, recipe, shards, last[0])
        raise KeyboardInterrupt from None
    finally:
        if bar is not None:
            bar.close()


def _features(plan: Plan) -> str:
    made = "" if plan.encoding is None else f" of {plan.num_columns} columns"
    return f"{plan.num_features} features{made}"


def _announce(recipe: Recipe, shards: Shards, start: Progress, title: str) -> ProgressLog:
    """Say what is trained on, and show how it goes."""
    plan = shards.plan
    log(
        f"{title}: {plan.num_samples[0]} rows to train, {plan.num_samples[1]} to validate, "
        f"{plan.num_samples[2]} to test; {_features(plan)}; {recipe.training.epochs} epochs"
    )
    for line in used_lines(plan, recipe.data):
        log(line)
    if plan.target_scaling is not None:
        log("the loss is of the scaled target; all other figures are in the target's own units")
    if start.epoch:
        log(f"resuming after epoch {start.epoch}")
    return make_progress(recipe.training.epochs, start=start.epoch, every=recipe.report.every)
