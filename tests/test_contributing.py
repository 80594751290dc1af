"""CONTRIBUTING.md's diffs are real: they apply to this checkout, and the tests they bring pass."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
DIFFS = re.findall(r"^```diff\n(.*?)^```", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE | re.DOTALL)
THEIR_TESTS = (
    "tests/net/test_activations.py", "tests/net/test_network.py", "tests/interop/test_onnx.py",
    "tests/objective/test_metrics.py", "tests/optimizers", "tests/sources/test_jsonl.py",
)  # fmt: skip


def apply(diff: str, folder: Path, *options: str) -> None:
    """Apply a diff to a folder, or only see whether it fits."""
    command = ["git", "apply", "--unidiff-zero", "--recount", *options, "-"]
    done = subprocess.run(command, input=diff, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_diffs_still_fit() -> None:
    """An activation, a metric, an optimizer, a source; each names the files it touches."""
    assert len(DIFFS) == 4
    for diff in DIFFS:
        assert re.search(r"^\+\+\+ b/nnspark/", diff, re.MULTILINE)
        assert re.search(r"^\+\+\+ b/tests/", diff, re.MULTILINE)
        apply(diff, ROOT, "--check")


def test_what_they_add_works(tmp_path: Path) -> None:
    """In a copy, all four together: the tests that take them up, and those that they bring."""
    for name in ("nnspark", "tests", "conf"):
        shutil.copytree(ROOT / name, tmp_path / name, symlinks=True)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for diff in DIFFS:
        apply(diff, tmp_path)
    words = ("-q", "-n", "0", "-p", "no:cacheprovider", "-k", "softsign or mse or yogi or jsonl")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words, *THEIR_TESTS], cwd=tmp_path, capture_output=True, text=True,
        check=False, env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
    assert int(re.findall(r"(\d+) passed", done.stdout)[-1]) >= 20
