"""nnspark trains feed-forward neural networks on Apache Spark: the same bits on any cluster.

The modules, in the order data and weights pass through them:

recipe, recipe_text, session   what to do, where
sources, plan, scaling     rows as they are read; what is learned from them before training
rows, dataset, frames      hash, split and cut into blocks: from arrays, from DataFrames
resident, shards           blocks laid out on the executors
weights, activations, losses, network, tasks     pure NumPy: forward and backward over a block
exact_sum, ordered_sum, totals                   sums that do not depend on order
regularize, cost           the cost function: one Spark job a call
optimizers, schedules, rounds, stopping          how the weights move, and until when
train                      the loop
storage, checkpoint, model, evaluate, report     what is kept of a run
"""

__version__ = "0.1.0"
__all__ = ["__version__"]
