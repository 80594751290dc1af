"""What a run leaves in its directory: model, report and metrics."""

import math
from dataclasses import asdict
from typing import Any

import numpy as np

from nnspark.engines.base import Shards
from nnspark.engines.connections import context_of, cores_of, setting
from nnspark.engines.platforms import described
from nnspark.engines.types import Session
from nnspark.log import log
from nnspark.model import Model
from nnspark.net import weights as weights_module
from nnspark.objective.decision import PLAIN
from nnspark.recipe import Recipe, dumps
from nnspark.runs.directory import RunDirectory
from nnspark.runs.memory_folder import MemoryFolder
from nnspark.runs.plotting import add_plots
from nnspark.runs.reporting import report_page
from nnspark.runs.used import columns_used
from nnspark.training.loop import Trained
from nnspark.training.state import Progress
from nnspark.training.steps import network_for, objective_for

__all__ = ["keep_what_there_is", "write_artifacts"]


def write_artifacts(
    directory: RunDirectory,
    recipe: Recipe,
    shards: Shards,
    trained: Trained,
    session: "Session | None",
    title: str,
) -> str:
    """Model, report and metrics of a finished run; returns the path of metrics.json, written last."""
    directory.save(trained.progress)
    decision = trained.decided.decision
    for warning in trained.decided.warnings:
        directory.warn(warning)
    model = Model.of(shards.plan, trained.network, trained.theta, dumps(recipe), decision)
    directory.write("model.safetensors", model.to_bytes())
    metrics = {
        **trained.metrics,
        "loss_is": objective_for(recipe, shards.plan).loss_is,
        "epochs": trained.progress.epoch,
        "evaluations": trained.progress.evaluations,
        "best_epoch": trained.best_epoch,
        "stopped_because": trained.stopped_because,
        "seconds": round(directory.elapsed(), 3),
        "weights_sha256": weights_module.sha256(model.weights),
        "data_fingerprint": shards.plan.fingerprint,
        "spark": {**_describe_spark(session), **described(shards.platforms)},
    }
    columns = columns_used(shards.plan)
    if columns:
        metrics["columns"] = columns
    coefficients = model.coefficients()
    if coefficients is not None:
        metrics["coefficients"] = coefficients
    if model.decision != PLAIN:
        metrics["prediction"] = {"found_on": trained.decided.part or None, **asdict(model.decision)}
    if recipe.report.html:
        add_plots(directory, recipe, shards, trained, model, metrics)
        page = report_page(directory, recipe, shards, trained, model, metrics, title)
        if page is not None:
            directory.write("report.html", page.encode())
    return directory.write_json("metrics.json", without_nan(metrics))


def without_nan(value: Any) -> Any:
    """JSON has no NaN or infinity: a figure that there is none of is null."""
    if isinstance(value, dict):
        return {name: without_nan(one) for name, one in value.items()}
    if isinstance(value, list):
        return [without_nan(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def keep_what_there_is(directory: RunDirectory, recipe: Recipe, shards: Shards, last: Progress) -> None:
    """After an interrupt, when Spark may be gone already: checkpoint, model, metrics of the last epoch."""
    kept = not isinstance(directory.folder, MemoryFolder)
    does = "writing the checkpoint and what there is" if kept else "nothing is kept without a run directory"
    log(f"interrupted after epoch {last.epoch}: {does}")
    if not kept:
        return
    directory.save(last)
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


def _describe_spark(session: "Session | None") -> dict[str, Any]:
    if session is None:
        return {"engine": "local", "numpy": np.__version__}
    sc = context_of(session)
    if sc is None:
        return {
            "engine": "connect",
            "version": session.version,
            "application": setting(session, "spark.app.id", ""),
            "default_parallelism": cores_of(session),
            "numpy": np.__version__,
        }
    return {
        "engine": "spark",
        "version": sc.version,
        "master": sc.master,
        "application": sc.applicationId,
        "default_parallelism": sc.defaultParallelism,
        "numpy": np.__version__,
    }
