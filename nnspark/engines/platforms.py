"""What decides the last bits of a product on a machine: NumPy, BLAS build, kernel family, SIMD.

OpenBLAS picks its kernels by the processor (SkylakeX and Haswell give other bits), and so does NumPy for
its elementwise functions. Two machines with the same description give the same bits; two with different
ones may not.
"""

from collections.abc import Collection
from functools import cache
from typing import Any

import numpy as np

from nnspark.log import warn

__all__ = ["described", "differences", "note", "platform"]

FAMILIES = ("AVX2", "AVX512F", "AVX512_SKX", "X86_V2", "X86_V3", "X86_V4", "NEON", "ASIMD", "SVE", "VSX4")


@cache
def platform() -> str:
    """This process's NumPy, BLAS and SIMD in one line; looked up once a process.

    The kernel family needs threadpoolctl, which an executor may lack: then it reads "unknown kernels", and
    the SIMD extensions tell most machines apart.
    """
    configuration: dict[str, Any] = np.show_config(mode="dicts")  # type: ignore[assignment]
    blas = configuration.get("Build Dependencies", {}).get("blas", {})
    simd = configuration.get("SIMD Extensions", {})
    known = [*simd.get("baseline", []), *simd.get("found", [])]
    families = [name for name in known if name in FAMILIES] or known or ["none"]
    return (
        f"NumPy {np.__version__}, {blas.get('name', 'unknown BLAS')} {blas.get('version', '')} "
        f"({_kernels()}), SIMD {families[-1]}"
    )


def _kernels() -> str:
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return "unknown kernels"
    families = {str(pool["architecture"]) for pool in threadpool_info() if pool.get("architecture")}
    return " and ".join(sorted(families)) or "unknown kernels"


def differences(platforms: Collection[str]) -> str | None:
    """One line that names the kinds of machine, if there are several; else None."""
    if len(platforms) < 2:
        return None
    return (
        f"the machines of this run compute differently ({'; '.join(sorted(platforms))}), so the same bits "
        "are not promised: the weights' last bits depend on which machine computes which block; use one "
        "kind of processor and one environment (scripts/package)"
    )


def note(known: set[str], found: Collection[str]) -> None:
    """Add what computes, or did before a resume, to what is known; warn when it is a new kind of machine."""
    if not known.issuperset(found):
        known.update(found)
        warn(str(differences(known)))


def described(platforms: Collection[str]) -> dict[str, Any]:
    """For ``metrics.json``: what computed, and whether the same bits can be expected of it again."""
    return {"platforms": sorted(platforms), "same_bits": len(platforms) == 1}
