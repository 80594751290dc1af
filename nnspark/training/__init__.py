"""Training: the loop over epochs, the cost function, rounds of mini-batches, when to stop."""
