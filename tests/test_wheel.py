"""The wheel alone: built from the sdist, in environments that have no file of this checkout."""

import hashlib
import importlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jobs.loading import read_parts

import nnspark

ROOT = Path(__file__).parents[1]
SHARED = Path(importlib.import_module("pyspark").__file__ or "").parents[1]
MADE = {"build", "dist", "runs", "spark-warehouse"}  # beside the sources of a checkout that was used
BUILD = "import setuptools.build_meta as backend, sys; backend.build_sdist(sys.argv[1])"
LEAN = """
import hashlib, importlib.util, json, sys
import numpy as np
sys.path.append(sys.argv[1])
import nnspark
model = nnspark.load(sys.argv[2])
answers = model.predict_proba(np.load(sys.argv[3]))
others = ("pyspark", "pandas", "sklearn", "scipy", "pyarrow", "threadpoolctl", "tqdm")
print(json.dumps({
    "place": nnspark.__file__,
    "found": [name for name in others if importlib.util.find_spec(name)],
    "answers": hashlib.sha256(answers.tobytes()).hexdigest(),
    "weights": model.weights_sha256,
    "epochs": len(model.history),
}))
"""


def left_out(folder: str, names: list[str]) -> set[str]:
    """What is no source: hidden files, caches, and at the top of the checkout what was made there."""
    made = MADE if Path(folder) == ROOT else set()
    return {
        name for name in names if name.startswith((".", "__pycache__")) or name.endswith(".egg-info")
    } | made


def done(*command: Any, cwd: Path) -> str:
    """Run a program without this checkout on its path; what it printed."""
    set_here = ("PYTHON", "PYSPARK", "SPARK_")
    clean = {key: value for key, value in os.environ.items() if not key.startswith(set_here)}
    options = {"SPARK_SUBMIT_OPTS": os.environ.get("SPARK_SUBMIT_OPTS", "")}
    run = subprocess.run(
        [*map(str, command)], cwd=cwd, env=clean | options, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout[-1000:] + run.stderr[-2000:]
    return run.stdout


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel; what the wheel depends on is in the folder that a .pth names."""
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(ROOT, folder / "source", symlinks=True, ignore=left_out)
    done(sys.executable, "-c", BUILD, folder, cwd=folder / "source")
    shutil.rmtree(folder / "source")
    (sdist,) = folder.glob("nnspark-*.tar.gz")
    pip = (sys.executable, "-m", "pip", "-q", "--disable-pip-version-check")
    done(*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, sdist, cwd=folder)
    (wheel,) = folder.glob("*.whl")
    done(sys.executable, "-m", "venv", "--without-pip", folder / "env", cwd=folder)
    done(*pip, "--python", folder / "env/bin/python", "install", "--no-deps", wheel, cwd=folder)
    (packages,) = (folder / "env").glob("lib/python*/site-packages")
    (packages / "shared.pth").write_text(f"{SHARED}\n")
    return folder / "env"


@pytest.fixture(scope="module")
def trained(environment: Path) -> Path:
    """The run directory of ``nnspark train``, from a folder where nothing else is."""
    (environment.parent / "here").mkdir()
    words = (
        "train",
        "digits",
        "--out",
        "one",
        "--set",
        "training.epochs=3",
        "--set",
        "training.engine=local",
    )
    said = done(environment / "bin/nnspark", *words, cwd=environment.parent / "here")
    assert said.splitlines()[-1] == "one/metrics.json"
    return environment.parent / "here/one"


def test_the_console_command_trains_and_predicts(trained: Path, environment: Path) -> None:
    """With the recipes and the report's page of the wheel; on Spark, whose workers have the wheel too."""
    here = trained.parent
    place = done(environment / "bin/python", "-c", "import nnspark; print(nnspark.__file__)", cwd=here)
    assert Path(place.strip()).is_relative_to(environment)
    assert "<svg" in (trained / "report.html").read_text()
    X = np.random.default_rng(0).uniform(0, 16, size=(20, 64))
    np.save(here / "X.npy", X)
    said = done(environment / "bin/nnspark", "predict", "one", "X.npy", "--out", "answers", cwd=here)
    assert said.splitlines()[-1] == "answers"
    header, rows = read_parts(here / "answers")
    assert header[64] == "prediction"
    assert [row[64] for row in rows] == [str(label) for label in nnspark.load(trained).predict(X)]


def test_a_model_is_loaded_where_numpy_and_safetensors_alone_can_be_imported(
    trained: Path, environment: Path, tmp_path: Path
) -> None:
    """No Spark, no pandas, no scikit-learn: the weights that were trained, every answer to the last bit."""
    (packages,) = environment.glob("lib/python*/site-packages")
    for name in ("numpy", "numpy.libs", "safetensors"):
        if (SHARED / name).exists():
            (tmp_path / name).symlink_to(SHARED / name)
    (tmp_path / "nnspark").symlink_to(packages / "nnspark")
    X = np.random.default_rng(1).uniform(0, 16, size=(1_000, 64))
    np.save(tmp_path / "X.npy", X)
    script = f"import sys; sys.path.append({str(tmp_path)!r}){LEAN}"
    words = (sys.executable, "-I", "-S", "-c", script, tmp_path, trained, tmp_path / "X.npy")
    found = json.loads(done(*words, cwd=tmp_path))
    assert found == {
        "place": str(tmp_path / "nnspark/__init__.py"),
        "found": [],
        "answers": hashlib.sha256(nnspark.load(trained).predict_proba(X).tobytes()).hexdigest(),
        "weights": json.loads((trained / "metrics.json").read_text())["weights_sha256"],
        "epochs": 3,
    }
