"""Scratch arrays kept from pass to pass: reused where they fit, and only as many as there is room for."""

from nnspark.net import workspaces
from nnspark.net.network import Network, Workspace
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


def test_what_is_kept_is_counted_as_it_comes_and_goes(monkeypatch):
    """Networks beyond the room go, the one longest out of use first; a longer block's arrays replace."""
    networks = [Network((4, hidden, 2)) for hidden in range(3, 8)]
    sizes = [Workspace(network, 20, "float64").nbytes for network in networks]
    workspace(NETWORK, "float64", 1)
    monkeypatch.setattr(workspaces, "KEPT_BYTES", sum(sizes[1:4]))
    for network in networks[:4]:
        workspace(network, "float64", 20)
    kept = workspaces._kept.__dict__
    assert [one for one, _ in kept["all"]] == networks[1:4]
    assert kept["bytes"] == sum(one.nbytes for one in kept["all"].values()) == sum(sizes[1:4])
    workspace(networks[1], "float64", 21)
    assert [one for one, _ in kept["all"]] == [networks[3], networks[1]]
    assert kept["bytes"] == sum(one.nbytes for one in kept["all"].values())
