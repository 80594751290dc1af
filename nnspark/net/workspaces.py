"""Workspaces that a thread keeps from one pass over its blocks to the next."""

import threading
from collections import OrderedDict

from nnspark.net.network import Network, Workspace

__all__ = ["workspace"]

KEPT_BYTES = 64 << 20
_kept = threading.local()  # threads of one program may train at the same time


def workspace(network: Network, dtype: str, rows: int, blocks: int = 1) -> Workspace:
    """Scratch for ``blocks`` blocks of ``rows`` rows together: this thread's earlier one where it fits.

    The last one is kept, and those before it as far as all take no more than ``KEPT_BYTES``: the models of a
    sweep take turns.
    """
    kept: OrderedDict[tuple[Network, str], Workspace] = _kept.__dict__.setdefault("all", OrderedDict())
    held: int = _kept.__dict__.setdefault("bytes", 0)
    work = kept.pop((network, dtype), None)
    if work is None or work.rows < rows or work.blocks < blocks:
        held -= work.nbytes if work is not None else 0
        if work is not None:
            rows, blocks = max(rows, work.rows), max(blocks, work.blocks)
        work = Workspace(network, rows, dtype, blocks)
        held += work.nbytes
    kept[network, dtype] = work
    while len(kept) > 1 and held > KEPT_BYTES:
        held -= kept.popitem(last=False)[1].nbytes
    _kept.bytes = held
    return work
