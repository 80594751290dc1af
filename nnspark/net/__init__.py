"""The network: activations, losses, forward and backward, weights. Pure NumPy."""
