"""Workspaces that a thread keeps from one pass over its blocks to the next."""

import threading
from collections import OrderedDict

from nnspark.net.network import Network, Workspace

__all__ = ["workspace"]

KEPT_BYTES = 64 << 20
_kept = threading.local()  # threads of one program may train at the same time


def workspace(network: Network, dtype: str, rows: int) -> Workspace:
    """Scratch arrays for blocks of up to ``rows`` rows: an earlier pass of this thread's where they fit.

    The last one is kept, and those before it as far as all take no more than ``KEPT_BYTES``: the models of a
    sweep take turns.
    """
    kept: OrderedDict[tuple[Network, str], Workspace] = _kept.__dict__.setdefault("all", OrderedDict())
    held: int = _kept.__dict__.setdefault("bytes", 0)
    work = kept.pop((network, dtype), None)
    if work is None or work.rows < rows:
        held -= work.nbytes if work is not None else 0
        work = Workspace(network, rows, dtype)
        held += work.nbytes
    kept[network, dtype] = work
    while len(kept) > 1 and held > KEPT_BYTES:
        held -= kept.popitem(last=False)[1].nbytes
    _kept.bytes = held
    return work
