"""Every reference system trained from its recipe in conf/: the published figure, ours, is it what it must be.

Each system runs once with its recipe's own seed; where a seed matters it runs again with seeds 0, 1, 2, ...
for both split and weights, and the worst and the median are told. MNIST and R0's images are yours to
name (``--mnist``, ``--features`` and ``--labels``); without them stand-ins made of scikit-learn's digits take
their place, and the table says so. Seconds are of training alone, reading the data left out.
"""

import argparse
import gzip
import struct
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks import _common
from benchmarks._common import markdown_table, progress
from nnspark.errors import DivergedError
from nnspark.model import Model
from nnspark.recipe import Recipe, read
from nnspark.runs.run import load_shards
from nnspark.training.loop import Epoch, Trained, train

__all__ = ["SYSTEMS", "Fit", "System", "add_arguments", "coefficients", "run", "table", "write_data"]

Array = NDArray[Any]
CONF = Path(__file__).resolve().parents[2] / "conf"


class Fit(NamedTuple):
    """A trained recipe."""

    recipe: Recipe
    trained: Trained
    model: Model
    history: list[dict[str, Any]]
    seconds: float


class Outcome(NamedTuple):
    """Ours in words, whether it is what the system must show, and the figure that seeds spread."""

    ours: str
    met: bool
    score: float


@dataclass(frozen=True)
class System:
    """A reference system: its recipe, what was published, what ours must show.

    ``seeds`` : how many more seeds to try; ``worst`` : what the worst of them must reach. ``data`` : the key
    in ``write_data`` of the files it needs.
    """

    name: str
    recipe: str
    published: str
    must_show: str
    check: Callable[[Fit], Outcome]
    seeds: int = 0
    worst: float = 0.0
    data: str = ""


def fit(recipe_name: str, overrides: Sequence[str], session: Any = None) -> Fit:
    """Train a recipe of conf/, on the local engine without a session."""
    recipe = read(CONF / recipe_name, overrides)
    shards = load_shards(recipe, session)
    history: list[dict[str, Any]] = []

    def remember(epoch: Epoch) -> None:
        history.append(epoch.row)

    began = time.perf_counter()
    trained = train(recipe, shards, callbacks=[remember])
    seconds = time.perf_counter() - began
    model = Model.of(shards.plan, trained.network, trained.theta, "")
    shards.close()
    return Fit(recipe, trained, model, history, seconds)


def coefficients(model: Model) -> tuple[float, NDArray[np.float64]]:
    """Intercept and slopes of a linear model of one target, in the data's own units: probed, not derived."""
    probes = np.vstack([np.zeros(model.network.layers[0]), np.eye(model.network.layers[0])])
    values = model.predict(probes)[:, 0]
    return float(values[0]), values[1:] - values[0]


def held_out(least: float) -> Callable[[Fit], Outcome]:
    """Accuracy on the test part."""

    def check(fitted: Fit) -> Outcome:
        accuracy = fitted.trained.metrics["test"]["accuracy"]
        return Outcome(f"{accuracy:.2%} held out", accuracy >= least, accuracy)

    return check


def check_r0(fitted: Fit) -> Outcome:
    """``mean_error`` in the history (published at epochs 1, 11, ... 231); classes from labels 1..10."""
    errors = [row["mean_error"] for row in fitted.history]
    accuracy = fitted.trained.metrics["test"]["accuracy"]
    classes = [] if fitted.model.classes is None else fitted.model.classes.tolist()
    ours = f"{accuracy:.2%} test, mean_error {errors[0]:.3f} to {errors[230]:.3f}"
    return Outcome(ours, classes == list(range(1, 11)) and errors[230] < errors[0], accuracy)


def check_r2(fitted: Fit) -> Outcome:
    """Train and test accuracy."""
    on_train, on_test = (fitted.trained.metrics[part]["accuracy"] for part in ("train", "test"))
    met = on_train >= 0.9333 and on_test >= 29 / 30
    return Outcome(f"{on_train:.2%} train, {on_test:.2%} test", met, on_test)


def check_r3(fitted: Fit) -> Outcome:
    """Four rows right, the loss falling."""
    accuracy, losses = fitted.trained.metrics["train"]["accuracy"], [row["loss"] for row in fitted.history]
    ours = f"{4 * accuracy:.0f} of 4 rows, loss {losses[0]:.3f} to {losses[-1]:.3f}"
    return Outcome(ours, accuracy == 1.0 and falls(losses), accuracy)


def check_r5(fitted: Fit) -> Outcome:
    """The loss falls below 1e-3, coefficients are (0, 0, 1), and the raw data diverge with one clear line."""
    losses = [row["loss"] for row in fitted.history]
    intercept, slopes = coefficients(fitted.model)
    close = np.allclose([intercept, *slopes], [0.0, 0.0, 1.0], rtol=0, atol=1e-2)
    raw = ["data.scale=none", "data.target_scale=none", f"data.path={fitted.recipe.data.path}"]
    try:
        fit("r5-quadratic.toml", [*raw, "training.engine=local"])
        told = "raw data did not diverge"
    except DivergedError as error:
        told = str(error)
    clear = "at epoch " in told and "scale" in told
    ours = (
        f"loss {losses[-1]:.0e}, y = {intercept:.4f} + {slopes[0]:.4f} x + {slopes[1]:.4f} x²; "
        f"raw: diverged at epoch {told.partition('at epoch ')[2].partition(':')[0] or '?'}"
    )
    return Outcome(ours, falls(losses) and losses[-1] < 1e-3 and close and clear, losses[-1])


def below_descent(least: float) -> Callable[[Fit], Outcome]:
    """A lower cost than 400 epochs of gradient descent from the same start, and held-out accuracy."""

    def check(fitted: Fit) -> Outcome:
        recipe = fitted.recipe
        seeds = [f"data.split.seed={recipe.data.split.seed}", f"training.seed={recipe.training.seed}"]
        descent = fit("digits.toml", [*seeds, "training.engine=local"])
        cost, limit = fitted.history[-1]["cost"], descent.history[-1]["cost"]
        accuracy = fitted.trained.metrics["test"]["accuracy"]
        evaluations = fitted.trained.progress.evaluations
        ours = f"{accuracy:.2%} held out, cost {cost:.4f} against {limit:.4f}, {evaluations} evaluations"
        return Outcome(ours, cost < limit and accuracy >= least, accuracy)

    return check


def check_r7(fitted: Fit) -> Outcome:
    """How many times smaller the sum of squared errors became."""
    fell = fitted.history[0]["loss"] / fitted.trained.metrics["train"]["loss"]
    return Outcome(f"sum of squared errors fell {fell:.0e} times", fell >= 1e6, fell)


def check_r1_rule(fitted: Fit) -> Outcome:
    """The author's rule ends the run after epoch 10 and before the last."""
    epochs, accuracy = fitted.trained.progress.epoch, fitted.trained.metrics["test"]["accuracy"]
    return Outcome(f"stopped at epoch {epochs}, {accuracy:.2%} held out", 10 < epochs < 5000, accuracy)


def falls(values: Sequence[float]) -> bool:
    """Whether each value is below the one before."""
    return all(after < before for before, after in pairwise(values))


RULE = ("stopping.tolerance=1e-4", "stopping.min_epochs=10")
SYSTEMS = (
    System("R0", "r0-digits-400.toml", "91.26 % test, mean_error 0.483 to 0.306", "mean_error in history",
           check_r0, data="r0"),
    System("R0 digits", "digits.toml", "", ">= 95 %", held_out(0.95), seeds=5),
    System("R1", "r1-digits-squared-error.toml", "a curve", ">= 96 %", held_out(0.96), seeds=5),
    System("R1 rule", "r1-digits-squared-error.toml", "stops", "the rule stops", check_r1_rule, data="rule"),
    System("R2", "r2-iris-sgd.toml", "93.33 % train, 96.67 % test", ">= 93.33 % and >= 96.67 %", check_r2,
           seeds=8),
    System("R3", "r3-or-gate.toml", "nothing that worked", "4 rows right, loss falls", check_r3, data="r3"),
    System("R4", "r4-digits-relu.toml", "", ">= 96 %", held_out(0.96), seeds=5),
    System("R5", "r5-quadratic.toml", "diverged to 1e21", "loss < 1e-3, 0 0 1, an error", check_r5,
           data="r5"),
    System("R6", "r6-digits-cg.toml", "stalled", ">= 96 %, cost below 400 epochs of gd", below_descent(0.96),
           seeds=5),
    System("R7", "r7-random-regression.toml", "", "falls 1e6 times", check_r7, seeds=5, worst=1e6, data="r7"),
    System("R8 digits", "r8-digits-minibatch.toml", "", ">= 95 %, worst >= 93 %", held_out(0.95), seeds=5,
           worst=0.93),
    System("R8 MNIST", "r8-mnist-minibatch.toml", "about 95 %", ">= 95 %", held_out(0.95), data="mnist"),
    System("MNIST", "mnist.toml", "", ">= 97 % in 10 rounds", held_out(0.97), data="mnist"),
    System("rounds", "digits-rounds.toml", "", ">= 97 % in 15 rounds", held_out(0.97), seeds=5),
    System("L-BFGS", "digits-lbfgs.toml", "", "cost below 400 epochs of gd", below_descent(0.95), seeds=5),
)  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which systems, where the user's data are, which engine."""
    parser.add_argument("--systems", default="", help="a list out of " + ",".join(s.name for s in SYSTEMS))
    parser.add_argument("--mnist", metavar="FOLDER", help="the four idx files of MNIST")
    parser.add_argument("--features", metavar="X.npy", help="R0's images, (5000, 400)")
    parser.add_argument("--labels", metavar="y.npy", help="R0's labels, 1..10")
    parser.add_argument("--engine", choices=("local", "spark"), default="local", help="the bits are the same")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Train every system; with --quick on its own seed only and on small stand-ins."""
    names = [name for name in args.systems.split(",") if name]
    unknown = [name for name in names if name not in {system.name for system in SYSTEMS}]
    if unknown:
        raise SystemExit(
            f"no system is called {unknown[0]!r}; choose from {', '.join(s.name for s in SYSTEMS)}"
        )
    session = _common.session("recipes") if args.engine == "spark" else None
    chosen = [system for system in SYSTEMS if not names or system.name in names]
    with write_data({system.data for system in chosen}, args) as data:
        rows = [run_system(system, data.get(system.data, []), args.quick, session) for system in chosen]
    standins = {"r0": not (args.features and args.labels), "mnist": not args.mnist}
    for system, row in zip(chosen, rows, strict=True):
        row["data"] = "stand-in made of digits" if standins.get(system.data) else "as named"
    return {"engine": args.engine, "systems": rows}


def run_system(system: System, data: Sequence[str], quick: bool, session: Any) -> dict[str, Any]:
    """A system with its own seed and, unless quick, with others on the local engine."""
    progress(f"{system.name}: {system.recipe}")
    engine = [f"training.engine={'local' if session is None else 'spark'}"]
    own = fit(system.recipe, [*data, *engine], session)
    outcome = system.check(own)
    scores = []
    for seed in range(0 if quick else system.seeds):
        seeds = [f"data.split.seed={seed}", f"training.seed={seed}", "training.engine=local"]
        scores.append(system.check(fit(system.recipe, [*data, *seeds])).score)
    return {
        "system": system.name,
        "recipe": system.recipe,
        "published": system.published,
        "ours": outcome.ours,
        "score": outcome.score,
        "seeds": scores,
        "epochs": own.trained.progress.epoch,
        "seconds": round(own.seconds, 2),
        "must_show": system.must_show,
        "met": bool(outcome.met and min(scores, default=system.worst) >= system.worst),
    }


def table(results: dict[str, Any]) -> str:
    """A line a system, as the README has it."""
    rows = [
        {
            "system": row["system"] + (" *" if row["data"].startswith("stand-in") else ""),
            "published": row["published"],
            "ours": row["ours"],
            "worst, median of seeds": _spread(row["seeds"]),
            "epochs": row["epochs"],
            "seconds": float(row["seconds"]),
            "must show": row["must_show"],
            "met": "yes" if row["met"] else "NO",
        }
        for row in results["systems"]
    ]
    lines = [markdown_table(rows), f"\nengine: {results['engine']}; every recipe is in conf/"]
    if any(row["data"].startswith("stand-in") for row in results["systems"]):
        lines.append("* on a stand-in made of scikit-learn's digits, enlarged and jittered")
    return "\n".join(lines)


def _spread(scores: Sequence[float]) -> str:
    if not scores:
        return ""
    show = "{:.2%}" if max(scores) <= 1.0 else "{:.0e}"
    return (
        ", ".join(show.format(value) for value in (min(scores), float(np.median(scores))))
        + f" of {len(scores)}"
    )


@contextmanager
def write_data(wanted: set[str], args: argparse.Namespace) -> Iterator[dict[str, list[str]]]:
    """The overrides that give each system its data, the files in a folder that lasts as long."""
    found = {
        "rule": list(RULE),
        "r3": [f"data.path={CONF / 'or-gate.csv'}"],
        "r5": [f"data.path={CONF / 'quadratic.csv'}"],
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if "r0" in wanted:
            features, labels = args.features, args.labels
            if not (features and labels):
                features, labels = write_r0(folder)
            found["r0"] = [f"data.features={features}", f"data.labels={labels}"]
        if "r7" in wanted:
            rng = np.random.default_rng(0)
            X, y = rng.normal(size=(64, 1000)), rng.normal(size=(64, 10))
            np.savez(folder / "random-regression", X=X, y=y)
            found["r7"] = [f"data.path={folder / 'random-regression.npz'}"]
        if "mnist" in wanted:
            sizes = (6_000, 1_000) if args.quick else (60_000, 10_000)
            found["mnist"] = [f"data.path={args.mnist or write_idx(folder / 'mnist', *sizes)}"]
        yield found


def write_r0(folder: Path, rows: int = 5_000) -> tuple[Path, Path]:
    """R0's files from digits: 20×20 pixels, labels 1..10. Copies of a digit are in several parts."""
    pixels, labels = drawn(np.arange(1797), rows, 20, seed=0)
    np.save(folder / "X.npy", pixels)
    np.save(folder / "y.npy", np.where(labels == 0, 10, labels).reshape(-1, 1))
    return folder / "X.npy", folder / "y.npy"


def write_idx(folder: Path, train_rows: int, test_rows: int) -> Path:
    """The four files of MNIST's form from digits; the t10k images are of other digits than the train ones."""
    folder.mkdir()
    order = np.random.default_rng(0).permutation(1797)
    for part, rows, digits in (("train", train_rows, order[360:]), ("t10k", test_rows, order[:360])):
        X, y = drawn(digits, rows, 28, seed=rows)
        pixels = np.rint(255 * X).astype(np.uint8)
        header = struct.pack(">IIII", 0x803, len(pixels), 28, 28)
        (folder / f"{part}-images-idx3-ubyte").write_bytes(header + pixels.tobytes())
        with gzip.open(folder / f"{part}-labels-idx1-ubyte.gz", "wb") as file:
            file.write(struct.pack(">II", 0x801, len(y)) + y.astype(np.uint8).tobytes())
    return folder


def drawn(digits: NDArray[np.int64], rows: int, side: int, *, seed: int) -> tuple[Array, NDArray[np.int64]]:
    """Pixels in 0..1, (rows, side²), and classes: digits enlarged to 18×18, somewhere near the middle.

    ``digits`` are row numbers of scikit-learn's set; each row of the result is one of them at random,
    moved by up to a pixel each way and 20 % paler or darker.
    """
    from sklearn.datasets import load_digits

    rng, bunch = np.random.default_rng(seed), load_digits()
    pick = digits[rng.integers(0, len(digits), rows)]
    at = np.linspace(0, 7, 18)
    enlarge = np.maximum(0, 1 - np.abs(at[:, None] - np.arange(8)))
    shades = rng.uniform(0.8, 1.2, (rows, 1, 1)) / 16
    large = np.minimum(enlarge @ bunch.images[pick] @ enlarge.T * shades, 1)
    images = np.zeros((rows, side, side))
    corners = (side - 18) // 2 + rng.integers(-1, 2, (rows, 2))
    for image, digit, (top, left) in zip(images, large, corners, strict=True):
        image[top : top + 18, left : left + 18] = digit
    return images.reshape(rows, -1), bunch.target[pick]
