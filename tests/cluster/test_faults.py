"""The short form of scripts/chaos: a real cluster, and runs that things happen to."""

import os
import random
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("psutil")
ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
from disasters import cluster as clusters  # noqa: E402
from disasters import disks, drivers, runs, spark_drivers  # noqa: E402

from nnspark import recipe  # noqa: E402
from nnspark.runs.run import run  # noqa: E402

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]
SPECULATION = {
    "spark.speculation": "true",
    "spark.speculation.interval": "100ms",
    "spark.speculation.minTaskRuntime": "500ms",
    "spark.speculation.multiplier": "2",
    "spark.speculation.quantile": "0.5",
    "spark.locality.wait": "0s",
}
FEW_EPOCHS = "training.epochs=20"  # instead of 40


def check(outcomes: Iterator[runs.Outcome]) -> None:
    """No scenario ended otherwise than a run in peace."""
    for outcome in outcomes:
        if outcome.notes.startswith("not tried"):
            pytest.skip(outcome.notes)
        assert outcome.problems == [], outcome


@pytest.mark.parametrize("kills", [1, pytest.param(3, marks=pytest.mark.slow)])
def test_lost_executors_and_disks_change_nothing_on_a_cluster_of_bare_pythons(
    cluster: Any, tmp_path: Path, kills: int
) -> None:
    """Executors are killed, then all that the others have on disk is deleted, in one run.

    The bits are those of the engine without Spark, each epoch once.
    """
    came = []

    def counted(fault: Any) -> Any:
        return lambda *what: (came.append(fault), fault(*what))

    faults = [*[clusters.kill_an_executor] * kills, clusters.wipe_local_directories]
    more = (FEW_EPOCHS,) if kills == 1 else ()
    problems, _ = clusters.disturb(cluster, tmp_path, random.Random(1), list(map(counted, faults)), more=more)
    assert problems == []
    assert came == faults  # while it ran


@pytest.mark.slow
def test_a_killed_python_worker_changes_nothing(cluster: Any, tmp_path: Path) -> None:
    """As where a node's memory runs out; rows from Parquet. Local mode has a test of its own in jobs."""
    more = tuple(runs.as_parquet(tmp_path))
    faults = [clusters.kill_a_python_worker]
    problems, _ = clusters.disturb(cluster, tmp_path, random.Random(7), faults, method="adam", more=more)
    assert problems == []


@pytest.mark.slow
def test_a_restarted_node_changes_nothing(cluster: Any, tmp_path: Path) -> None:
    """Rows from Parquet: the shuffle's files of the lost node are written again."""
    more = tuple(runs.as_parquet(tmp_path))
    faults = [clusters.restart_a_worker]
    problems, _ = clusters.disturb(cluster, tmp_path, random.Random(7), faults, method="adam", more=more)
    assert problems == []


@pytest.mark.slow  # separate executors: above; second attempts: tests/spark/test_same_bits.py
def test_separate_executors_and_second_attempts_do_not_change_a_bit(cluster: Any, tmp_path: Path) -> None:
    """A slow task's runs on the other host, where no shard is: it is counted once, the slow one never."""
    marks, out, log = tmp_path / "marks", tmp_path / "run", tmp_path / "log"
    marks.mkdir()
    options = [part for item in SPECULATION.items() for part in ("--conf", "=".join(item))]
    job = (*options, ROOT / "tests/cluster/dawdling_train.py", marks)
    code = cluster.submit(out, log, runs.settings_of("gd"), job=job).wait(240)
    assert code == 0, log.read_text()[-3000:]
    (slept,) = (path.name.removeprefix("slept-") for path in marks.glob("slept-*"))
    finished = sorted(path.name for path in marks.glob("[0-9]*"))
    assert f"{slept}-0" not in finished  # the attempt that slept; the job ended with another's result
    assert runs.compare(out, drivers.in_peace("gd", tmp_path)) == []


def test_the_secret_is_in_one_file_that_others_cannot_read(cluster: Any) -> None:
    """It is on no command line and in no log, and the cluster's folder is closed to others."""
    settings = cluster.state / "spark.conf"
    assert stat.S_IMODE(settings.stat().st_mode) == 0o600
    assert stat.S_IMODE(cluster.state.stat().st_mode) == 0o700
    lines = [line.split() for line in settings.read_text().splitlines()]
    secret = next(line[1] for line in lines if line and line[0] == "spark.authenticate.secret")
    commands = subprocess.run(["ps", "axww", "-o", "command"], capture_output=True, text=True, check=True)
    assert secret not in commands.stdout
    for path in cluster.state.rglob("*"):
        if path.is_file() and path != settings:
            assert secret.encode() not in path.read_bytes(), path


# What the others have in a checkpoint: tests/runs/test_checkpoint.py.
@pytest.mark.parametrize(
    "methods", [("lbfgs", "rounds"), pytest.param(("gd", "adam"), marks=pytest.mark.slow)], ids="-".join
)
def test_killed_drivers_resume_to_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, methods: tuple[str, ...]
) -> None:
    """gd, adam, lbfgs and rounds, four kills each, one of them inside a checkpoint write."""
    monkeypatch.setattr(drivers, "METHODS", methods)
    check(drivers.kill_drivers(tmp_path, random.Random(3), 4))


@pytest.mark.parametrize("moment", drivers.MOMENTS)
def test_a_driver_killed_in_its_first_checkpoint_starts_again(tmp_path: Path, moment: str) -> None:
    """With a history but perhaps no checkpoint, --resume still ends with each epoch once."""
    out, log = tmp_path / "run", tmp_path / "log"
    for options in ({"moment": moment}, {}):
        code = drivers.run(drivers.driver, "gd", out, log, **options)
    assert code == 0, log.read_text()
    assert runs.compare(out, drivers.in_peace("gd", tmp_path)) == []


def test_a_flipped_bit_sends_resume_to_the_checkpoint_before(tmp_path: Path) -> None:
    """The damage is told, and the run ends as if nothing had been."""
    check(disks.flip_bits(tmp_path, random.Random(4), 4))


def test_a_full_disk_is_survived(tmp_path: Path) -> None:
    """History and checkpoints wait until there is room again; the last good checkpoint stays."""
    check(disks.fill_the_disk(tmp_path, random.Random(5), 1))


@pytest.fixture
def submitting(monkeypatch: Any) -> None:
    """What spark-submit needs to be found and to find this Python."""
    if "SPARK_HOME" not in os.environ:
        import pyspark

        monkeypatch.setenv("SPARK_HOME", str(Path(pyspark.__file__).parent))
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)


def test_a_driver_killed_on_spark_resumes_on_other_partitions(
    spark: Any, submitting: None, tmp_path: Path
) -> None:
    """It dies under spark-submit, inside a checkpoint write; another process goes on."""
    out, few = tmp_path / "run", ("--set", FEW_EPOCHS)
    killed = spark_drivers.submit("rounds", str(out), tmp_path / "log", 4, *few, moment=drivers.MOMENTS[1])
    assert killed.wait(240) != 0
    assert not (out / "metrics.json").exists()
    assert 0 < runs.epochs_of(out) <= runs.CHECKPOINT_EVERY
    settings = runs.settings_of("rounds", "spark.partitions=7", FEW_EPOCHS)
    run(recipe.read(str(runs.RECIPE), settings), str(out), title="went on", resume=True)
    assert runs.compare(out, drivers.in_peace("rounds", tmp_path, FEW_EPOCHS)) == []


@pytest.mark.slow  # one that goes on in another driver's session: above
def test_drivers_killed_under_spark_submit_resume_under_it(submitting: None, tmp_path: Path) -> None:
    """One dies inside a checkpoint write; a run of 40 epochs."""
    check(spark_drivers.kill_spark_drivers(tmp_path, random.Random(8), 1, methods=("rounds",)))


@pytest.mark.slow  # tests/spark/test_hadoop_folder.py resumes behind a URI without a kill
def test_a_run_directory_behind_the_hadoop_client_resumes(submitting: None, tmp_path: Path) -> None:
    """RUN_DIR as file: URI, the driver killed between two epochs, then --resume on other partitions."""
    check(spark_drivers.use_a_uri(tmp_path, random.Random(6), 1))
