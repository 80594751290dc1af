"""Predict rows: ``jobs/predict.py`` and ``nnspark predict``."""

import argparse
from pathlib import Path

from nnspark.engines.session import open_session
from nnspark.engines.starting import is_certainly_local
from nnspark.log import log
from nnspark.runs.arguments import Parser, a_place, a_separator
from nnspark.runs.command import read_model
from nnspark.runs.storage import is_uri
from nnspark.scoring.files import OUTPUT_FORMATS, predict_files, refuse_existing
from nnspark.scoring.inputs import INPUT_FORMATS
from nnspark.sources.files import existing


def main(arguments: list[str]) -> None:
    """Predict, and print the path of the output as the last line."""
    args = parse(arguments)
    model = None if is_uri(args.model) else read_model(args.model, None)[0]
    if is_certainly_local(args.input):
        existing(args.input, "INPUT")
    if is_certainly_local(args.out):
        refuse_existing(args.out, overwrite=args.overwrite, exists=Path(args.out).exists())
    session = open_session("nnspark predict")
    model = model or read_model(args.model, session.sparkContext)[0]
    rows, bad = predict_files(
        session,
        model,
        args.input,
        args.out,
        output_format=args.format,
        input_format=args.input_format,
        header=args.header,
        separator=args.separator or "",
        columns=args.columns,
        overwrite=args.overwrite,
        on_bad_row=args.on_bad_row,
    )
    log(f"{rows - bad} rows predicted" + (f", {bad} could not be and have no answers" if bad else ""))
    print(args.out)


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = Parser(
        description="Predict rows with a trained model, on Spark's executors. The output holds the input's "
        "columns and after them: prediction and probability_<class> (classification); prediction, in the "
        "target's own units (regression); prediction_<label> and probability_<label> (multilabel).",
        epilog="Feature columns are found by the names the model was trained with, or by position where the "
        "training data had none; other columns, the label among them, pass through. A row with a null, NaN "
        "or infinite feature is an error (exit 2), and then there is no output at all, unless --on-bad-row "
        "null; a model trained with data.missing fills what is missing.",
    )
    parser.add_argument("model", metavar="MODEL_OR_RUN_DIR", help="a run directory or its model.safetensors")
    parser.add_argument(
        "input", metavar="INPUT", help="a file, or a folder of part files: .csv, .parquet, .npy or .npz"
    )
    parser.add_argument(
        "--out", type=a_place, required=True, metavar="OUT", help="folder to write: a path or URI"
    )
    parser.add_argument(
        "--format", default="", choices=OUTPUT_FORMATS,
        help="of the output (default: by the suffix of OUT, else like INPUT)",
    )  # fmt: skip
    parser.add_argument(
        "--input-format", default="", choices=tuple(INPUT_FORMATS), help="default: by the suffix of INPUT"
    )
    parser.add_argument(
        "--header", default="auto", choices=("auto", "true", "false"),
        help="whether CSV input starts with column names (default: auto, by looking); CSV output always does",
    )  # fmt: skip
    parser.add_argument(
        "--separator", type=a_separator, metavar="CHARACTER",
        help="what separates the fields of CSV input, and of output then (default: data.separator of the "
        "model's recipe)",
    )  # fmt: skip
    parser.add_argument(
        "--columns", default=[], type=lambda names: names.split(","), metavar="A,B,...",
        help="the feature columns' names (numbers from 0 without a header), in the model's order, where they "
        "are not called as in training",
    )  # fmt: skip
    parser.add_argument(
        "--on-bad-row", default="error", choices=("error", "null"),
        help="a row that cannot be predicted: an error (default), or empty answers",
    )  # fmt: skip
    parser.add_argument("--overwrite", action="store_true", help="replace OUT if it exists")
    parser.add_verbose()
    return parser.parse_args(arguments)
