"""Scratch arrays kept from pass to pass: reused where they fit, and only as many as there is room for."""

from nnspark.net import workspaces
from nnspark.net.network import Network
from nnspark.net.workspaces import workspace

NETWORK = Network((4, 3, 2))


def test_a_block_that_fits_gets_the_same_arrays():
    """Of as many rows or fewer."""
    work = workspace(NETWORK, "float64", 20)
    assert workspace(NETWORK, "float64", 20) is work
    assert workspace(Network((4, 3, 2)), "float64", 7) is work


def test_models_that_take_turns_keep_theirs():
    """As a sweep's do."""
    networks = [Network((4, hidden, 2)) for hidden in range(3, 13)]
    first = [workspace(network, "float64", 20) for network in networks]
    assert [workspace(network, "float64", 20) for network in networks] == first


def test_a_longer_block_another_dtype_and_another_network_get_others_and_one_is_kept(monkeypatch):
    """However many networks a worker sees: where there is room for one, it holds the last one's scratch."""
    monkeypatch.setattr(workspaces, "KEPT_BYTES", 100)
    first = workspace(NETWORK, "float64", 20)
    for network, dtype, rows in (
        (NETWORK, "float64", 21),
        (NETWORK, "float32", 21),
        (Network((4, 3, 2), "relu"), "float32", 21),
    ):
        work = workspace(network, dtype, rows)
        assert (work.rows, work.dtype) == (rows, dtype)
        assert workspace(network, dtype, rows) is work
    assert workspace(NETWORK, "float64", 20) is not first
