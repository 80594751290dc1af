"""scripts/bench: the contestants compute what they should, the clockwork and the tables hold."""

import argparse
import os
import sys
import time
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[1] / "scripts"))

from benchmarks import (
    _blas,
    _common,
    _cost_model,
    auto,
    epoch,
    estimators,
    fit,
    memory,
    partitions,
    r0,
    tables,
    transform,
)
from benchmarks._common import Contestant, Ratio, Shape, format_table, race
from benchmarks._data import images, rows_of, table_of, write_parquet
from benchmarks._limit import Products, operations
from benchmarks._machine import processes_below, processor_times, used_since
from benchmarks._nnspark import Epochs, exact_no_op, make_resident, no_op, recipe_for
from benchmarks._peers import NumpyEpochs, SklearnLbfgs
from benchmarks._tables import TABLES, read_rows, write_tables
from benchmarks.exact import PlainShards

from nnspark.data.dataset import make_dataset
from nnspark.engines.local import LocalShards
from nnspark.net import weights as weights_module
from nnspark.training.cost import Cost

SMALL = Shape(300, (6, 5, 4, 3))


def own_epochs(shape, dtype, *overrides):
    """nnspark on a shape's rows, without Spark."""
    recipe = recipe_for(shape, dtype, *overrides)
    return Epochs(recipe, LocalShards(make_dataset(table_of(*rows_of(shape)), recipe)))


def test_contestants_take_turns_and_the_rare_one_sits_out():
    """A B A A B A ..., after the warm-ups, which are not counted."""
    order = []
    every = Contestant("A", lambda: order.append("A") or [1.0], warmup=1)
    rare = Contestant("B", lambda: order.append("B") or [2.0, 4.0], every=2, warmup=2)
    race([every, rare], 3)
    assert "".join(order) == "ABB" + "AB" + "A" + "AB"
    assert (every.seconds, rare.median) == ([1.0] * 3, 3.0)


@pytest.mark.parametrize(
    ("core", "flags", "asked"),
    [
        ("Prescott", {"avx512f", "avx512bw", "avx512dq", "avx512vl", "avx2", "fma"}, "SkylakeX"),
        ("Prescott", {"avx512f", "avx2", "fma"}, "Haswell"),
        ("Prescott", {"sse3"}, None),
        ("Zen", {"avx2", "fma"}, None),
        ("", {"avx2", "fma"}, None),
    ],
)
def test_mllibs_blas_is_asked_for_kernels_that_run_here(monkeypatch, core, flags, asked):
    """Where it would take its oldest; what the environment says stays."""
    monkeypatch.setattr(_blas, "core_of_openblas", lambda: core)
    monkeypatch.setattr(_blas, "flags_of_processor", lambda: flags)
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Own")
    _blas.prefer_known_kernels()
    assert os.environ["OPENBLAS_CORETYPE"] == "Own"
    monkeypatch.delenv("OPENBLAS_CORETYPE")
    _blas.prefer_known_kernels()
    assert os.environ.pop("OPENBLAS_CORETYPE", None) == asked


def test_a_ratio_says_whether_its_limit_is_met():
    """At least, at most, or for information."""
    assert Ratio("x", 2.1, 2.0, 1).verdict == ">= 2 yes"
    assert Ratio("x", 1.2, 1.15, -1).verdict == "<= 1.15 NO"
    assert Ratio("x", float("nan"), 1.15, -1).verdict == "<= 1.15 NO"
    assert Ratio("x", 1.2).verdict == ""


def test_a_shape_that_a_benchmark_has_not_is_one_line():
    """T is for transform and fit."""
    asked = argparse.Namespace(shapes="S,T", quick=False)
    assert set(_common.shapes_of(asked, "S")) == {"S", "T"}
    with pytest.raises(SystemExit, match="error: this benchmark has no shape 'T'; choose from S,M,L,XL"):
        epoch.run(asked)


def test_a_table_is_aligned():
    """Text to the left, numbers to the right."""
    rows = [{"name": "one", "ms": 1.5}, {"name": "eleven", "ms": 1234.0}]
    assert format_table(rows).splitlines() == [
        "name       ms",
        "------  -----",
        "one       1.5",
        "eleven  1,234",
    ]


def test_the_numpy_contestant_and_nnspark_descend_alike():
    """From the same weights the costs of three epochs agree."""
    ours = own_epochs(SMALL, "float64")
    X, y = rows_of(SMALL)
    numpy = NumpyEpochs(X, y, SMALL.layers, "float64", block=128)
    for layer, W in enumerate(weights_module.unflatten(ours.progress.theta, SMALL.layers)):
        numpy.weights[layer], numpy.biases[layer] = W[:, 1:].T.copy(), W[:, 0].copy()
    for _ in range(3):
        cost, _ = Cost(ours.objective, ours.shards, l2=0.0)(ours.progress.theta)
        ours()
        assert numpy._epoch(0.1 / len(X)) == pytest.approx(cost, rel=1e-12)


def test_r0_by_rows_has_nnsparks_gradient():
    """One Python call a row, summed, is the gradient of the sum."""
    shape = Shape(40, (6, 4, 3))
    ours = own_epochs(shape, "float64", 'network.output="sigmoid"')
    weights = weights_module.unflatten(ours.progress.theta, shape.layers)
    X, y = rows_of(shape)
    rows = [
        r0._backpropagate(*weights, row)
        for row in zip(np.insert(X, 0, 1.0, axis=1), np.eye(3)[y], strict=True)
    ]
    cost, grad = Cost(ours.objective, ours.shards, l2=0.0)(ours.progress.theta)
    sums = [sum(row[layer] for row in rows) / len(X) for layer in range(2)]
    np.testing.assert_allclose(weights_module.flatten(sums), grad, rtol=1e-10, atol=1e-14)
    assert sum(row[2] for row in rows) / len(X) == pytest.approx(cost, rel=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_plain_sums_differ_from_exact_ones_by_rounding_only(dtype):
    """The two contestants of ``exact`` compute the same gradient."""
    ours = own_epochs(SMALL, dtype, "training.block_rows=32")
    theta = ours.progress.theta
    cost, grad = Cost(ours.objective, ours.shards, l2=0.0)(theta)
    plain_cost, plain = Cost(ours.objective, PlainShards(ours.shards), l2=0.0)(theta)
    assert plain_cost == cost
    np.testing.assert_allclose(plain, grad, rtol=1e-5 if dtype == "float32" else 1e-11, atol=1e-8)


def test_no_op_jobs_return_what_an_epoch_returns():
    """A vector as long as theta; the totals of an earlier evaluation, unchanged by being summed."""
    ours = own_epochs(SMALL, "float32")
    make_resident(ours.shards)
    assert no_op(ours.shards, ours.progress.theta)()[0] > 0
    sample = exact_no_op(ours)
    assert all(sample()[0] > 0 for _ in range(3))


def test_the_limit_multiplies_every_row_once():
    """In as many blocks as nnspark's, by as many operations as its formulas have."""
    X, _ = rows_of(SMALL)
    limit = Products(X, SMALL.layers, "float64", block_rows=32)
    assert limit()[0] > 0
    rows = sorted(row for share in limit.shares for cut in share for row in range(*cut))
    assert rows == list(range(300))
    assert (
        sum(map(len, limit.shares))
        == own_epochs(SMALL, "float64", "training.block_rows=32").shards.plan.blocks[0]
    )
    assert operations(SMALL) == 300 * 2 * (2 * 6 * 5 + 3 * 5 * 4 + 3 * 4 * 3)
    start, stop = limit.shares[0][-1]
    first, delta = limit.sums[0][0][:, 1:], limit.scratch[0][1][0][: stop - start]
    np.testing.assert_allclose(first, delta.T @ X[start:stop], rtol=1e-12)


@pytest.mark.parametrize("solver", ["lbfgs", "adam"])
def test_scikit_learns_estimator_and_ours_are_paced_alike(solver):
    """Evaluations are counted where a line search makes more than one an iteration, epochs elsewhere."""
    X, y = rows_of(SMALL)
    contestants = estimators.contestants_of(SMALL, X, y, solver, 3)
    for one in contestants.values():
        one.seconds = one.sample()
        assert min(one.seconds) > 0
        assert (len(one.seconds) == 2) if solver == "adam" else (len(one.seconds) >= 3)
    assert len(estimators.ratios_of(contestants, solver)) == 3


@pytest.mark.slow
def test_autos_choices_are_held_against_the_clock(spark):
    """Both engines train on all rows; twelve shapes from 150 rows to 10 million."""
    sizes = [task.shape.rows for task in auto.NAMES.values()]
    assert (len(sizes), min(sizes), max(sizes)) == (12, 150, 10_000_000)
    found = auto.run_task(spark, "small", auto.Task(SMALL._replace(layers=(6, 5, 3)), 2, 1))
    assert found["auto"] == "local"
    assert min(found["local_s"], found["spark_s"]) > 0
    results = {"shapes": [found], "ratios": []}
    assert "of 1 within 1.2 of the quicker" in auto.table(results)


def test_scikit_learns_evaluations_are_timed_one_by_one():
    """As many intervals as evaluations, less the first two stamps."""
    X, y = rows_of(SMALL)
    assert 1 <= len(SklearnLbfgs(X, y, SMALL.layers, 6)()) <= 6


def test_images_are_28_by_28_and_the_same_every_time():
    """Values in 0..1, ten classes, held-out images of their own, no global randomness."""
    X, y, X_test, y_test = images(200, 100)
    assert (X.shape, X_test.shape) == ((200, 784), (100, 784))
    assert (X.min(), X.max()) == (0.0, 1.0)
    assert 0.1 < X.mean() < 0.3
    assert set(y) == set(range(10))
    assert set(y_test) <= set(range(10))
    np.testing.assert_array_equal(images(200, 100)[0], X)


def test_parquet_holds_the_rows_in_order(tmp_path):
    """Features as lists, labels as integers, in as many files as asked for."""
    import pyarrow.parquet as pq

    X, y = rows_of(SMALL)
    table = pq.read_table(write_parquet(tmp_path / "rows", X, y, 4))
    np.testing.assert_array_equal(np.array(table["features"].to_pylist()), X)
    np.testing.assert_array_equal(table["label"].to_numpy(), y)
    assert len(list((tmp_path / "rows").iterdir())) == 4


def test_memory_is_read_from_the_process_itself():
    """This process is found below its parent, as a Python process with a peak."""
    assert os.getpid() in processes_below(os.getppid())
    found = {}
    memory.note(os.getpid(), found)
    one = found[os.getpid()]
    assert one["process"] == "driver"
    assert one["peak_mb"] >= one["anonymous_mb"] > 10


def test_the_cost_model_recovers_the_constants_it_was_made_with():
    """Jobs made by T = job + tasks/cores task + ... give job, task, row, broadcast and aggregation back."""

    def of(seconds):
        return Contestant("", list, seconds=[seconds])

    cores, launch = _common.CORES, 2e-4
    idle = {
        (t, d): of(0.02 + t * launch + t / cores * 0.003 * d) for t in partitions.PARTITIONS for d in (1, 2)
    }
    sent = {w: of(0.03 + w * 1e-8) for w in partitions.WEIGHTS}
    moved = {w: of(0.03 + w * (1e-8 + cores * 3e-8)) for w in partitions.WEIGHTS}
    rows = {n: of(0.04 + n * 4e-6 / cores) for n in (15_000, 60_000)}
    constants = _cost_model.fit(idle, launch, moved, sent, rows)
    wanted = {
        "job": 0.02,
        "launch": launch,
        "task": 0.003,
        "row": 4e-6,
        "broadcast": 1e-8,
        "aggregation": 3e-8,
    }
    assert {name: constants[name] for name in wanted} == pytest.approx(wanted, rel=1e-6)
    constants["threads"] = 1.1
    few, many = (_cost_model.predict(constants, count, (784, 100, 10)) for count in (10, 4_000))
    assert few["epoch_s"] > 10
    assert (few["task_cpus"], few["tasks"]) == (1, 40)  # threads take a tenth longer there
    assert (many["task_cpus"], many["tasks"]) == (4, 4_000)
    assert many["epoch_s"] < many["a_task_a_core_s"]


def test_processor_seconds_are_those_of_this_process_too():
    """Work of a tenth of a second adds that much, or more where others below it work as well."""
    before, until = processor_times(), time.process_time() + 0.1
    while time.process_time() < until:
        pass
    assert used_since(before) >= 0.08
    assert used_since({pid: seconds for pid, seconds in before.items() if pid != os.getpid()}) > 0.1


def test_transform_races_models_that_answer_alike(spark, tmp_path):
    """Every way answers every row, and a number of rows that is not so is refused."""
    from pyspark import cloudpickle

    cloudpickle.register_pickle_by_value(transform)  # the workers of the tests know no benchmarks
    try:
        vectors, columns = transform.write_rows(spark, SMALL, tmp_path)
        ways = transform.contestants_of(spark, SMALL, vectors, columns)
        for way in ways.values():
            way.warmup, way.seconds = 0, way.timed()
            assert way.seconds[0] > 0 <= way.cpu
        assert [ratio.sign for ratio in transform.ratios_of(ways)] == [1, 0, 0, 0, 1, 0]
        ways["nnspark.ml, vectors"].rows += 1
        with pytest.raises(SystemExit, match="300 rows were answered where there are 301"):
            ways["nnspark.ml, vectors"].timed()
    finally:
        cloudpickle.unregister_pickle_by_value(transform)


def test_fits_are_timed_by_stage_and_their_rows_counted(spark, tmp_path):
    """MLlib's ten iterations; ours, laid out on the executors, once; other rows are refused."""
    frame = fit.write_rows(spark, SMALL, tmp_path)
    fits = fit.contestants_of(SMALL, frame, frame, 128)
    peer, own = fits["MLlib, Parquet"], fits["nnspark float32, cached"]
    own.estimator._set(engine="spark")
    for one in (peer, own):
        assert one.timed()[0] > 0
    assert peer.stages[0].keys() == {"all else"}
    assert own.stages[0].keys() == {*fit.STAGES, "all else"} - {"survey"}
    own.rows += 1
    with pytest.raises(SystemExit, match=r"trained on \[300\] rows where there are 301"):
        own.timed()


def test_tables_are_the_same_every_time_and_come_back_from_their_files(tmp_path):
    """The same rows of the same seed, holes where there were holes, 3 yes of 100, the best answers beside."""
    for path, (name, make) in zip(write_tables(tmp_path, 2_000), TABLES.items(), strict=True):
        made, again = make(2_000), read_rows(path)
        assert list(again.columns) == list(made.frame.columns)
        assert (again.isna() == made.frame.isna()).all(axis=None)
        assert again.iloc[:, -1].tolist() == make(2_000).frame.iloc[:, -1].tolist()
        if name != "houses":
            np.testing.assert_allclose(made.truth.sum(axis=1), 1)
    assert TABLES["bank"](20_000).frame.fraud.value_counts(normalize=True)["yes"] == pytest.approx(
        0.03, abs=0.004
    )
    assert TABLES["words"](10).frame.shape[1] > 500
    assert (
        tables.write_split("houses", 50, tmp_path, 1).truth
        != tables.write_split("houses", 50, tmp_path).truth
    )


def test_contestants_on_tables_learn_from_raw_files_and_their_rows_are_counted(tmp_path, monkeypatch):
    """Without Spark: all beat guessing the mean on the same held-out rows; other rows are refused."""
    own = tables.own
    monkeypatch.setattr(tables, "own", lambda split, recipe, engine: own(split, recipe, "local"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    split = tables.write_split("houses", 400, tmp_path)
    contestants = tables.contestants_of("houses", object())
    found = tables.race(split, contestants, 1)
    prices = read_rows(split.test).price.to_numpy()
    figures = {row["contestant"]: row["rmse"] for row in found["figures"]}
    assert figures.keys() == {"truth", *contestants}
    assert figures["truth"] == min(figures.values())
    assert max(figures.values()) < 0.8 * prices.std()
    assert figures["nnspark on Spark"] == figures["nnspark, no Spark"]
    assert "rmse / the better scikit-learn MLP's" in tables.table(
        {"rows": 400, "seeds": 1, "maker": 0, "tables": {"houses": found}}
    )
    with pytest.raises(SystemExit, match="trained on 400 rows where there are 401"):
        tables.race(split._replace(rows=401), contestants, 1)


def test_figures_of_tables_are_those_worked_by_hand():
    """Three of four pairs in order; hits at ranks 1 and 3; the mean of -ln p."""
    y, p = np.array(["no", "yes", "no", "yes"]), np.array([0.1, 0.8, 0.6, 0.5])
    found = tables.figures_of(y, np.column_stack([1 - p, p]))
    logs = np.log([0.9, 0.8, 0.4, 0.5])
    assert found == pytest.approx({"roc_auc": 3 / 4, "pr_auc": (1 + 2 / 3) / 2, "log_loss": -logs.mean()})
    good, bad = (found | {"log_loss": found["log_loss"] + more} for more in (0.004, 1.0))
    rows = [
        {"contestant": name, **row}
        for name, row in zip((*tables.PEERS, tables.LOCAL), (bad, found, good), strict=True)
    ]
    assert [ratio.verdict[-3:].strip() for ratio in tables.ratios_of(rows)] == ["yes", "yes", "NO"]
