"""scikit-learn's perceptrons with nnspark's training: change one import.

    from nnspark.sklearn import MLPClassifier, MLPRegressor

The arguments, their defaults, the attributes and the methods are those of ``sklearn.neural_network``; here
they are only translated into a recipe (``recipe_``), which the engine trains. The same rows give a job the
same weights, bit for bit (``weights_sha256_``), and so does Spark with ``spark=`` a session.

What is the same: the network, the distribution of its initial weights, the loss, the penalty of a full batch,
every update rule, when training stops, ``partial_fit``, ``warm_start``, which weights early stopping keeps.

What differs, and why:

order of rows : of no account. A row's place is taken from its values, so ``fit`` on shuffled rows gives the
    same bits; ``shuffle=False`` means batches in that order, the same ones every epoch.
random numbers : drawn by position from ``random_state`` (NumPy's Generator), so not scikit-learn's own.
    ``partial_fit`` goes on in the sequence of permutations that the first call began.
validation rows : those whose hash says so, stratified by class where there is one label a row. Equal rows
    are in the same part.
alpha : divided by all training rows, whatever the batch; scikit-learn divides it by the rows of the batch,
    so that its meaning changes with ``batch_size``.
solver : "cg", "adamw" and "rmsprop" too. "lbfgs" is nnspark's own: ``tol`` is for the gradient, and a fall of
    the cost below SciPy's default ends it too, unless ``tol`` is 0.
activation : "leaky_relu", "softplus" and "sigmoid" (another name for "logistic") too. loss : no "poisson".
loss_ : of several outputs the sum of half their squared errors, whose gradient it is; scikit-learn's is the
    mean.
sparse input : made dense, all of it to train, by pieces to predict.
divergence : an error that says so (a ValueError); with early stopping the best weights before it are kept.

New arguments: ``block_rows``, the engine's unit of arithmetic (0: by the table); ``engine``, "local", "spark"
or "auto" (the quicker one, if there is a session); ``spark``, a SparkSession. Arithmetic and weights are
float32 where X is.
"""

from nnspark.sklearn.classifier import MLPClassifier
from nnspark.sklearn.regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
