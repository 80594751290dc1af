"""nnspark trains feed-forward neural networks on Apache Spark: the same bits on any cluster.

The rooms, from the ground up; each imports from those above it in this list and from nothing below:

errors, log        what goes wrong, what is said
recipe             what a run is
net                activations, losses, forward and backward over a block: pure NumPy
sums               sums that do not depend on order
optimizers         how the weights move
sources            files read on the driver
report             the page
data               hash, split, scale and cut rows into blocks
objective          a block and weights in, sums out
model              the trained artifact
engines            where blocks lie and how a function of them is summed: in this process, on Spark
training           the loop, the cost function, rounds, stopping
scoring            a model applied to rows
evaluation         figures of a model on labelled rows
ml                 Spark ML's perceptrons, trained here
sklearn            scikit-learn's perceptrons, trained here
runs               one run from recipe to run directory; the command lines
"""

__version__ = "0.1.0"
__all__ = ["__version__"]
