"""From a block and weights to sums: the objective, its accumulators, the metrics."""
