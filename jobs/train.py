"""Train a recipe: spark-submit jobs/train.py RECIPE --out RUN_DIR [--set key=value ...] [--resume]."""

from nnspark.runs.command import run_job
from nnspark.runs.commands.train import main

if __name__ == "__main__":
    run_job(main)
