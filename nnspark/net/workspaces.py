"""Workspaces that a process keeps from one pass over its blocks to the next."""

from nnspark.net.network import Network, Workspace

__all__ = ["workspace"]

_kept: dict[tuple[Network, str], Workspace] = {}


def workspace(network: Network, dtype: str, rows: int) -> Workspace:
    """Scratch arrays for blocks of up to ``rows`` rows: those of the last pass where they fit.

    One network's are kept; another network, another dtype or a longer block takes their place.
    """
    work = _kept.get((network, dtype))
    if work is None or work.rows < rows:
        _kept.clear()
        work = _kept[network, dtype] = Workspace(network, rows, dtype)
    return work
