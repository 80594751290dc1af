"""The outer optimizer of rounds: what turns the replicas' averaged move into the next weights.

The plain average of local SGD (Stich, ICLR 2019) is gradient descent at rate 1 on the averaged move; another
rule takes that move as its gradient (DiLoCo: Douillard et al., 2023).
"""

from collections.abc import Mapping
from typing import Any

from nnspark.recipe.options import name_and_options

__all__ = ["outer_of"]


def outer_of(spec: str | Mapping[str, Any]) -> tuple[str, float, dict[str, Any]]:
    """Name, rate and options of the outer optimizer; "average" is gradient descent at rate 1."""
    name, options = name_and_options(spec, "nesterov")
    rate = float(options.pop("learning_rate", 1.0 if name in ("average", "gd") else 0.7))
    return ("gd" if name == "average" else name), rate, options
