"""What a run is: the recipe's sections, their text, their checks. Knows no engine and no training."""

from nnspark.recipe.reading import dumps, loads, of_table, read, read_sweep
from nnspark.recipe.sections import (
    Checkpoint,
    Data,
    Network,
    Prediction,
    Recipe,
    Report,
    Rounds,
    Spark,
    Split,
    Stopping,
    Training,
)
from nnspark.recipe.sweep import Sweep

__all__ = [
    "Checkpoint",
    "Data",
    "Network",
    "Prediction",
    "Recipe",
    "Report",
    "Rounds",
    "Spark",
    "Split",
    "Stopping",
    "Sweep",
    "Training",
    "dumps",
    "loads",
    "of_table",
    "read",
    "read_sweep",
]
