"""The command lines that a page shows: the jobs where jobs/ is, the console command where it is not."""

from pathlib import Path

__all__ = ["command_for"]

CHECKOUT = Path(__file__).parents[2]


def command_for(what: str) -> str:
    """How to train, evaluate or predict from here; a wheel has no jobs/."""
    there = any((home / "jobs" / f"{what}.py").is_file() for home in (Path(), CHECKOUT))
    return f"spark-submit jobs/{what}.py" if there else f"nnspark {what}"
