"""How many rows a block has where the recipe leaves it open: ``training.block_rows = 0``.

A block of a narrow table is sooner computed than NumPy's calls are made. Seconds that one core takes for a
million rows, by rows of a block:

    layers        dtype      1,024   2,048   4,096   8,192
    10-10-2       float32     0.29    0.20    0.15    0.12
    50-20-2       float32     0.41    0.32    0.24    0.23
                  float64     0.67    0.57    0.51    0.53
    20-64-32-2    float32     0.87    0.73    0.68    0.76
    50-500-2      float32      4.0     4.2     4.4     4.6
    128-256-10    float64     10.0     8.3     8.5     7.4

Models of a search share blocks whatever their layers are, and any cluster has the same: so nothing counts but
the table.
"""

from dataclasses import replace

from nnspark.recipe import Recipe

__all__ = ["NARROW", "block_rows_of", "with_block_rows"]

PLAIN, MANY = 1024, 4096
NARROW = 128  # features
LEAST_BLOCKS = 64  # so that there is something to share out


def block_rows_of(wanted: int, rows: int, features: int) -> int:
    """Rows of a block: what the recipe wants, or, if that is 0, by the table's training rows and features."""
    if wanted:
        return wanted
    return MANY if features <= NARROW and rows >= LEAST_BLOCKS * MANY else PLAIN


def with_block_rows(recipe: Recipe, block_rows: int) -> Recipe:
    """The recipe that says what it left open: that of a run whose rows are laid out."""
    return replace(recipe, training=replace(recipe.training, block_rows=block_rows))
