"""The reference systems: each recipe in conf/ shows what its system must show, with its own seed."""

import functools
import json
from argparse import Namespace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LinearRegression

from nnspark import recipe as recipes
from nnspark.errors import DivergedError
from nnspark.model import Model
from nnspark.net import weights
from nnspark.runs.data import load_shards
from nnspark.runs.run import run
from nnspark.training.loop import train

ROOT = Path(__file__).parents[1]
CONF = ROOT / "conf"
RECIPES = sorted(path.name for path in CONF.glob("*.toml"))


class Fit:
    """A recipe of conf/ trained without Spark: result, history, plan, model."""

    def __init__(self, name, *overrides, engine="local", session=None):
        self.recipe = recipes.read(CONF / name, [f"training.engine={engine}", *overrides])
        self.history = []
        shards = load_shards(self.recipe, session)
        self.plan = shards.plan
        self.trained = train(self.recipe, shards, callbacks=[lambda epoch: self.history.append(epoch.row)])
        self.model = Model.of(shards.plan, self.trained.network, self.trained.theta, "")
        shards.close()

    def accuracy(self, part="test"):
        """Accuracy on a part at the final weights."""
        return self.trained.metrics[part]["accuracy"]

    def column(self, name):
        """A history column."""
        return [row[name] for row in self.history]


@functools.cache
def fit_of(name):
    """A recipe of conf/ as it is: trained once, however many tests look at it."""
    return Fit(name)


def falling(values):
    """Whether every value is below the one before."""
    return all(after < before for before, after in pairwise(values))


@pytest.fixture
def bench(monkeypatch):
    """The benchmarks: of recipes, and its stand-ins for R0's images and MNIST, made of digits."""
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    import benchmarks.recipes

    return benchmarks


@pytest.fixture
def own_data(tmp_path, bench):
    """A function: the overrides that give a recipe the data it does not bring, or few of those it makes."""

    def overrides(name):
        if "mnist" in name:
            folder = tmp_path / "mnist"
            return [f"data.path={folder if folder.exists() else bench._standins.write_idx(folder, 400, 100)}"]
        if name in ("bank.toml", "houses.toml", "words.toml", "r0-digits-400.toml"):
            return ["data.options.rows=300"]
        csv = {"r3-or-gate.toml": "or-gate.csv", "r5-quadratic.toml": "quadratic.csv"}.get(name)
        return [f"data.path={CONF / csv}"] if csv else []

    return overrides


PUBLISHED_MEAN_ERROR = [
    0.483, 0.894, 0.872, 0.817, 0.739, 0.669, 0.612, 0.565, 0.526, 0.492, 0.463, 0.439,
    0.418, 0.400, 0.385, 0.372, 0.360, 0.349, 0.340, 0.332, 0.324, 0.318, 0.311, 0.306,
]  # fmt: skip


class TestR0:
    """The digits net on Spark."""

    def test_files_of_its_form_train_with_mean_error_in_the_history(self, tmp_path, bench):
        """5,000×400 X.npy, (5000, 1) y.npy with labels 1..10, made of digits: the published curve."""
        X, y = bench._standins.write_r0(tmp_path)
        assert np.load(X).shape == (5000, 400)
        assert np.load(y).shape == (5000, 1)
        own = ("data.source=npy", f"data.features={X}", f"data.labels={y}")
        fit = Fit("r0-digits-400.toml", *own, "training.epochs=240")
        assert fit.plan.num_samples == pytest.approx((4000, 500, 500), abs=20)
        assert fit.model.classes.tolist() == list(range(1, 11))
        np.testing.assert_allclose(fit.column("mean_error")[::10], PUBLISHED_MEAN_ERROR, atol=0.03)

    def test_its_recipe_alone_trains_on_the_same_images(self, tmp_path, bench):
        """Made of digits from a seed, where the files are not there: the same bits as from files."""
        X, y = bench._standins.write_r0(tmp_path, 300)
        few = ("training.epochs=3", "data.options.rows=300")
        own = ("data.source=npy", f"data.features={X}", f"data.labels={y}", "data.options={}")
        made, read = (Fit("r0-digits-400.toml", *few, *more) for more in ((), own))
        assert made.trained.theta.tobytes() == read.trained.theta.tobytes()

    def test_mean_error_is_the_published_metric(self, tmp_path, bench):
        """Worked out from the model's own outputs over the training rows."""
        X, y = bench._standins.write_r0(tmp_path, 300)
        fit = Fit(
            "r0-digits-400.toml",
            "data.source=npy",
            f"data.features={X}",
            f"data.labels={y}",
            "data.split={train=1, validation=0, test=0}",
            "training.epochs=20",
        )
        labels = np.load(y).ravel()
        a_true = fit.model.outputs(np.load(X))[np.arange(300), labels - 1]
        assert fit.trained.metrics["train"]["mean_error"] == pytest.approx(
            np.abs(a_true - 1).mean(), rel=1e-12
        )
        assert (fit.model.predict(np.load(X)) == labels).mean() == fit.accuracy("train")

    def test_mnists_files_serve_by_the_options_of_its_comment(self, tmp_path, bench):
        """The same net on 28×28 pixels; the t10k pair is the test part."""
        text = (CONF / "r0-digits-400.toml").read_text()
        options = ("data.source=idx", "data.scale={center = 0, divide = 255}")
        assert all(f"--set {key}=" in text for key in ("data.source", "data.path", "data.scale"))
        folder = bench._standins.write_idx(tmp_path / "mnist", 400, 100)
        fit = Fit("r0-digits-400.toml", *options, f"data.path={folder}", "training.epochs=30")
        assert fit.trained.network.layers == (784, 25, 10)
        assert fit.plan.num_samples[2] == 100
        assert falling(fit.column("mean_error")[10:])

    def test_digits_reach_95_percent_held_out(self):
        """conf/digits.toml: (x−8)/8, l2 = 1, 400 epochs."""
        fit = fit_of("digits.toml")
        assert fit.recipe.data.scale == {"center": 8, "divide": 8}
        assert (fit.recipe.training.l2, len(fit.history)) == (1.0, 400)
        assert fit.accuracy() >= 0.95


class TestR1:
    """The scikit-learn digits net with squared error."""

    NAME = "r1-digits-squared-error.toml"

    @pytest.mark.slow
    def test_5000_epochs_reach_96_percent_held_out(self):
        """The length the system may take at most."""
        fit = Fit(self.NAME)
        assert len(fit.history) == 5000
        assert fit.accuracy() >= 0.96

    def test_the_stopping_rule_of_its_comment_ends_it(self):
        """The first epoch after the tenth whose loss fell by less than 1e-4 is the last."""
        text = (CONF / self.NAME).read_text()
        assert all(line in text for line in ("# [stopping]", "# tolerance = 1e-4", "# min_epochs = 10"))
        fit = Fit(self.NAME, "stopping.tolerance=1e-4", "stopping.min_epochs=10")
        fell = [before - after for before, after in pairwise(fit.column("loss"))]
        small = [epoch for epoch, fall in enumerate(fell, 2) if fall < 1e-4 and epoch > 10]
        assert small == [len(fit.history)]
        assert 10 < len(fit.history) < 5000
        assert fit.accuracy() >= 0.96

    def test_biases_have_a_rate_of_their_own(self):
        """A tenth of the bias rate moves the biases a tenth as far in the first step, the weights as far."""
        steps = []
        for rate in (0.7, 0.07):
            over = ["training.epochs=1", f"training.bias_learning_rate={rate}"]
            recipe = recipes.read(CONF / self.NAME, over)
            fit = Fit(self.NAME, *over)
            first = weights.init_weights((64, 15, 10), recipe.network.init, seed=recipe.training.seed)
            steps.append(fit.trained.theta - weights.flatten(first))
        is_bias = weights.bias_mask((64, 15, 10))
        np.testing.assert_allclose(steps[1][is_bias], 0.1 * steps[0][is_bias], rtol=1e-9)
        assert (steps[1][~is_bias] == steps[0][~is_bias]).all()

    def test_the_report_draws_the_curve_and_the_confusion_matrix(self, tmp_path):
        """Both plots of the system."""
        recipe = recipes.read(CONF / self.NAME, ["training.engine=local", "training.epochs=3"])
        run(recipe, str(tmp_path / "run"), title="r1")
        page = (tmp_path / "run" / "report.html").read_text()
        assert "<svg" in page
        assert "Confusion matrix" in page


class TestR2:
    """The iris net, one row at a time."""

    NAME = "r2-iris-sgd.toml"

    def test_it_reaches_the_published_accuracy_on_a_stratified_split(self):
        """120 rows for training, 30 held out; float32."""
        fit = Fit(self.NAME)
        assert fit.plan.num_samples == (120, 0, 30)
        assert fit.trained.theta.dtype == np.float32
        assert fit.accuracy("train") >= 0.9333
        assert fit.accuracy("test") >= 29 / 30

    def test_the_split_takes_ten_rows_of_each_class(self):
        """The model's hits over all 150 flowers are those counted in the two parts."""
        fit = Fit(self.NAME, "training.epochs=5")
        hits = (fit.model.predict(load_iris().data) == load_iris().target).sum()
        assert hits == round(120 * fit.accuracy("train") + 30 * fit.accuracy("test"))
        assert fit.plan.cuts.shape[0] == 3

    def test_weights_go_into_one_flat_vector_and_back(self):
        """41 numbers; the network of the vector read back is the trained one."""
        fit = Fit(self.NAME, "training.epochs=2")
        theta = weights.flatten(fit.model.weights)
        assert theta.shape == (5 * 5 + 3 * 6,)
        again = weights.unflatten(theta, (4, 5, 3))
        assert weights.sha256(again) == weights.sha256(fit.model.weights)

    @pytest.mark.parametrize(("every", "shown"), [(10, [1, 10, 20]), (7, [1, 7, 14, 20])])
    def test_the_print_interval_is_settable(self, tmp_path, capsys, every, shown):
        """report.every; the first and the last epoch are always told."""
        recipe = recipes.read(
            CONF / self.NAME,
            ["training.engine=local", "training.epochs=20", f"report.every={every}", "report.html=false"],
        )
        run(recipe, str(tmp_path / "run"), title="r2")
        lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("epoch ")]
        assert [int(line.split()[1].split("/")[0]) for line in lines] == shown


class TestR3:
    """The OR gate."""

    def test_all_four_rows_are_right_and_the_loss_falls_at_every_epoch(self, own_data):
        """A single sigmoid unit, no hidden layer."""
        fit = Fit("r3-or-gate.toml", *own_data("r3-or-gate.toml"))
        assert fit.trained.network.layers == (2, 1)
        assert fit.model.predict(np.array([[0, 0], [0, 1], [1, 0], [1, 1]])).tolist() == [0, 1, 1, 1]
        assert falling(fit.column("loss"))


class TestR4:
    """The two-layer ReLU classifier."""

    NAME = "r4-digits-relu.toml"

    def test_it_leaves_its_tiny_start_for_96_percent_held_out(self):
        """Three histories with a value every epoch, and the decay of ×0.95."""
        fit = Fit(self.NAME)
        assert fit.accuracy() >= 0.96
        for name in ("loss", "accuracy", "validation_accuracy"):
            values = fit.column(name)
            assert len(values) == 60
            assert all(np.isfinite(values))
        assert fit.column("accuracy")[0] < 0.2
        np.testing.assert_allclose(fit.column("learning_rate"), 0.95 ** np.arange(60), rtol=1e-12)

    def test_its_penalty_is_reg_times_the_squared_weights(self):
        """For reg = 0.001: l2 over twice the training rows; and cost less loss, biases left out."""
        fit = Fit(self.NAME, "training.epochs=3")
        assert fit.recipe.training.l2 / (2 * fit.plan.num_samples[0]) == pytest.approx(1e-3, rel=1e-9)
        start = weights.init_weights((64, 100, 10), fit.recipe.network.init, seed=fit.recipe.training.seed)
        assert all((W[:, 0] == 0).all() for W in start)
        assert start[0][:, 1:].std() == pytest.approx(1e-4, rel=0.05)
        squares = sum((W[:, 1:] ** 2).sum() for W in start)
        first = fit.history[0]
        assert first["cost"] - first["loss"] == pytest.approx(1e-3 * squares, rel=1e-6)


class TestR5:
    """Quadratic regression."""

    NAME = "r5-quadratic.toml"
    RAW = ("data.scale=none", "data.target_scale=none")

    def test_the_loss_falls_monotonically_to_below_a_thousandth(self, own_data):
        """On standardised features and target."""
        losses = Fit(self.NAME, *own_data(self.NAME)).column("loss")
        assert falling(losses)
        assert losses[-1] < 1e-3

    def test_coefficients_come_back_in_the_datas_own_units(self, own_data, bench):
        """0, 0 and 1 within a hundredth, as scikit-learn's least squares finds them."""
        fit = Fit(self.NAME, *own_data(self.NAME))
        intercept, slopes = bench._systems.coefficients(fit.model)
        np.testing.assert_allclose([intercept, *slopes], [0, 0, 1], atol=1e-2)
        x = np.arange(1.0, 6.0)
        exact = LinearRegression().fit(np.column_stack([x, x**2]), x**2)
        np.testing.assert_allclose([intercept, *slopes], [exact.intercept_, *exact.coef_], atol=1e-2)

    def test_raw_data_diverge_with_one_clear_line(self, own_data):
        """It names the epoch and what to do; no history row holds a number that is not finite."""
        recipe = recipes.read(CONF / self.NAME, [*own_data(self.NAME), *self.RAW, "training.engine=local"])
        rows = []
        with pytest.raises(DivergedError) as caught:
            train(recipe, load_shards(recipe, None), callbacks=[lambda epoch: rows.append(epoch.row)])
        message = str(caught.value)
        assert len(message.splitlines()) == 1
        assert f"epoch {len(rows) + 1}" in message
        assert "scale" in message
        assert np.isfinite([row["cost"] for row in rows]).all()
        assert rows[-1]["cost"] > 1e21


class TestR6:
    """Conjugate gradient and L-BFGS."""

    @pytest.mark.parametrize(("name", "most"), [("r6-digits-cg.toml", 2.2), ("digits-lbfgs.toml", 1.1)])
    def test_a_few_iterations_beat_400_epochs_of_gradient_descent(self, name, most):
        """A lower cost from the same start, 96 % held out, few evaluations an iteration."""
        descent, fit = fit_of("digits.toml"), Fit(name)
        assert len(fit.history) <= 60
        assert fit.column("cost")[-1] < descent.column("cost")[-1]
        assert fit.accuracy() >= 0.96
        assert fit.trained.progress.evaluations <= most * len(fit.history)


class TestR7:
    """Random regression."""

    def test_the_sum_of_squared_errors_falls_a_million_times(self):
        """1000-100-10 on 64 rows, drawn here once more, errors counted here in NumPy."""
        fit = Fit("r7-random-regression.toml")
        rng = np.random.default_rng(0)
        X, y = rng.normal(size=(64, 1000)), rng.normal(size=(64, 10))
        assert fit.trained.network.layers == (1000, 100, 10)
        start = weights.init_weights((1000, 100, 10), fit.recipe.network.init, seed=fit.recipe.training.seed)
        hidden = np.maximum(X @ start[0][:, 1:].T + start[0][:, 0], 0)
        before = ((hidden @ start[1][:, 1:].T + start[1][:, 0] - y) ** 2).sum()
        after = ((fit.model.predict(X) - y) ** 2).sum()
        assert 2 * 64 * fit.history[0]["loss"] == pytest.approx(before, rel=1e-9)
        assert len(fit.history) == 500
        assert before / after >= 1e6

    def test_its_learning_rate_is_that_of_the_plain_sum(self):
        """Mean over 64 rows of half the squares: the gradient is 2 · 64 times smaller."""
        recipe = recipes.read(CONF / "r7-random-regression.toml")
        assert recipe.training.learning_rate == pytest.approx(1e-6 * 2 * 64)


class TestR8:
    """The mini-batch digits net."""

    def test_digits_reach_95_percent_held_out(self):
        """Batches of 10, quadratic cost, N(0, 1) start."""
        fit = Fit("r8-digits-minibatch.toml")
        assert fit.accuracy() >= 0.95

    @pytest.mark.slow
    def test_the_worst_of_five_seeds_reaches_93_percent(self):
        """Seeds 0 to 4, for split and weights."""
        found = [
            Fit("r8-digits-minibatch.toml", f"data.split.seed={s}", f"training.seed={s}").accuracy()
            for s in range(5)
        ]
        assert min(found) >= 0.93

    @pytest.mark.slow
    def test_an_mnist_folder_reaches_95_percent(self, tmp_path, bench):
        """On a stand-in of MNIST's size: digits enlarged and jittered, t10k from other digits than train."""
        folder = bench._standins.write_idx(tmp_path / "mnist", 60_000, 10_000)
        fit = Fit("r8-mnist-minibatch.toml", f"data.path={folder}")
        assert fit.plan.num_samples == (60_000, 0, 10_000)
        assert fit.accuracy() >= 0.95


class TestRounds:
    """Mini-batches inside replicas, averaged once a round."""

    def test_digits_reach_97_percent_in_15_rounds_of_4_replicas(self):
        """With Adam."""
        fit = Fit("digits-rounds.toml")
        assert (fit.recipe.rounds.replicas, fit.recipe.training.optimizer) == (4, "adam")
        assert len(fit.history) <= 15
        assert fit.accuracy() >= 0.97

    def test_an_mnist_folder_trains_and_its_t10k_pair_is_the_test_part(self, tmp_path, bench):
        """A tenth of MNIST's size, made of digits: most of the images of other digits are right."""
        fit = Fit("mnist.toml", f"data.path={bench._standins.write_idx(tmp_path / 'mnist', 6_000, 1_000)}")
        assert fit.plan.num_samples == (6_000, 0, 1_000)
        assert fit.accuracy() >= 0.9

    @pytest.mark.slow
    def test_a_set_of_mnists_size_reaches_97_percent_in_10_rounds(self, tmp_path, bench):
        """On a stand-in of MNIST's size: digits enlarged and jittered, t10k from other digits than train."""
        fit = Fit("mnist.toml", f"data.path={bench._standins.write_idx(tmp_path / 'mnist', 60_000, 10_000)}")
        assert fit.plan.num_samples == (60_000, 0, 10_000)
        assert len(fit.history) <= 10
        assert fit.accuracy() >= 0.97


EARLY = [
    "training.engine=local",
    "training.epochs=200",
    "training.l2=0",
    "stopping.patience=6",
    "checkpoint.every=4",
    "report.html=false",
]
STOPPED = {
    "digits.toml": ["training.optimizer=adam", "training.learning_rate=0.05"],
    "digits-rounds.toml": [],
    "r6-digits-cg.toml": [],
}


def artifacts(folder):
    """Metrics and history of a run directory, without the seconds, and the model's own hash."""
    metrics = json.loads((folder / "metrics.json").read_text())
    history = [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]
    for table in (metrics, *history):
        table.pop("seconds")
    model = Model.from_bytes((folder / "model.safetensors").read_bytes())
    return metrics, history, weights.sha256(model.weights)


@pytest.fixture(scope="module")
def whole_run(tmp_path_factory):
    """A function: what the run of a recipe that nothing interrupts leaves; made once a recipe."""

    @functools.cache
    def of(name):
        folder = tmp_path_factory.mktemp("whole") / "run"
        run(recipes.read(CONF / name, [*EARLY, *STOPPED[name]]), str(folder), title="early")
        return artifacts(folder)

    return of


class TestEarlyStopping:
    """Patience over whole runs, with their run directories."""

    @pytest.mark.parametrize("name", STOPPED)
    def test_the_best_weights_come_back_and_the_history_shows_their_epoch(self, whole_run, name):
        """metrics.json has the least validation loss of the history and names its epoch."""
        metrics, history, kept = whole_run(name)
        losses = [row["validation_loss"] for row in history]
        assert len(history) < 200
        assert "validation_loss did not improve" in metrics["stopped_because"]
        best = int(np.argmin(losses))
        assert metrics["best_epoch"] == history[best]["epoch"]
        assert len(history) == metrics["best_epoch"] + 7
        assert metrics["validation"]["loss"] == pytest.approx(losses[best], rel=1e-12)
        assert metrics["validation"]["accuracy"] == history[best]["validation_accuracy"]
        assert kept == metrics["weights_sha256"]

    @pytest.mark.parametrize("name", STOPPED)
    @pytest.mark.parametrize("before", [1, 5, pytest.param(9, marks=pytest.mark.slow)])
    def test_a_resumed_run_agrees_with_an_uninterrupted_one(self, whole_run, tmp_path, name, before):
        """Cut short before and after a checkpoint is due, then resumed: same weights, history, best epoch."""
        parts = tmp_path / "parts"
        recipe = recipes.read(CONF / name, [*EARLY, *STOPPED[name]])
        short = recipes.read(CONF / name, [*EARLY, *STOPPED[name], f"training.epochs={before}"])
        run(short, str(parts), title="early")
        assert len(artifacts(parts)[1]) == before
        run(recipe, str(parts), title="early", resume=True)
        assert artifacts(parts) == whole_run(name)

    def test_resuming_a_run_that_patience_stopped_changes_nothing(self, tmp_path):
        """It stays stopped, with the same best weights."""
        recipe = recipes.read(CONF / "digits-rounds.toml", EARLY)
        run(recipe, str(tmp_path / "run"), title="early")
        before = artifacts(tmp_path / "run")
        run(recipe, str(tmp_path / "run"), title="early", resume=True)
        assert artifacts(tmp_path / "run") == before


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_gives_the_same_bits_on_spark(spark, own_data, name):
    """Two epochs on three partitions and on the local engine."""
    over = [*own_data(name), "training.epochs=2"]
    local = Fit(name, *over)
    on_spark = Fit(name, *over, "spark.partitions=3", engine="spark", session=spark)
    assert weights.sha256(on_spark.model.weights) == weights.sha256(local.model.weights)
    for one, other in zip(local.history, on_spark.history, strict=True):
        assert {**one, "seconds": 0} == {**other, "seconds": 0}


def test_every_recipe_runs_on_spark_unless_told_otherwise():
    """The engine is spark by default, and no recipe changes it."""
    assert {recipes.read(CONF / name).training.engine for name in RECIPES} == {"spark"}
    assert {name[:2] for name in RECIPES if name.startswith("r")} == {f"r{system}" for system in range(9)}


def test_the_benchmark_prints_a_line_a_system(bench):
    """Published, ours, epochs, seconds, must show, met; JSON-able."""
    args = Namespace(systems="R3,R5", quick=True, engine="local", mnist=None, features=None, labels=None)
    results = json.loads(json.dumps(bench.recipes.run(args)))
    assert [row["met"] for row in results["systems"]] == [True, True]
    lines = bench.recipes.table(results).splitlines()
    assert "published" in lines[0]
    assert [line.split()[1] for line in lines[2:4]] == ["R3", "R5"]
