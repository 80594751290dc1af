"""Predict rows: spark-submit jobs/predict.py MODEL_OR_RUN_DIR INPUT --out OUT [--format csv|parquet]."""

from nnspark.runs.command import run_job
from nnspark.runs.commands.predict import main

if __name__ == "__main__":
    run_job(main)
