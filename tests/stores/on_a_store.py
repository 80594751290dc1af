"""A driver on an object store, in one process: trained, killed at every step, with requests that go wrong.

``python on_a_store.py SCENARIO FOLDER JARS``: prints what was counted; an assertion that fails ends it.
"""

import json
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from spark.dying import Dying, KilledError, Steps
from stores.proxy import WAYS, Asked, a_twentieth, nothing
from stores.s3 import Store, has_delta
from stores.tables import check_tables

from nnspark import load, recipe
from nnspark.engines.hadoop import Hadoop
from nnspark.runs import lock
from nnspark.runs.commands import evaluate, predict, report, watch
from nnspark.runs.run import run, run_in
from nnspark.runs.storage import Folder, open_folder

EPOCHS_KILLED = 3
EPOCHS_FAILING = 20
RECIPE = """
[data]
source = "csv"
path = "{path}"
scale = "standard"
[network]
hidden = [5]
[training]
optimizer = "adam"
learning_rate = 0.05
epochs = {epochs}
block_rows = 64
[checkpoint]
every = 1
[report]
html = false
"""


def csv() -> bytes:
    """500 rows of four features and a label."""
    rng = np.random.default_rng(11)
    X = rng.normal(size=(500, 4)).round(4)
    y = (X[:, 0] + X[:, 1] ** 2 > 0.5).astype(int)
    lines = (f"{','.join(map(str, row))},{label}\n" for row, label in zip(X.tolist(), y, strict=True))
    return ("a,b,c,d,label\n" + "".join(lines)).encode()


def recipe_of(path: str, epochs: int, *overrides: str) -> Any:
    """The recipe of some rows."""
    return recipe.loads(RECIPE.format(path=path, epochs=epochs), overrides)


def in_peace(folder: Path, epochs: int) -> list[Any]:
    """History and metrics of a run without Spark, on this machine's disk."""
    (folder / "rows.csv").write_bytes(csv())
    out = folder / f"peace-{epochs}"
    run(recipe_of(str(folder / "rows.csv"), epochs, 'training.engine="local"'), str(out), title="peace")
    return timeless(lambda name: (out / name).read_bytes())


def timeless(read: Callable[[str], bytes]) -> list[Any]:
    """History and metrics without what may differ between two runs."""
    rows = [json.loads(line) for line in read("history.jsonl").splitlines()] + [
        json.loads(read("metrics.json"))
    ]
    return [{key: row[key] for key in row if "seconds" not in key and key != "spark"} for row in rows]


def on_store(store: Store, run_dir: str) -> list[Any]:
    """The same of a run on the store."""
    return timeless(lambda name: store.read(f"{run_dir}/{name}"))


def whole(store: Store, session: Any, folder: Path) -> None:
    """Rows and run directory on the store: trained, resumed, watched, evaluated, predicted, reported."""
    out = store.uri("whole")
    for epochs in (3, 6):
        run(recipe_of(store.uri("rows.csv"), epochs), out, title="", resume=epochs == 6)
    assert on_store(store, "whole") == in_peace(folder, 6)
    assert load(out).weights_sha256 == json.loads(store.read("whole/metrics.json"))["weights_sha256"]
    watch.main([out, "--once"])
    evaluate.main([out])
    figures = json.loads(store.read("whole/evaluation.json"))
    assert figures["accuracy"] == json.loads(store.read("whole/metrics.json"))["test"]["accuracy"]
    predict.main([out, store.uri("rows.csv"), "--out", store.uri("answers")])
    assert session.read.csv(store.uri("answers"), header=True).count() == 500
    report.main([out])
    assert b"</html>" in store.read("whole/report.html")


def locked(store: Store, session: Any, folder: Path) -> None:
    """Files come and go; of many who create one at a time, one succeeds: the store's conditional write."""
    from concurrent.futures import ThreadPoolExecutor

    def open_one(number: int) -> Folder:
        return open_folder(store.uri("locked"), session.sparkContext)

    one = open_one(0)
    for content in (b"old", b"new" * 500_000):
        one.write("below/file", content)
        assert one.read("below/file") == content
    assert one.names("below") == ["file"]
    assert one.create("first", b"me")
    assert not one.create("first", b"you")
    assert one.read("first") == b"me"
    one.delete("below")
    assert one.names("below") == []
    for turn in range(5):
        with ThreadPoolExecutor(6) as pool:
            folders = list(pool.map(open_one, range(6)))
            made = list(pool.map(lambda at: folders[at].create(f"lock-{turn}", str(at).encode()), range(6)))  # noqa: B023
        assert sum(made) == 1, made


def kills(store: Store, session: Any, folder: Path) -> None:
    """Killed before each step of a run's writes, and resumed: creating, closing, deleting, locking.

    The rows are laid out without Spark: these kills are of the directory's writes.
    """
    peace = in_peace(folder, EPOCHS_KILLED)
    words = (str(folder / "rows.csv"), EPOCHS_KILLED, 'training.engine="local"')
    made, plain = recipe_of(*words), Hadoop.file_system
    lock.BEAT = 1e6  # its writes are steps, too, and come by the clock

    def life(run_dir: str, steps: Steps) -> None:
        def dying_store(self: Hadoop, path: Any) -> Any:
            return Dying(plain(self, path), steps)

        Hadoop.file_system = dying_store  # type: ignore[method-assign]
        try:
            open_it = partial(open_folder, store.uri(run_dir), session.sparkContext)
            run_in(open_it, made, None, title="", resume=True, progress=False)
        finally:
            Hadoop.file_system = plain  # type: ignore[method-assign]

    killed = 0
    while True:
        with suppress(KilledError):
            life(f"at-{killed}", Steps(killed))
            break
        life(f"at-{killed}", Steps())
        assert on_store(store, f"at-{killed}") == peace, f"killed before step {killed + 1}"
        killed += 1
    print("killed before each of", killed, "steps, resumed, equal")
    assert killed >= 20


def failing(store: Store, session: Any, folder: Path) -> None:
    """5 % of all requests go wrong, in one way at a time and in all: how many, and what that takes."""
    faults: dict[str, Callable[[Asked], str]] = {"warm": nothing, "well": nothing}
    faults |= {way: a_twentieth(way) for way in WAYS} | {"all": a_twentieth(*WAYS)}
    peace = in_peace(folder, EPOCHS_FAILING)
    for name, fault in faults.items():
        store.proxy.fault, store.proxy.counts = fault, {}
        began = time.monotonic()
        run(recipe_of(store.uri("rows.csv"), EPOCHS_FAILING), store.uri(name), title="")
        print(name, store.proxy.counts, f"{time.monotonic() - began:.1f} s", flush=True)
        store.proxy.fault = nothing
        assert on_store(store, name) == peace


def tables(store: Store, session: Any, folder: Path) -> None:
    """Tables people have, on this machine's disk, in PostgreSQL and on the store, see tables.py."""
    check_tables(session, folder, store.uri("tables"), csv(), delta=has_delta())


SCENARIOS = {"locked": locked, "whole": whole, "kills": kills, "failing": failing, "tables": tables}


def main(scenarios: str, place: str, jars: str) -> None:
    """Run the scenarios, several with commas between them."""
    folder = Path(place)
    with Store(folder, Path(jars)) as store:
        session = store.session()
        store.put("rows.csv", csv())
        for name in scenarios.split(","):
            (folder / name).mkdir()
            SCENARIOS[name](store, session, folder / name)
            print(name, "ok", flush=True)
        session.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
