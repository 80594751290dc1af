"""Machines that give other bits are told apart by name."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from nnspark.engines.platforms import differences, platform

ROOT = Path(__file__).parents[2]


def test_this_machine_is_described_by_what_decides_its_bits() -> None:
    """NumPy, BLAS and its kernels, SIMD."""
    text = platform()
    assert f"NumPy {np.__version__}, " in text
    assert "blas" in text.lower()
    assert ", SIMD " in text
    assert "unknown kernels" not in text  # threadpoolctl is there


def test_one_kind_of_machine_is_no_difference() -> None:
    """However many there are of it."""
    assert differences({platform()}) is None


def test_two_kinds_are_named_and_the_same_bits_are_not_promised() -> None:
    """Both descriptions, and what to do."""
    text = differences({"NumPy 2.1 (Haswell)", "NumPy 2.1 (SkylakeX)"})
    assert text is not None
    for part in ("(Haswell)", "(SkylakeX)", "not promised", "scripts/package"):
        assert part in text


def trained(out: Path, kernels: str, *options: str) -> tuple[str, dict[str, object]]:
    """What a run without Spark says, and the part of its metrics that says what computed."""
    environment = {**os.environ, "OPENBLAS_CORETYPE": kernels}
    overrides = ["training.engine=local", "report.html=false", "checkpoint.every=1"]
    command = [sys.executable, "jobs/train.py", "conf/digits.toml", "--out", str(out), *options]
    command += [part for override in overrides for part in ("--set", override)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return done.stderr, json.loads((out / "metrics.json").read_text())["spark"]


def test_a_resume_on_another_kind_of_machine_says_so_and_does_not_call_it_the_same_bits(
    tmp_path: Path,
) -> None:
    """Another processor's kernels: one warning, and both in the metrics; the same kernels: not a word."""
    if "openblas" not in platform():
        pytest.skip("OPENBLAS_CORETYPE is OpenBLAS's")
    out = tmp_path / "run"
    said, spark = trained(out, "Haswell", "--set", "training.epochs=2")
    assert "compute differently" not in said
    assert (len(spark["platforms"]), spark["same_bits"]) == (1, True)  # type: ignore[arg-type]
    for epochs, kernels in ((3, "Haswell"), (4, "Nehalem")):
        said, spark = trained(out, kernels, "--resume", "--set", f"training.epochs={epochs}")
        mixed = kernels == "Nehalem"
        assert said.count("compute differently") == mixed
        assert (len(spark["platforms"]), spark["same_bits"]) == (1 + mixed, not mixed)  # type: ignore[arg-type]
        assert ("(Nehalem)" in said) == mixed
