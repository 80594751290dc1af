"""Evaluate a model: spark-submit jobs/evaluate.py MODEL_OR_RUN_DIR [--part PART] [--set data.key=value]."""

from nnspark.runs.command import run_job
from nnspark.runs.commands.evaluate import main

if __name__ == "__main__":
    run_job(main)
