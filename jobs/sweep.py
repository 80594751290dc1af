"""Train many models of a recipe: spark-submit jobs/sweep.py RECIPE --out DIR [--set key=value] [--resume]."""

from nnspark.runs.command import run_job
from nnspark.runs.commands.sweep import main

if __name__ == "__main__":
    run_job(main)
