"""One whole run: recipe in, run directory out. What ``jobs/train.py`` does."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from nnspark.data.dataset import make_dataset
from nnspark.engines.base import Shards
from nnspark.engines.driver_memory import advice
from nnspark.engines.frames import FRAME_SOURCES, frame_shards, read_frame, reading
from nnspark.engines.interrupts import interrupt_on_terminate, interruptible, is_interrupted
from nnspark.engines.layout import make_shards
from nnspark.engines.platforms import described
from nnspark.log import log, warn
from nnspark.model import Model
from nnspark.net import weights as weights_module
from nnspark.recipe import Recipe, dumps
from nnspark.runs.directory import RunDirectory
from nnspark.runs.failures import one_line_for_failed_jobs
from nnspark.runs.lock import held
from nnspark.runs.progress import make_progress
from nnspark.runs.storage import open_folder
from nnspark.sources import load_table
from nnspark.training.choices import check_choices
from nnspark.training.loop import Epoch, Progress, Trained, first_state, train

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

__all__ = ["load_shards", "run"]


def run(recipe: Recipe, out: str, *, title: str, resume: bool = False, overwrite: bool = False) -> str:
    """Train a recipe into the run directory ``out``; returns the path of metrics.json.

    Raises
    ------
    NNSparkError : a bad recipe, bad data, a directory that cannot be used; nothing is half-written.
    KeyboardInterrupt : after the checkpoint and the artifacts so far are written.
    """
    check_choices(recipe)
    session = session_for(recipe, title)
    sc = session.sparkContext if session else None
    folder, application = open_folder(out, sc), sc.applicationId if sc else "without Spark"

    def work() -> str:
        with load_shards(recipe, session) as shards:
            first = first_state(recipe, shards)
            for warning in _warnings(recipe, shards, first, session):
                warn(warning)
            directory = RunDirectory(
                folder, recipe, shards.plan.fingerprint, warn, shards.platforms, hold.check
            )
            start = (directory.resume(first) if resume else None) or directory.begin(first)
            return _train_into(directory, recipe, shards, start, session, title)

    with (
        interrupt_on_terminate(),
        held(open_folder(out, sc), application) as hold,
        one_line_for_failed_jobs(folder),
    ):
        RunDirectory.check_free(folder, resume=resume, overwrite=overwrite)
        return interruptible(sc, work)


def session_for(recipe: Recipe, title: str) -> "SparkSession | None":
    """The session that a recipe's engine needs, if any."""
    if recipe.training.engine != "spark":
        return None
    from nnspark.engines.session import open_session

    return open_session(f"nnspark {title}")


def _warnings(
    recipe: Recipe, shards: Shards, first: Progress, session: "SparkSession | None"
) -> Iterator[str]:
    """What a person should know before the first epoch."""
    yield from shards.plan.warnings
    if session is not None:
        tasks = recipe.spark.partitions or session.sparkContext.defaultParallelism
        memory = advice(session.sparkContext, tasks, first.theta.nbytes, recipe.spark.depth)
        if memory:
            yield memory


def load_shards(recipe: Recipe, session: "SparkSession | None") -> Shards:
    """Read the recipe's data and lay it out: by the executors where they can, else from the driver."""
    spark = recipe.spark
    if session is not None and recipe.data.source in FRAME_SOURCES:
        with reading(recipe.data.path):
            df = read_frame(session, recipe.data)
            return frame_shards(df, recipe, partitions=spark.partitions, depth=spark.depth)
    dataset = make_dataset(load_table(recipe.data), recipe)
    sc = session.sparkContext if session else None
    return make_shards(dataset, sc, partitions=spark.partitions, depth=spark.depth)


def _train_into(
    directory: RunDirectory,
    recipe: Recipe,
    shards: Shards,
    start: Progress,
    session: "SparkSession | None",
    title: str,
) -> str:
    plan = shards.plan
    log(
        f"{title}: {plan.num_samples[0]} rows to train, {plan.num_samples[1]} to validate, "
        f"{plan.num_samples[2]} to test; {plan.num_features} features; {recipe.training.epochs} epochs"
    )
    if start.epoch:
        log(f"resuming after epoch {start.epoch}")
    last = [start]
    progress = make_progress(recipe.training.epochs, start=start.epoch, every=recipe.report.every)

    def remember(epoch: Epoch) -> None:
        last[0] = epoch.progress

    try:
        trained = train(
            recipe,
            shards,
            start=start,
            seconds=directory.seconds,
            callbacks=[directory, remember, progress],
        )
        return write_artifacts(directory, recipe, shards, trained, session, title)
    except (KeyboardInterrupt, Exception) as error:
        if not (isinstance(error, KeyboardInterrupt) or is_interrupted()):
            raise
        progress.close()
        _keep_what_there_is(directory, recipe, shards, last[0])
        raise KeyboardInterrupt from None
    finally:
        progress.close()


def write_artifacts(
    directory: RunDirectory,
    recipe: Recipe,
    shards: Shards,
    trained: Trained,
    session: "SparkSession | None",
    title: str,
) -> str:
    """Model, report and metrics of a finished run; returns the path of metrics.json, written last."""
    directory.save(trained.progress)
    model = Model.of(shards.plan, trained.network, trained.theta, dumps(recipe))
    directory.write("model.safetensors", model.to_bytes())
    metrics = {
        **trained.metrics,
        "epochs": trained.progress.epoch,
        "evaluations": trained.progress.evaluations,
        "best_epoch": trained.best_epoch,
        "stopped_because": trained.stopped_because,
        "seconds": round(directory.elapsed(), 3),
        "weights_sha256": weights_module.sha256(model.weights),
        "data_fingerprint": shards.plan.fingerprint,
        "spark": {**_describe_spark(session), **described(shards.platforms)},
    }
    coefficients = model.coefficients()
    if coefficients is not None:
        metrics["coefficients"] = coefficients
    if recipe.report.html:
        from nnspark.runs.reporting import report_page

        page = report_page(directory, recipe, shards, trained, model, metrics, title)
        if page is not None:
            directory.write("report.html", page.encode())
    return directory.write_json("metrics.json", metrics)


def _keep_what_there_is(directory: RunDirectory, recipe: Recipe, shards: Shards, last: Progress) -> None:
    """After an interrupt, when Spark may be gone already: checkpoint, model, metrics of the last epoch."""
    log(f"interrupted after epoch {last.epoch}: writing the checkpoint and what there is")
    directory.save(last)
    from nnspark.training.loop import network_for

    model = Model.of(shards.plan, network_for(recipe, shards.plan), last.theta, dumps(recipe))
    directory.write("model.safetensors", model.to_bytes())
    directory.write_json(
        "metrics.json",
        {
            "interrupted": True,
            "epochs": last.epoch,
            "evaluations": last.evaluations,
            "last_history_row": directory.history[-1] if directory.history else None,
            "seconds": round(directory.elapsed(), 3),
            "weights_sha256": weights_module.sha256(model.weights),
            "data_fingerprint": shards.plan.fingerprint,
            "spark": described(shards.platforms),
        },
    )


def _describe_spark(session: "SparkSession | None") -> dict[str, Any]:
    if session is None:
        return {"engine": "local", "numpy": np.__version__}
    sc = session.sparkContext
    return {
        "engine": "spark",
        "version": sc.version,
        "master": sc.master,
        "application": sc.applicationId,
        "default_parallelism": sc.defaultParallelism,
        "numpy": np.__version__,
    }
