"""Workspaces that a thread keeps from one pass over its blocks to the next."""

import threading

from nnspark.net.network import Network, Workspace

__all__ = ["workspace"]

_kept = threading.local()  # threads of one program may train at the same time


def workspace(network: Network, dtype: str, rows: int) -> Workspace:
    """Scratch arrays for blocks of up to ``rows`` rows: those of this thread's last pass where they fit.

    One network's are kept; another network, another dtype or a longer block takes their place.
    """
    kept: tuple[Network, str, Workspace] | None = getattr(_kept, "last", None)
    if kept is None or kept[:2] != (network, dtype) or kept[2].rows < rows:
        kept = _kept.last = (network, dtype, Workspace(network, rows, dtype))
    return kept[2]
