"""Machines that give other bits are told apart by name."""

import numpy as np

from nnspark.engines.platforms import differences, platform


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
