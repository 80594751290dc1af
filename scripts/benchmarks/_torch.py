"""``TorchDistributor`` as a contestant: two gloo processes, DistributedDataParallel, Adam 1e-3, batch 100."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["torch_course"]

Array = NDArray[Any]


def torch_course(data: tuple[Array, Array, Array, Array], hidden: int) -> Iterator[tuple[float, float]]:
    """Seconds of training and accuracy after each epoch; all epochs run before the first is given."""
    from pyspark.ml.torch.distributor import TorchDistributor

    with tempfile.TemporaryDirectory(prefix="nnspark-bench-") as folder:
        for name, values in zip(("X", "y", "X_test", "y_test"), data, strict=True):
            kind = np.float32 if values.dtype.kind == "f" else np.int64
            np.save(Path(folder) / f"{name}.npy", values.astype(kind))
        distributor = TorchDistributor(num_processes=2, local_mode=True, use_gpu=False)
        yield from distributor.run(_train, folder, hidden, 12)


def _train(folder: str, hidden: int, epochs: int) -> list[tuple[float, float]]:
    """Worker function: one of the processes."""
    import torch
    from torch import distributed, nn
    from torch.nn.parallel import DistributedDataParallel

    torch.set_num_threads(1)
    distributed.init_process_group("gloo")
    rank, size = distributed.get_rank(), distributed.get_world_size()
    X, y, X_test, y_test = (
        torch.from_numpy(np.load(Path(folder) / f"{name}.npy")) for name in ("X", "y", "X_test", "y_test")
    )
    X, y = X[rank::size], y[rank::size]
    torch.manual_seed(42)
    model = nn.Sequential(nn.Linear(X.shape[1], hidden), nn.ReLU(), nn.Linear(hidden, 10))
    parallel = DistributedDataParallel(model)
    optimizer = torch.optim.Adam(parallel.parameters(), lr=1e-3)
    loss_of = nn.CrossEntropyLoss()
    found, seconds = [], 0.0
    for epoch in range(epochs):
        began = time.perf_counter()
        order = torch.randperm(len(X), generator=torch.Generator().manual_seed(epoch))
        for chosen in order.split(100):
            optimizer.zero_grad()
            loss_of(parallel(X[chosen]), y[chosen]).backward()
            optimizer.step()
        seconds += time.perf_counter() - began
        with torch.no_grad():
            found.append((seconds, float((model(X_test).argmax(1) == y_test).float().mean())))
    distributed.destroy_process_group()
    return found
