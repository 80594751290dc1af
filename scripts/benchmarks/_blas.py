"""The native BLAS that MLlib finds, at its best: one that does not know the processor takes old kernels.

Debian 12's OpenBLAS (0.3.21) is of before some processors. On one with AVX-512 that it did not know it took
those of "Prescott", and a product of M's shapes 10 GFLOP/s where its own for SkylakeX take 60.
"""

import os
import subprocess
import sys
from pathlib import Path

__all__ = ["core_of_openblas", "prefer_known_kernels"]

OLDEST = ("Prescott", "Core2", "Nehalem")
KERNELS = {"SkylakeX": {"avx512f", "avx512bw", "avx512dq", "avx512vl"}, "Haswell": {"avx2", "fma"}}
ASK = """
import ctypes
library = ctypes.CDLL("libblas.so.3")
library.openblas_get_corename.restype = ctypes.c_char_p
print(library.openblas_get_corename().decode())
"""


def core_of_openblas() -> str:
    """Whose kernels libblas.so.3 takes, as the environment stands; empty where it is no OpenBLAS."""
    done = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def prefer_known_kernels() -> None:
    """Ask OpenBLAS for the newest kernels that run here, where it would take its oldest."""
    if "OPENBLAS_CORETYPE" in os.environ or core_of_openblas() not in OLDEST:
        return
    flags = flags_of_processor()
    kernels = next((name for name, needed in KERNELS.items() if needed <= flags), None)
    if kernels:
        os.environ["OPENBLAS_CORETYPE"] = kernels


def flags_of_processor() -> set[str]:
    """What Linux says that it can do; nothing elsewhere."""
    file = Path("/proc/cpuinfo")
    return set(file.read_text().split()) if file.is_file() else set()
