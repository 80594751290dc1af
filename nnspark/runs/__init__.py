"""One run from recipe to run directory: storage, checkpoints, progress, command lines."""
